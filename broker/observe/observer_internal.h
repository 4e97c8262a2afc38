/* Inside of an observer, shared by observer.c (the look at partitions), observed_groups.c and
 * observed_lag.c and observed_shares.c (those over groups), observed_numbers.c (what is counted
 * anyway) and observed_health.c (what is made of it). Nobody else's. */
#ifndef BROKER_OBSERVE_OBSERVER_INTERNAL_H
#define BROKER_OBSERVE_OBSERVER_INTERNAL_H

#include "broker/coordinator/group/group.h"
#include "broker/coordinator/serving/group_listing.h"
#include "broker/lag/group_lag.h"
#include "broker/observe/host_facts.h"
#include "broker/observe/observer.h"
#include "broker/observe/partition_look.h"
#include "broker/observe/topic_sums.h"
#include "broker/share/share_book.h"

/* Of the groups walked so far. */
struct observed_groups {
    struct group_cursor *cursors; /* one of each coordinator that led when it began */
    size_t count, at;
    uint64_t states[GROUP_STATES];
    size_t shared;      /* groups, of which a cause is wanted */
    size_t most, named; /* that have numbers of their own */
    uint64_t other_members, other_commits, other_rebalances; /* of those that have not */
    uint64_t folded;
};

/* Of one group in one topic. */
struct topic_lag {
    uint64_t partitions;
    double records, seconds; /* the latter of the worst partition */
    double missed;
    uint64_t unknown; /* partitions of which nothing is known yet: a sum without them would lie */
};

/* Of what they have committed. */
struct observed_lag {
    struct topic_lag topic;       /* at hand */
    struct group_lag_walk *walks; /* as the cursors of groups */
    size_t count, at;
    uint64_t began_ms;  /* of env_now_ms */
    size_t most, named; /* groups in topics that have numbers of their own, at most; so far */
    uint64_t folded;    /* ... and those that have not */
    double other_records, other_seconds, other_missed;
};

/* Of a group that shares partitions, in those that this broker leads. */
struct observed_share {
    uint64_t lag, acquired;
    struct share_flow flow;
};

/* Of these groups. */
struct observed_shares {
    uint64_t tally, entry;      /* numbers of the group and its share whose turn it is */
    struct observed_share sum;  /* of the group at hand, */
    size_t led;                 /* and how many of its shares are led here */
    size_t most, named, folded; /* groups that have numbers of their own, and that have not */
    struct observed_share other;
};

struct observer {
    const struct observed *observed;
    uint64_t started_us;
    bool caught_up;               /* every replica here was in sync once */
    const struct buckets *turns;  /* NULL: nobody counts them */
    struct snapshot *recent;      /* the last one; NULL: none yet */
    struct observer_wish *wishes; /* who waits, in the order of asking */
    uint64_t round;               /* how often it began to tell them */
    uint64_t due;                 /* those of rounds below are told of the recent one */
    struct env_task tell;
    /* The collection under way; snapshot NULL: none. */
    struct snapshot *snapshot;
    struct env_task step;
    uint64_t took_us;
    bool looked; /* at partitions: topics are next */
    struct topic_sums sums;
    struct partition_flow other; /* of topics while they were summed as "(other)", ever */
    struct observed_groups groups;
    struct observed_lag lag;
    struct observed_shares shares;
    struct partition_look partitions; /* on demand, beside it */
    struct host_facts host;
};

/* "timeout": as it is told. */
extern const char *const election_causes[ELECTION_CAUSES];

/* observed_numbers.c: what needs no walk, and what a walk has counted. */
void observe_numbers(struct observer *observer);
void observe_counts(struct observer *observer);

/* observed_groups.c. False: all were looked at. */
void observe_groups_begin(struct observer *observer);
bool observe_groups_step(struct observer *observer);
void observe_groups_show(struct observer *observer);
void observe_groups_end(struct observer *observer); /* nothing if it is over */

/* observed_lag.c, the same of what groups lag behind. */
void observe_lag_begin(struct observer *observer);
bool observe_lag_step(struct observer *observer);
void observe_lag_show(struct observer *observer);
void observe_lag_end(struct observer *observer);

/* observed_shares.c, the same of groups that share partitions. Nothing is left to end. */
void observe_shares_begin(struct observer *observer);
bool observe_shares_step(struct observer *observer);
void observe_shares_show(struct observer *observer);

/* observed_health.c */
void observe_health(struct observer *observer);

#endif
