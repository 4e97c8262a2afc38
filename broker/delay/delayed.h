/*
 * The records of one partition that wait for their time: what every replica knows of them by what
 * has committed.
 *
 *   hold     a batch of which some records are held back (protocol/record/held_batch.h): they are
 *            pending; or one of them calls off another one
 *   release  a batch in which pending ones are delivered: they are pending no more
 *
 * A release names what it delivers by headers of its records, so that the log says all of it: what
 * is delivered and what is pending no more are one entry, and nothing is delivered twice, or lost,
 * whoever leads.
 * Order: by (due, offset). What a release has passed is never passed again: a record that comes
 * with an earlier time is due at once, behind it. Happy path: delayed_hold and delayed_release of
 * each batch that has committed; on a leader delayed_take makes the next release, delayed_give_back
 * if nothing came of it; what is being called off is set aside. Failures: ERR_MALFORMED for batches
 * that cannot be what they should. Invariant: of equal logs the state is equal. Memory:
 * delayed_bytes, which a leader limits.
 */
#ifndef BROKER_DELAY_DELAYED_H
#define BROKER_DELAY_DELAYED_H

#include "base/buffer.h"
#include "broker/snapshot/snapshot_bytes.h"
#include "protocol/record/record_batch.h"
#include "storage/log_types.h"

struct delayed;

struct delayed *delayed_new(void);
void delayed_free(struct delayed *delayed); /* NULL does nothing */
void delayed_reset(struct delayed *delayed);

/* The same at once, however much was pending: what there was is the caller's, who may free it in
 * another thread. NULL: there was so little that it is gone. */
struct delayed_rest;
struct delayed_rest *delayed_clear(struct delayed *delayed);
void delayed_rest_free(struct delayed_rest *rest); /* NULL does nothing */

/* *visible: records of it that are not held back. ERR_MALFORMED, ERR_CORRUPT. */
int delayed_hold(struct delayed *delayed, const struct record_batch *batch, int32_t *visible);
/* *late_ms: by how much the first of them came too late. ERR_MALFORMED: something else than what is
 * pending, or no such batch; ERR_CORRUPT. */
int delayed_release(struct delayed *delayed, const struct record_batch *batch, int64_t *late_ms);

size_t delayed_count(const struct delayed *delayed);
/* Records that were called off while they were pending, of those that delayed_hold was given. */
uint64_t delayed_called_off(const struct delayed *delayed);
/* What they take in memory. */
uint64_t delayed_bytes(const struct delayed *delayed);
/* What `len` bytes of one record will take. */
uint64_t delayed_bytes_of(size_t len);
/* Behind the last batch of which something was held back, ever; 0: there was none. */
kafka_offset delayed_end(const struct delayed *delayed);
/* Of the first one that was not taken or set aside; INT64_MAX: there is none. */
int64_t delayed_next_due(const struct delayed *delayed);

/* Of a leader: one batch of those that are due at `now_ms`, and not behind `until_ms`, in their
 * order, of `most`, but at least one record; empty: there is none. They are taken until a release
 * of them is applied, or they are given back, all of them. */
struct delayed_most {
    size_t records, headers, bytes; /* the last about */
};
struct slice delayed_take(struct delayed *delayed, int64_t now_ms, int64_t until_ms,
                          const struct delayed_most *most);
void delayed_give_back(struct delayed *delayed);

bool delayed_is_pending(struct delayed *delayed, kafka_offset offset);
/* Likewise: what is pending at the offset, now or later, is not taken until it is over, as often as
 * it was set aside. */
void delayed_set_aside(struct delayed *delayed, kafka_offset offset);
void delayed_aside_over(struct delayed *delayed, kafka_offset offset);

/* ---- A look at it ---- */

/* In the order of offsets, in as many turns as it takes, while records come and go. All fields are
 * delayed_look's. */
struct delayed_look {
    struct delayed *delayed; /* NULL: it is over, or what was looked at is gone */
    kafka_offset seen;       /* the last one that was */
    struct delayed_look *next, *prev;
};

/* Texts are valid until the end of the turn. */
struct delayed_seen {
    kafka_offset offset;
    int64_t due_ms, timestamp_ms;
    const uint8_t *key;
    int32_t key_len, value_len; /* -1: null */
};

/* Begins behind `after`; if nothing is pending there any more, with the first of all. */
void delayed_look_begin(struct delayed_look *look, struct delayed *delayed, kafka_offset after);
/* False: that was all, or delayed_look_is_lost. */
bool delayed_look_next(struct delayed_look *look, struct delayed_seen *seen);
/* What was looked at is gone: the partition is not here any more, or has begun anew. */
bool delayed_look_is_lost(const struct delayed_look *look);
void delayed_look_end(struct delayed_look *look); /* also of one that is lost */

/* ---- Its snapshot ---- */

/* As an applier's encode, encode_rest and encode_stop (broker/partition/applier.h). Several walks
 * may be under way; nothing is written where nothing was ever held back. */
struct delayed_walk;
struct delayed_walk *delayed_walk_new(struct delayed *delayed);
bool delayed_walk_step(struct delayed_walk *walk, struct snapshot_bytes *into);
void delayed_walk_rest(struct delayed_walk *walk, struct snapshot_bytes *into);
void delayed_walk_stop(struct delayed_walk *walk);
/* As an applier's restore. ERR_MALFORMED. */
int delayed_decode(struct delayed *delayed, const uint8_t *bytes, size_t len, size_t *took);

#endif
