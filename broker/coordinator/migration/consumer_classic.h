/*
 * Members of the classic protocol in a consumer group: JoinGroup, SyncGroup and Heartbeat, spoken
 * to a group of KIP-848. LeaveGroup is consumer_leave's (consumer_heartbeat.h).
 *
 * Such a member's generation is its epoch. A Join is what a heartbeat is to others: it brings the
 * subscription and what the member owns, moves the member a step towards its target, and is
 * answered when that has committed, without a leader, for the coordinator assigns. A Sync within
 * the rebalance timeout brings what it has then. A Heartbeat says REBALANCE_IN_PROGRESS when there
 * is a step to be made; the Join is due within the rebalance timeout. Who is late is fenced.
 * Happy path: each call comes in its turn at the group, which has members, and ends it.
 * Failures: INCONSISTENT_GROUP_PROTOCOL (another type, no protocol in common, what does not parse,
 * group.consumer.migration.policy is "disabled"), GROUP_MAX_SIZE_REACHED, MEMBER_ID_REQUIRED (v4+:
 * an id comes first), UNKNOWN_MEMBER_ID (also of members of KIP-848), FENCED_INSTANCE_ID,
 * ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE (memory; the log), and what
 * the write says.
 * Invariants: a member hears of nothing that has not committed; a Sync tells of no partition that
 * anybody else may own; a heartbeat of such a member works the group's target out when it is due,
 * so a group of them alone goes on.
 */
#ifndef BROKER_COORDINATOR_MIGRATION_CONSUMER_CLASSIC_H
#define BROKER_COORDINATOR_MIGRATION_CONSUMER_CLASSIC_H

#include "broker/coordinator/consumer/consumer_group.h"
#include "broker/coordinator/group/group_call.h"

void consumer_classic_join(struct consumer_group *group, struct group_join *join);
void consumer_classic_sync(struct consumer_group *group, struct group_sync *sync);
void consumer_classic_heartbeat(struct consumer_group *group, struct group_heartbeat *heartbeat);

#endif
