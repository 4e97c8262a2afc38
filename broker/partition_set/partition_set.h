/*
 * The partitions of this broker: opens and closes them as the metadata says.
 *
 * Happy path: commands that were applied leave their traces here; behind each batch of commits the
 * set is brought in line (a topic that came and went in one replay opens nothing), over several
 * turns of the loop when it is much. Partitions are opened a few at a time, what blocks in a lane;
 * those that are new here are bootstrapped, and when their first entries are durable the
 * directory's mark "metadata applied up to" moves.
 * Failures: a partition that cannot be opened (no room, too many files, damage) is closed, and the
 * log says why; it is tried again, and the others go on.
 * Invariants: a replica is bootstrapped only if the command that made it lies above the durable
 * mark; the mark never passes a partition of ours that is not open, unless it is damaged; files are
 * deleted only because a committed command says so.
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

/* `appliers` is copied; NULL: no partition has any. */
struct partition_set *partition_set_new(struct shard *shard, const struct broker_settings *settings,
                                        struct leader_table *leaders, struct producer_ids *ids,
                                        const struct applier_factory *appliers);
/* Closes every partition: what waits at them ends. None is found after this. */
void partition_set_close(struct partition_set *set);
/* Also closes what is open. The journal must be closed first, or nothing be under way. */
void partition_set_free(struct partition_set *set);

/* The partition if a replica of it is open on this broker (it may lead or not), else NULL. */
struct partition *partition_set_find(struct partition_set *set, const char *topic, size_t topic_len,
                                     int32_t index);
struct partition *partition_set_find_group(struct partition_set *set, uint64_t group);
size_t partition_set_count(const struct partition_set *set); /* open ones */

/* From the metadata's events, and behind each batch of commits: `applied` is the index in group 0
 * up to which all is applied. */
void partition_set_added(struct partition_set *set, const struct metadata_partition *partition);
void partition_set_removed(struct partition_set *set, const struct metadata_partition *partition);
/* The settings of the topic are others now: they hold for its open partitions from here on. */
void partition_set_configs_changed(struct partition_set *set, const struct metadata_topic *topic);
void partition_set_reconcile(struct partition_set *set, const struct metadata *metadata,
                             uint64_t applied);

#endif
