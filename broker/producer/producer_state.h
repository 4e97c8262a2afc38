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
 *
 * Transactions (KIP-98, KIP-890): a transactional batch opens one, unless one is open; a marker
 * ends it. What is open, and where the first of them begins, follows from what has committed;
 * whether a batch or a marker may be appended, from that and what is in flight. Who has one open is
 * never forgotten.
 */
#ifndef BROKER_PRODUCER_PRODUCER_STATE_H
#define BROKER_PRODUCER_PRODUCER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "broker/producer/aborted_list.h"
#include "broker/snapshot/snapshot_bytes.h"
#include "storage/log_types.h"

/* As in Kafka: an idempotent producer has at most so many requests under way (KIP-98). */
enum { PRODUCER_WINDOW = 5 };

struct producer_batch {
    int64_t producer_id;
    int16_t epoch;
    int32_t base_sequence, last_sequence; /* -1: it has none (offsets of a transaction) */
    kafka_offset base_offset;             /* of its first record */
    int64_t timestamp;                    /* largest of its records, ms */
    bool transactional;
};

/* What ends the open transaction of a producer. */
struct producer_marker {
    int64_t producer_id;
    int16_t epoch; /* the producer's from now on; above that of what it ends where each end raises
                      it (transaction.version 2) */
    int32_t coordinator_epoch;
    bool commit, raises_epoch;
    kafka_offset offset;
    int64_t timestamp; /* ms */
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
    PRODUCER_IN_TRANSACTION, /* INVALID_TXN_STATE: its transaction is open, and this is not of it */
    PRODUCER_MARKER_AWAITED, /* the transaction of an earlier epoch is open: its marker is to come,
                                refuse the batch with a retriable error */
};

enum marker_verdict {
    MARKER_APPEND,
    MARKER_IN_FLIGHT,       /* its like is, at `offset`: wait for that one */
    MARKER_BEHIND,          /* another one of the producer is in flight, or what shows that it is of
                               old: to be sent again */
    MARKER_DONE,            /* nothing is open, and its like was the last, or nobody needs to know
                               that it was: nothing to do */
    MARKER_TOO_MANY,        /* the producer is not known, and all places are taken, also those that
                               only markers have */
    MARKER_OLD_EPOCH,       /* INVALID_PRODUCER_EPOCH: of a transaction that has ended, as what has
                               committed shows: so it is whoever says it, and stays so */
    MARKER_OLD_COORDINATOR, /* TRANSACTION_COORDINATOR_FENCED: a later one has been heard */
};

/* What has committed of a producer. */
struct producer_view {
    int64_t producer_id;
    int16_t epoch;
    int32_t last_sequence;     /* -1: none */
    int64_t timestamp;         /* of its last batch or marker, ms */
    int32_t coordinator_epoch; /* of its last marker; -1: it had none */
    kafka_offset open_offset;  /* first of its open transaction; -1: none is open */
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
/* The same three for a marker: changes nothing; a leader took it (checked: APPEND) into its log; it
 * has committed. */
enum marker_verdict producer_state_check_marker(const struct producer_state *state,
                                                const struct producer_marker *marker,
                                                kafka_offset *offset);
void producer_state_begin_marker(struct producer_state *state,
                                 const struct producer_marker *marker);
void producer_state_commit_marker(struct producer_state *state,
                                  const struct producer_marker *marker);
/* Takes back what began at `from_offset` and behind, and was never sent anywhere; counts as
 * refused. */
void producer_state_withdraw(struct producer_state *state, kafka_offset from_offset,
                             int64_t now_ms);
/* Leadership is lost: what is in flight may or may not commit under another leader. */
void producer_state_drop_in_flight(struct producer_state *state);

/* Of producers with something committed. */
size_t producer_state_count(const struct producer_state *state);
/* Calls `each` for each of them, by their last commits. */
void producer_state_each(const struct producer_state *state,
                         void (*each)(void *arg, const struct producer_view *view), void *arg);
/* Whether it is known, be it by what is in flight. */
bool producer_state_knows(const struct producer_state *state, int64_t producer_id);
/* Whether it has a transaction open, be it by what is in flight. */
bool producer_state_is_open(const struct producer_state *state, int64_t producer_id);

/* What the coordinator of a transaction told the leader ahead of the producer: that the partition
 * takes part in it, so that it need not be asked when the first batch comes. */
struct producer_invitation {
    int64_t producer_id;
    int16_t epoch;
    int32_t coordinator_epoch;
    const char *id; /* the transactional id; copied */
    size_t id_len;
};
enum { PRODUCER_INVITED_ID_MOST = 255 };
/* Kept until the producer's next batch or marker is taken, is withdrawn, or the lead is lost. Not
 * if it may be older than the last marker: of who is not known here, of a coordinator or an epoch
 * before the last one, beside a marker in flight; nor with a longer id, or while one is open. */
void producer_state_invite(struct producer_state *state,
                           const struct producer_invitation *invitation);
bool producer_state_is_invited(const struct producer_state *state, int64_t producer_id,
                               int16_t epoch, const char *id, size_t id_len);
/* Something that ends the transaction came, whether it is appended or not. */
void producer_state_uninvite(struct producer_state *state, int64_t producer_id);

/* Where the first of the open transactions begins; -1: none is open. */
kafka_offset producer_state_first_open(const struct producer_state *state);
const struct aborted_list *producer_state_aborted(const struct producer_state *state);
/* The log begins at `start` now, in order of the log, on every replica. */
void producer_state_log_start(struct producer_state *state, kafka_offset start);

/* The committed part as bytes, in steps, between which it may change: true when all has been put
 * into the walk; then _rest puts what has changed since, gives all
 * of it to `into`, and ends the walk. _stop ends it without. */
struct producer_walk;
struct producer_walk *producer_walk_new(struct producer_state *state);
bool producer_walk_step(struct producer_walk *walk);
void producer_walk_rest(struct producer_walk *walk, struct snapshot_bytes *into);
void producer_walk_stop(struct producer_walk *walk);
/* And back, over an empty state, also in steps: called again with what is behind the *took bytes
 * as long as there are any. ERR_MALFORMED, ERR_CORRUPT, ERR_VERSION: only by the first call, and
 * nothing was taken in. */
int producer_state_decode(struct producer_state *state, const void *bytes, size_t len,
                          size_t *took);

#endif
