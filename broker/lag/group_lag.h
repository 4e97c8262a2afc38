/*
 * How far the groups that this broker coordinates are behind, in the partitions that it has a
 * replica of: what an exporter of metrics walks over.
 *
 * Happy path: group_lag_open for a coordinator (coordinators_each), group_lag_next until it is
 * over, topic after topic, in as many turns of the loop as it takes. A follower knows what its
 * leader knows a moment later. Failures: a partition that has no replica here is told with `known`
 * false: nothing but its commit is known of it until its leader has told the rest (lag_exchange.h).
 * Invariants: a commit for a topic that is gone, or was made again, is none; lag is never negative;
 * what a client's clock says plays no part in ages.
 */
#ifndef BROKER_LAG_GROUP_LAG_H
#define BROKER_LAG_GROUP_LAG_H

#include "broker/coordinator/offsets/offset_store.h"
#include "broker/coordinator/serving/group_coordinator.h"
#include "broker/lag/lag_exchange.h"
#include "broker/partition_set/partition_set.h"

struct group_lag {
    struct kp_string group, topic;
    int32_t partition;
    int64_t committed, commit_age_ms;
    bool known; /* the rest */
    int64_t records;
    int64_t age_ms; /* since the next record to be consumed came; 0: there is none */
    bool at_least;  /* it is older than that */
    int64_t ahead;  /* records by which the commit is ahead of the end */
    int64_t lost;   /* records that were deleted before they were consumed */
};

enum { GROUP_LAG_AT_ONCE = 128 };

/* Where the log of a partition starts and ends, if whoever walks knows that anyway. */
struct lag_ends {
    bool known;
    int64_t start, end; /* high watermark */
};

struct group_lag_walk {
    struct kp_string group, topic;  /* of the last call; borrowed until the next change */
    bool ends;                      /* those were all partitions of it */
    struct offset_cursor cursor;    /* ours, all of the rest */
    const struct topic_offsets *at; /* compared, never looked into: it may be gone */
    uint32_t left;                  /* of it; 0: it is over */
    struct env *env;
    uint64_t seed;
    const struct metadata *metadata;
    struct partition_set *partitions;
    struct lag_exchange *exchange; /* NULL: nobody else is asked */
    /* Those of a topic by partition number, so many: a partition of which nothing is unread need
     * not be looked for. The caller's, set behind group_lag_open; NULL: nobody knows. */
    const struct lag_ends *(*ends_of)(void *arg, const struct metadata_topic *topic,
                                      int32_t *count);
    void *ends_arg;
};

void group_lag_open(struct group_lag_walk *walk, struct group_coordinator *coordinator,
                    const struct metadata *metadata, struct partition_set *partitions,
                    struct lag_exchange *exchange);
/* Whether the next call begins with another group or topic. */
bool group_lag_begins(struct group_lag_walk *walk);
/* Calls `each` for partitions of one group in one topic, GROUP_LAG_AT_ONCE at most; the next call
 * goes on behind them. Texts are borrowed as long as the call. False: that was all. */
bool group_lag_next(struct group_lag_walk *walk,
                    void (*each)(void *arg, const struct group_lag *lag), void *arg);
void group_lag_close(struct group_lag_walk *walk); /* nothing if it is not open */

#endif
