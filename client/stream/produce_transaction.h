/*
 * drave produce --transactional-id: records in transactions, all of the input in one, or so many at
 * a time.
 *
 * Happy path: open takes the id over from whoever had it; begin before the first record of each
 * transaction; commit once all of its records were acknowledged.
 * Failures: said. A transaction that cannot be committed is aborted, and nothing is sent behind it;
 * one of which the end is not known is said to be so. Who has the id next aborts what is left open.
 * Invariant: nothing is waited for longer than the timeout of the call (a minute, where none was
 * given), and after two seconds it is said for what.
 */
#ifndef CLIENT_STREAM_PRODUCE_TRANSACTION_H
#define CLIENT_STREAM_PRODUCE_TRANSACTION_H

#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/line/command.h"

struct produce_transaction {
    const char *id; /* NULL: without transactions */
    uint64_t every; /* records of each; 0: all in one */
    uint64_t wait_ms;
    rd_kafka_t *client;
    bool open, unknown;                   /* unknown: whether the last one was committed is not */
    uint64_t records;                     /* of the open one */
    uint64_t commits, committed, aborted; /* transactions; records of them; records */
};

/* Takes --transactional-id and --commit-every; EXIT_USAGE (said) where they make no sense. */
int produce_transaction_options(struct produce_transaction *t, const struct invocation *in);

/* The client was made with the id. Each returns EXIT_DONE, or EXIT_REFUSED (said): then nothing
 * more is sent. */
int produce_transaction_open(struct produce_transaction *t, rd_kafka_t *client);
int produce_transaction_begin(struct produce_transaction *t); /* one more record; if none is open */
int produce_transaction_commit(struct produce_transaction *t); /* all is acknowledged */
/* What is open is dropped, with all that still waits to be sent. */
void produce_transaction_abort(struct produce_transaction *t);

/* At the end: on stderr, and what --json has of it beside the rest. */
void produce_transaction_tell(const struct produce_transaction *t, double seconds);
void produce_transaction_report(const struct produce_transaction *t, json_t *report);

/* Whether the open one has as many records as it is to have. */
bool produce_transaction_is_full(const struct produce_transaction *t);

#endif
