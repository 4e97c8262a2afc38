/*
 * What the files of a group and of its shard share; private to raft-glue. They stand in floors: a file uses those on lower floors, never
 * one above or beside it, and notes in these structs what the floors above act upon. From the ground up:
 *
 *   ground    raft_group_facts.c    what is known of a group        shard_turn.c    what a turn gathers: news, records, clock
 *   outlets   raft_group_send.c     messages, behind hard state     raft_group_deadline.c  when a group is due
 *             flow_control.c         how much peers may send
 *   calm      quiet.c          groups in which nothing happens
 *   parts     replicate.c      cursors of the followers        read_index.c   does a majority still follow
 *             election.c       early tries to be elected       transfer.c  who takes a leadership over
 *             raft_group_trail.c    what the engine knows of the log
 *   roles     raft_group_role.c     what begins and ends with a role
 *             unfit.c          segments that cannot be read, a disk without room: who leads then
 *   the step  raft_group_step.c     one engine step, its effects in their order, what follows from it
 *             admit.c          what may reach the engine
 *   causes    receive.c        frames to steps                 raft_group_timeout.c  a deadline has come
 *             raft_group_start.c    the engine starts               raft_group_apply.c    commits and roles to the owner
 *             drain.c          a clean stop of the broker
 *   durable   raft_group_durable.c  what the log reports
 *   life      raft_group.c          open, close, members
 *   links     link_change.c    what a link that changed means for each group
 *   roof      shard.c          one loop: peers' events, timer, end of the turn
 *
 * Below all of them and without this header: peers.c, peer_link.c, peer_connection.c, entry_frame.c, configuration.c, in this order above
 * peer_frame.c; and engine_heap.c.
 */
#ifndef RAFT_GLUE_RAFT_GROUP_INTERNAL_H
#define RAFT_GLUE_RAFT_GROUP_INTERNAL_H

#include <raft.h>
#include <uthash.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/timer_heap.h"
#include "raft-glue/peer/peer_frame.h"
#include "raft-glue/peer/rollback_guard.h"
#include "raft-glue/raft_group.h"
#include "storage/journal/journal.h"

struct member;

/* The shard's side of a peer: what goes to it at the end of this turn. */
struct link {
    struct shard *shard;
    int32_t node;
    bool up;
    bool silent;               /* up, but nothing came for nearly an election timeout */
    bool stopping;             /* it said so on this connection */
    unsigned session;          /* how often it came up */
    unsigned noted, under_way; /* changes that the groups are to be told, and are being told (link_change.c) */
    struct peer_bytes control; /* records */
    struct member *ready_first, *ready_last; /* members there with entries to send, each once */
    uint64_t unacked_bytes;                  /* entries sent and not acknowledged, over all groups */
    uint32_t leads;                          /* groups, when election_count_leads was called */
    struct link *next;
};

/* A run of entries that went to a follower. */
struct sent_run {
    uint64_t last;
    uint64_t bytes;
};

struct member {
    struct group *group;
    uint64_t replica;
    int32_t node;
    bool voter;
    char address[24];  /* the replica id as text: the engine wants one */
    struct link *link; /* NULL: ourselves */
    uint64_t heard_ms; /* when an admitted message of it came; 0: never */

    /* While this replica leads: what that one has and gets (replicate.c). */
    bool verified;        /* its log is known to match ours up to next-1, so entries may be sent */
    bool rejected;        /* during a step: it has just rejected an AppendEntries */
    bool damaged;         /* it rejected what it had acknowledged: it does not count any more */
    bool log_damaged;     /* it said, last, that it knows of damage in its segments: it counts, and must not lead */
    bool no_room;         /* it said, last, that its disk has none for producers: it must not lead */
    bool takes_none;      /* nor for us: it gets no records */
    bool silent;          /* it did not answer what was sent, for long: it gets no entries until it does */
    bool quiet;           /* it took the last question of quiet.c */
    uint32_t quiet_asked; /* the round in which it was asked last */
    bool beyond;      /* the engine wants to send it a snapshot, and waits for its rejection of what lies behind that */
    bool ready;       /* in link's list */
    bool keep;        /* group_set_members only */
    uint64_t anchor;  /* not verified: the index that the engine asks about */
    uint64_t next;    /* the next entry to send */
    uint64_t end;     /* behind the last entry that the engine wants sent */
    uint64_t sent_ms; /* when anything went to it */
    uint64_t progress_ms;                 /* when its match moved, or sending began */
    uint64_t again_ms;                    /* when all was sent again because it rejected it; 0: never */
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

enum group_phase { GROUP_STARTING, GROUP_RUNNING, GROUP_STOPPED };

/* An early try to be elected (election.c). */
struct fast_try {
    bool under_way;
    bool tried;          /* it became a candidate */
    uint64_t at_ms;      /* not before */
    uint32_t timeout_ms; /* the engine's meanwhile */
};

struct group {
    struct shard *shard;
    const struct group_events *events;
    void *arg;
    uint64_t id, replica;
    char *label;
    uint64_t first; /* as in group_spec */
    bool needs_room, eager_commit;
    bool made;        /* at this opening: its log was empty and was bootstrapped, */
    bool led;         /* and somebody has led it since */
    uint64_t made_ms; /* when the engine started */
    struct member **members;
    size_t member_count;
    struct member *self;
    struct raft raft;
    struct partition_log *log;
    enum group_phase phase;
    unsigned pins; /* callers up the stack that look at it after a callback */
    bool closed;   /* freed with the last pin */

    /* Starting: the configuration in force at start_index and those above it, as the engine wants them. */
    uint64_t *changes;
    struct entry **change_entries;
    size_t change_count, change_loaded;
    struct partition_log_read change_read;
    bool change_reading, own_term_set;
    struct env_timer *read_again; /* a read of the own log failed, and is tried again; NULL: none did so far */
    bool read_waits;
    uint64_t start_index; /* the engine was given the entries above it one by one; all up to it are committed */

    /* Hard state: nothing leaves while durable < version. */
    uint64_t hard_version, hard_durable;
    struct held_record *held;
    size_t held_count, held_room;

    /* The step under way. */
    struct entry *const *step_entries; /* those submitted or received */
    uint64_t step_first;               /* index of the first of them */
    bool step_stale;                   /* the message is of an older term: its answer has no last log index */
    uint32_t quiet_answer;             /* the round of a question to which its answer agrees; 0: none */

    /* Commits. */
    uint64_t commit, applied;
    bool applying, apply_loaded; /* a read is under way; its entries are here */
    bool apply_blocked;          /* by damage: nothing more is applied at this opening */
    int apply_error;
    struct partition_log_read apply_read;
    struct env_task apply_more; /* the turn was long: the rest comes in a later one */

    /* Roles, as the engine had them after the last step, and as the owner knows them. */
    unsigned role;        /* RAFT_FOLLOWER, ... */
    uint64_t serve_index; /* the first entry of the term that we lead */
    bool announced;       /* `leading` was called for announced_term, and not `lost` since */
    uint32_t announced_term;
    uint64_t leader, announced_leader;
    uint32_t leader_term, announced_leader_term;
    uint64_t heard_leader; /* who sent the last AppendEntries that was not of an older term, and its term */
    uint32_t heard_term;

    /* Time. */
    struct timer_entry timer;
    struct fast_try fast;
    uint64_t dead_leader; /* the leader that we know, when its process was found dead, or it resigned; 0: none */

    /* Quiet (quiet.c): of a leader, all that live have agreed; of a follower, it has. */
    bool quiet, announced_quiet;
    bool quiet_asks;         /* the step under way asks the followers */
    bool quiet_asked;        /* it did, and nothing else went to any of them since */
    bool hurried;            /* woken without a majority: its engine has a shorter election timeout */
    uint32_t quiet_round;    /* of the last question */
    uint64_t calm_index;     /* the last index at the last heartbeat */
    struct member *quiet_of; /* a follower: the leader whose broker's signs of life stand for heartbeats, */
    unsigned quiet_session;  /* on this session of its link */
    uint64_t not_before_ms;  /* a follower that was woken stands for no election earlier */

    /* Handing over: the target; submits are refused meanwhile. */
    uint64_t hand_over_to;
    struct group_transfer *transfer; /* planned, under way */

    char *damage; /* in our segments: the first that was met, as the beginning of a sentence; NULL: none */
    struct group_transfer leave; /* away from this replica, which is not fit to lead (unfit.c) */
    uint64_t leave_at_ms;        /* the next try, not before; 0: at once */

    /* Confirmations: waiting, in order of their rounds. */
    struct group_confirm *confirms, **confirms_end;
    uint64_t confirm_asked; /* rounds asked */

    /* In the shard. */
    bool has_news;
    struct group *news_next;
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

struct shard {
    struct env *env;
    struct log *log;
    struct log_store *store;
    struct shard_options options;
    const struct peers_events *events; /* the owner's */
    void *arg;
    struct peers *peers;
    struct witness *witness;
    struct group *groups; /* by id */
    struct link *links;
    uint64_t now_ms; /* of the engine's events: never goes back */
    struct timer_heap timers;
    struct env_timer *timer;
    uint64_t timer_at_ms;        /* UINT64_MAX: not set */
    struct env_timer *watch;     /* of the links' silence */
    struct env_task turn, later; /* later: another turn for news that did not fit into the last one */
    struct env_task change;      /* goes on with what links that changed mean (link_change.c), */
    struct group *change_next;   /* with this group; NULL: with none */
    struct group *news_first, *news_last;

    uint64_t turn_bytes;                          /* of entries received in this turn */
    struct undurable *undurable, **undurable_end; /* rounds that are awaited, in order */
    uint64_t undurable_bytes;
    bool bulk_paused;
    uint64_t paused_ms; /* since when */

    uint32_t led_by_us, led_by_all; /* groups, when election_count_leads was called */

    bool draining;     /* this broker stops: it stands for nothing any more (drain.c), */
    bool handing_over; /* and it is known who stops with it */
    uint32_t drain_ms; /* for all of that */
    void (*drained)(void *arg);
    void *drained_arg;
    struct env_timer *drain_timer;

    struct shard_stats stats;
    struct log_limiter limiter;
};

static inline struct group *group_of_timer(struct timer_entry *entry) {
    return CONTAINER_OF(entry, struct group, timer);
}
static inline bool group_hard_state_pending(const struct group *group) {
    return group->hard_durable < group->hard_version;
}
static inline bool group_leads(const struct group *group) {
    return group->phase == GROUP_RUNNING && group->raft.state == RAFT_LEADER;
}

/* ======== Ground ======== */

/* ---- raft_group_facts.c (and the questions of raft_group.h) ---- */

struct member *group_member(const struct group *group, uint64_t replica); /* NULL: none */
/* It needs room on the disk, and there is none for records that come to a leader, or to a follower (disk_room.h). */
bool group_lacks_room(const struct group *group, enum disk_room_asker asker);
/* There is damage in its segments. */
bool group_is_damaged(const struct group *group);
/* Either: somebody else is to lead, if there is somebody. */
bool group_is_unfit(const struct group *group);
bool group_has_member_at(const struct group *group, const struct link *link);
/* Made at this opening, and nobody has led it yet. */
bool group_is_new(const struct group *group);
/* Until then others wait for the first replica of a new group, and it goes on trying: it may be unable to open the group. */
uint64_t group_patience_ends_ms(const struct group *group);
/* While we lead: up to where its log is known to match ours; 0: nowhere. */
uint64_t member_match(const struct member *member);
/* When something of it came last: an admitted message, or for a quiet one a sign of life of its broker. 0: never. */
uint64_t member_heard_ms(const struct member *member);
bool member_is_live(const struct member *member); /* connected, and not silent */
/* Of a majority of the voters it is so; of this replica always. */
bool group_majority_is(const struct group *group, bool (*is)(const struct member *member));

/* ---- shard_turn.c (and shard_group) ---- */

void shard_add_group(struct shard *shard, struct group *group);
void shard_remove_group(struct shard *shard, struct group *group);
/* The end of the turn comes. */
void shard_wake(struct shard *shard);
/* The group has something for the end of the turn. */
void shard_news(struct group *group);
struct group *shard_take_news(struct shard *shard); /* NULL: no more */
/* Made when it is first asked for. */
struct link *shard_link(struct shard *shard, int32_t node);
/* Leaves with the turn; dropped if the link is down. */
void link_add_record(struct link *link, const struct peer_record *record);
uint64_t shard_now_ms(struct shard *shard);
/* The timer fires for the first deadline at the latest. */
void shard_arm(struct shard *shard);

/* ======== Outlets ======== */

/* ---- raft_group_send.c ---- */

/* Sends when the hard state allows it. */
void group_send(struct group *group, struct member *member, struct peer_record *record);
/* A message of the engine, other than AppendEntries. */
void group_send_message(struct group *group, struct member *member, const struct raft_message *message);
/* Tells that leader of damage and room, although it asks nothing at present. */
void group_send_state(struct group *group, struct member *member);
/* More of the hard state is durable. */
void group_send_held(struct group *group);

/* ---- raft_group_deadline.c ---- */

void group_rearm(struct group *group);       /* after anything that may make the deadline earlier */
void group_rearm_later(struct group *group); /* after what can only make it later */
void group_arm_at(struct group *group, uint64_t at_ms);
/* UINT64_MAX: never. The first is the earliest of the others. */
uint64_t group_deadline_ms(const struct group *group);
uint64_t group_engine_deadline_ms(const struct group *group);
uint64_t group_confirm_deadline_ms(const struct group *group);
uint64_t group_transfer_deadline_ms(const struct group *group);
uint64_t group_leave_deadline_ms(const struct group *group);

/* ---- flow_control.c ---- */

/* So much was received, which this turn hands to the journal. */
void intake_charge(struct shard *shard, uint64_t bytes);
void intake_end_turn(struct shard *shard);
void intake_on_time(struct shard *shard);
void intake_close(struct shard *shard);

/* ======== Calm ======== */

/* ---- quiet.c ---- */

/* Around the RAFT_TIMEOUT of a leader: whether its heartbeats ask the followers to be quiet. */
void quiet_tick_begins(struct group *group);
void quiet_tick_ended(struct group *group);
/* The question for that member, as it goes into an AppendEntries; `asks` says whether there is one. Whatever else a leader sends ends its quiet. */
void quiet_ask(struct member *member, struct peer_record *record);
void quiet_sent(struct group *group);
/* Whether this follower agrees to what its leader asks; before the step, which answers. */
bool quiet_agrees(const struct group *group, const struct member *from, const struct peer_record *record);
/* Behind that step. */
void quiet_follow(struct group *group, struct member *from);
/* That member agreed. */
void quiet_agreed(struct member *member, const struct peer_record *record);
/* Behind each step: it may have been what wakes the group. */
void quiet_stepped(struct group *group);
/* Nothing is as it was: the group wakes, if it is quiet, and is calm for no time. */
void quiet_end(struct group *group);
void quiet_link_changed(struct group *group, const struct link *link); /* it came up, or broke */
/* The engine has its own timeout again: a majority shows signs of life, or it leads no more. */
void quiet_stop_hurry(struct group *group);
void quiet_link_heard(struct group *group, const struct link *link); /* it is silent now, or not any more */

/* ======== Parts ======== */

/* ---- replicate.c ---- */

/* This replica leads a new term: nothing is known of the others. */
void replicate_begin(struct group *group);
void replicate_end(struct group *group);
/* The member goes away or moves: nothing of it may remain in lists and windows. */
void replicate_forget(struct member *member);
/* The engine wants this AppendEntries sent. */
void replicate_append(struct member *member, const struct raft_append_entries *args);
/* A result of that member was stepped. */
void replicate_acknowledged(struct member *member);
/* That result rejected an AppendEntries behind `index`. */
void replicate_rejected(struct member *member, uint64_t index);
/* Asks those, too, whose heartbeat does not fall into the step that asks to be quiet. */
void replicate_ask_quiet(struct group *group);
/* Tells it the commit index, if it needs to be told; part of the turn. */
void replicate_commit(struct member *member);
void replicate_link_up(struct member *member);
void replicate_link_down(struct member *member);
/* Frames of entries to that peer, as far as its windows allow. */
void replicate_fill(struct link *link);

/* ---- read_index.c ---- */

/* Part of the turn: asks, and ends those that are confirmed, late or in vain. */
void confirm_deliver(struct group *group);
void confirm_received(struct group *group, struct member *from, const struct peer_record *record);
void confirm_fail_all(struct group *group, int error);

/* ---- election.c ---- */

void election_start(struct group *group);
/* Looks who leads how much; before the calls for all groups that follow from one event. */
void election_count_leads(struct shard *shard);
void election_on_link_up(struct group *group);
void election_on_link_down(struct group *group);
void election_on_dead(struct group *group, int32_t node);
/* That member said that it leads the present term no more. */
void election_on_resigned(struct group *group, const struct member *from);
/* Behind a step: ends a try that is over. */
void election_note(struct group *group);
/* Around the step of a timeout: whether it may be; what came of it. */
bool election_may_time_out(struct group *group);
void election_timed_out(struct group *group);
/* A vote for ourselves is on disk, so the time of its try runs from now on. */
void election_hard_state_durable(struct group *group);
/* Whether a vote request may depose the leader that we know: its process is dead, or it resigned. */
bool election_leader_is_dead(const struct group *group);

/* ---- transfer.c ---- */

/* Who could take this group over from us, the best of them; NULL: nobody. */
struct member *transfer_target(const struct group *group);
/* While this broker hands over, or a transfer is planned: chooses, and refuses submits for it. Returns whom to transfer to now; NULL:
 * nobody yet. */
struct member *transfer_decide(struct group *group);
/* group_transfer_begin; also of a leader that does not serve yet. */
int transfer_begin(struct group *group, struct group_transfer *transfer, struct member *target);
/* Part of the turn: ends a planned one that is over. */
void transfer_deliver(struct group *group);
void transfer_fail(struct group *group, int error);

/* ---- raft_group_trail.c ---- */

/* The most entries that the engine may know about: it counts them in 32 bits. */
#define ENGINE_ENTRIES_MOST UINT64_C(0xe0000000)

/* The engine knows the log from `first` on, which is not above what it knew the first of; it knows its end already. */
void engine_trail_extend(struct raft *raft, const struct partition_log *log, uint64_t first);
/* Behind RAFT_START: the entries below start_index are known, too. */
void group_trail_begin(struct group *group);
/* The engine wants to send a snapshot: that member lacks more than the trail covers. */
void group_trail_reach(struct member *member);
/* Behind a step: true if the trail is too long, and `event` makes the engine forget its beginning. */
bool group_trail_forget(struct group *group, struct raft_event *event);
/* Cuts off what an admitted AppendEntries says below the trail, where the engine could not compare it. Returns how many entries. */
unsigned group_trail_cut_below(struct group *group, struct raft_append_entries *args);

/* ======== Roles ======== */

/* ---- raft_group_role.c (and group_stop) ---- */

/* Within a step: the engine's state changed. */
void group_note_role(struct group *group);
/* Behind each step: who leads. */
void group_note_leader(struct group *group);
bool group_has_to_tell(const struct group *group);
/* Tells the owner; part of the turn. The group may be closed then. */
void group_tell_role(struct group *group);

/* ---- unfit.c ---- */

void unfit_damage_found(struct group *group, const struct partition_log_damage *damage);
/* The disk has no room any more, or has some again. */
void unfit_room_changed(struct shard *shard);
/* Part of the turn: a leader that is not fit to lead hands over to a replica that is, if one is in sync. */
void unfit_deliver(struct group *group);

/* ======== The step ======== */

/* ---- raft_group_step.c (and group_submit) ---- */

/* Steps the engine and carries out what it says. The event's time is set here. True: it took entries into the log. */
bool group_step(struct group *group, struct raft_event *event);
/* Entries up to `index` are durable; does nothing if the engine knows. */
void group_step_persisted(struct group *group, uint64_t index);
/* Transfers the leadership, if this broker hands over and there is somebody who has all. */
void group_hand_over(struct group *group);

/* ---- admit.c ---- */

/* Whether the engine may see this message of `from`. False: dropped and counted (or the group has stopped). Terms are 32 bits here. */
bool group_admit(struct group *group, struct member *from, struct raft_message *message);
/* The same for what the engine does not look at: the entries of an AppendEntries that group_admit lets through. */
bool group_admit_entries(struct group *group, struct member *from, const struct raft_append_entries *args,
                         struct entry *const *entries);

/* ======== Causes of steps ======== */

/* ---- receive.c ---- */

void receive_records(struct shard *shard, int32_t node, struct slice payload);
void receive_entries(struct shard *shard, int32_t node, struct slice payload);

/* ---- raft_group_timeout.c ---- */

void group_on_time(struct group *group);

/* ---- raft_group_start.c ---- */

/* Goes on with the start as far as what is here allows; called again when more is. */
void group_continue_start(struct group *group);
/* The group closes: nothing of an unfinished start remains. */
/* A read of the own log failed with an error that may pass: no further one until it is tried again. False: it is damage. */
bool group_read_later(struct group *group, int error);
void group_end_start(struct group *group);

/* ---- raft_group_apply.c ---- */

/* `run` of group.apply_more. */
void group_apply_more(struct env_task *task);
/* Hands over commits and tells about leadership; part of the turn. The group, which is pinned, may be closed then. */
void group_deliver(struct group *group);

/* ---- drain.c (and shard_transfer_all) ---- */

/* A link came up: the other side must know if we stop. */
void drain_link_up(struct link *link);
/* Part of the turn: tells the owner when nothing is left to hand over. */
void drain_check(struct shard *shard);

/* ======== Durable ======== */

/* ---- raft_group_durable.c ---- */

extern const struct partition_log_events group_log_events;

/* ======== Life ======== */

/* ---- raft_group.c ---- */

/* Around a callback of the owner: a group that is closed inside lives until the last unpin. */
void group_pin(struct group *group);
void group_unpin(struct group *group);

/* ======== Links ======== */

/* ---- link_change.c ---- */

/* All groups are told, now or in later turns. */
void link_change_up(struct link *link);
void link_change_down(struct link *link, bool dead);
/* Now and then: which links are silent. */
void link_change_watch(struct shard *shard);
void link_change_goes_on(struct env_task *task); /* `run` of shard.change */

#endif
