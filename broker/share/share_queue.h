/*
 * A share-partition as its leader hands it out: which records members hold, until when, and what is
 * on its way to be committed of them.
 *
 *                     acquire                       end
 *   available ---------------------> held --------------------------> ending
 *                 delivered once more     accepted, released, archived,    | committed
 *                                         its time over, its holder gone   v
 *                                                                  share_state_set
 *
 * Happy path: records are acquired for a holder; what ends gives outcomes, which the owner brings
 * to the log of the partition; when they are applied to the state, `committed` forgets the locks.
 * Failures: Kafka's codes for acknowledgements that cannot be, of which nothing counts.
 * Locks are in nobody's log: whoever leads next finds those records available, with the deliveries
 * that were committed. Records that came back may have to wait for their next delivery: that is in
 * the log, and they hold no lock meanwhile. Pure: the time is an argument.
 * Invariants: nothing over is held; a record that is ending is nobody's until that has committed;
 * what is held and not ending was given to one holder, whose deadline it has.
 */
#ifndef BROKER_SHARE_SHARE_QUEUE_H
#define BROKER_SHARE_SHARE_QUEUE_H

#include "broker/share/key_holds.h"
#include "broker/share/share_book.h"
#include "broker/share/share_state.h"

/* How far a group may be ahead of its oldest record, and in how many runs; fewer where all groups
 * of a broker have many. */
enum {
    SHARE_WINDOW_OFFSETS = 1000000,
    SHARE_WINDOW_RANGES = 20000,
    SHARE_RANGES_LEAST = 200,
    SHARE_RANGES_ALL = 2000000, /* of some 40 bytes */
};
/* In how many runs a group may be, where all have so many: no more than are left; and always a few,
 * with which whoever has few goes on. */
size_t share_ranges_most(uint64_t of_all);

/* How long records that come back wait before they are given again: as long as `base_ms`, twice as
 * long with each delivery, `max_ms` at most. */
struct share_retry {
    uint64_t base_ms, max_ms; /* share.retry.backoff.ms, share.retry.backoff.max.ms; 0: at once */
    bool released, timed_out; /* share.retry.on: by their holder, or because it held them for too
                                 long, or went */
};

/* Of the group, by its settings; may be others with each call. */
struct share_limits {
    uint64_t lock_ms;    /* share.record.lock.duration.ms */
    uint64_t locks;      /* share.partition.max.record.locks: records held at once */
    uint16_t deliveries; /* share.delivery.count.limit */
    bool renew;          /* share.renew.acknowledge.enable */
    kafka_offset window; /* offsets from the start on, and */
    size_t ranges;       /* runs of records; beyond either only what was given before is given */
    bool committed;      /* share.isolation.level is read_committed */
    bool keyed;          /* share.order is key */
    struct share_retry retry;
    bool letters; /* what is rejected, or was given as often as may be, is copied to a dead-letter
                     topic before it is archived */
};

struct share_lock {
    struct offset_range at;
    uint64_t deadline_ms;
    uint64_t
        holder;     /* a number of whoever holds it; 0: it is none, and on its way to be archived */
    uint16_t count; /* this delivery counts */
    uint8_t outcome; /* of one that is ending: enum share_record_state */
    bool ending;
};

struct share_queue {
    struct share_state *state;  /* what is committed; stays */
    struct offset_ranges locks; /* of struct share_lock */
    struct key_holds keys;      /* of what was given in the order of keys */
    uint64_t held;           /* records in them that have a holder, those that are ending as well */
    uint64_t soonest_ms;     /* no deadline lies before it; UINT64_MAX: none is known */
    struct share_flow *flow; /* where ends are counted; NULL: nowhere */
    int64_t wall_ms;         /* Unix, by which records wait: share_queue_clock */
    int64_t due_ms;          /* no record that waits is due before it; INT64_MAX: none waits; begins
                                as INT64_MIN: not known */
};

void share_queue_open(struct share_queue *queue, struct share_state *state);
void share_queue_close(struct share_queue *queue);
/* So late it is, before anything is given or ends. Others than that are deadlines of what is held:
 * they are by a clock that never jumps, and in nobody's log. True: something that waited may be
 * given now. */
bool share_queue_clock(struct share_queue *queue, int64_t wall_ms);

/* ---- Giving ---- */

/* The first record at `from` or above it that may be given to somebody, whether it is in the log
 * yet or not; -1: none may be at present. */
kafka_offset share_queue_next(const struct share_queue *queue, const struct share_limits *limits,
                              kafka_offset from);
/* The same, however much is held; -1: there is none below INT64_MAX. */
kafka_offset share_queue_available(const struct share_queue *queue, kafka_offset from);
/* Gives away what is available from `first` to `last`, `most` records at the most, and no more than
 * may be held: how many. They are appended to `given` (struct share_range, with SHARE_ACQUIRED),
 * one for each run of equal counts. Records that had half of their deliveries, two at the least,
 * are given apart from all that is in `given`: half of a run, and for the last time one by one. So
 * a record of which every reader dies takes no others with it (KAFKA-17541). */
uint64_t share_queue_acquire(struct share_queue *queue, const struct share_limits *limits,
                             kafka_offset first, kafka_offset last, uint64_t most, uint64_t holder,
                             uint64_t now_ms, struct offset_ranges *given);
/* Whether records of that key may be given to the holder. */
bool share_queue_key_is_free(const struct share_queue *queue, uint64_t key, uint64_t holder);
/* The same as share_queue_acquire, of records of one key, which is free. Whatever of the key was
 * given before is not given to others, and comes back when an earlier record of it does: as if it
 * had not been given. */
uint64_t share_queue_acquire_keyed(struct share_queue *queue, const struct share_limits *limits,
                                   struct offset_range at, uint64_t most, uint64_t key,
                                   uint64_t holder, uint64_t now_ms, struct offset_ranges *given);
/* Whether what is held, or the window, keeps records from being given that nobody had yet. */
bool share_queue_is_full(const struct share_queue *queue, const struct share_limits *limits);
/* How many records below `end` may be given now. */
uint64_t share_queue_ready(const struct share_queue *queue, const struct share_limits *limits,
                           kafka_offset end);
/* How many records were given before, and may be given again; and in *most how often that one was
 * given, held or not, that was given most often. */
uint64_t share_queue_retried(const struct share_queue *queue, uint16_t *most);
/* What is available from `first` to `last` is no record for anybody (a marker, what was aborted,
 * what compaction left out): it ends as archived. Outcomes are appended, as by the below. */
void share_queue_archive(struct share_queue *queue, const struct share_limits *limits,
                         kafka_offset first, kafka_offset last, struct offset_ranges *outcomes);
/* Nobody has seen what was acquired just now (struct share_range): as if it had not been. */
void share_queue_take_back(struct share_queue *queue, const struct offset_ranges *given,
                           uint64_t holder);

/* ---- Ending ---- */

/* Kafka's numbers. */
enum share_ack_type {
    SHARE_ACK_GAP = 0, /* it is not in the log */
    SHARE_ACK_ACCEPT = 1,
    SHARE_ACK_RELEASE = 2,
    SHARE_ACK_REJECT = 3,
    SHARE_ACK_RENEW = 4,
};

struct share_ack {
    struct offset_range at;
    const int8_t *types; /* one for all, or one for each; borrowed */
    size_t type_count;
};

/* Whether those of one request can be, whatever is held: they are in order, each has its types, and
 * a renewal comes only with `renews`. */
bool share_acks_make_sense(const struct share_ack *acks, size_t count, bool renews);
/* Those of one request, which make sense. All of them count or none does: INVALID_RECORD_STATE (not
 * the holder's any more, or never; the last record of one is the first of the next). What lies
 * below the start is passed over. Outcomes (struct share_range) are appended: they are to be
 * committed; a renewal has none. */
int16_t share_queue_acknowledge(struct share_queue *queue, const struct share_limits *limits,
                                const struct share_ack *acks, size_t count, uint64_t holder,
                                uint64_t now_ms, struct offset_ranges *outcomes);
/* Whatever is held beyond its deadline is released; likewise all of a holder that has gone. */
void share_queue_expire(struct share_queue *queue, const struct share_limits *limits,
                        uint64_t now_ms, struct offset_ranges *outcomes);
void share_queue_release(struct share_queue *queue, const struct share_limits *limits,
                         uint64_t holder, struct offset_ranges *outcomes);
/* Not behind the next time at which something is to expire, and exact when it has just been looked
 * for; UINT64_MAX: nothing is held. */
uint64_t share_queue_deadline(const struct share_queue *queue);

/* The outcome was set in the state, just now. */
void share_queue_committed(struct share_queue *queue, const struct share_range *outcome);
/* The start of the state has moved without an outcome. */
void share_queue_passed(struct share_queue *queue);

#endif
