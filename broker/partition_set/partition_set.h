/*
 * The partitions of this broker: opens and closes them as the metadata says.
 *
 * Happy path: commands that were applied leave their traces here; behind each batch of commits the
 * set is brought in line (a topic that came and went in one replay opens nothing), over several
 * turns of the loop when it is much. Partitions are opened a few at a time, what blocks in a lane,
 * and those that clients ask for before the others; those that are new here are bootstrapped, and
 * when their first entries are durable the directory's mark "metadata applied up to" moves.
 * A replica that a plan brings here is opened empty, and brought up by its leader; one that left is
 * closed and its files go, before the same partition may come back as another replica.
 * Failures: a partition that cannot be opened (no room, too many files, damage) is closed, and the
 * log says why; it is tried again, and the others go on.
 * Invariants: a replica is bootstrapped only if it was there when its partition was made, and the
 * command that made it lies above the durable mark; the mark never passes a partition of ours that
 * is not open, unless it is damaged; files are deleted only because a committed command says so, or
 * a snapshot of the metadata that covers it.
 */
#ifndef BROKER_PARTITION_SET_PARTITION_SET_H
#define BROKER_PARTITION_SET_PARTITION_SET_H

#include "broker/cluster/leader_table.h"
#include "broker/metadata/metadata.h"
#include "broker/partition/partition.h"

struct partition_set;
struct broker_settings;

/* Which state a partition has besides its producers; asked when one is opened. */
struct applier_factory {
    /* Fills `applier`, or leaves it as it is: none. */
    void (*make)(void *arg, const struct metadata_partition *partition, struct applier *applier);
    void *arg;
};

/* `asker`: as in partition_spec. `appliers` is copied; NULL: no partition has any. */
struct partition_set *partition_set_new(struct shard *shard, const struct broker_settings *settings,
                                        struct leader_table *leaders, struct producer_ids *ids,
                                        const struct transaction_asker *asker,
                                        const struct applier_factory *appliers);
/* Closes every partition: what waits at them ends. None is found after this. */
void partition_set_close(struct partition_set *set);
/* Also closes what is open. The journal must be closed first, or nothing be under way. */
void partition_set_free(struct partition_set *set);

/* The partition if a replica of it is open on this broker (it may lead or not), else NULL. */
struct partition *partition_set_find(struct partition_set *set, const char *topic, size_t topic_len,
                                     int32_t index);
struct partition *partition_set_find_group(struct partition_set *set, uint64_t group);
/* A replica of it is to be here, and cannot be opened. Not so while what is in the way may pass (no
 * room, too many files). */
bool partition_set_is_closed(struct partition_set *set, uint64_t group);
/* What kept it from being opened is mended: it is tried again within half a second, and not when
 * its pause is over. Nothing if it is not closed. */
void partition_set_mended(struct partition_set *set, uint64_t group);
size_t partition_set_count(const struct partition_set *set); /* open ones */
/* Somebody asks for it: if it waits to be opened here, it is the next one. */
void partition_set_ask_for(struct partition_set *set, uint64_t group);
const struct produce_counts *partition_set_counts(const struct partition_set *set);

/* Who wants to know of leads here. */
struct partition_set_watch {
    void (*leading)(void *arg, struct partition *partition);
    void (*lost)(void *arg, struct partition *partition);
    /* The replica on that broker, of what has been led here for PARTITION_SETTLED_MS: before, who
     * is in sync only shows. */
    void (*in_sync)(void *arg, struct partition *partition, int32_t node, bool in_sync);
    void *arg;
};
enum { PARTITION_SETTLED_MS = 3000 };
/* One at most, which stays as long as the set, or until NULL. */
void partition_set_watched_by(struct partition_set *set, const struct partition_set_watch *watch);

/* Who copies dead letters; as long as the set, or until NULL. */
void partition_set_letters_to(struct partition_set *set, const struct letter_carrier *carrier);

/* Who counts what the partitions here are, for metrics: without asking all of them each time. */
struct partition_set_counter {
    /* It was opened, or what metrics count of it has changed (but for who leads and who is in sync:
     * leader_table.h); not again before partition_take_flow. */
    void (*moved)(void *arg, uint64_t group);
    /* It closes within this call. */
    void (*closing)(void *arg, uint64_t group, struct partition *partition);
    void *arg;
};
/* One at most, which stays as long as the set, or until NULL. What has changed before is not told:
 * it begins by looking at all. */
void partition_set_counted_by(struct partition_set *set,
                              const struct partition_set_counter *counter);

/* A walk over all open ones, in steps between which everybody else has his turn, and they may come
 * and go: whoever is there all the time is met once. */
struct partition_walk {
    void (*meet)(struct partition_walk *walk, struct partition *partition); /* the caller's */
    void (*over)(struct partition_walk *walk); /* all have been met; NULL: nobody asks */
    struct partition_set *set;                 /* ours, all below; NULL: not under way */
    struct row *at;
    struct env_task task;
    struct partition_walk *next, *prev;
};
/* From a later turn on; anew if it is under way. */
void partition_walk_begin(struct partition_set *set, struct partition_walk *walk);
bool partition_walk_is_on(const struct partition_walk *walk);
/* `over` is not called. Nothing if it is not under way. */
void partition_walk_end(struct partition_walk *walk);

/* From the metadata's events, and behind each batch of commits: `applied` is the index in group 0
 * up to which all is applied. */
void partition_set_added(struct partition_set *set, const struct metadata_partition *partition);
void partition_set_removed(struct partition_set *set, const struct metadata_partition *partition);
/* Its replicas are, or are to be, others: the plan of it has changed or is done. */
void partition_set_replicas_changed(struct partition_set *set,
                                    const struct metadata_partition *partition);
/* That one has no part in it any more, by a plan that is done. */
void partition_set_replica_left(struct partition_set *set,
                                const struct metadata_partition *partition,
                                const struct metadata_replica *replica);
/* The table is of a snapshot: what led to it was not told. Files of groups and replicas that were
 * made before it and are not in it go, as if a command had said so. Behind what the table told of
 * itself, and before the next command. */
void partition_set_restored(struct partition_set *set, const struct metadata *metadata);
/* The settings of the topic are others now: they hold for its open partitions from here on. */
void partition_set_configs_changed(struct partition_set *set, const struct metadata_topic *topic);
/* The broker's settings are others: they hold for its partitions over the next turns of the loop.
 */
void partition_set_settings_changed(struct partition_set *set);
void partition_set_reconcile(struct partition_set *set, const struct metadata *metadata,
                             uint64_t applied);

#endif
