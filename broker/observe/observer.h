/*
 * Takes snapshots of a broker, on its event loop, without being felt there.
 *
 * Happy path: observer_ask; the numbers that are counted anyway are copied at once, then what has
 * changed of partitions is looked at, a few in each turn (tally.h); all who asked meanwhile get the
 * snapshot, and so does who asks within OBSERVER_FRESH_MS. Failures: none; what is not open yet, or
 * not any more, is left out. Invariants: one collection at a time, one a second, however many ask;
 * a step takes well under a millisecond whatever the broker holds; the names of at most
 * metrics.topics.max topics are in it, those that store most here, and all others are summed as
 * "(other)", so that sums are right.
 *
 * It also judges health: ready, which looks at this broker alone, so that no trouble that all can
 * have at once makes all of them unready; stoppable; and the cluster as this broker sees it.
 */
#ifndef BROKER_OBSERVE_OBSERVER_H
#define BROKER_OBSERVE_OBSERVER_H

#include "broker/causes/group_causes.h"
#include "broker/cluster/leader_table.h"
#include "broker/coordinator/coordinators.h"
#include "broker/coordinator/transaction/transaction_coordinator.h"
#include "broker/letters/letter_mover.h"
#include "broker/markers/marker_sender.h"
#include "broker/metadata/metadata_group.h"
#include "broker/observe/snapshot.h"
#include "broker/partition_set/partition_set.h"
#include "broker/server/server.h"
#include "broker/tally/tally.h"

/* Filled and emptied by the broker as its parts open and close; NULL: not open. */
struct observed {
    struct env *env;
    struct log *log;
    const struct broker_settings *settings;
    const struct server *server;
    struct log_store *store;
    struct shard *shard;
    const struct cluster_record *cluster;
    const struct metadata *metadata;
    const struct metadata_group *metadata_group;
    struct leader_table *leaders;
    struct partition_set *partitions;
    struct tally *tally;
    struct coordinators *coordinators; /* of groups */
    struct coordinators *transactions;
    const struct transaction_counts *transaction_counts;
    const struct marker_sender *markers;
    const struct letter_mover *letters;
    struct lag_exchange *lag_exchange;
    struct group_causes *causes;
    const struct budget *group_memory;
    const struct buckets *rebalance_us; /* of groups here (bounds_latency) */
    bool registered, stopping;
};

enum { OBSERVER_FRESH_MS = 1000 };

struct observer;
/* `observed` stays. */
struct observer *observer_new(const struct observed *observed);
/* Who has asked is not answered any more. NULL does nothing. */
void observer_free(struct observer *observer);
uint64_t observer_uptime_ms(const struct observer *observer);
/* Shown beside the others: how long turns of the event loop took, where something counts that. */
void observer_show_turns(struct observer *observer, const struct buckets *turns);

/* Lies in whoever asks, who sets `done`. */
struct observer_wish {
    /* Never inside observer_ask. The snapshot is borrowed; snapshot_ref keeps it. */
    void (*done)(struct observer_wish *wish, struct snapshot *snapshot);
    struct observer *observer; /* the observer's, all below; NULL: not under way */
    struct observer_wish *next, *prev;
    uint64_t round;
};
void observer_ask(struct observer *observer, struct observer_wish *wish);
void observer_ask_cancel(struct observer_wish *wish); /* nothing if it is over */

enum { OBSERVER_GLOB = 256 };
/* Numbers of each partition of topics that the glob (* and ?) matches, in a snapshot of their own
 * (partition_look.h), which is borrowed. `done` is called once, never inside; not if the observer
 * goes first. False: such a look is under way. */
bool observer_look_at_partitions(struct observer *observer, const char *glob,
                                 void (*done)(void *arg, struct snapshot *snapshot), void *arg);

#endif
