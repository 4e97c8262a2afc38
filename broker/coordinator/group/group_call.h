/*
 * What clients ask of a group: calls that lie in whoever asks, and are answered later.
 *
 * Happy path: fill what goes in and `done`, hand it to the group's coordinator
 * (broker/coordinator/serving/group_coordinator.h); the call takes its turn at the group, may be
 * parked there (a Join until the rebalance ends, a Sync until the leader's), and `done` follows
 * with what came out. Failures: an error of Kafka's in what came out.
 * Invariants: `done` comes exactly once, never within the call, unless group_call_cancel said that
 * it will not; thousands that are answered at once are told over several turns of the loop; what
 * goes in is borrowed until `kept` or `done`, what comes out during `done`.
 */
#ifndef BROKER_COORDINATOR_GROUP_GROUP_CALL_H
#define BROKER_COORDINATOR_GROUP_GROUP_CALL_H

#include "base/container_of.h"
#include "broker/coordinator/group/group.h"

enum group_call_kind {
    GROUP_JOIN,
    GROUP_SYNC,
    GROUP_OTHER, /* nothing that came out needs to be released */
};

struct group_call {
    struct group_turn turn; /* first; set by group_call_take */
    enum group_call_kind kind;
    void (*done)(struct group_call *call);
    /* May be NULL. It is parked: what went in was copied, and is not needed any more. */
    void (*kept)(struct group_call *call);
    int16_t error; /* what came out */
    /* Whoever parks it: it is canceled, forget it. */
    void (*unpark)(struct group_call *call);
    void *parked_at;
    struct group_table *table;      /* where it waits to be told */
    struct group_call *next, *prev; /* of those that are answered and not told */
    bool parked, answered;
};

/* ---- JoinGroup ---- */

struct group_protocol {
    struct kp_string name;
    struct kp_bytes metadata;
};

/* For the leader's answer. */
struct group_join_member {
    struct shared_bytes *id, *instance, *metadata;
};

struct group_join {
    struct group_call call; /* first */
    struct kp_string group_id, member_id;
    struct kp_string instance_id; /* null: a dynamic member */
    struct kp_string protocol_type, client_id, client_host;
    const struct group_protocol *protocols;
    size_t protocol_count;
    int32_t session_timeout_ms, rebalance_timeout_ms; /* the second: < 0: like the first */
    bool asks_for_id;      /* v4+, KIP-394: a new member is told its id first */
    bool skips_assignment; /* v9+, KIP-814: a leader can be told that nothing is to be assigned */
    const void *asker;     /* the connection, to which an id that was told and not used belongs */
    /* Out; each with a reference of its own. */
    int32_t generation;
    struct shared_bytes *type, *protocol, *leader, *member;
    struct group_join_member *members; /* of the leader, in one piece of memory; else NULL */
    size_t member_count;
    bool skip_assignment;
};

/* ---- SyncGroup ---- */

struct group_assignment {
    struct kp_string member_id;
    struct kp_bytes assignment;
};

struct group_sync {
    struct group_call call; /* first */
    struct kp_string group_id, member_id, instance_id;
    struct kp_string protocol_type, protocol; /* null: not said (below v5) */
    int32_t generation;
    const struct group_assignment *assignments; /* of the leader */
    size_t assignment_count;
    /* Out. */
    struct shared_bytes *type, *chosen, *assignment;
};

/* ---- Heartbeat, LeaveGroup, DeleteGroups ---- */

struct group_heartbeat {
    struct group_call call; /* first */
    struct kp_string group_id, member_id, instance_id;
    int32_t generation;
    const void *asker; /* the connection; NULL: not known */
};

struct group_leaver {
    struct kp_string member_id, instance_id;
    int16_t error; /* out */
};

struct group_leave {
    struct group_call call; /* first */
    struct kp_string group_id;
    struct group_leaver *leavers; /* stay until `done` */
    size_t leaver_count;
    size_t next; /* the group's own: of those that are still to go */
};

struct group_delete {
    struct group_call call; /* first */
    struct kp_string group_id;
    bool more; /* its own: behind the part that is written others follow */
};

/* ---- For the asker ---- */

/* The asker wants it no more. True: `done` will not be called. False: it is being written, and
 * `done` comes as always. */
bool group_call_cancel(struct group_call *call);

/* ---- For those who work on groups ---- */

/* Takes a turn at `group` for it: `run` gets &call->turn. When the turn is refused the call is
 * answered with that error. */
void group_call_take(struct group *group, struct group_call *call,
                     void (*run)(struct group_turn *turn));
/* It waits for something that others do. `unpark` when it is canceled. */
void group_call_park(struct group_call *call, void *at, void (*unpark)(struct group_call *call));
/* Ends it, parked or not; what comes out was filled in before. Its turn ends separately, before or
 * after. */
void group_call_answer(struct group_table *table, struct group_call *call, int16_t error);
/* All that are answered are told now: before the table goes. */
void group_calls_tell(struct group_table *table);

#endif
