/*
 * ConsumerGroupHeartbeat (KIP-848): what a member says, and what the coordinator decides.
 *
 * Happy path: consumer_heartbeat_take with a call; in its turn the checks of the protocol, then at
 * most one decision: the member, a new epoch of the group, a new target, a step of the member
 * towards it; committed, and answered. Most change nothing: the session is renewed and the answer
 * leaves. Members whose session or rebalance ends are fenced the same way.
 * Failures: the errors of the protocol, with a sentence in `message`; those of coordinator_log.h.
 * Invariants: nothing of a decision shows before it is committed; large assignments and regular
 * expressions are worked out in the pool, and a heartbeat that finds one under way goes on with the
 * target that there is.
 */
#ifndef BROKER_COORDINATOR_CONSUMER_CONSUMER_HEARTBEAT_H
#define BROKER_COORDINATOR_CONSUMER_CONSUMER_HEARTBEAT_H

#include "broker/coordinator/consumer/consumer_group.h"
#include "broker/coordinator/group/assigned.h"
#include "broker/coordinator/group/group_call.h"
#include "broker/metadata/metadata.h"
#include "protocol/messages/consumer_group_heartbeat.h"

/* Who waits for others, or for an assignor, or in a group that somebody may have left without a
 * word, is asked to come back so soon. */
enum { CONSUMER_SOON_MS = 500 };

struct consumer_heartbeat {
    struct group_call call; /* first */
    const struct metadata *metadata;
    const struct kp_consumer_group_heartbeat_request *request; /* stays until `done` */
    struct kp_string client_id, client_host;
    const void *asker; /* the connection; NULL: not known */
    bool names_its_id; /* v1+: the client makes the member id */
    /* Whether the member may describe a topic that it names; NULL: any. */
    bool (*may_describe)(void *arg, struct kp_string topic);
    /* With it: the same of what it does not name, and hears nothing of if it may not. */
    bool (*may_see)(void *arg, struct kp_string topic);
    void *may_arg;
    /* Out. */
    char message[200]; /* with an error; "" */
    char made_id[23];  /* for a member that brought none */
    struct shared_bytes *member_id;
    int32_t member_epoch, heartbeat_interval_ms;
    bool has_assignment;
    struct assigned_partition *assigned; /* those of a topic stand together */
    size_t assigned_count;
};

/* Takes a turn at the group of the request, which is made if it is not there and the request may
 * make it. On a leader. */
void consumer_heartbeat_take(struct group_table *table, struct consumer_heartbeat *heartbeat);
/* For `done`: frees what came out. */
void consumer_heartbeat_release(struct consumer_heartbeat *heartbeat);

/* ---- Leaving ---- */

/* LeaveGroup: an administrator removes members (KIP-571), by id or by instance; all that go do so
 * in one decision. In its turn, which it ends. */
void consumer_leave(struct consumer_group *group, struct group_leave *leave);

/* ---- Sessions ---- */

/* This replica leads from now on: every member has a full session; those that have to give
 * partitions back, a full rebalance. */
void consumer_sessions_begin(struct consumer_group *group);
void consumer_sessions_end(struct consumer_group *group);
/* What was in doubt is applied: all members have a full session, those that it made and those that
 * were not heard meanwhile, and as long as ever for what they owe. Before group_table_settled. */
void consumer_sessions_settled(struct group_table *table);
/* Over which connection it is heard, with this heartbeat; it may close before it is answered. */
void consumer_member_heard(struct consumer_member *member, const void *connection);
/* The member was heard of. */
void consumer_session_renew(struct consumer_member *member);
/* One of the classic protocol has that to do in its rebalance timeout, from now on; or from when it
 * owed something already. */
void consumer_member_owes(struct consumer_member *member, enum consumer_owes owes);
/* How long ago; -1: its session does not run. */
int64_t consumer_heard_age_ms(const struct consumer_member *member);

#endif
