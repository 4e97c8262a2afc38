/*
 * The life of one Raft group on this broker: engine (libraft's raft_step), log (partition_log) and
 * peer messages.
 *
 *        raft_group_open                 elected, own-term entry        lost (higher term, no
 *   ----------------> following --- committed and applied ---> leading --- majority heard,
 *                        |                                        |        transfer) ---> following
 *                        +------------- raft_group_close ---------+-----> closed
 *
 * Happy path on a leader: raft_group_submit seals the entry, steps the engine, hands the entry to
 * the log and to the peers in parallel, and when a majority has it on disk delivers it through
 * `committed`, on every replica, in order.
 * Failures: a submit is refused with ERR_NOT_LEADER, ERR_LIMIT or ERR_NO_SPACE; what was submitted
 * and had not committed when leadership is lost may or may not commit later. A failed engine step
 * ends the process.
 * Invariants: nothing reaches the engine but through raft_group_admit(); while the hard state is
 * not durable no message leaves and no entry counts as persisted; completions of truncated entries
 * are dropped; the commit index given to the log never goes back.
 */
#ifndef RAFT_GLUE_RAFT_GROUP_H
#define RAFT_GLUE_RAFT_GROUP_H

#include "raft-glue/shard.h"
#include "storage/log_types.h"

enum { RAFT_GROUP_IN_SYNC_ENTRIES = 1000, RAFT_GROUP_SERVERS_MAX = 256 };

struct raft_group_member {
    replica_id replica; /* raft server id: allocated by group 0, never reused, never 0 */
    int32_t node;       /* the broker that holds it */
    bool voter;         /* of a first configuration; false: stand-by */
};

struct raft_group_events {
    /* Committed entries, in order, each once, on every replica, from the one after what `restore`
     * returned on. Runs before any effect of a later commit. The entry is the caller's; take a
     * reference to keep it. */
    void (*committed)(void *arg, struct entry *entry);
    /* Behind the last `committed` of one step: wake those who wait, once. */
    void (*caught_up)(void *arg);
    /* All that was known as committed when the log was opened has been handed over, or there was
     * nothing. Once. NULL: the owner does not mind. */
    void (*current)(void *arg);
    /* This replica leads `term`, an entry of that term is committed and applied: it may serve and
     * submit from now on. */
    void (*leading)(void *arg, log_term term);
    /* It does not lead any more (only after `leading`). Before any entry of a later term. */
    void (*lost)(void *arg);
    /* The known leader changed; replica 0: unknown. */
    void (*leader_changed)(void *arg, replica_id replica, log_term term);
    /* A leader: nothing happens in the group, and what raft_group_member_in_sync says does not
     * change, until this is called with false. NULL: the owner does not mind. */
    void (*quiet)(void *arg, bool quiet);
    /* Inside raft_group_open, when the log is open: the applier takes its snapshot out of it
     * (partition_log_snapshot). True: it will say up to which index it knows the entries by that,
     * with raft_group_restored; until then no committed entry comes. NULL, false: it knows none.
     * Again when its leader has given this replica, which lacks the beginning of the log, files in
     * its place, and in raft_group_take_state: what the applier knew, or was about to know, is
     * replaced by what this snapshot says. */
    bool (*restore)(void *arg, struct partition_log *log);
    /* Whether `restore` could read a state that another replica has kept, as far as its heads tell:
     * that may be of a later version. NULL: any. */
    bool (*reads)(void *arg, struct slice state);
    /* No more committed entries come, because the log is damaged or the group has stopped; it was
     * logged, `why` is a sentence without its end. NULL: the owner goes on without. */
    void (*broken)(void *arg, const char *why);
    /* The group has stopped, for its leader has other entries than those that are committed here:
     * the log of one of the two was given up (raft_group_recover). NULL: the owner does not mind.
     */
    void (*contradicted)(void *arg);
};

struct raft_group_spec {
    uint64_t id;
    const char *label;  /* "orders-3", "metadata"; copied */
    replica_id replica; /* ours */
    /* Where replicas are, ours included; copied. Which of them vote the log says. */
    const struct raft_group_member *members;
    size_t member_count;
    /* The first configuration, in the same order on every broker; copied. NULL: `members`. */
    const struct raft_group_member *first_members;
    size_t first_member_count;
    /* An empty log starts with that configuration as entry 1 of term 1. Only when the
     * caller has shown that this replica has never existed before; otherwise an empty log joins as
     * a stand-by without configuration and waits to be caught up. */
    bool bootstrap;
    /* The replica that is to lead after a bootstrap, so that first leaders come as placed: it
     * stands at once, and the others wait for it while its broker is connected. 0: whoever is
     * elected. */
    uint64_t first;
    /* Of the log, and over; taken over. NULL: the log is opened within the call, which blocks. */
    struct partition_log_opening *opening;
    bool needs_room; /* its records are refused while the disk has none (disk_space.h), and another
                        replica leads it then */
    bool eager_commit; /* followers hear of every commit at once, not with the next heartbeat:
                          metadata, coordinators */
};

/* Opens the log and starts the engine. ERR_CORRUPT, ERR_IO. */
int raft_group_open(struct shard *shard, const struct raft_group_spec *spec,
                    const struct raft_group_events *events, void *arg, struct raft_group **group,
                    struct error_text *why);
/* After `restore` was true, once: the entry after `index` is the next that is handed over. 0: the
 * first of all; the group stops if that is gone from the log. */
void raft_group_restored(struct raft_group *group, log_index index);
/* The applier's state behind entry `index`, as another replica has it: it takes the place of what
 * the owner knows (`restore`, within the call), where that cannot go on, because what lies before
 * `index` cannot be read here. Taken over on success. ERR_AGAIN: not at present, or that entry is
 * not known to be committed yet; ERR_INVALID: it has another term here, is not ahead of what the
 * owner knows, or this version does not read it. */
int raft_group_take_state(struct raft_group *group, log_index index, log_term term,
                          struct slice state);
/* The same of one that is not here yet. */
int raft_group_may_take_state(const struct raft_group *group, log_index index, log_term term);
/* No event comes after this. Waiting confirmations end with ERR_CANCELED within the call. */
void raft_group_close(struct raft_group *group);

/* Something is wrong that no other replica must suffer from: the group does nothing any more, which
 * is logged with the middle of a sentence. `lost` comes if it led. Also from inside `committed`, of
 * which no more come. */
void raft_group_stop(struct raft_group *group, const char *why);
/* The same because of what a peer says: `broken` is not called, for nothing of ours is damaged. */
void raft_group_stop_contradicted(struct raft_group *group, const char *why);

struct partition_log *raft_group_log(struct raft_group *group);
const char *raft_group_label(const struct raft_group *group);
/* There is damage in its log that other members may mend, and nothing else is wrong with it. */
bool raft_group_may_heal(const struct raft_group *group);
/* It applies nothing more, for what comes next in its log is damaged. */
bool raft_group_is_blocked(const struct raft_group *group);
/* The brokers that have the other members; the leader's first. At most `room`. */
size_t raft_group_nodes(const struct raft_group *group, int32_t *into, size_t room);
uint64_t raft_group_id(const struct raft_group *group);
uint32_t raft_group_term(const struct raft_group *group);
/* It does not vote, and has not heard the leader that it knows for an election timeout: it never
 * forgets the last one. */
bool raft_group_leader_is_silent(const struct raft_group *group);
/* As announced by `leading` and not `lost` since. */
bool raft_group_is_leading(const struct raft_group *group);
/* The term that was announced with it; 0: it is not leading. Between a message of a later term and
 * the end of the turn, which tells `lost`, that is not raft_group_term. */
uint32_t raft_group_leading_term(const struct raft_group *group);
/* Why this replica began to lead the last time, and how long nobody had led before it served. */
struct election_facts {
    enum election_cause cause;
    uint64_t took_ms;
};
struct election_facts raft_group_election(const struct raft_group *group);
uint64_t raft_group_replica(const struct raft_group *group); /* ours */
uint64_t raft_group_leader(const struct raft_group *group);  /* replica id; 0: unknown */
uint64_t raft_group_commit_index(const struct raft_group *group);
uint64_t raft_group_applied_index(const struct raft_group *group);
/* Where members are now (a broker's address moved is peers_add; this is for members that came or
 * went). Ours stays. Who votes is no matter of this. */
void raft_group_set_members(struct raft_group *group, const struct raft_group_member *members,
                            size_t n);
/* For a leader: whether that replica is "in sync": it votes, is connected, heard within an election
 * timeout, and it has all that is committed, or lacks at most RAFT_GROUP_IN_SYNC_ENTRIES entries of
 * the log, knows of no damage in it, and has room for more. Ourselves: always. */
bool raft_group_member_in_sync(const struct raft_group *group, replica_id replica);
/* How many vote in the configuration in force: also those of which the owner has not heard. */
size_t raft_group_voter_count(const struct raft_group *group);
/* The same with those that do not vote. */
size_t raft_group_server_count(const struct raft_group *group);
/* For a leader: up to which index that replica's log is known to match ours (0: nowhere), and how
 * long ago it was heard last (UINT64_MAX: never). Of ourselves: the last index, now. False: there
 * is no such member, or this replica does not lead. */
bool raft_group_member_progress(const struct raft_group *group, replica_id replica,
                                log_index *match, uint64_t *silent_ms);

/* Of a leader: up to this entry every member that is waited for has the log on its disk, as far as
 * it was heard since this replica leads; one that was not, or has lost entries, has none. Waited
 * for is who was heard within shard_options.absent_ms, or anybody for so long after this replica
 * began to lead; who comes back later, or is given the beginning of the log as files, is not. 0: it
 * does not lead. */
log_index raft_group_everywhere(const struct raft_group *group);

/* Submits one entry; `spec` is taken over on success only. *index is its place. ERR_NOT_LEADER;
 * ERR_LIMIT: too much is uncommitted, try again later; ERR_NO_SPACE: the disk has no room for
 * batches, and the group needs some. The term of the entry is raft_group_term(). Effects leave at
 * the end of this turn at the latest. */
int raft_group_submit(struct raft_group *group, struct entry_spec *spec, log_index *index);

/* Of a leader: something follows entry `last`; where nothing does an entry that says nothing is
 * submitted. ERR_NOT_LEADER; ERR_LIMIT: not at present. */
int raft_group_go_on(struct raft_group *group, log_index last);

/* ---- The configuration ---- */

/* What is in force here, in the engine's order. */
struct raft_group_configuration {
    bool committed;  /* and known to be, here */
    log_index index; /* of the entry that says so; 0: none is known */
    size_t count;
    struct {
        replica_id replica;
        bool voter;
    } servers[RAFT_GROUP_SERVERS_MAX];
};
void raft_group_configuration(const struct raft_group *group,
                              struct raft_group_configuration *into);

enum raft_group_change {
    RAFT_GROUP_ADD,     /* as a stand-by: it gets all, and counts nowhere */
    RAFT_GROUP_PROMOTE, /* a stand-by votes */
    RAFT_GROUP_REMOVE,  /* whatever it was */
};
/* Submits one step to another configuration. ERR_NOT_LEADER, or nothing of this term has committed
 * yet; ERR_LIMIT: the change before it is not known to be committed, or the lead is being handed
 * over; ERR_AGAIN: who is to be promoted lacks too much; ERR_INVALID: it is no step from what is in
 * force, or it is about ourselves. */
int raft_group_change(struct raft_group *group, enum raft_group_change change, replica_id replica);

/* ---- A lost majority ---- */

/* The highest commit index that a leader has told since this replica was opened, which may lie
 * above what the log has. */
uint64_t raft_group_commit_heard(const struct raft_group *group);
/* A majority of those that vote is connected, this replica included. While nobody leads, who has
 * said nothing in this group for long does not count: it cannot open its replica, perhaps. */
bool raft_group_has_majority(const struct raft_group *group);
/* Its engine does not run: not yet (which of them vote is not known then), or not any more. */
bool raft_group_is_starting(const struct raft_group *group);
bool raft_group_is_stopped(const struct raft_group *group);
/* This replica, whose log ends with that entry, goes on as the only voter: all that it has commits,
 * and what others had is lost. Only where the others of a majority never come back under their
 * replica ids. The commands (copied; none or a few) commit with that, or before: who applies them
 * knows that it happened. ERR_INVALID: the log ends with another entry (it was done already,
 * perhaps); ERR_BUSY: it leads, or a majority is connected; ERR_AGAIN: not at present. */
enum { RAFT_GROUP_RECOVER_COMMANDS = 4 };
int raft_group_recover(struct raft_group *group, log_term term, log_index last,
                       const struct slice *commands, size_t count);

/* Asks a majority whether (group, term) still leads, after this call (one frame asks for all groups
 * of a turn). `done`: ERR_NONE; ERR_NOT_LEADER; ERR_TIMEOUT after an election timeout. */
struct raft_group_read_index {
    void (*done)(struct raft_group_read_index *confirm, int error);
    struct raft_group_read_index *next; /* the group's */
    uint64_t round;                     /* the group's */
    uint64_t deadline_ms;               /* the group's */
};
void raft_group_read_index(struct raft_group *group, struct raft_group_read_index *confirm);
void raft_group_read_index_cancel(struct raft_group *group, struct raft_group_read_index *confirm);

/* A planned transfer of the lead to another replica, so that leaders are where they were placed.
 * Submits go on until the target has nearly everything; then they are refused with ERR_LIMIT for
 * the moment (a flush or two) until the lead is lost. `done`: ERR_NONE, this replica leads no more;
 * ERR_TIMEOUT, the target did not take over and this one leads on; ERR_CANCELED, the group was
 * closed. */
struct raft_group_transfer {
    void (*done)(struct raft_group_transfer *transfer, int error);
    struct raft_group *group; /* the group's, all below; NULL: not under way */
    replica_id replica;
    uint64_t deadline_ms;
    log_term term;
    bool asked; /* the target was told to stand: there is no second time */
};
/* ERR_NOT_LEADER; ERR_LIMIT: another one is under way, or this broker stops; ERR_INVALID: the
 * target does not vote, or is this replica; ERR_AGAIN: it is not connected, or lags behind. `done`
 * comes only after ERR_NONE, never inside the call. */
int raft_group_transfer_begin(struct raft_group *group, struct raft_group_transfer *transfer,
                              replica_id replica);
/* `done` is not called; what is under way may succeed all the same. Nothing if it is over. */
void raft_group_transfer_cancel(struct raft_group_transfer *transfer);

#endif
