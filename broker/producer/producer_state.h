/*
 * What a partition knows of the idempotent producers that write to it: who sends a batch again, out
 * of order, or under an old epoch.
 *
 * Happy path: the leader asks producer_state_check() before it appends, and notes what it appends
 * with producer_state_begin(); every replica notes what commits with producer_state_commit(). A
 * batch that comes again is found among the batches in flight (the caller waits with the first one)
 * or among the last five that committed (the caller answers with the first one's offset).
 * Failures: each verdict but the first four has its Kafka error. Lost leadership drops what is in
 * flight, and nothing else.
 * Invariants: the committed part depends on the committed log alone, so it is the same on every
 * replica: also what is forgotten, which is by a clock that leaders write into the log
 * (producer_clock.h). Nothing that is younger than that clock's expiration is forgotten for anybody
 * else: when all places are taken, new producers are refused. Refusals take no places. Sequences go
 * from INT32_MAX to 0. Pure: no I/O, time is an argument (monotonic).
 *
 * Rules: KIP-98, KIP-360 and Kafka's ProducerAppendInfo, with exceptions, because a client takes a
 * later success as proof that what it sent before has arrived (docs/decisions/0006): a producer
 * that was never heard of must begin with sequence 0, unless one with such an id was forgotten
 * here; and what comes behind a refused batch is refused in the same way.
 */
#ifndef BROKER_PRODUCER_PRODUCER_STATE_H
#define BROKER_PRODUCER_PRODUCER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "storage/log_types.h"

/* As in Kafka: an idempotent producer has at most so many requests under way (KIP-98). */
enum { PRODUCER_WINDOW = 5 };

struct producer_batch {
    int64_t producer_id;
    int16_t epoch;
    int32_t base_sequence, last_sequence;
    kafka_offset base_offset; /* of its first record */
    int64_t timestamp;        /* largest of its records, ms */
};

struct producer_state_options {
    uint32_t max_producers; /* partition.max.producers: with something in flight or committed; and
                               as many refusals of others */
    uint64_t seed;          /* for the hash tables, whose keys clients choose */
};

enum producer_verdict {
    PRODUCER_APPEND, /* in sequence: append it */
    PRODUCER_NEW,    /* the same, of a producer that is not known here: append it if such an id was
                        ever given out */
    PRODUCER_COMMITTED,      /* came again; the first has committed: `known` says where */
    PRODUCER_IN_FLIGHT,      /* came again; the first is in flight at `known`: neither append nor
                                acknowledge before it */
    PRODUCER_BEHIND_REFUSED, /* one before it was refused with a retriable error a short while ago:
                                refuse it likewise */
    PRODUCER_TOO_MANY,     /* as NEW, and all places are taken: refuse it with a retriable error */
    PRODUCER_OUT_OF_ORDER, /* OUT_OF_ORDER_SEQUENCE_NUMBER */
    PRODUCER_UNKNOWN,      /* never heard of, and not its first batch */
    PRODUCER_FENCED,       /* INVALID_PRODUCER_EPOCH: a later epoch has been heard */
};

struct producer_state;

struct producer_state *producer_state_new(const struct producer_state_options *options);
void producer_state_free(struct producer_state *state);

/* Changes nothing. `known` is filled for COMMITTED and IN_FLIGHT. */
enum producer_verdict producer_state_check(const struct producer_state *state,
                                           const struct producer_batch *batch, int64_t now_ms,
                                           struct producer_batch *known);
/* A leader took the batch (checked: APPEND or NEW) into its log. */
void producer_state_begin(struct producer_state *state, const struct producer_batch *batch);
/* A leader refused the batch with a retriable error although it was in sequence. */
void producer_state_refuse(struct producer_state *state, const struct producer_batch *batch,
                           int64_t now_ms);
/* The batch has committed; in order of the log, on every replica, also beyond max_producers. */
void producer_state_commit(struct producer_state *state, const struct producer_batch *batch);
/* The clock of the log has come to `clock_ms` (it never goes back), in order of the log, on every
 * replica: who was not heard for `expiration_ms` of it is forgotten. */
void producer_state_clock(struct producer_state *state, int64_t clock_ms, int64_t expiration_ms);
int64_t producer_state_clock_ms(const struct producer_state *state);
/* Takes back what began at `from_offset` and behind, and was never sent anywhere; counts as
 * refused. */
void producer_state_withdraw(struct producer_state *state, kafka_offset from_offset,
                             int64_t now_ms);
/* Leadership is lost: what is in flight may or may not commit under another leader. */
void producer_state_drop_in_flight(struct producer_state *state);

/* Of producers with something committed. */
size_t producer_state_count(const struct producer_state *state);
/* Calls `each` with the last batch of each of them that committed, by when that was. */
void producer_state_each(const struct producer_state *state,
                         void (*each)(void *arg, const struct producer_batch *last), void *arg);

/* The committed part as bytes, and back (over an empty state). ERR_MALFORMED, ERR_CORRUPT,
 * ERR_VERSION: nothing was taken in. */
struct slice producer_state_encode(const struct producer_state *state);
int producer_state_decode(struct producer_state *state, const void *bytes, size_t len);

#endif
