/*
 * A process that works under a transactional.id: transaction after transaction, to several
 * partitions at random, and, if it has a group, each going on where the one before left off
 * (consume, transform, produce). Most are committed, the others aborted.
 *
 * As Kafka's clients, without transaction.version 2 or with it: it finds its coordinator, takes its
 * epoch (InitProducerId), adds partitions, produces, adds and commits offsets, ends. What is not
 * answered in time is sent again over another connection. Whatever may still be on its way when a
 * transaction is over, and would be taken for a part of the next one, is shut out by another epoch
 * before that, where the end has not raised it. Somebody else may do the same under the same id at
 * the same time: then one of them hears that it is fenced, and ends.
 *
 * That it is fenced without a newer one, and before its transaction has lasted too long, fails the
 * run; so does any other answer for good.
 */
#ifndef SIM_TRANSACTIONS_TRANSACTIONAL_H
#define SIM_TRANSACTIONS_TRANSACTIONAL_H

#include "tests/sim/transactions/transaction_book.h"

struct kafka_client;
struct env;

struct transactional_options {
    struct kafka_client *client; /* what it knows of the cluster */
    struct transaction_book *book;
    int32_t partitions;
    unsigned id; /* of the book */
    const char *name;
    const char *group; /* NULL: it has none */
    bool raises;       /* transaction.version 2 */
    int32_t timeout_ms;
    uint64_t interval_us;
    /* A record was acknowledged. */
    void (*acknowledged)(void *arg, int32_t partition, int64_t offset, unsigned producer,
                         uint64_t number);
    void *arg;
};

struct transactional;
struct transactional *transactional_new(const struct transactional_options *options);
/* A new process begins. Only of one that does not live. */
void transactional_start(struct transactional *transactional);
/* It ends in the middle of whatever it does. Only of one that lives. */
void transactional_kill(struct transactional *transactional);
/* It does nothing for so long. */
void transactional_hold(struct transactional *transactional, uint64_t us);
bool transactional_lives(const struct transactional *transactional);
/* When its transaction is over, and it has said where its group stands, it ends. */
void transactional_finish(struct transactional *transactional);
/* It has ended in good order. */
bool transactional_is_finished(const struct transactional *transactional);

#endif
