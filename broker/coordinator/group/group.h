/*
 * The consumer groups of one coordinator (a partition of __consumer_offsets) as rows of a table,
 * and the order in which a group is worked on.
 *
 * Hard state is what the records of the partition made, on every replica: the classic group's
 * record, a consumer group, offsets. Soft state lives on the leader only, from `leading` to `lost`:
 * members that have not been written, waiting requests, timers.
 *
 * Happy path: whoever wants something of a group takes a *turn* (group_turn_take). It runs when
 * nothing that was decided before is uncommitted: in the call itself, most of the time. It looks
 * at the state, answers or decides; a decision is one batch (group_turn_write), and the turn ends
 * (group_turn_end) when that is over. Turns that share (commits of offsets) run beside each
 * other, behind the ones before that do not, and hold back those that come after and do not.
 * Failures: `refused`: too many wait (COORDINATOR_NOT_AVAILABLE), or this replica leads no more
 * (NOT_COORDINATOR). A decision that was late is in doubt (coordinator_log.h): turns of its group
 * are refused with COORDINATOR_NOT_AVAILABLE, or wait if they cannot be, until it is applied.
 * Invariants: at most one decision of a group is uncommitted; a group's state changes only in a
 * turn, or by `apply`; a row is there as long as it has state of either kind or somebody has a
 * turn.
 */
#ifndef BROKER_COORDINATOR_GROUP_GROUP_H
#define BROKER_COORDINATOR_GROUP_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/env.h"
#include "broker/config/broker_settings.h"
#include "broker/coordinator/coordinator_log.h"
#include "broker/coordinator/group/group_hash.h"
#include "broker/coordinator/group/group_memory.h"
#include "broker/coordinator/group/group_timers.h"
#include "broker/coordinator/group/shared_bytes.h"
#include "broker/sharing/sharing_order.h"
#include "protocol/messages/group_activity.h"
#include "protocol/wire.h"

struct classic_group;  /* soft: members of the classic protocol */
struct classic_record; /* hard: the record of those */
struct consumer_group; /* hard: members of KIP-848 */
struct consumer_conversions;
struct share_group;   /* hard: that it is there; its members are soft */
struct group_offsets; /* hard: what the group has committed */
struct pending_place; /* hard: what transactions that are open have committed for it */
struct group_batch;   /* the records of a decision */
struct group_history; /* soft: what happened to its members */
struct group_call;
struct group_line;
struct group_turn;
struct metadata;
struct walk_place;

/* Who wants to know of rebalances as they begin. */
struct group_watch {
    void (*rebalances)(void *arg, const struct group *group, enum kp_group_event what);
    void *arg;
    /* ... and of a group of the classic protocol is over, with all of its members in it */
    void (*rebalanced)(void *arg, uint64_t took_us);
};

/* What all groups of a coordinator share. */
struct group_table {
    struct env *env;
    const struct broker_settings *settings;
    struct coordinator_log *log;
    struct group_timers *timers; /* none is set while `leading` is false */
    struct shared_pool *shared;
    struct group_memory *memory;     /* of what clients make all coordinators of the broker keep */
    const struct metadata *metadata; /* the broker's */
    const struct consumer_conversions *conversions; /* between the protocols */
    struct group *groups;                           /* hash by id */
    struct group_cursor *cursors;
    struct classic_asker *askers;    /* soft: connections that were told ids of members */
    uint32_t rebalancing;            /* soft: groups of the classic protocol that are */
    struct group_line *lines;        /* soft: those over which members were heard last */
    const struct group_watch *watch; /* NULL: nobody wants to know */
    struct sharing_road sharing;     /* to the partitions of share groups */
    uint64_t seed;
    bool leading;              /* false as soon as a write says so, before `lost` */
    uint64_t leading_since_ms; /* of env_now_ms */
    /* Calls that are answered and not told, of group_call.h. */
    struct group_call *answered, *last_answered;
    struct env_task telling;
};

struct group {
    struct group_table *table;
    struct kp_string id; /* its own copy */
    UT_hash_handle hh;
    struct walk_place *place; /* of cursors that stand at it */
    /* Hard; NULL: none. At most one of the first three. */
    struct classic_record *record;
    struct consumer_group *consumer;
    struct share_group *share;
    struct group_offsets *offsets;
    struct pending_place *pending;
    /* Soft. */
    struct classic_group *classic;
    struct group_history *history; /* NULL: nothing yet; keeps no row */
    struct group_payer *payer;     /* group_memory.h, as the next; NULL: nobody yet */
    size_t charged;
    uint32_t
        members; /* how many it has, for the limit of turns that wait: whoever adds them counts */
    uint64_t rebalances, commits;    /* that began, and that were written, while this replica led */
    int64_t committed_ms;            /* of env_wall_ms: the last of the latter; 0: none */
    struct group_turn *first, *last; /* that wait */
    uint32_t waiting, sharing;       /* turns that wait; that share and run */
    bool alone;                      /* a turn runs that does not share */
    bool running;                    /* waiting turns are being run */
    bool in_doubt;                   /* what was decided may be applied yet */
};

/* What a group is to those who ask. */
enum group_kind {
    GROUP_UNKNOWN, /* nothing, or members that are not written yet: see `classic` */
    GROUP_SIMPLE,  /* offsets and nothing else */
    GROUP_CLASSIC,
    GROUP_CONSUMER,
    GROUP_SHARE,
};
enum group_kind group_kind_of(const struct group *group);
/* There is no such group, whatever the row is for: NULL, or one that holds the turn of somebody who
 * asks (OffsetFetch makes it). */
bool group_is_unknown(const struct group *group);

void group_table_init(struct group_table *table, struct env *env,
                      const struct broker_settings *settings, struct coordinator_log *log,
                      struct group_memory *memory);
void group_table_close(struct group_table *table); /* it has no groups */

struct group *group_find(const struct group_table *table, struct kp_string id);
/* A group may come to be with it, a member or an instance join: it is no longer than
 * group.id.max.bytes. A group that is there goes on, whatever the limit was when it came. */
bool group_id_fits(const struct group_table *table, struct kp_string id);
/* The one of that id, new if there is none. group_settle removes it when it has no state. */
struct group *group_make(struct group_table *table, struct kp_string id);
/* Removes the row if nothing is left in it and nobody has a turn: after whatever took state away.
 * The row may be gone then. */
void group_settle(struct group *group);
size_t group_count(const struct group_table *table);

/* A walk over all groups, over as many turns of the loop as it takes: those that are there all the
 * time are met once, whatever comes and goes meanwhile. */
struct group_cursor {
    struct group_table *table; /* NULL: not open; the table's, all of it */
    struct walk_place *at;     /* the next one's; NULL: no more */
    struct group_cursor *next, *prev;
};
void group_cursor_open(struct group_cursor *cursor, struct group_table *table);
struct group *group_cursor_next(struct group_cursor *cursor); /* NULL: that was all, or not open */
void group_cursor_close(struct group_cursor *cursor); /* nothing if not open: the table has gone */

/* ---- Turns ---- */

/* Lies, zeroed but for what its owner sets, in whoever wants it; its owner's until `run` or
 * `refused`, and again from group_turn_end on. */
struct group_turn {
    /* Its turn. May be called within group_turn_take. Ends with group_turn_end, inside or, after
     * group_turn_write, in `written`. */
    void (*run)(struct group_turn *turn);
    /* It will not run: NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE. May be called within
     * group_turn_take. */
    void (*refused)(struct group_turn *turn, int16_t error);
    /* What it wrote has committed and is applied (0), or not: the errors of coordinator_log.h.
     * Ends the turn, or writes again. Never called within group_turn_write. */
    void (*written)(struct group_turn *turn, int16_t error);
    bool shares;
    bool unrefused;      /* waits however many do: what the coordinator itself wants */
    struct group *group; /* the group's, all below */
    struct group_turn *next, *prev;
    struct coordinator_write write;
    size_t under_way; /* bytes of it, which are charged to the group meanwhile */
    bool waiting, runs;
};

/* At most 4 turns for each member and 16 wait. The group's row may be gone when this returns. */
void group_turn_take(struct group *group, struct group_turn *turn);
/* Of a turn that runs: writes the records as one batch. Copies them. */
void group_turn_write(struct group_turn *turn, const struct group_batch *batch);
/* What was decided is committed, failed, or was nothing. Runs those that wait; the group's row may
 * be gone when this returns. */
void group_turn_end(struct group_turn *turn);
/* Whoever waits wants it no more. One that waits goes away, neither `run` nor `refused` is called:
 * true. False: it runs, and ends as always. */
bool group_turn_cancel(struct group_turn *turn);
/* Nothing is in doubt any more: groups go on. */
void group_table_settled(struct group_table *table);
/* This replica leads no more: refuses all that wait. None runs, for what was written has ended. */
void group_turns_refuse(struct group *group, int16_t error);

#endif
