/*
 * Groups of the classic protocol: members join, one of them assigns, all fetch what they were
 * assigned. KIP-62, 134 (initial delay), 345 (static members), 394 (ids first), 559, 800, 814.
 *
 *            a member joins            all are here, or time is over
 *   Empty ------------------> Preparing ---------------------------> Completing
 *     ^                        | ^   ^                                |     |
 *     `--- nobody is left -----'  |   `--- members come, go, are late -'     | the leader's Sync
 *                                |                                          v has committed
 *                                `------ members come, go, change ------- Stable
 *
 * Hard is the record alone (classic_record.h): Stable with its members, or Empty. A leader reads it
 * when somebody first wants something of the group, and from then on members, states and parked
 * calls live here, ahead of the record; a Sync shows an assignment, and a Leave an empty group,
 * only when the record has committed.
 *
 * Happy path: each call comes in its turn at the group and ends it. Failures: the errors of Kafka's
 * APIs, in the calls. Invariants: a member has one call parked at most; the generation grows
 * whenever Preparing ends; whoever goes, by whatever way, is followed by the question whether
 * Preparing is complete.
 */
#ifndef BROKER_COORDINATOR_CLASSIC_CLASSIC_GROUP_H
#define BROKER_COORDINATOR_CLASSIC_CLASSIC_GROUP_H

#include "broker/coordinator/classic/classic_record.h"
#include "broker/coordinator/group/group_call.h"
#include "broker/coordinator/group/topic_set.h"

enum classic_state { CLASSIC_EMPTY, CLASSIC_PREPARING, CLASSIC_COMPLETING, CLASSIC_STABLE };

/* ---- Calls; the group is not one of another protocol (its turn runs, and ends here) ---- */

void classic_join(struct group *group, struct group_join *join);
void classic_sync(struct group *group, struct group_sync *sync);
void classic_heartbeat(struct group *group, struct group_heartbeat *heartbeat);
void classic_leave(struct group *group, struct group_leave *leave);

/* Who commits offsets. */
struct group_committer {
    struct kp_string member_id, instance_id; /* null or empty: nobody in particular */
    int32_t generation;
    /* By a producer (KIP-447): of nobody in particular also while there are members, in whatever
     * state; no session is renewed. */
    bool in_transaction;
};
/* In a turn, of a leader: NONE (the member's session is renewed), UNKNOWN_MEMBER_ID,
 * FENCED_INSTANCE_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS. */
int16_t classic_check_commit(struct group *group, const struct group_committer *committer);

/* ---- What a leader sees ---- */

enum classic_state classic_state_of(const struct group *group);
const char *classic_state_name(enum classic_state state); /* "PreparingRebalance" */
/* Since when it is Empty, by the record; -1: not known, or it is not. */
int64_t classic_empty_since_ms(const struct group *group);
/* "consumer"; "" of one without members yet. As long as the turn. */
struct kp_string classic_type_of(const struct group *group);
/* Adds the topics that members read, by the subscriptions of type "consumer"; all when it has a
 * member whose subscription is not to be read. */
void classic_reads(struct group *group, struct topic_set *topics);

struct classic_view_member {
    struct kp_string id, instance, client_id, client_host;
    struct kp_bytes metadata, assignment; /* the first null unless Stable */
    int32_t rebalance_timeout_ms, session_timeout_ms;
    int64_t heard_age_ms; /* since its session began anew; 0 while a call of it waits */
};
struct classic_view {
    enum classic_state state;
    int32_t generation;
    size_t member_count;
    struct kp_string type, protocol; /* the second "" unless Stable */
};
/* `member` is called for each; texts are borrowed as long as the call, and of `view` until the
 * group's next turn. */
void classic_look(struct group *group, struct classic_view *view,
                  void (*member)(void *arg, const struct classic_view_member *member), void *arg);

/* ---- For the protocol that takes a group over ---- */

/* A member as it lives. Borrowed, during the call. */
struct classic_heir {
    struct kp_string id, instance, client_id, client_host;
    const struct group_protocol *protocols; /* in the order in which it likes them */
    size_t protocol_count;
    struct kp_bytes subscription; /* its metadata of the group's protocol */
    struct kp_bytes assignment;   /* what it was assigned last, and may have still; null: nothing */
    int32_t rebalance_timeout_ms, session_timeout_ms;
};
/* The group's protocol, or before there is one that which most like best. It has members. */
struct kp_string classic_protocol_of(struct group *group);
/* All members but those whose client does not know yet who it is. The group stays as it is. */
void classic_hand_over(struct group *group,
                       void (*member)(void *arg, const struct classic_heir *member), void *arg);

/* ---- The coordinator ---- */

/* A record of type 2. */
void classic_apply(struct group_table *table, const struct coordinator_record *record);
void classic_leading(struct group *group); /* sessions begin */
/* What was in doubt is applied: members of its groups, which were not heard meanwhile, have a full
 * session, and as long as ever for what they owe. Before group_table_settled. */
void classic_settled(struct group_table *table);
/* Parked calls end with that error, members and timers go, the record stays. */
void classic_drop(struct group *group, int16_t error);
/* After a turn of others in which it may have become nothing. */
void classic_settle(struct group *group);
/* A connection has closed: the ids that it was told and did not use are given up. */
void classic_forget_asker(struct group_table *table, const void *connection);

#endif
