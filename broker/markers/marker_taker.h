/*
 * Markers that were sent to this broker, into the partitions that it leads.
 *
 * Happy path: marker_taker_take gives each marker of a list to its partition, and `done` comes with
 * a code for each when the last one has committed, or was refused, or MARKER_ANSWER_MS are over.
 * Lists are taken one after the other, in pieces, so that markers of one partition are appended in
 * the order in which they came.
 * Failures are per marker, Kafka's codes: those of partition_end_transaction;
 * NOT_LEADER_OR_FOLLOWER also when no replica is open here, whatever the reason: whether the
 * partition still exists, the sender finds out. REQUEST_TIMED_OUT: it has not committed yet, and
 * may; who sends it again waits for the same one. Invariants: a marker is given only to who leads
 * in the term that was meant; so many wait at most (MARKERS_TAKEN_MOST), more are refused with
 * NOT_ENOUGH_REPLICAS.
 */
#ifndef BROKER_MARKERS_MARKER_TAKER_H
#define BROKER_MARKERS_MARKER_TAKER_H

#include "broker/partition_set/partition_set.h"
#include "protocol/record/transaction_marker.h"

enum {
    MARKER_ANSWER_MS = 500,
    MARKERS_A_CALL = 512,
    MARKERS_TAKEN_MOST = 64 * 1024,
};

/* A marker for a partition, which is named by its Raft group. */
struct marker_ask {
    uint64_t group;
    log_term term; /* in which its leader is meant; at most INT32_MAX */
    struct transaction_marker end;
    bool raises_epoch; /* transaction.version 2 */
};

struct marker_taker;
struct marker_taker *marker_taker_new(struct env *env, struct partition_set *partitions);
void marker_taker_free(struct marker_taker *taker); /* `done` is not called for what is left */

/* Lies in whoever asks. */
struct marker_take {
    void (*done)(struct marker_take *take, const int16_t *codes);
    struct marker_taking *taking; /* the taker's; NULL: not under way */
};
/* At least one, at most MARKERS_A_CALL; copied. `done` is never called within the call. */
void marker_taker_take(struct marker_taker *taker, struct marker_take *take,
                       const struct marker_ask *asks, size_t count);
/* `done` is not called; what was appended may commit. Nothing if it is over. */
void marker_take_cancel(struct marker_take *take);

#endif
