/*
 * What metrics and health count of partitions, kept as sums while it changes: looking again costs
 * by what has changed, not by how many partitions there are.
 *
 * Happy path: tally_begin, tally_step until it is over, then the sums are read. The first time
 * looks at every partition of the cluster; from then on whatever changes one marks it
 * (partition_set_counter, leader_table_watch, the metadata), once until it is looked at again:
 * nobody who is not asked about pays more than that. Failures: none; what no mark tells of (files
 * that go after a delay) is seen later, because each time the next TALLY_AGAIN are looked at
 * anyway. Invariants: a sum is the sum of what was counted of its rows; a partition of which a
 * replica lags is looked at each time; before the first tally_begin nothing is kept at all.
 */
#ifndef BROKER_TALLY_TALLY_H
#define BROKER_TALLY_TALLY_H

#include "broker/cluster/leader_table.h"
#include "broker/lag/group_lag.h"
#include "broker/metadata/metadata.h"
#include "broker/partition_set/partition_set.h"
#include "broker/tally/replica_lag.h"

enum { TALLY_AGAIN = 128 };

struct tally_options {
    struct env *env;
    int32_t node; /* ours */
    struct metadata *metadata;
    struct leader_table *leaders;
    struct partition_set *partitions;
};

struct tally;
/* All of these stay as long as it. */
struct tally *tally_new(const struct tally_options *options);
void tally_free(struct tally *tally); /* NULL does nothing */

void tally_begin(struct tally *tally);
/* Looks at some. False: that was all. */
bool tally_step(struct tally *tally);

struct tally_sums {
    uint64_t leader, follower, leaderless, under_replicated, below_min_insync, away;
    uint64_t behind;    /* replicas here that are not in sync with their leader */
    uint64_t producers; /* that leaders here remember */
    uint64_t unstable;  /* offsets behind the last stable one, of what is led here */
    uint64_t segments;  /* of all that is here */
};
const struct tally_sums *tally_sums(const struct tally *tally); /* NULL: nothing is open, zeros */
/* What the broker lacks of what is led here. */
struct broker_lag tally_lag(const struct tally *tally, int32_t node);

struct tally_topic {
    const char *name;
    bool here;                        /* some replica of it is */
    uint64_t led, records, stored;    /* of what is led here; bytes of all that is here */
    struct partition_flow flow, told; /* since this began; the caller's, zeroed at first */
};
/* All that have partitions, one after the other, over as many turns as it takes; NULL: that was
 * all. One that goes meanwhile is left out. tally_begin begins anew. */
struct tally_topic *tally_next_topic(struct tally *tally);

/* Where the partitions of a topic start and end that have a replica here, by number, as they were
 * looked at last; for group_lag_walk. */
const struct lag_ends *tally_ends(const struct tally *tally, const struct metadata_topic *topic,
                                  int32_t *count);

/* What is not well with a partition. */
struct tally_trouble {
    const char *topic;
    int32_t index;
    size_t others, replicas; /* in sync, without ours; all */
};
/* Calls `each` for the partitions that nobody leads, and for those with a replica here of which no
 * majority would be in sync without it. At most `most` of each kind; returns how many there are. */
size_t tally_each_leaderless(const struct tally *tally, size_t most,
                             void (*each)(void *arg, const struct tally_trouble *trouble),
                             void *arg);
size_t tally_each_thin(const struct tally *tally, size_t most,
                       void (*each)(void *arg, const struct tally_trouble *trouble), void *arg);

#endif
