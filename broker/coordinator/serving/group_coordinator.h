/*
 * The coordinator of consumer groups: the state of one partition of __consumer_offsets, and what
 * clients ask of its groups.
 *
 * Happy path: every replica has one, to which the records of the partition are applied; each goes
 * to the part whose type its key has. On the leader, handlers hand calls to it
 * (broker/coordinator/group/group_call.h); it checks what can be checked without the group, finds
 * the group, and gives the call to the protocol that the group speaks.
 * Failures: on a replica that does not lead, NOT_COORDINATOR. Records of types that are not ours
 * are passed over: other programs may have written them.
 * Invariant: `records` and a replay of the log make equal states.
 */
#ifndef BROKER_COORDINATOR_SERVING_GROUP_COORDINATOR_H
#define BROKER_COORDINATOR_SERVING_GROUP_COORDINATOR_H

#include "base/log.h"
#include "broker/coordinator/consumer/consumer_heartbeat.h"
#include "broker/coordinator/group/group_call.h"
#include "broker/coordinator/share/share_group.h"
#include "broker/metadata/asking/producer_ids.h"
#include "broker/metadata/metadata.h"

struct group_coordinator;

/* Its functions for whoever owns the log; `state` is the struct group_coordinator. */
extern const struct coordinator_state group_coordinator_state;

/* All of it stays. */
struct group_coordinator_options {
    struct env *env;
    struct log *lines;
    const struct broker_settings *settings;
    struct group_memory *memory; /* of all coordinators of the broker */
    struct metadata *metadata;
    /* Asks whether the metadata is up to date, as producer_ids_ask does. */
    void (*ask)(void *arg, struct producer_ids_ask *question);
    void (*ask_cancel)(void *arg, struct producer_ids_ask *question);
    void *ask_arg;
    const struct group_watch *watch; /* stays; NULL: nobody wants to know of rebalances */
    struct sharing_road sharing;
};
struct group_coordinator *group_coordinator_new(const struct group_coordinator_options *options,
                                                struct coordinator_log *log);
struct group_table *group_coordinator_groups(struct group_coordinator *coordinator);

/* ---- Calls ---- */

void group_coordinator_join(struct group_coordinator *coordinator, struct group_join *join);
void group_coordinator_sync(struct group_coordinator *coordinator, struct group_sync *sync);
void group_coordinator_heartbeat(struct group_coordinator *coordinator,
                                 struct group_heartbeat *heartbeat);
void group_coordinator_leave(struct group_coordinator *coordinator, struct group_leave *leave);
/* The connection of that asker has closed (struct group_join). */
void group_coordinator_forget_asker(struct group_coordinator *coordinator, const void *asker);
/* ConsumerGroupHeartbeat. */
void group_coordinator_consumer_heartbeat(struct group_coordinator *coordinator,
                                          struct consumer_heartbeat *heartbeat);
void group_coordinator_share_heartbeat(struct group_coordinator *coordinator,
                                       struct share_heartbeat *heartbeat);

#endif
