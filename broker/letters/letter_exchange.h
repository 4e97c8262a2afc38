/*
 * Dead letters between brokers: a batch to whoever leads the partition in which it is to be, or to
 * this broker itself by the same calls.
 *
 * A request, big-endian: i8 format, i64 Raft group of the partition, the record batch. Its answer:
 * i8 format, i16 code.
 *
 * Happy path: letter_exchange_send brings the batch to the broker, which produces it as one of an
 * idempotent producer, and `done` comes when it has committed there; a batch that it had before is
 * a success. Failures: the codes of partition_produce; NOT_LEADER_OR_FOLLOWER also when no replica
 * is open there, NOT_ENOUGH_REPLICAS when too many wait there; REQUEST_TIMED_OUT: no answer came,
 * or it has not committed in time: it may yet. A request that makes no sense is not answered.
 * Invariants: `done` comes once, never within the call; so many batches of peers are held at most
 * (LETTER_BATCHES_HELD).
 */
#ifndef BROKER_LETTERS_LETTER_EXCHANGE_H
#define BROKER_LETTERS_LETTER_EXCHANGE_H

#include "broker/cluster/broker_messages.h"
#include "broker/partition_set/partition_set.h"

enum {
    LETTER_CALL_MS = 3000,
    LETTER_ANSWER_MS = 2000,
    LETTER_BATCHES_HELD = 64, /* of all peers */
};

struct letter_exchange_options {
    struct env *env;
    struct log *log;
    int32_t node; /* this broker */
    struct partition_set *partitions;
    struct broker_messages *messages;
};

struct letter_exchange;
struct letter_exchange *letter_exchange_new(const struct letter_exchange_options *options);
/* Before the partitions are freed; no call is under way. NULL does nothing. */
void letter_exchange_free(struct letter_exchange *exchange);

/* Lies in whoever sends. */
struct letter_call {
    void (*done)(struct letter_call *call, int16_t code);
    struct letter_exchange *exchange; /* ours, all below; NULL: not under way */
    struct broker_call call;
    struct letter_taking *own; /* if this broker is asked */
};
/* `batch` is copied. */
void letter_exchange_send(struct letter_exchange *exchange, struct letter_call *call, int32_t node,
                          uint64_t group, const uint8_t *batch, size_t len);
void letter_call_cancel(struct letter_call *call); /* nothing if it is over */

#endif
