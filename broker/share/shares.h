/*
 * The share-partitions of one partition: their committed states, on every replica, and on its
 * leader what members hold and what is on its way into the log.
 *
 *              share_begin                        share_end
 *   no share ---------------> BEGIN commits ---> ... ---------> OUTCOMES commit, at the end of the
 *                                                              turn in one command for each share
 *
 * Happy path: shares_apply builds the states from the commands that commit. On the leader a share
 * begins, begins anew or goes as the coordinator of its group says; outcomes of its queue are given
 * to share_end, go into the log together, and whoever waits for them is told when they are applied.
 * What is held too long is released by the timer, and who waits is called for what was to wait
 * until then. Failures: what the log does not take now is
 * offered again; when the lead is lost, or the share is dropped or begins anew, waiters end with
 * NOT_LEADER_OR_FOLLOWER or INVALID_RECORD_STATE.
 * Invariants: `apply` depends on the bytes alone; a partition without groups that share has nothing
 * here but this; what waits to be submitted of a share is bounded by what may be held of it.
 */
#ifndef BROKER_SHARE_SHARES_H
#define BROKER_SHARE_SHARES_H

#include "base/env.h"
#include "broker/share/share_command.h"
#include "broker/share/share_queue.h"
#include "broker/snapshot/snapshot_bytes.h"

enum { SHARES_MAX = 100 /* groups that share one partition */ };

struct shares;
struct shares_walk;

struct shares_options {
    struct env *env;
    /* Puts a command (taken over on success) into the log of the partition, of which it leads. An
     * error: not now. */
    int (*submit)(void *arg, struct slice *command);
    void *arg;
    kafka_offset (*end)(void *arg); /* behind the last record that groups may have */
    struct share_book *book;        /* of all partitions of the broker; stays */
    /* Of a leader: there are dead letters to be copied, or what became of some has committed. Never
     * within a call of whoever is told. NULL: nobody copies them. */
    void (*letters)(void *arg);
};

/* Who waits for a record to become available, or room for it. It has a place in the order in which
 * they began to wait until it is canceled. */
struct share_waiter {
    void (*available)(struct share_waiter *waiter); /* once, until share_wait is called again */
    uint64_t least;                                 /* bytes that it wants at least */
    struct share *share;                            /* ours, as the next; NULL: does not wait */
    bool called;
    struct share_waiter *next, *prev;
};

/* Who waits until what was decided has committed. */
struct share_commit {
    void (*done)(struct share_commit *commit, int16_t error);
    struct shares *shares; /* ours, all below; NULL: it is over */
    struct share *share;
    uint64_t number;
    struct share_commit *next, *prev;
};

struct share {
    struct shares *shares;
    struct share *next, *prev;
    struct kp_string group; /* its own copy */
    int32_t number, epoch;
    struct share_state state;
    /* Of the leader. */
    struct share_queue queue;
    struct share_limits limits; /* as whoever reads for the group said last */
    size_t counted;             /* of its runs, those in the book */
    struct share_tally *tally;  /* of its group */
    uint64_t entry;             /* its place there */
    struct share *tally_next, *tally_prev;
    struct offset_ranges unsent;  /* outcomes */
    uint64_t submitted, applied;  /* commands with outcomes */
    struct share_waiter *waiters; /* who began first is the first */
    size_t waiting;
    uint64_t used_ms; /* of env_now_ms: when somebody last read for it, or it began */
    /* The first record that is available was this one, and lives until then, of the wall clock,
     * with that message.ttl.ms. */
    kafka_offset head;
    int64_t head_until_ms, head_ttl_ms;
};

struct shares *shares_new(const struct shares_options *options);
void shares_free(struct shares *shares); /* nobody waits */

/* ---- Of the applier ---- */

/* ERR_VERSION, ERR_MALFORMED. */
int shares_apply(struct shares *shares, const uint8_t *bytes, size_t len);
/* The log starts there now. */
void shares_pass(struct shares *shares, kafka_offset start);
void shares_leading(struct shares *shares);
void shares_lost(struct shares *shares);
void shares_reset(struct shares *shares);
/* All of them as bytes, in steps, while commands go on being applied: steps until one returns true,
 * then, when no step of others is to come any more, the rest, which ends the walk. Together they
 * are the state of that moment; no bytes, if no group ever shared this partition. */
struct shares_walk *shares_walk_new(struct shares *shares);
bool shares_walk_step(struct shares_walk *walk, struct snapshot_bytes *into);
void shares_walk_rest(struct shares_walk *walk, struct snapshot_bytes *into);
void shares_walk_stop(struct shares_walk *walk); /* instead of the rest */
/* And back, a step: *took of these bytes, which reach to the end of all. ERR_VERSION,
 * ERR_MALFORMED: to be reset. */
int shares_decode(struct shares *shares, const uint8_t *bytes, size_t len, size_t *took);

/* ---- Of the leader ---- */

/* How many records members of all of them hold. */
uint64_t shares_held(const struct shares *shares);
/* For so long nothing is given to anybody: the lead is to be handed over. Who waits is called when
 * that is over and it still leads. */
void shares_pause(struct shares *shares, uint64_t ms);
bool shares_are_paused(const struct shares *shares);
/* NULL: the group has not begun here. */
struct share *shares_find(const struct shares *shares, struct kp_string group);
size_t shares_count(const struct shares *shares);
/* Whether what is said of its locks is known here. */
bool share_is_led(const struct share *share);
/* Records that the group is not done with. */
int64_t share_lag(const struct share *share);
/* As many as may have begun, or are about to. */
bool shares_are_full(const struct shares *shares);
/* Somebody reads for it. */
void share_use(struct share *share);
/* Of those for which nobody has read in so many ms, as far as this leader knows, the one for which
 * that is longest so, and which is not about to go; NULL: all are used. */
struct share *shares_unused(const struct shares *shares, uint64_t ms);
/* The one with that number, or the next one; NULL: there is none. */
struct share *shares_from(const struct shares *shares, int32_t number);
/* It begins at that offset. `commit` NULL: nobody waits. `done` comes behind its commit, never
 * within the call: NONE, or NOT_LEADER_OR_FOLLOWER. */
void share_begin(struct shares *shares, struct kp_string group, kafka_offset start,
                 struct share_commit *commit);
/* The same for one that may be there: what was known of it counts no more. `epoch` 0: it is not. */
void share_begin_anew(struct shares *shares, struct kp_string group, kafka_offset start,
                      int32_t epoch, struct share_commit *commit);
/* It goes. `done` as above. */
void share_drop(struct share *share, struct share_commit *commit);
/* The group is about to begin here, to begin anew, or to go: `done` comes when that has committed,
 * as above, and may ask for the next thing within the call. False: nothing is under way, and nobody
 * waits. */
bool share_settles(struct shares *shares, struct kp_string group, struct share_commit *commit);
/* Outcomes of its queue, which are taken over. `commit` NULL: nobody waits. Without outcomes
 * `done` comes at the end of the turn. */
void share_end(struct share *share, struct offset_ranges *outcomes, struct share_commit *commit);
void share_commit_cancel(struct share_commit *commit); /* nothing if it is over */
/* Whoever reads for the group says its limits, and what time it is: before anything is given to it
 * or ended by it. */
void share_read_by(struct share *share, const struct share_limits *limits);
/* What a holder has that has gone is released. */
void share_release(struct share *share, uint64_t holder);
/* Something was acquired: its time will be over. */
void share_watch(struct share *share);
/* What was acquired (struct share_range) is seen by nobody: it is as if it had not been. Who waits
 * for fewer bytes than `least` is called. */
void share_give_back(struct share *share, const struct offset_ranges *given, uint64_t holder,
                     uint64_t least);
/* How many records below `end`, and below `most`, one of those who want some may have now, who
 * waits or not, so that the others who wait have as many. `others`: there are members that may want
 * some later, for which half of what may be held stays. */
uint64_t share_part(const struct share *share, const struct share_waiter *waiter, kafka_offset end,
                    bool others, uint64_t most);
/* Others wait too, and none of them for fewer bytes: whose part is too little for it may take
 * theirs, which are too little for them. */
bool share_parts_may_join(const struct share *share, const struct share_waiter *waiter);
/* A MOVE of it, into the log; its records stay the caller's. An error: the log does not take it
 * now. */
int share_begin_move(struct share *share, const struct share_move *move);
/* Whoever waits there already, and was called, keeps its place. */
void share_wait(struct share *share, struct share_waiter *waiter);
void share_wait_cancel(struct share_waiter *waiter); /* nothing if it does not wait */

#endif
