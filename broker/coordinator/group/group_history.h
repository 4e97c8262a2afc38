/*
 * What happened to the members of a group lately, and why it was rebalanced: for `drave group why`.
 * Soft: the leader's own, from `leading` to `lost`.
 *
 * Happy path: whoever takes a member in or out notes it; a protocol that begins a rebalance says
 * so, and it counts as begun by what was noted last. Failures: while the memory of groups is spent
 * nothing is noted. Invariants: the last GROUP_EVENTS_MAX events of a group are kept, charged to
 * the memory of groups; a group without events takes nothing.
 */
#ifndef BROKER_COORDINATOR_GROUP_GROUP_HISTORY_H
#define BROKER_COORDINATOR_GROUP_GROUP_HISTORY_H

#include "broker/coordinator/group/group.h"
#include "protocol/messages/group_activity.h"

enum { GROUP_EVENTS_MAX = 16, GROUP_EVENT_TEXT = 128 };

struct group_event {
    uint64_t at_ms; /* of env_now_ms */
    enum kp_group_event what;
    bool began;                                               /* a rebalance began by it */
    struct shared_bytes *member_id, *client_id, *client_host; /* cut; NULL: nobody in particular */
};

/* Who it is about; null for nobody in particular. */
struct group_event_member {
    struct kp_string id, client_id, client_host;
};
extern const struct group_event_member group_event_nobody;
/* Of a leader; else nothing. */
void group_history_note(struct group *group, enum kp_group_event what,
                        const struct group_event_member *member);
/* A rebalance begins. Without an event since the last one: by something that failed. */
void group_history_begins(struct group *group);
/* Forgets it all. */
void group_history_drop(struct group *group);

/* The oldest first. */
size_t group_history_count(const struct group *group);
const struct group_event *group_history_at(const struct group *group, size_t place);

#endif
