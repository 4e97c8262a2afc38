/*
 * Transactional ids as their coordinators tell them.
 *
 * Happy path: ListTransactions to every broker, DescribeTransactions to the coordinators. Failures:
 * said, with an exit code; a coordinator that has moved or is just taking over is asked again until
 * the time of the admin client is over. What is told has committed, but by a coordinator that may
 * have been deposed since: it is for people.
 */
#ifndef CLIENT_TRANSACTIONS_TRANSACTION_VIEW_H
#define CLIENT_TRANSACTIONS_TRANSACTION_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/kafka/admin_client.h"
#include "protocol/messages/describe_transactions.h"

struct transaction_row {
    const char *id;
    const char *state; /* "Ongoing", "PrepareCommit", "CompleteAbort", "Empty", ... */
    int64_t producer_id;
    int32_t coordinator; /* node id */
    bool described;      /* what follows is known */
    int16_t producer_epoch;
    int32_t timeout_ms;
    int64_t start_ms; /* ms since 1970; -1: no transaction is open */
    KP_ARRAY_OF(struct kp_describe_transactions_response_topic)
    topics; /* of the open transaction; of one that is being ended all, with a marker or without */
};

struct transaction_filter {
    const char *const *states; /* any of these; NULL: all */
    int32_t state_count;
    int64_t longer_ms;           /* open for longer than this; -1: whichever */
    const int64_t *producer_ids; /* any of these; NULL: all */
    int32_t producer_count;
    bool describe; /* fills in what DescribeTransactions tells */
};

/* All that pass the filter, in the order of their ids; they live in the arena. An exit code, said:
 * EXIT_USAGE for a state that does not exist. */
int transactions_list(struct admin_client *admin, struct kp_arena *arena,
                      const struct transaction_filter *filter, struct transaction_row **rows,
                      size_t *count);

/* One id, from its coordinator. An exit code, said; EXIT_REFUSED with the nearest name for one that
 * does not exist. */
int transaction_describe(struct admin_client *admin, struct kp_arena *arena, const char *id,
                         struct transaction_row *row);

/* Whether a transaction is open, or being ended. */
bool transaction_is_open(const struct transaction_row *row);
/* Seconds since it began; -1: none is open, or it is not known. */
double transaction_open_seconds(const struct transaction_row *row);
size_t transaction_partitions(const struct transaction_row *row);
bool transaction_has(const struct transaction_row *row, const char *topic, int32_t partition);

#endif
