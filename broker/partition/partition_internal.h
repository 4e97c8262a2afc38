/*
 * Inside of a partition, shared by partition*.c and append_queue.c. Nobody else's. From the ground
 * to the top:
 *
 *   partition_state.c      whether it leads, its ends, who is in sync
 *   append_queue.c         batches into entries, entries into the group
 *   partition_check.c      batches on their way through their checks, in order
 *   partition_refusal.c    refusals for good, until they are confirmed
 *   partition_admission.c  whether a batch may be appended: room, its producer's turn
 *   partition_produce.c    from a client's batch to its acknowledgement
 *   partition_append.c     the same for a batch of the broker itself
 *   partition_read.c       reads and waits of consumers
 *   partition_lookup.c     offsets by timestamp, ends of epochs
 *   partition_trim.c       records that are deleted from the front
 *   producer_applier.c     what has committed, for the producer state
 *   log_start_applier.c    ... and for the start of the log
 *   appliers.c             what has committed, for all appliers; their snapshot
 *   partition.c            opening, closing, what the group tells
 */
#ifndef BROKER_PARTITION_PARTITION_INTERNAL_H
#define BROKER_PARTITION_PARTITION_INTERNAL_H

#include "base/check.h"
#include "base/mem.h"
#include "broker/log_start/log_start.h"
#include "broker/partition/partition.h"
#include "broker/partition/produced_batch.h"
#include "broker/producer/producer_state.h"
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
    int64_t max_timestamp;
    uint32_t records;
    uint16_t batches;
    bool numbered; /* some of them by idempotent producers */
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

/* The batches of one sender that are not checked yet, as they came; the first one is under way. */
struct check_line;

enum { APPLIERS_MAX = 3 };

struct partition {
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
    log_index everywhere;   /* as there */
    bool log_start_moved;   /* since who waits for it was told */
    bool log_start_at_end;  /* ... to behind all records that there were */
    log_index start_told;   /* `everywhere` of the last command that this leader submitted */
    int64_t start_waits_ms; /* since when a member keeps files below the start here; 0: none does */
    bool applies_all;       /* batches without a producer id as well */
    struct producer_state *producers;
    uint32_t max_producers;
    struct producer_ids *ids; /* NULL: every id counts as given out */
    int64_t clock_noted_ms;   /* when the clock of the log was last told, or heard, by our own */
    int64_t crowded_told_ms;  /* when it was last logged that new producers are refused; 0: never */
    uint64_t applied;         /* index of the last entry that the appliers know */
    int64_t high_watermark;   /* behind the last record that is committed and applied */
    uint64_t moved_bytes;     /* that became visible since the waiters were told */
    bool leading;             /* and serving */
    bool closed, deleted;
    uint32_t epoch; /* while leading */
    bool quiet;     /* while leading: nothing happens in the group */
    struct env_timer *leading_timer;
    uint64_t in_sync; /* a bit for each member, as last told */
    /* Produce. */
    kafka_offset next_offset; /* that the next batch gets; while leading */
    struct append_queue queue;
    struct env_task flush;        /* of the queue, at the end of the turn */
    struct env_timer *retry;      /* the same, while the group takes nothing more */
    struct produce_list waiting;  /* for the watermark, by end_offset */
    struct produce_list electing; /* for this replica to lead, as they came */
    struct produce_list held;     /* with a verdict that is not confirmed yet */
    /* The verdict about one that is not in `held` any more. */
    void (*judged)(struct partition_produce *produce, int16_t code,
                   const struct produce_refusal *refusal);
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
    struct partition_lookup *lookups;
    struct partition_trim *trims;
    struct traffic traffic;
};

/* ---- partition_state.c, besides what partition.h says ---- */

/* NONE if this replica serves clients of that epoch (-1: they do not say). *electing: it does not
 * yet, but is about to. */
int16_t partition_leadership(const struct partition *partition, int32_t leader_epoch,
                             bool *electing);
/* A bit for each member that the group finds in sync. */
uint64_t partition_in_sync_now(const struct partition *partition);

/* ---- append_queue.c ---- */

/* Gives the batch the next offsets and puts it into an entry. Takes batch->bytes over. */
void append_queue_add(struct partition *partition, struct produced_batch *batch, int64_t now_ms);
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

/* What ends a batch for good although it was not appended, because of what this leader remembers.
 * Once a majority has confirmed that we lead, partition->judged comes, with `code`; else with
 * NOT_LEADER_OR_FOLLOWER. Never inside the call. */
void partition_refusal_hold(struct partition *partition, struct partition_produce *produce,
                            int16_t code, const struct error_text *why);
/* It is of a producer whose id nobody was given, as far as we know. Once our table is as new as the
 * metadata leader's, partition->judged comes: UNKNOWN_PRODUCER_ID, or NOT_ENOUGH_REPLICAS (send it
 * again) if the id is known now, or nobody could be asked. Never inside the call. */
void partition_refusal_ask_id(struct partition *partition, struct partition_produce *produce,
                              int64_t producer_id);
/* Takes it out; partition->judged does not come. */
void partition_refusal_cancel(struct partition_produce *produce);

/* ---- partition_admission.c ---- */

/* Why a batch of so many bytes cannot be appended at present although nothing is wrong with it:
 * NOT_ENOUGH_REPLICAS, KAFKA_STORAGE_ERROR; NONE: it can. */
int16_t partition_room_for(const struct partition *partition, uint64_t bytes,
                           struct error_text *why);
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

/* ---- appliers.c ---- */

/* The producer state, the start of the log, and `own`, which is taken over (type NULL: none). */
void appliers_open(struct partition *partition, const struct applier *own);
void appliers_opened(struct partition *partition);
void appliers_close(struct partition *partition);
/* What has committed. False: it makes no sense, and the group was stopped. */
bool appliers_batches(struct partition *partition, struct entry *entry);
bool appliers_command(struct partition *partition, struct entry *entry);
void appliers_leading(struct partition *partition);
void appliers_lost(struct partition *partition);
void appliers_passed_over(struct partition *partition);
/* The snapshot of all of them, and back; false: it is of no use, and all are empty. */
struct slice appliers_encode(const struct partition *partition);
bool appliers_restore(struct partition *partition, const struct slice *snapshot);

/* ---- partition_read.c, partition_lookup.c ---- */

/* Where the records of that epoch end, or those of the largest one below it, which is *found; both
 * -1 if it is not known. */
kafka_offset partition_epoch_end(const struct partition *partition, int32_t epoch, int32_t *found);
void partition_waiters_tell(struct partition *partition, bool changed);
void partition_reads_fail(struct partition *partition);   /* the partition goes */
void partition_lookups_fail(struct partition *partition); /* the partition goes */

#endif
