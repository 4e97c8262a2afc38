/*
 * How far the groups that this broker coordinates are behind, in the partitions that it leads: what
 * an exporter of metrics walks over.
 *
 * Happy path: group_lag_open for a coordinator (coordinators_each), group_lag_next until it is
 * over, topic after topic, in as many turns of the loop as it takes. Failures: a partition that
 * another broker leads is told with `here` false: nothing but its commit is known of it here, its
 * leader has the rest (PartitionTraffic). Invariants: a commit for a topic that is gone, or was
 * made again, is none; lag is never negative; what a client's clock says plays no part in ages.
 */
#ifndef BROKER_LAG_GROUP_LAG_H
#define BROKER_LAG_GROUP_LAG_H

#include "broker/coordinator/offsets/offset_store.h"
#include "broker/coordinator/serving/group_coordinator.h"
#include "broker/partition_set/partition_set.h"

struct group_lag {
    struct kp_string group, topic;
    int32_t partition;
    int64_t committed, commit_age_ms;
    bool here; /* this broker leads the partition: the rest is known */
    int64_t records;
    int64_t age_ms; /* since the next record to be consumed came; 0: there is none */
    bool at_least;  /* it is older than that */
    int64_t ahead;  /* records by which the commit is ahead of the end */
    int64_t lost;   /* records that were deleted before they were consumed */
};

struct group_lag_walk {
    struct offset_cursor cursor; /* ours, all of it */
    struct env *env;
    const struct metadata *metadata;
    struct partition_set *partitions;
};

void group_lag_open(struct group_lag_walk *walk, struct group_coordinator *coordinator,
                    const struct metadata *metadata, struct partition_set *partitions);
/* Calls `each` for the partitions of one group in one topic; texts are borrowed as long as the
 * call. False: that was all. */
bool group_lag_next(struct group_lag_walk *walk,
                    void (*each)(void *arg, const struct group_lag *lag), void *arg);
void group_lag_close(struct group_lag_walk *walk); /* nothing if it is not open */

#endif
