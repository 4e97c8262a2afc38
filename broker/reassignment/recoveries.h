/*
 * Partitions of which a majority is lost for good, and that go on with a replica of this broker
 * alone, because the metadata says so (RECOVER_PARTITION; decision 64).
 *
 * Happy path: a plan names the replica that is here, and the entry with which its log ends. A
 * majority of the metadata confirms that our table is as new as any, and the replica goes on alone
 * (raft_group_recover); it leads then, and the plan's other replicas come as with any plan
 * (reassignments.h). Failures: a log that ends with another entry was brought to go on already, or
 * is no longer what was looked at: nothing is done. Invariant: nothing is done by a table that
 * may be old.
 */
#ifndef BROKER_REASSIGNMENT_RECOVERIES_H
#define BROKER_REASSIGNMENT_RECOVERIES_H

#include "broker/metadata/metadata_group.h"
#include "broker/partition_set/partition_set.h"

struct recoveries;

struct recoveries *recoveries_new(struct env *env, struct log *log, const struct metadata *metadata,
                                  struct metadata_group *group, struct partition_set *partitions);
void recoveries_free(struct recoveries *all); /* NULL does nothing */
/* Commands were applied. */
void recoveries_applied(struct recoveries *all);

#endif
