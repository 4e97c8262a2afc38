/*
 * One partition on this broker: a Raft group, and what a topic's records mean to it (offsets,
 * producers, consumers).
 *
 * Happy path of a produce: partition_produce checks each batch, gathers all batches of one turn
 * into one entry, submits it, and completes the caller when a majority has it on disk. A fetch
 * reads up to the high watermark, or waits for it to move.
 * Failures: Kafka's error codes (protocol/kafka_error.h). What a deposed leader that does not know
 * it yet could get wrong, so that a client skips or repeats, is answered only after a majority
 * confirmed that this replica leads.
 * Invariants: offsets are dense from 0; the high watermark never goes back; completions of one
 * connection's produces are in order; nothing is answered from a leadership that was lost.
 */
#ifndef BROKER_PARTITION_PARTITION_H
#define BROKER_PARTITION_PARTITION_H

#include "base/measure/buckets.h"
#include "broker/checks/check_pool.h"
#include "broker/delay/delay_book.h"
#include "broker/guards/transaction_question.h"
#include "broker/metadata/asking/producer_ids.h"
#include "broker/partition/applier.h"
#include "broker/producer/aborted_list.h"
#include "broker/share/share_book.h"
#include "broker/traffic/traffic.h"
#include "raft-glue/raft_group.h"
#include "storage/log/log_cleaning.h"
#include "storage/log_types.h"

struct partition;
struct producer_state;
struct shares;

/* From the topic's configuration; may change while open. */
struct partition_settings {
    int32_t max_message_bytes; /* of one batch */
    int8_t compression_type;   /* 0: batches stay as they came; else 1 + the enum record_codec in
                                  which they are kept */
    bool log_append_time;      /* message.timestamp.type */
    bool store_lz4;            /* log.compression */
    int32_t min_insync_replicas;
    int64_t producer_expiration_ms; /* producer.id.expiration.ms */
    uint32_t max_producers;         /* partition.max.producers; taken at opening */
    int64_t timestamp_before_max_ms,
        timestamp_after_max_ms;           /* message.timestamp.before.max.ms, after: not negative */
    size_t unfolded_max_bytes;            /* message.unfolded.max.bytes */
    uint64_t file_delete_delay_ms;        /* file.delete.delay.ms */
    uint64_t segment_bytes;               /* segment.bytes */
    bool cleanup_delete, cleanup_compact; /* cleanup.policy; neither: all stays */
    int64_t retention_ms, retention_bytes; /* -1: no limit */
    int64_t segment_ms, segment_jitter_ms; /* when a segment ends by its age; 0: never */
    double min_cleanable_ratio;            /* min.cleanable.dirty.ratio */
    int64_t min_compaction_lag_ms, max_compaction_lag_ms;
    int64_t delete_retention_ms; /* delete.retention.ms */
    int64_t message_ttl_ms;      /* message.ttl.ms; -1: off */
};

/* What all partitions of a broker count together, for metrics; and, of share groups, for limits. */
struct produce_counts {
    struct buckets batch_bytes, batch_records; /* of batches that were appended (bounds_bytes,
                                                  bounds_count) */
    struct buckets gather_us; /* of entries, from when the first of their batches had come until the
                                 group was given them (bounds_sync) */
    uint64_t repeated;        /* batches that idempotent producers sent again: appended once */
    uint64_t out_of_order;    /* ... that they sent without the one before it: refused */
    struct share_book shares; /* of share groups here */
    uint64_t expiring;        /* open partitions with message.ttl.ms */
    struct delay_book delays;
};

struct partition_spec {
    uint64_t group;
    const char *topic;                       /* copied */
    int32_t index;                           /* partition number */
    replica_id replica;                      /* ours */
    const struct raft_group_member *members; /* as placed: the first is the preferred leader */
    size_t member_count;
    const struct raft_group_member *first_members; /* as in raft_group_spec, and the next */
    size_t first_member_count;
    bool bootstrap;                        /* as in raft_group_spec, */
    struct partition_log_opening *opening; /* and this, begun with partition_label */
    struct partition_settings settings;
    struct check_pool *checks; /* where long checks of batches go; stays as long as the partition */
    struct producer_ids *ids;  /* which ids were given out; likewise. NULL: all of them */
    struct produce_counts *counts;        /* likewise */
    const struct letter_carrier *carrier; /* likewise */
    /* Who knows whether the partition is in a transaction; likewise */
    const struct transaction_asker *asker;
    struct applier applier; /* besides the producer state; taken over, also by an opening that
                               fails. type NULL: none. With one, followers hear of each commit
                               at once, so that whoever takes over has little to apply */
};

/* Who copies what share groups give up (broker/letters/letter_mover.h). */
struct letter_carrier {
    /* There are dead letters in the partition with that Raft group, which is led here, or something
     * became of them. NULL: nobody copies them yet. */
    void (*look)(void *arg, uint64_t group);
    void *arg;
};

/* Who must know when leadership changes here (leader_table announces it). */
struct partition_events {
    void (*leading)(void *arg, struct partition *partition, log_term term);
    void (*lost)(void *arg, struct partition *partition);
    void (*in_sync_changed)(void *arg, struct partition *partition);
    /* What metrics count of it has changed, but for who leads and who is in sync: once, until
     * partition_take_flow. NULL: nobody counts. */
    void (*moved)(void *arg, struct partition *partition);
};

/* What the log of a partition is called. */
enum { PARTITION_LABEL_MAX = 300 };
void partition_label(const char *topic, int32_t index, char into[PARTITION_LABEL_MAX]);

int partition_open(struct shard *shard, const struct partition_spec *spec,
                   const struct partition_events *events, void *arg, struct partition **partition,
                   struct error_text *why);
/* Waiting produces and fetches end with NOT_LEADER_OR_FOLLOWER (UNKNOWN_TOPIC_OR_PARTITION when
 * `deleted`) within the call. */
void partition_close(struct partition *partition, bool deleted);

/* From the next batch on. How many producers are remembered stays as at opening. */
void partition_set_settings(struct partition *partition, const struct partition_settings *settings);

/* Members came, went, or stand in another order; ours stays. */
void partition_set_members(struct partition *partition, const struct raft_group_member *members,
                           size_t n);

struct raft_group *partition_group(struct partition *partition);
const char *partition_topic(const struct partition *partition);
int32_t partition_index(const struct partition *partition);
replica_id partition_replica(const struct partition *partition); /* ours */
bool partition_is_leading(const struct partition *partition);
uint32_t partition_leader_epoch(const struct partition *partition);
int64_t partition_high_watermark(const struct partition *partition); /* committed and applied */
/* The last stable offset: all below it belongs to no transaction, or to one that has ended. Not
 * above the watermark, and never goes back. */
kafka_offset partition_stable_offset(const struct partition *partition);
/* From here on records are served: what lies below was deleted, perhaps not from the disk yet. */
int64_t partition_start_offset(const struct partition *partition);
/* Of a leader, by whoever plans to hand it over: that should wait, for clients wait for what a new
 * leader would begin anew (a group that is rebalanced), or hold records that it would give to
 * others (of share groups, which are given no more meanwhile). True for 30 s at most, or 5 s, from
 * when it is asked first; anew when nobody has asked for as long. */
bool partition_puts_off_handover(struct partition *partition);
/* This replica was elected, and leads as soon as all is applied. */
bool partition_is_electing(const struct partition *partition);
/* What its appliers know by what has committed, as bytes of a snapshot: equal, but for the order of
 * a coordinator's records, on every replica that has applied the same entries. */
struct slice partition_applied_state(struct partition *partition);
/* What is known here of its idempotent and transactional producers; changes with what commits. */
const struct producer_state *partition_producers(const struct partition *partition);
/* Groups that share it (broker/share/shares.h). */
struct shares *partition_shares(struct partition *partition);
/* Whether a group may begin here, or begin anew: not where producers are refused for the disk. */
bool partition_room_for_share(const struct partition *partition);
int64_t partition_message_ttl_ms(const struct partition *partition); /* message.ttl.ms */
/* What came when, and who fetches from where. */
struct traffic *partition_traffic(struct partition *partition);
/* Of a leader: how many replicas are in sync, itself included. 0: it does not lead. */
int32_t partition_in_sync_count(const struct partition *partition);
/* How many have to be for records to be taken: min.insync.replicas, or all that vote. */
int32_t partition_in_sync_wanted(const struct partition *partition);

/* What clients have written and read here, of a leader; internal records count as others do. */
struct partition_flow {
    uint64_t produced_records, produced_bytes, fetched_records, fetched_bytes;
};
/* Since the last call, or since it was opened. */
struct partition_flow partition_take_flow(struct partition *partition);
/* A fetch is answered with that. */
void partition_note_fetched(struct partition *partition, uint64_t records, uint64_t bytes);

/* Of a call that may take time: over when it returns, or its `done` comes later. */
enum completion { DONE, PENDING };

/* ---- Produce ---- */

/* The records field of one partition of a Produce request. The bytes stay until the produce is
 * over. */
struct produced_records {
    struct slice frame; /* in which `data` lies; borrowed */
    const uint8_t *data;
    int32_t len;
    bool zstd_allowed; /* Produce version 7 on (KIP-110) */
    /* Of who produces in transactions, stays as the bytes; else null. */
    struct kp_string transactional_id;
    bool knows_abortable; /* version 11 on (KIP-890) */
    bool adds_partition;  /* version 12 on: what it writes to is in its transaction by that */
    const void *sender;   /* whose batches are appended in the order in which they came: the
                             connection. Not looked into */
};

/* What there is to say about an error beyond its code. */
struct produce_refusal {
    struct error_text why; /* empty: nothing */
    /* Records that are to blame, with INVALID_TIMESTAMP or INVALID_RECORD. */
    struct record_reject rejects[RECORD_REJECTS_MAX];
    size_t reject_count;
    int64_t earliest_ms, latest_ms; /* in which their timestamps should have been */
};

struct partition_produce {
    void (*done)(struct partition_produce *produce, const struct produce_refusal *refusal);
    /* One that partition_produce_is_checking was told of is through, and waits for its commit or
     * verdict. NULL: nobody asks. */
    void (*checked)(struct partition_produce *produce);
    int16_t error;              /* Kafka's code */
    kafka_offset base_offset;   /* -1 with an error */
    int64_t log_append_time_ms; /* -1 with an error, and unless the topic has LogAppendTime */
    /* The partition's. */
    struct partition *partition;
    struct produced_records records;
    uint64_t came_us;
    kafka_offset end_offset;
    struct partition_produce *next, *prev;
    struct check_line *line;
    struct held_verdict *held;
    struct guarded_batch *guarded;
    uint8_t place;
    bool abandoned; /* over as soon as it is appended */
};

/* Takes the batch of one producer: checks all of it, appends it, and waits until a majority has it
 * on disk. A long check goes on in other threads; the batches of one sender stay in order. DONE:
 * over within the call (`done` is not called then; `refusal` has what there is to say about an
 * error); PENDING: `done` comes later, when it was refused, has committed, or cannot any more.
 * Errors (Kafka's): before the append, so that nothing was written: NOT_LEADER_OR_FOLLOWER,
 * UNKNOWN_TOPIC_OR_PARTITION, CORRUPT_MESSAGE, INVALID_RECORD, INVALID_TIMESTAMP,
 * MESSAGE_TOO_LARGE, UNSUPPORTED_COMPRESSION_TYPE, TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
 * NOT_ENOUGH_REPLICAS (also when too much is uncommitted, too many producers are remembered, or the
 * coordinator of its transaction cannot be asked: clients repeat it, in order); by the
 * coordinator's word INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE or TRANSACTION_ABORTABLE,
 * INVALID_PRODUCER_ID_MAPPING, CONCURRENT_TRANSACTIONS; and, once a majority has confirmed that we
 * lead,
 * OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, UNKNOWN_PRODUCER_ID. Before or behind the
 * append, outcome unknown: NOT_LEADER_OR_FOLLOWER, REQUEST_TIMED_OUT. A batch that came before
 * (KIP-98) is a success with the offset of its first coming. */
enum completion partition_produce(struct partition *partition,
                                  const struct produced_records *records,
                                  struct partition_produce *produce,
                                  struct produce_refusal *refusal);
/* The client's time is over: calls `done` within the call. */
void partition_produce_time_out(struct partition_produce *produce);
/* It is in the log, not in the queue before it: it cannot be taken back. Of one that waits. */
bool partition_produce_is_taken(const struct partition_produce *produce);
/* The client has gone: `done` will not be called; a batch that was appended may commit all the
 * same, one that is still checked is dropped. */
void partition_produce_cancel(struct partition_produce *produce);
/* The client has gone, and never waited for an answer (acks 0): one that is still checked is
 * appended all the same, and true is returned: `done` comes when its check is over. False: it was
 * cancelled. */
bool partition_produce_abandon(struct partition_produce *produce);
/* So much waits to be appended here that clients who add to it should not be read for a while. */
bool partition_is_congested(const struct partition *partition);
/* Its check waits, or is under way. Only of one that is not over. */
bool partition_produce_is_checking(const struct partition_produce *produce);
/* So much of what the sender of this one has sent waits to be checked that it should not be read
 * for a while. Only of one that is not over. */
bool partition_produce_is_congested(const struct partition_produce *produce);

/* ---- Fetch ---- */

struct partition_read {
    void (*done)(struct partition_read *read);
    bool committed; /* asked for: only what is below the last stable offset (read_committed) */
    int16_t error;  /* Kafka's code */
    bool electing; /* with an error: this replica is about to lead; wait for it (partition_wait) and
                      ask again */
    int64_t high_watermark; /* this and the next two: -1 with an error */
    kafka_offset stable_offset, start_offset;
    bool more; /* batches that may be read follow, which max_bytes kept out */
    /* With `committed`: the aborted transactions that may have written some of these batches, by
     * first offset. Freed with them. */
    struct aborted_transaction *aborted;
    size_t aborted_count;
    /* Without an error: what the client has is not what is in the log; the two agree up to there
     * (KIP-595). Nothing was read. */
    bool diverges;
    int32_t end_epoch;
    kafka_offset epoch_end_offset;
    /* The partition's. */
    struct partition *partition;
    kafka_offset offset, end_offset; /* from here, and to there: what could be read as it was */
    int32_t last_epoch;
    /* Slices, count, bytes: the batches, when there is no error. */
    struct partition_log_fetch fetch;
    struct aborted_finding *finding;
    struct raft_group_read_index confirm;
    struct partition_read *next, *prev;
    uint8_t stage;
    bool inside; /* the call that began it has not returned */
};

/* Reads batches that have committed (in the log) from `offset` on, at most max_bytes, but at least
 * one batch; none if there is none yet, or with max_bytes 0. `leader_epoch`: the client's
 * (KIP-320), -1: none. `last_epoch`: of the record before `offset`, as the client has it, -1: it
 * does not say. DONE: over within the call; PENDING: `done` comes later. Errors:
 * NOT_LEADER_OR_FOLLOWER, UNKNOWN_TOPIC_OR_PARTITION, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH,
 * OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR. What lies above the end, or diverges, is told only
 * after a majority confirmed that we lead. */
enum completion partition_read(struct partition *partition, kafka_offset offset,
                               int32_t leader_epoch, int32_t last_epoch, uint64_t max_bytes,
                               struct partition_read *read);
/* `done` will not be called. Nothing if it is over. */
void partition_read_cancel(struct partition_read *read);
/* Frees what was read; nothing if there is nothing. `read` must have been zeroed before its first
 * use. */
void partition_read_release(struct partition_read *read);

/* Waits for the watermark of a partition, or for its last stable offset. */
struct partition_waiter {
    bool stable; /* for the latter */
    /* Once for each commit, with the bytes that it made visible (at least these, where that was the
     * end of one of several transactions); `changed`: leadership came, went,
     * or the partition goes (or whatever else a fetch shows, once there is more of it: a log start
     * that moves): ask again. The waiter stays until partition_wait_cancel, which inside
     * the call is for this one alone. */
    void (*moved)(struct partition_waiter *waiter, uint64_t bytes, bool changed);
    struct partition *partition;
    struct partition_waiter *next, *prev;
};
void partition_wait(struct partition *partition, struct partition_waiter *waiter);
void partition_wait_cancel(struct partition_waiter *waiter); /* nothing if it does not wait */

/* ---- ListOffsets, OffsetForLeaderEpoch ---- */

enum { PARTITION_LATEST = -1, PARTITION_EARLIEST = -2, PARTITION_MAX_TIMESTAMP = -3 };

struct partition_lookup {
    void (*done)(struct partition_lookup *lookup);
    bool committed; /* asked for: what is not below the last stable offset is not there */
    int16_t error;
    bool electing;        /* with an error: OFFSET_NOT_AVAILABLE is the better answer (KIP-207) */
    kafka_offset offset;  /* -1: none */
    int64_t timestamp;    /* of the record found; -1: none, and for the two ends */
    int32_t leader_epoch; /* -1: not known */
    /* The partition's. */
    struct partition *partition;
    int64_t wanted; /* the timestamp asked for */
    bool by_epoch;  /* the end of this epoch is asked for instead */
    int32_t wanted_epoch;
    struct partition_log_search search;
    struct raft_group_read_index confirm;
    struct partition_lookup *next, *prev;
    uint8_t stage;
    bool inside;
};

/* The offset for `timestamp` (ms, or one of the three above), as ListOffsets means it. All but the
 * earliest are answered only after a majority confirmed that we lead. Calling convention and errors
 * as partition_read, without OFFSET_OUT_OF_RANGE. */
enum completion partition_lookup(struct partition *partition, int64_t timestamp,
                                 int32_t leader_epoch, struct partition_lookup *lookup);
/* Where the records of `epoch` end, or those of the largest epoch below it that is in the log
 * (KIP-320): `offset` and that `leader_epoch`; both -1 when there is none, or `epoch` is above all.
 * A majority confirmed that we lead: a deposed leader lacks the newer epochs, and its answer would
 * make a client believe that records were lost. Calling convention and errors as partition_lookup.
 */
enum completion partition_lookup_epoch(struct partition *partition, int32_t epoch,
                                       int32_t leader_epoch, struct partition_lookup *lookup);
void partition_lookup_cancel(struct partition_lookup *lookup); /* nothing if it is over */

/* ---- DeleteRecords ---- */

enum { PARTITION_TRIM_ALL = -1 }; /* up to the high watermark */

struct partition_trim {
    void (*done)(struct partition_trim *trim);
    int16_t error;              /* Kafka's code */
    kafka_offset low_watermark; /* where the log starts now; -1 with an error */
    /* The partition's. */
    struct partition *partition;
    kafka_offset offset;
    bool submitted; /* to the group, since it leads */
    struct partition_trim *next, *prev;
    struct raft_group_read_index confirm;
    uint8_t stage;
    bool inside;
};

/* No record below `offset` is served any more, on any replica, whoever leads (KIP-107): committed
 * when it is over. Nothing to do if the log starts there already, or above. Calling convention as
 * partition_read. Errors: NOT_LEADER_OR_FOLLOWER (with the outcome unknown, if it waited),
 * POLICY_VIOLATION (cleanup.policy is compact alone), UNKNOWN_TOPIC_OR_PARTITION,
 * OFFSET_OUT_OF_RANGE (below -1, or above the high watermark, which a majority confirmed to be
 * ours). */
enum completion partition_trim(struct partition *partition, kafka_offset offset,
                               struct partition_trim *trim);
void partition_trim_cancel(struct partition_trim *trim); /* nothing if it is over */

/* ---- Retention ---- */

/* Of a leader, else nothing: looks whether records are too old, or too many (retention.ms,
 * retention.bytes of a topic that has `delete` in its cleanup.policy), and deletes them. */
void partition_retain(struct partition *partition);

/* What it takes here; sums that are kept, no walk. */
struct partition_size {
    uint64_t bytes; /* of what has committed, as it is stored */
    /* ... of which so much lies in segments below the start that are still here: for a moment; or
     * because a member lacks some of it, or was not heard since this replica leads. */
    uint64_t pinned_bytes;
    int32_t pinned_by; /* of a leader: the node of the first such member; -1: there is none */
};
void partition_size_get(struct partition *partition, struct partition_size *size);

/* ---- Compaction (storage/log/log_cleaning.h), on each replica for itself ---- */

/* How much it should be cleaned. */
struct partition_dirt {
    double ratio;  /* of its sealed segments, by bytes, no cleaning has read */
    bool internal; /* it is the broker's own: goes before others */
    bool overdue;  /* by max.compaction.lag.ms: goes before what is not */
    bool no_room;  /* the disk has less than a round takes: it has to wait */
};
/* Whether it should be cleaned, and can be, now. A leader tells the others how far they may, if
 * that is what is missing. */
bool partition_is_dirty(struct partition *partition, struct partition_dirt *dirt);
/* One round. `done` comes later, unless the partition is closed first: then cleaning->round is
 * NULL. ERR_AGAIN: it is not dirty any more; as log_cleaning_begin. */
int partition_clean(struct partition *partition, const struct log_clean_options *options,
                    struct log_cleaning *cleaning);
/* Up to which offset this replica's log is clean (log_cleaning.h). */
kafka_offset partition_clean_to(const struct partition *partition);
/* Of a leader: up to which offset tombstones could go, as far as this replica is concerned, if all
 * others were as clean; 0: it is not time to ask them. */
kafka_offset partition_wants_mark(const struct partition *partition);
/* All of its replicas, this one included. False: others vote as well, of which the metadata does
 * not tell here yet. */
bool partition_members(const struct partition *partition, const struct raft_group_member **members,
                       size_t *count);
/* Every replica of it is clean up to there: that is told to all of them (tombstone_marks.h). Does
 * nothing if it is not wanted any more, or cannot be submitted now. */
void partition_mark_tombstones(struct partition *partition, kafka_offset offset);
/* How a round of it went, or that it could not begin. With an error it counts as clean for a while:
 * for first_pause_ms, then twice as long each time, an hour at most, so that others have their turn
 * and what cannot be cleaned costs little; no longer than until there is room, if it lacked room.
 */
void partition_was_cleaned(struct partition *partition, int error, uint64_t first_pause_ms);

#endif
