/*
 * Inside of a partition, shared by partition*.c and append_queue.c. Nobody else's. From the ground
 * to the top:
 *
 *   partition_state.c      whether it leads, its ends, who is in sync
 *   partition_delay.c      records that are delivered later: until they are appended, and as an
 *                          applier
 *   append_queue.c         batches into entries, entries into the group
 *   partition_check.c      batches on their way through their checks, in order
 *   partition_refusal.c    refusals for good, until they are confirmed
 *   partition_guard.c      batches until the coordinator of their transaction has been asked
 *   partition_admission.c  whether a batch may be appended: room, its producer's turn
 *   partition_produce.c    from a client's batch to its acknowledgement
 *   partition_release.c    ... and for those whose time has come
 *   partition_append.c     the same for a batch of the broker itself
 *   partition_marker.c     ... and for what ends a transaction
 *   partition_read.c       reads and waits of consumers
 *   partition_lookup.c     offsets by timestamp, ends of epochs
 *   partition_trim.c       records that are deleted from the front, also because they are too old,
 *                          or too many
 *   partition_clean.c      all but the last records of their keys
 *   partition_tombstones.c ... and when the last ones go, too, that say that a key is gone; their
 *                          marks, as an applier
 *   producer_applier.c     what has committed, for the producer state
 *   log_start_applier.c    ... and for the start of the log
 *   partition_shares.c     ... and for groups that share it
 *   appliers.c             what has committed, for all appliers
 *   appliers_snapshot.c    their snapshot, there and back, in steps
 *   partition.c            opening, closing, what the group tells
 */
#ifndef BROKER_PARTITION_PARTITION_INTERNAL_H
#define BROKER_PARTITION_PARTITION_INTERNAL_H

#include "base/check.h"
#include "base/mem.h"
#include "broker/guards/transaction_guards.h"
#include "broker/log_start/log_start.h"
#include "broker/log_start/tombstone_marks.h"
#include "broker/partition/partition.h"
#include "broker/partition/partition_delay.h"
#include "broker/partition/produced_batch.h"
#include "broker/producer/producer_state.h"
#include "broker/share/shares.h"
#include "protocol/record/transaction_marker.h"
#include "storage/log_types.h"

/* One entry that gathers batches, or holds a large one by reference. */
struct forming_entry {
    struct forming_entry *next;
    /* A single batch in somebody's frame; else empty and the bytes are in `data`. */
    struct slice large;
    uint8_t *data;
    size_t len, room;
    size_t plain_bytes; /* of batches that their producers did not compress */
    kafka_offset base_offset;
    uint64_t came_us; /* the first of them */
    int64_t max_timestamp;
    uint32_t records;
    uint16_t batches;
    bool numbered; /* some of them by idempotent producers, or `delays` */
    bool delays;   /* records of some are held back, or were */
    bool released; /* it delivers what was held back, in one batch, and gathers no more */
};

/* Entries that the group has not taken yet, in order of their offsets; the last one may still
 * gather. */
struct append_queue {
    struct forming_entry *first, *last;
    size_t bytes;
    size_t usual_len; /* of entries lately: so much room a new one gets */
};

struct produce_list {
    struct partition_produce *first, *last;
};

enum produce_place {
    PLACE_NONE,
    PLACE_ELECTING,
    PLACE_CHECKING,
    PLACE_GUARDED,
    PLACE_HELD,
    PLACE_WAITING
};

/* The batches of one sender that are not checked yet, as they came; the first one is under way. */
struct check_line;

enum { APPLIERS_MAX = 6 };

/* A batch on its way through the log of which something is held back. */
struct held_flight {
    kafka_offset end_offset;
    int64_t first_due_ms;     /* INT64_MAX: it only calls others off */
    uint64_t bytes;           /* that it will take while it is pending */
    kafka_offset *called_off; /* those that are not delivered meanwhile */
    size_t called_off_count;
    struct held_flight *next, *prev;
};

/* Records that are delivered later. */
struct partition_delay {
    struct delay_settings settings;
    struct delayed *delayed; /* by what has committed */
    struct delay_seat seat;
    struct held_flight *flights; /* of a leader, in the order of the log */
    uint64_t flight_bytes;
    /* Of partition_release.c. */
    struct env_timer *timer;
    struct partition_produce release; /* is on its way: */
    bool releasing;
};

struct partition {
    bool expires; /* is counted as one with message.ttl.ms */
    struct shard *shard;
    struct env *env;
    struct raft_group *group;
    char *topic;
    int32_t index;
    replica_id replica;
    struct raft_group_member *members;
    size_t member_count;
    struct partition_settings settings;
    const struct partition_events *events;
    void *arg;
    struct applier appliers[APPLIERS_MAX]; /* the producer state first */
    size_t applier_count;
    /* What is served begins there; 0: at the log's first record (log_start.h). */
    kafka_offset log_start;
    log_index everywhere;                        /* as there */
    uint64_t clean_pause_ms, clean_paused_to_ms; /* after rounds that failed; 0: none did lately */
    bool clean_lacked_room;                      /* the last one did so for want of room */
    bool log_start_moved;                        /* since who waits for it was told */
    bool share_began;                            /* likewise */
    bool log_start_at_end;                       /* ... to behind all records that there were */
    struct tombstone_marks tombstones;
    struct shares *shares;
    struct partition_delay delay;
    bool held_only;         /* the entry that is being applied has nothing for consumers */
    log_index start_told;   /* `everywhere` of the last command that this leader submitted */
    int64_t start_waits_ms; /* since when a member keeps files below the start here; 0: none does */
    kafka_offset retained_to; /* the furthest start that retention has submitted since this leads */
    int64_t future_told_ms; /* when it was last logged that a timestamp keeps a segment; 0: never */
    bool applies_all;       /* batches without a producer id as well */
    struct appliers_keeping *keeping;     /* a snapshot is put together; NULL: none is */
    struct appliers_restoring *restoring; /* ... taken apart */
    struct producer_state *producers;
    uint32_t max_producers;
    struct producer_ids *ids; /* NULL: every id counts as given out */
    int64_t clock_noted_ms;   /* when the clock of the log was last told, or heard, by our own */
    int64_t crowded_told_ms;  /* when it was last logged that new producers are refused; 0: never */
    uint64_t applied;         /* index of the last entry that the appliers know */
    int64_t high_watermark;   /* behind the last record that is committed and applied */
    uint64_t moved_bytes;     /* that became visible since the waiters were told */
    kafka_offset stable_told; /* the last stable offset when they were */
    uint64_t unstable_bytes;  /* ... of what lay above it, or more */
    bool leading;             /* and serving */
    bool closed, deleted;
    uint32_t epoch; /* while leading */
    bool quiet;     /* while leading: nothing happens in the group */
    struct env_timer *leading_timer;
    uint64_t put_off_ms, put_off_last_ms; /* when a handover was put off first, and last */
    uint64_t in_sync;                     /* a bit for each member, as last told */
    struct produce_counts *counts;
    const struct letter_carrier *carrier;
    struct partition_flow flow; /* since it was taken */
    bool moved;                 /* ... and events->moved was called */
    /* Produce. */
    kafka_offset next_offset; /* that the next batch gets; while leading */
    struct append_queue queue;
    struct env_task flush;        /* of the queue, at the end of the turn */
    struct env_timer *retry;      /* the same, while the group takes nothing more */
    struct produce_list waiting;  /* for the watermark, by end_offset */
    struct produce_list electing; /* for this replica to lead, as they came */
    struct produce_list held;     /* with a verdict that is not confirmed yet */
    struct guards *guards;        /* what waits for the coordinator of its transaction */
    /* The verdict about one that is not in `held` any more. */
    void (*judged)(struct partition_produce *produce, int16_t code,
                   const struct produce_refusal *refusal);
    /* The coordinator's word about one that was guarded: NONE: it is its turn, and the batch is to
     * be released. */
    void (*told)(struct partition_produce *produce, struct produced_batch *batch, int16_t code,
                 struct produce_refusal *refusal);
    struct check_pool *checks;
    struct check_line *lines;   /* by sender */
    struct env_task lines_task; /* goes on with lines whose first one was taken out */
    /* The check of a batch is over, and it is in no line any more. With NONE the batch is to be
     * released. */
    void (*checked)(struct partition_produce *produce, struct produced_batch *batch, int16_t code,
                    struct produce_refusal *refusal);
    /* Fetch, ListOffsets. */
    struct partition_waiter *waiters;
    struct partition_read *reads;
    struct hole_making *holes; /* of some of them */
    struct partition_lookup *lookups;
    struct partition_trim *trims;
    struct traffic traffic;
};

/* ---- partition_state.c, besides what partition.h says ---- */

/* NONE if this replica serves clients of that epoch (-1: they do not say). *electing: it does not
 * yet, but is about to. */
int16_t partition_leadership(const struct partition *partition, int32_t leader_epoch,
                             bool *electing);
/* Tells the log of those settings that are its business. */
void partition_apply_settings(struct partition *partition);
void partition_count_expiring(struct partition *partition, bool expires);
/* A bit for each member that the group finds in sync. */
void partition_take_members(struct partition *partition, const struct raft_group_member *members,
                            size_t n);
uint64_t partition_in_sync_now(const struct partition *partition);
/* Behind whatever metrics count: whoever counts is told, if he has not been. */
void partition_note_moved(struct partition *partition);

/* ---- append_queue.c ---- */

/* Gives the batch, which came at `came_us`, the next offsets and puts it into an entry. Takes
 * batch->bytes over. */
void append_queue_add(struct partition *partition, struct produced_batch *batch, int64_t now_ms,
                      uint64_t came_us);
/* Where commands alone have filled a segment: the end of nobody's transaction goes behind them.
 * Consumers pass over it, it takes an offset, and the segment can be sealed, and go one day. */
void append_queue_fill(struct partition *partition);
/* Gives the group what it takes now. The error is that of raft_group_submit for the first entry
 * that it did not take: ERR_LIMIT, ... */
int append_queue_flush(struct partition *partition);
/* Drops what the group has not taken: it was never sent anywhere. The next batch gets the first
 * dropped offset, which is returned. */
int64_t append_queue_withdraw(struct partition *partition);

/* ---- partition_check.c ---- */

/* Behind `before`; NULL: at the front. */
void produce_list_insert(struct produce_list *list, struct partition_produce *produce,
                         struct partition_produce *before);
void produce_list_remove(struct produce_list *list, struct partition_produce *produce);

/* Checks a batch behind those of the same sender. True: that is over within the call, *code is what
 * came out, and with NONE *batch is the caller's to release. False: it is in a line, and
 * partition->checked comes. */
bool partition_check(struct partition *partition, struct partition_produce *produce,
                     struct produced_batch *batch, int16_t *code, struct produce_refusal *refusal);
/* Takes it out of its line; those behind it are next, at the end of the turn. */
void partition_check_cancel(struct partition_produce *produce);
/* Bytes in its line. */
size_t partition_check_bytes(const struct partition_produce *produce);
/* The last one of its line. */
struct partition_produce *partition_check_last(const struct partition_produce *produce);
/* Any one that is in a line, taken out; NULL: none. */
struct partition_produce *partition_check_take(struct partition *partition);
void partition_checks_open(struct partition *partition);
void partition_checks_close(struct partition *partition); /* no line may be left */

/* ---- partition_refusal.c ---- */

/* What ends a batch for good although it was not appended, because of what this leader remembers
 * (NONE: there is nothing to do). Once a majority has confirmed that we lead, partition->judged
 * comes, with `code`; else with NOT_LEADER_OR_FOLLOWER. Never inside the call. */
void partition_refusal_hold(struct partition *partition, struct partition_produce *produce,
                            int16_t code, const struct error_text *why);
/* It is of a producer whose id nobody was given, as far as we know. Once our table is as new as the
 * metadata leader's, partition->judged comes: UNKNOWN_PRODUCER_ID, or NOT_ENOUGH_REPLICAS (send it
 * again) if the id is known now, or nobody could be asked. Never inside the call. */
void partition_refusal_ask_id(struct partition *partition, struct partition_produce *produce,
                              int64_t producer_id);
/* Takes it out; partition->judged does not come. */
void partition_refusal_cancel(struct partition_produce *produce);

/* ---- partition_guard.c ---- */

/* partition->told comes: when the coordinator of its transaction has answered, and all that came of
 * its producer before has been told. Takes the batch over. Never inside the call. */
void partition_guard_wait(struct partition *partition, struct partition_produce *produce,
                          struct produced_batch *batch);
/* It will be refused, to be sent again: what the producer sent behind it must not be appended
 * before. */
void partition_guard_note_refusal(const struct partition_produce *produce);
/* Takes it out; partition->told does not come. */
void partition_guard_cancel(struct partition_produce *produce);

/* ---- partition_admission.c ---- */

/* Why a batch of so many bytes cannot be appended at present although nothing is wrong with it:
 * NOT_ENOUGH_REPLICAS, KAFKA_STORAGE_ERROR; NONE: it can. */
int16_t partition_room_for(const struct partition *partition, uint64_t bytes,
                           struct error_text *why);
/* Whether a marker can be: not where markers, too, have come to be too much that waits. */
bool partition_room_for_marker(const struct partition *partition);
/* The code and the sentence of a verdict that ends the batch for good. */
int16_t partition_refuse_sequence(struct partition *partition, enum producer_verdict verdict,
                                  const struct producer_batch *batch, struct error_text *why);
/* All places are taken by producers that are too young to be forgotten: the next one waits until
 * one is old. NOT_ENOUGH_REPLICAS. */
int16_t partition_refuse_crowded(struct partition *partition, const struct producer_batch *batch,
                                 struct error_text *why);
/* Whether it may be that nobody was ever given this producer's id. Who is known here has one. */
bool partition_producer_is_stranger(const struct partition *partition,
                                    enum producer_verdict verdict, int64_t producer_id);

/* ---- partition_produce.c ---- */

void partition_produces_open(struct partition *partition);
/* A sound batch of whoever leads: it gets its offset and waits for its commit, as one that
 * `produce` brought. Takes batch->bytes over. */
void partition_produce_append(struct partition *partition, struct partition_produce *produce,
                              struct produced_batch *batch);
/* The same, if what is known of its producer allows it. DONE: it does not, with produce->error.
 * Of produce->records there are the length and what is said of the transaction; without an id its
 * coordinator is not asked. Takes batch->bytes over. */
enum completion partition_produce_judge(struct partition *partition,
                                        struct partition_produce *produce,
                                        struct produced_batch *batch);
/* It waits beside one that is in flight between these two offsets. */
void partition_produce_join(struct partition_produce *produce, kafka_offset base_offset,
                            kafka_offset end_offset);
void partition_produces_close(struct partition *partition); /* none may be left */
/* Offers the group what it has not taken yet. */
void partition_produces_flush(struct partition *partition);
/* Those that waited for it are appended. */
void partition_produces_leading(struct partition *partition);
void partition_produces_advance(struct partition *partition); /* the watermark moved */
/* All of them: leadership is lost. */
void partition_produces_fail(struct partition *partition, int16_t error);

/* ---- producer_applier.c ---- */

/* Makes partition->producers, which stays the partition's. */
struct applier producer_applier(struct partition *partition);
/* A batch, and a marker, as the producer state wants them. */
struct producer_batch producer_batch_of(const struct record_batch *batch, kafka_offset offset,
                                        int64_t timestamp);
struct producer_marker producer_marker_of(const struct transaction_marker *marker,
                                          kafka_offset offset, int64_t timestamp);

/* ---- partition_tombstones.c, besides what partition.h says ---- */

struct applier tombstone_applier(struct partition *partition);

/* Those before it may go, here and now. */
kafka_offset partition_tombstones_below(const struct partition *partition);

/* ---- partition_shares.c ---- */

/* Makes partition->shares. */
struct applier share_applier(struct partition *partition);

/* ---- partition_delay.c ---- */

/* Makes what is in partition->delay, but for releases. */
struct applier delay_applier(struct partition *partition);
/* A batch that has committed, of an entry with what is numbered. */
int partition_delay_apply(struct partition *partition, const struct entry *entry,
                          const struct record_batch *batch);
/* What a sound batch of a client asks for: `batch` becomes what is stored, and is released if it is
 * refused. Kafka's code, with what there is to say (delay_plan.h). */
int16_t partition_delay_look(struct partition *partition, struct produced_batch *batch,
                             struct produce_refusal *refusal);
/* NONE; POLICY_VIOLATION: too much waits for its time. */
int16_t partition_delay_room(const struct partition *partition, const struct produced_batch *batch,
                             struct error_text *why);
/* It has its offsets, and is in the queue. */
void partition_delay_appended(struct partition *partition, struct produced_batch *batch);
/* What was in the queue is not any more. */
void partition_delay_withdrawn(struct partition *partition);
/* Something was applied. */
void partition_delay_advance(struct partition *partition);
/* The first time that is on its way through the log; INT64_MIN: something is called off there;
 * INT64_MAX: nothing is. */
int64_t partition_delay_in_flight_ms(const struct partition *partition);
/* Behind the last batch of which something was held back. */
kafka_offset partition_delay_end(const struct partition *partition);

/* ---- partition_release.c ---- */

void partition_releases_open(struct partition *partition);
void partition_releases_close(struct partition *partition);
/* Of a leader: what is due is appended, and what is not is waited for. When it begins to lead, and
 * behind each commit. */
void partition_releases_advance(struct partition *partition);

/* ---- log_start_applier.c ---- */

struct applier log_start_applier(struct partition *partition);

/* ---- partition_trim.c ---- */

/* The log is to start at `offset`, not above the watermark; of a leader. Errors as
 * raft_group_submit. */
int partition_submit_log_start(struct partition *partition, kafka_offset offset,
                               enum log_start_reason reason);

/* The log may let go of what lies below the start, as far as it is everywhere. */
void partition_let_go(struct partition *partition);
/* Of a leader: more of what lies below the start is everywhere by now; all replicas are told. */
void partition_start_catch_up(struct partition *partition);
/* What was applied may have moved the start: those that waited for it are over; what the group did
 * not take before is offered again. */
void partition_trims_advance(struct partition *partition);
void partition_trims_fail(struct partition *partition, int16_t error); /* the lead is lost */

/* Retention by retention.bytes alone, behind a commit. */
void partition_retain_bytes(struct partition *partition);

/* ---- appliers.c ---- */

/* The producer state, `own`, which is taken over (type NULL: none), the start of the log, the marks
 * of tombstones, and the groups that share it. */
void appliers_open(struct partition *partition, const struct applier *own);
void appliers_opened(struct partition *partition);
void appliers_close(struct partition *partition);
/* What has committed. False: it makes no sense, and the group was stopped. */
bool appliers_batches(struct partition *partition, struct entry *entry);
bool appliers_command(struct partition *partition, struct entry *entry);
void appliers_leading(struct partition *partition);
void appliers_lost(struct partition *partition);
void appliers_passed_over(struct partition *partition);
bool appliers_unsettled(const struct partition *partition);

/* ---- appliers_snapshot.c ---- */

/* Gives the state of all of them to the log, which has asked for it: in steps, over several turns.
 */
void appliers_keep(struct partition *partition);
/* The same bytes, at once. */
struct slice appliers_encode(struct partition *partition);
/* From such bytes (taken over), over empty states, in steps of later turns. `index`: up to which
 * entry they are; 0 in `done`: they are of no use, and all states are empty. */
void appliers_restore(struct partition *partition, struct slice bytes, log_index index,
                      void (*done)(struct partition *partition, log_index index));
/* Whether such bytes are of appliers that are known here, as far as their heads tell. */
bool appliers_read(const struct partition *partition, struct slice bytes);
void appliers_snapshot_stop(struct partition *partition); /* what is under way comes to nothing */
/* All are empty, as before the first entry; what the log has asked for it does not get. */
void appliers_forget(struct partition *partition);

/* ---- partition_read.c, partition_lookup.c ---- */

/* Where the records of that epoch end, or those of the largest one below it, which is *found; both
 * -1 if it is not known. */
kafka_offset partition_epoch_end(const struct partition *partition, int32_t epoch, int32_t *found);
void partition_waiters_tell(struct partition *partition, bool changed);
void partition_reads_fail(struct partition *partition);   /* the partition goes */
void partition_lookups_fail(struct partition *partition); /* the partition goes */

#endif
