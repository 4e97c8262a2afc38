/*
 * What coordinators ask of the partitions that this broker leads about a group that shares them:
 * to begin, to begin elsewhere, to go, or how far it is.
 *
 *   take -> queued -> (each partition: looked up, then its command) -> all over, or time -> done
 *
 * Happy path: sharing_taker_take gives a list to its partitions, and `done` comes with what each
 * says when the last one has: what was to change has committed. Where the group is about to begin,
 * to begin elsewhere or to go already, also for an order before, that is waited for first, and what
 * is to be done is seen then. Failures are per partition:
 * NOT_LEADER_OR_FOLLOWER (also when no replica is open here), NOT_COORDINATOR (whoever orders was
 * followed by another one, of which this broker has heard), POLICY_VIOLATION (SHARES_MAX groups
 * share it already, or are about to, and for all of them somebody has read within
 * offsets.retention.minutes: else the one goes that was used least), KAFKA_STORAGE_ERROR (the disk
 * has no room for what producers send, so none for groups that begin), REQUEST_TIMED_OUT after
 * SHARING_ANSWER_MS: it may commit yet, and to ask again does no harm. Invariants: of a group that
 * has begun SHARING_BEGIN changes nothing, nor does SHARING_MOVE to where it is and nothing
 * happened yet, and nothing is written; so many partitions are asked at most (SHARING_TAKEN_MOST),
 * more are refused with NOT_ENOUGH_REPLICAS.
 */
#ifndef BROKER_SHARING_SHARING_TAKER_H
#define BROKER_SHARING_SHARING_TAKER_H

#include "broker/cluster/leader_table.h"
#include "broker/partition_set/partition_set.h"
#include "broker/sharing/sharing_order.h"

enum {
    SHARING_ANSWER_MS = 1000,
    SHARING_A_CALL = 512,
    SHARING_TAKEN_MOST = 64 * 1024,
};

struct sharing_taker;
struct sharing_taker_options {
    struct env *env;
    struct log *log;
    const struct broker_settings *settings;
    struct partition_set *partitions;
    const struct leader_table *leaders;
};

struct sharing_taker *sharing_taker_new(const struct sharing_taker_options *options);
/* `done` is not called for what is left. Before the partitions are freed. */
void sharing_taker_free(struct sharing_taker *taker);

/* Lies in whoever asks. */
struct sharing_take {
    void (*done)(struct sharing_take *take, const struct sharing_answer *answers);
    struct sharing_taking *taking; /* the taker's; NULL: not under way */
};
/* At least one, at most SHARING_A_CALL; all is copied. `done` is never called within the call. */
void sharing_taker_take(struct sharing_taker *taker, struct sharing_take *take,
                        enum sharing_what what, struct sharing_orderer orderer,
                        struct kp_string group, const struct sharing_ask *asks, size_t count);
void sharing_take_cancel(struct sharing_take *take); /* nothing if it is over */

#endif
