/*
 * Moving replicas: every leader brings its partitions to where group 0 says that their replicas are
 * to be (KIP-455).
 *
 * Happy path: while a plan is under way anywhere, each broker looks at those that it leads, takes
 * the next step of each (reassignment_step.h) as a change of the group's configuration, and when
 * nothing is left to do says REPLICAS_DONE to the metadata leader, by which what was leaving loses
 * its files. A replica is promoted when it has been within RAFT_GROUP_IN_SYNC_ENTRIES of the end
 * for READY_MS.
 * Failures: a change that is refused, or lost with the leadership, is taken again at the next look;
 * a broker that does not come keeps its own promotion waiting, nothing else; a stand-by that a
 * leader with an old table took in for a plan that is over is found within ten seconds, and goes.
 * Invariants: nothing is remembered but since when a stand-by is near; one step at a time for each
 * partition; REPLICAS_DONE is said only by one of whom a majority has confirmed, behind the plan,
 * that it leads, so what it has is the configuration.
 */
#ifndef BROKER_REASSIGNMENT_REASSIGNMENTS_H
#define BROKER_REASSIGNMENT_REASSIGNMENTS_H

#include "broker/balance/leader_transfer.h"
#include "broker/metadata/metadata_group.h"
#include "broker/partition_set/partition_set.h"

struct reassignments;

struct reassignments *reassignments_new(struct env *env, struct log *log,
                                        const struct broker_settings *settings,
                                        const struct metadata *metadata,
                                        struct metadata_group *group,
                                        struct partition_set *partitions,
                                        struct leader_transfers *transfers);
/* NULL does nothing. */
void reassignments_free(struct reassignments *reassignments);
/* Commands were applied: there may be a plan. */
void reassignments_applied(struct reassignments *reassignments);

#endif
