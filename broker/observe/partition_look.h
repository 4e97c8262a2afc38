/*
 * What /metrics/partitions shows: numbers of each partition of the topics that match a glob, and
 * how far groups are behind in them.
 *
 * Happy path: begin, steps of the loop, `done` with a snapshot that has nothing else. Failures:
 * none; topics and commits that come meanwhile may be left out. Invariants: one look at a time; at
 * most PARTITION_LOOK_MOST partitions and as many places of groups are shown, and what is beyond is
 * counted as folded; a step takes well under a millisecond, or ends where a turn is long, whatever
 * the glob.
 */
#ifndef BROKER_OBSERVE_PARTITION_LOOK_H
#define BROKER_OBSERVE_PARTITION_LOOK_H

#include "broker/lag/group_lag.h"
#include "broker/observe/observer.h"

enum { PARTITION_LOOK_MOST = 2000 };

struct partition_look {
    const struct observed *observed;
    char glob[OBSERVER_GLOB];
    void (*done)(void *arg, struct snapshot *snapshot);
    void *arg;
    struct snapshot *snapshot; /* NULL: none is under way */
    struct env_task step;
    uint8_t (*topics)[METADATA_UUID_SIZE]; /* that there were when it began */
    size_t topic_count, topic_at;
    int32_t partition_at;
    struct group_lag_walk *walks;
    size_t walk_count, walk_at;
    bool judged, wanted; /* the topic of the places at hand */
    uint64_t shown, folded, places_shown, places_folded;
};

/* False: one is under way. */
bool partition_look_begin(struct partition_look *look, const struct observed *observed,
                          const char *glob, void (*done)(void *arg, struct snapshot *snapshot),
                          void *arg);
/* `done` is not called. Nothing if none is under way. */
void partition_look_stop(struct partition_look *look);

#endif
