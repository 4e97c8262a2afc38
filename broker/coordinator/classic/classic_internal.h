/* What the files of the classic protocol share. For others: classic_group.h. */
#ifndef BROKER_COORDINATOR_CLASSIC_CLASSIC_INTERNAL_H
#define BROKER_COORDINATOR_CLASSIC_CLASSIC_INTERNAL_H

#include "broker/coordinator/classic/classic_group.h"
#include "broker/coordinator/group/group_history.h"
#include "broker/coordinator/group/group_presence.h"
#include "protocol/kafka_error.h"

enum {
    CLASSIC_NEW_MEMBER_MS = 5 * 60 * 1000, /* for one that does not know its id, KAFKA-7610 */
    CLASSIC_RETRY_MS = 1000,               /* a record of an empty group could not be written */
    CLASSIC_PROTOCOLS_MAX = 64,            /* that a member names; clients have two or three */
};

/* A protocol that members name, and how many do. */
struct classic_name {
    struct shared_bytes *text;
    uint32_t members, votes;
    UT_hash_handle hh;
};

struct classic_protocol {
    struct classic_name *name;
    struct shared_bytes *metadata;
};

struct classic_member {
    struct classic_group *classic;
    struct shared_bytes *id, *instance, *client_id, *client_host;
    struct classic_protocol *protocols; /* in the order in which it likes them */
    uint32_t protocol_count;
    int32_t session_timeout_ms, rebalance_timeout_ms;
    struct shared_bytes *assignment, *next_assignment; /* the second: not committed yet */
    struct shared_bytes *owned; /* what it was assigned last, also when that is void: it may have
                                   that still */
    struct group_timer session; /* not set while a call is parked */
    struct group_join *join;    /* parked; NULL: none */
    struct group_sync *sync;
    bool nameless;  /* its client does not know its id until its Join is answered (v0-3) */
    bool owes_sync; /* since its Join was answered */
    bool overdue;   /* its session is over */
    struct group_presence presence;
    uint64_t beat_at_ms; /* its last heartbeat since its Join; 0: none */
    uint64_t beat_ms;    /* the longest time between two; 0: not known */
    bool gives_back;     /* while its group is handing over: it was assigned less than it has */
    size_t charged, assigned_charged; /* for what it says, and for what it was assigned */
    UT_hash_handle by_id, by_instance;
    struct classic_member *next_overdue;
};

/* An id that was told, and has not joined. */
struct classic_pending {
    struct classic_group *classic;
    struct shared_bytes *id;
    struct classic_asker *asker;                   /* NULL: of no connection */
    struct classic_pending *next_told, *prev_told; /* others of that one */
    struct group_timer session;
    bool overdue;
    UT_hash_handle hh;
    struct classic_pending *next_overdue;
};

/* The turn in which the group does what is due; of its own, because what lives here may go before
 * it ends. */
struct classic_work {
    struct group_turn turn; /* first */
    struct group *group;
};

struct classic_group {
    struct group *group;
    enum classic_state state;
    uint64_t rebalancing_us; /* since when, if it is; of env_now_us */
    int32_t generation;
    struct shared_bytes *type, *protocol;
    struct classic_member *members, *instances, *leader;
    struct classic_pending *pending;
    struct classic_name *names;
    uint32_t joined;          /* members with a parked Join */
    uint32_t owing;           /* members that owe a Sync */
    size_t metadata;          /* bytes of what the members say of themselves */
    struct group_timer timer; /* of the state: the delay at first, the rebalance, the Syncs */
    bool timer_due;
    struct group_timer hold; /* in Stable, while Syncs wait: classic_handover.c */
    bool hold_due, handing_over;
    /* Preparing, from Empty: when somebody new came last, and how long it may be prolonged. */
    bool initial;
    uint64_t newcomer_ms, initial_until_ms;
    bool emptying;             /* nobody is left: the record is to be written */
    struct classic_work *work; /* while it has or wants its own turn */
    void (*work_run)(struct group_turn *turn);
    void (*work_written)(struct group_turn *turn, int16_t error);
    struct classic_member *overdue;
    struct classic_pending *overdue_pending;
    struct group_sync *leader_sync; /* while its record is written */
};

/* A new coordinator would begin it anew. */
static inline bool classic_is_rebalancing(enum classic_state state) {
    return state == CLASSIC_PREPARING || state == CLASSIC_COMPLETING;
}
static inline struct group_table *classic_table(const struct classic_group *classic) {
    return classic->group->table;
}
static inline uint64_t classic_now_ms(const struct classic_group *classic) {
    return env_now_ms(classic_table(classic)->env);
}
static inline unsigned classic_hash(const struct classic_group *classic, struct kp_string string) {
    return group_hash(classic_table(classic)->seed, string.data, (size_t)string.len);
}
static inline int32_t classic_next_generation(const struct classic_group *classic) {
    return classic->generation == INT32_MAX ? 1 : classic->generation + 1;
}
static inline uint32_t classic_size(const struct classic_group *classic) {
    return classic->group->members;
}

/* ---- classic_state.c ---- */

/* Moves to that state; checked. */
void classic_move(struct classic_group *classic, enum classic_state state);
void classic_timer_set(struct classic_group *classic, uint64_t delay_ms);
void classic_timer_clear(struct classic_group *classic);
/* Something is due: a turn of our own looks what. */
void classic_want_work(struct classic_group *classic);
/* For a group that goes. */
void classic_work_cancel(struct classic_group *classic);

/* ---- classic_group.c ---- */

/* The group as it lives here; read from the record if it does not yet. */
struct classic_group *classic_live(struct group *group);
/* If nobody is left in Preparing: writes that in this turn, whose `written` calls classic_emptied
 * and ends it. False: there is nothing to write. */
bool classic_write_empty(struct classic_group *classic, struct group_turn *turn);
void classic_emptied(struct group *group, int16_t error);
/* Ends a turn, and what lives here if nothing is left in it. */
void classic_turn_end(struct group *group, struct group_turn *turn);

/* ---- classic_members.c ---- */

struct classic_member *classic_member_find(const struct classic_group *classic,
                                           struct kp_string id);
struct classic_member *classic_member_of_instance(const struct classic_group *classic,
                                                  struct kp_string instance);
/* Kafka's validate(): NONE and the member; UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID. */
int16_t classic_validate(const struct classic_group *classic, struct kp_string id,
                         struct kp_string instance, struct classic_member **member);
/* Takes the id over. */
struct classic_member *classic_member_add(struct classic_group *classic, struct shared_bytes *id,
                                          struct kp_string instance);
/* What a Join says of its member. */
void classic_member_tell(struct classic_member *member, const struct group_join *join);
/* One protocol alone, as the record has it. */
void classic_member_read(struct classic_member *member, struct shared_bytes *protocol,
                         const struct kp_classic_group_member *from);
bool classic_member_says_same(const struct classic_member *member, const struct group_join *join);
/* Its parked call must have been answered. The leader's place goes to another. */
void classic_member_remove(struct classic_member *member);
/* The id of one with an instance is another from now on. Takes it over. */
void classic_member_rename(struct classic_member *member, struct shared_bytes *id);
/* Its session begins anew, unless a call is parked; a short one while it is absent. */
void classic_member_renew(struct classic_member *member);
/* How long it may be silent. */
uint64_t classic_session_ms(const struct classic_member *member);
/* It was heard over that connection, with a heartbeat or with a Join. */
void classic_member_heard(struct classic_member *member, const void *connection, bool beats);
struct shared_bytes *classic_member_metadata(const struct classic_member *member,
                                             const struct shared_bytes *protocol);
struct classic_name *classic_name_find(const struct classic_group *classic, struct kp_string text);
/* Into the history of the group. */
void classic_member_note(const struct classic_member *member, enum kp_group_event what);
/* What it was or is to be assigned has changed: it counts as memory. */
void classic_member_weigh(struct classic_member *member);
/* What its protocols take in the memory of groups. */
size_t classic_join_bytes(const struct group_join *join);

/* ---- classic_pending.c ---- */

struct classic_pending *classic_pending_find(const struct classic_group *classic,
                                             struct kp_string id);
/* Takes the id over; what the same connection was told before in this group is forgotten. */
void classic_pending_add(struct classic_group *classic, struct shared_bytes *id,
                         const struct group_join *join);
void classic_pending_remove(struct classic_pending *pending);
/* The connection was told many ids in the groups of the coordinator, and has not used them. */
bool classic_asker_has_enough(const struct group_table *table, const void *connection);

/* ---- classic_rebalance.c ---- */

bool classic_supports(const struct classic_group *classic, const struct group_join *join);
/* The protocol that most members like best. Not NULL while there are members: whoever joins names
 * one that all the others do. */
struct classic_name *classic_vote(const struct classic_group *classic);
void classic_prepare(struct classic_group *classic);
/* Somebody came or went: Preparing is completed if it can be, or begins. */
void classic_changed(struct classic_group *classic);
/* The same of an id that was told and is gone: Preparing may be complete. */
void classic_maybe_complete(struct classic_group *classic);
/* The time of the state is over. */
void classic_time_over(struct classic_group *classic);
/* The time of its state begins anew, in full. */
void classic_time_anew(struct classic_group *classic);
/* Answers a Join of that member with the present generation. */
void classic_answer_join(struct classic_member *member, struct group_join *join);
void classic_fail_join(struct classic_member *member, int16_t error);
/* A call of the same member that is parked already ends with REBALANCE_IN_PROGRESS. */
void classic_park_join(struct classic_member *member, struct group_join *join);
void classic_list_members(const struct classic_group *classic, struct group_join *join);

/* ---- classic_parked.c ---- */

/* A Sync of the same member that is parked already ends with REBALANCE_IN_PROGRESS. */
void classic_park_sync(struct classic_member *member, struct group_sync *sync);
void classic_answer_sync(struct classic_member *member, struct group_sync *sync);
void classic_fail_sync(struct classic_member *member, int16_t error);
/* Ends the parked Syncs with that error; what was assigned is not. */
void classic_refuse_syncs(struct classic_group *classic, int16_t error);

/* ---- classic_handover.c ---- */

/* Stable begins, before its Syncs are answered: looks who is assigned less than it has. */
void classic_handover_begin(struct classic_group *classic);
/* A Sync in Stable, parked or not: is answered, or waits. */
void classic_handover_sync(struct classic_member *member, struct group_sync *sync);
/* Stable: it was assigned less than it said that it has, and has not joined since. Nobody has the
 * rest before it does. Also if to know it would take long. */
bool classic_handover_awaits(const struct classic_member *member);
/* Those that wait are answered, or end with that error. Nothing if none can. */
void classic_handover_end(struct classic_group *classic, int16_t error);

/* ---- classic_static.c ---- */

/* A Join without an id of an instance that is a member. Ends its turn. */
void classic_static_rejoin(struct classic_member *member, struct group_join *join,
                           struct shared_bytes *id);

/* ---- classic_sync.c ---- */

/* The record of the group as it is, or with the assignments that are next. */
void classic_write_members(struct classic_group *classic, struct group_turn *turn, bool next);
int16_t classic_write_error(int16_t error); /* of the log, as clients hear it */

#endif
