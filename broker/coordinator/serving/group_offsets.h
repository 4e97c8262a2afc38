/*
 * What clients ask of a coordinator about committed offsets.
 *
 * Each call belongs to its header in broker/coordinator/offsets/, which says how it ends; what a
 * group's protocol says about them is asked here. NOT_COORDINATOR if it does not lead any more.
 */
#ifndef BROKER_COORDINATOR_SERVING_GROUP_OFFSETS_H
#define BROKER_COORDINATOR_SERVING_GROUP_OFFSETS_H

#include "broker/coordinator/offsets/offset_commit.h"
#include "broker/coordinator/offsets/offset_delete.h"
#include "broker/coordinator/offsets/offset_fetch.h"
#include "broker/coordinator/serving/group_coordinator.h"

void group_offsets_commit(struct group_coordinator *coordinator, struct offset_commit *commit);
void group_offsets_fetch(struct group_coordinator *coordinator, struct offset_fetch *fetch);
void group_offsets_delete(struct group_coordinator *coordinator, struct offset_delete *call);
/* Whether this broker's metadata is known to have every topic for which something was committed
 * before it began to lead. */
bool group_offsets_know_topics(const struct group_coordinator *coordinator);

/* What all groups have committed, for reading. */
struct offset_store *group_offsets_store(struct group_coordinator *coordinator);

extern const struct offset_rules group_offset_rules;

#endif
