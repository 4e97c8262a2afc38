/*
 * What the files of a group and of its shard keep: the shard, its links, its groups, their members.
 * Each nested struct has one owner, which its comment names; others read it, and change it by the
 * owner's functions of raft_group_internal.h.
 */
#ifndef RAFT_GLUE_STATE_INTERNAL_H
#define RAFT_GLUE_STATE_INTERNAL_H

#include <raft.h>
#include <uthash.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/timer_heap.h"
#include "raft-glue/peer/peer_frame.h"
#include "raft-glue/peer/rollback_guard.h"
#include "raft-glue/peer/snapshot_frame.h"
#include "raft-glue/raft_group.h"
#include "storage/journal/journal.h"
#include "storage/log_types.h"

struct member;

/* The shard's side of a peer: what goes to it at the end of this turn. */
struct link {
    struct shard *shard;
    int32_t node;
    bool up;
    bool silent;      /* up, but nothing came for nearly an election timeout */
    bool stopping;    /* it said so on this connection */
    uint64_t up_ms;   /* when it came up */
    unsigned session; /* how often it came up */
    unsigned noted,
        under_way; /* changes that the groups are to be told, and are being told (link_change.c) */
    struct peer_bytes control;               /* records */
    struct member *ready_first, *ready_last; /* members there with entries to send, each once */
    uint64_t unacked_bytes;        /* entries sent and not acknowledged, over all groups */
    uint64_t full_since_us;        /* entries wait because that is all that may be; 0: none do */
    uint64_t full_us;              /* for so long they did before */
    struct snapshot_offer *offers; /* made to members there (snapshot_offers.c) */
    bool piece_is_read;            /* for one of them; one at a time */
    uint32_t leads;                /* groups, when election_count_leads was called */
    struct link *next;
};

/* A run of entries that went to a follower. */
struct sent_run {
    uint64_t last;
    uint64_t bytes;
};

/* Times of snapshot_offers.c; 0: it is not so, or was not told. */
struct stranded {
    uint64_t since_ms, told_ms;
};

struct member {
    struct raft_group *group;
    replica_id replica;
    int32_t node;
    bool inside, voter; /* as the configuration in force says (raft_group_voters.c) */
    char address[24];   /* the replica id as text: the engine wants one */
    struct link *link;  /* NULL: ourselves */
    uint64_t heard_ms;  /* when an admitted message of it came; 0: never */

    /* While this replica leads: what that one has and gets (replicate.c). */
    bool verified;    /* its log is known to match ours up to next-1, so entries may be sent */
    bool rejected;    /* during a step: it has just rejected an AppendEntries */
    bool damaged;     /* it rejected what it had acknowledged: it does not count any more */
    bool log_damaged; /* it said, last, that it knows of damage in its segments: it counts, and must
                         not lead */
    bool no_room;     /* it said, last, that its disk has none for producers: it must not lead */
    bool takes_none;  /* nor for us: it gets no records */
    bool silent; /* it did not answer what was sent, for long: it gets no entries until it does */
    bool quiet;  /* it took the last question of quiet.c */
    uint32_t quiet_asked; /* the round in which it was asked last */
    bool beyond; /* the engine wants to send it a snapshot, and waits for its rejection of what lies
                    behind that */
    bool behind; /* it lacks what lies at or below the log's start: no entries help it */
    log_index ends; /* the least end of its log that it told with a rejection; UINT64_MAX: none */
    struct snapshot_offer *offer; /* made to it (snapshot_offers.c); NULL: none */
    uint64_t offer_moved_ms;  /* when it asked for more of that than ever before, or that began */
    uint64_t offer_again_ms;  /* none before */
    struct stranded stranded; /* behind, and nothing can be offered to it */
    bool ready;               /* in link's list */
    bool keep;                /* raft_group_set_members only */
    uint64_t anchor;          /* not verified: the index that the engine asks about */
    uint64_t next;            /* the next entry to send */
    uint64_t end;             /* behind the last entry that the engine wants sent */
    uint64_t sent_ms;         /* when anything went to it */
    uint64_t progress_ms;     /* when its match moved, or sending began */
    uint64_t again_ms;        /* when all was sent again because it rejected it; 0: never */
    uint64_t commit_sent, commit_sent_ms; /* the commit index it was told, and when by itself */
    uint64_t confirmed;                   /* the last round that it confirmed (read_index.c) */
    struct sent_run *runs;                /* a ring: sent, not acknowledged */
    size_t run_first, run_count, run_room;
    bool reading, loaded; /* a read from disk is under way; its entries are here */
    uint64_t read_first;
    int read_error;
    struct partition_log_read read;
    struct member *ready_next;
};

/* A record that waits until the hard state `version` is durable. */
struct held_record {
    uint64_t version;
    struct link *link;
    struct peer_record record;
};

enum raft_group_phase { RAFT_GROUP_STARTING, RAFT_GROUP_RUNNING, RAFT_GROUP_STOPPED };

/* An early try to be elected (election.c). */
/* For election, until this replica leads or somebody else does. */
struct standing {
    uint64_t missed_ms; /* since when there was no leader; 0: it does not stand */
    enum election_cause cause;
    uint64_t took_ms;   /* of the last that was won, until it served */
    log_term told_term; /* of the leader that asked us to stand; 0: none did */
};

struct fast_try {
    bool under_way;
    bool leader_dead;    /* that is why; else nobody has led yet, as far as is known */
    bool tried;          /* it became a candidate */
    uint64_t at_ms;      /* not before */
    uint32_t timeout_ms; /* the engine's meanwhile */
};

/* The start of the engine (raft_group_start.c): the configuration in force at start_index and those
 * above it, as the engine wants them. */
struct starting {
    uint64_t *indexes;
    struct entry **configurations;
    size_t count, loaded;
    struct partition_log_read read;
    bool reading, own_term_set;
    bool anew; /* the engine is to start once more: it is the only voter, and follows */
    /* A read of the own log failed, and is tried again; NULL: none did so far. */
    struct env_timer *again;
    bool waits;
};

/* Terms and votes (raft_group_send.c, raft_group.c): nothing leaves while durable <
 * version. */
struct hard_state {
    uint64_t version, durable;
    struct held_record *held;
    size_t held_count, held_capacity;
};

/* The step under way (raft_group_step.c, receive.c). */
struct step {
    struct entry *const *entries; /* those submitted or received */
    uint64_t first;               /* index of the first of them */
    bool stale;            /* the message is of an older term: its answer has no last log index */
    bool installs;         /* it began to install a snapshot: `installing` of the group is set */
    uint32_t quiet_answer; /* the round of a question to which its answer agrees; 0: none */
};

/* Committed entries on their way to the owner (raft_group_apply.c). */
struct applying {
    bool under_way, loaded; /* a read is under way; its entries are here */
    bool blocked;           /* by damage, until that is mended, or a state leads past it */
    bool restoring;         /* the owner has not said yet what it knows (raft_group_restored) */
    int error;
    struct partition_log_read read;
    size_t next;          /* of its entries, to be handed over */
    struct env_task more; /* the turn was long: the rest comes in a later one */
};

/* Roles as the owner knows them (raft_group_role.c). */
struct announced {
    bool leading; /* `leading` was called for this term, and not `lost` since */
    log_term term;
    uint64_t leader;
    log_term leader_term;
    bool quiet;
    bool current; /* that was called */
};

/* How a group becomes quiet and wakes (quiet.c). */
struct calm {
    bool asks;       /* the step under way asks the followers */
    bool asked;      /* it did, and nothing else went to any of them since */
    bool hurried;    /* woken without a majority: its engine has a shorter election timeout */
    uint32_t round;  /* of the last question */
    log_index index; /* the last index at the last heartbeat */
    /* A follower: the leader whose broker's signs of life stand for heartbeats, on this session of
     * its link. */
    struct member *of;
    unsigned session;
    uint64_t not_before_ms; /* a follower that was woken stands for no election earlier */
};

/* Who waits until a majority confirmed that we lead (read_index.c), in order of their rounds. */
struct read_index {
    struct raft_group_read_index *first, **end;
    uint64_t asked; /* rounds */
};

/* The configuration in force as it was mirrored last (raft_group_voters.c). */
struct voters {
    size_t count;                     /* those included of which the owner has not heard */
    log_index committed, uncommitted; /* of the entries, as the engine knows them */
};

/* Of a leader: one entry on its way, for shard_stats; the next one when it has committed. */
struct entry_trace {
    log_index index;                   /* 0: none */
    uint64_t submitted_us, durable_us; /* 0: not yet, here */
};

struct raft_group {
    struct shard *shard;
    const struct raft_group_events *events;
    void *arg;
    uint64_t id, replica;
    char *label;
    uint64_t first; /* as in raft_group_spec */
    bool needs_room, eager_commit;
    bool made;        /* at this opening: its log was empty and was bootstrapped, */
    bool led;         /* and somebody has led it since */
    uint64_t made_ms; /* when the engine started */
    struct member **members;
    size_t member_count;
    struct member *self;
    struct voters voters;
    struct raft raft;
    struct partition_log *log;
    enum raft_group_phase phase;
    unsigned pins; /* callers up the stack that look at it after a callback */
    bool closed;   /* freed with the last pin */

    log_index start_index; /* the engine was given the entries above it one by one; all up to it are
                              committed */
    struct starting starting;
    struct hard_state hard_state;
    struct step step;

    uint64_t commit, applied;
    log_index known; /* what was known as committed when the log was opened, and is there */
    /* The furthest entry up to which the owner was ever given a state, and our term then: no entry
     * up to there is of a later one. */
    struct {
        log_index index;
        log_term term;
    } stated;
    uint64_t commit_heard; /* the highest that a leader has told, of entries that are here or not */
    struct applying applying;
    struct entry_trace trace;

    /* Roles, as the engine had them after the last step. */
    unsigned role;         /* RAFT_FOLLOWER, ... */
    uint64_t led_ms;       /* when it became RAFT_LEADER last; 0: never */
    log_index serve_index; /* the first entry of the term that we lead, or a later one */
    uint64_t leader;
    log_term leader_term;
    uint64_t heard_leader; /* who sent the last AppendEntries that was not of an older term, and its
                              term */
    log_term heard_term;
    struct announced announced;

    /* Time. */
    struct timer_entry timer;
    struct fast_try fast;
    struct standing standing;
    uint64_t dead_leader; /* the leader that we know, when its process was found dead, or it
                             resigned; 0: none */

    bool quiet; /* of a leader: all that live have agreed; of a follower: it has */
    struct calm calm;

    struct snapshot_fetch *fetch; /* of the beginning of the log (snapshot_fetch.c); NULL: none */
    struct env_timer *fetch_left; /* until what came of an earlier one goes; NULL: none did */
    struct env_timer
        *fetch_works; /* until the leader hears that it goes on; NULL: there was none */
    struct env_timer *fetch_paced; /* until it may ask for a piece; NULL: none had to wait */
    struct raft_snapshot_metadata installing; /* while the engine installs one */

    /* Handing over: the target; submits are refused meanwhile. */
    uint64_t hand_over_to;
    struct raft_group_transfer *transfer; /* planned, under way */

    char *damage; /* in our segments: the first that was met, as the beginning of a sentence; NULL:
                     none */
    /* Away from this replica, which is not fit to lead (leader_fitness.c). */
    struct raft_group_transfer leave;
    uint64_t leave_at_ms; /* the next try, not before; 0: at once */

    struct read_index read_index;

    /* In the shard. */
    bool has_news;
    struct raft_group *news_next;
    UT_hash_handle hh; /* shard->groups */
    struct log_limiter limiter;
};

/* How many bytes of received entries wait for a round of the journal. */
struct undurable {
    struct journal_waiter waiter;
    struct shard *shard;
    uint64_t bytes;
    struct undurable *next;
};

/* Groups in the order of their ids, for whoever passes over them while they come and go. */
struct ids_row {
    struct raft_group **groups;
    size_t count, room;
};

struct shard {
    struct env *env;
    struct log *log;
    struct log_store *store;
    struct log_store_room_listener room;
    struct shard_options options;
    const struct peers_events *events; /* the owner's */
    void *arg;
    struct peers *peers;
    struct rollback_guard *witness;
    struct raft_group *groups;   /* by id */
    struct ids_row row, damaged; /* all of them; those with damage in their logs */
    struct link *links;
    uint64_t now_ms; /* of the engine's events: never goes back */
    struct timer_heap timers;
    struct env_timer *timer;
    uint64_t timer_at_ms;    /* UINT64_MAX: not set */
    struct env_timer *watch; /* of the links' silence */
    struct env_task turn,
        later;              /* later: another turn for news that did not fit into the last one */
    struct env_task change; /* goes on with what links that changed mean (link_change.c), */
    struct raft_group *change_next; /* with this group; NULL: with none */
    struct raft_group *news_first, *news_last;

    uint64_t turn_bytes;                          /* of entries received in this turn */
    struct undurable *undurable, **undurable_end; /* rounds that are awaited, in order */
    uint64_t undurable_bytes;
    bool bulk_paused;
    uint64_t paused_ms; /* since when */

    unsigned fetches;      /* groups that have one (snapshot_fetch.c) */
    uint64_t fetch_due_us; /* when the next piece of any of them may be asked for */

    uint32_t led_by_us, led_by_all; /* groups, when election_count_leads was called */

    bool settled; /* shard_settled */
    bool asked;   /* all peers have answered, or it has taken too long (shard_is_asking): */
    struct env_timer *asking_timer;
    bool asked_noted,
        asked_under_way; /* the groups are to be told, and are being (link_change.c) */

    bool draining;     /* this broker stops: it stands for nothing any more (drain.c), */
    bool handing_over; /* and it is known who stops with it */
    uint32_t drain_ms; /* for all of that */
    void (*drained)(void *arg);
    void *drained_arg;
    struct env_timer *drain_timer;

    struct shard_stats stats;
    struct log_limiter limiter;
};

static inline struct raft_group *raft_group_of_timer(struct timer_entry *entry) {
    return CONTAINER_OF(entry, struct raft_group, timer);
}
static inline bool raft_group_hard_state_pending(const struct raft_group *group) {
    return group->hard_state.durable < group->hard_state.version;
}
static inline bool raft_group_leads(const struct raft_group *group) {
    return group->phase == RAFT_GROUP_RUNNING && group->raft.state == RAFT_LEADER;
}

#endif
