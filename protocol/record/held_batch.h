/*
 * A batch of which some records are held back: it is stored with all of them, and consumers get it
 * without those, or a hole in its place.
 *
 * Happy path: a leader makes one of a client's batch in which record_delivery_read finds something
 * (held_batch_make): its records are not compressed, its attributes say that it is one, and its
 * largest timestamp is when it came, by which each replica finds again which records are held
 * (held_record). What is left for consumers keeps its offsets (held_batch_visible).
 * What was held back is delivered by a batch that says so (release_mark): without a producer, and
 * with a sequence that none has, at which no consumer looks. A hole is a control batch without a
 * producer that ends nobody's transaction, which every client passes over, to behind its last
 * offset.
 * Failures: bytes that are no batch. Pure.
 */
#ifndef PROTOCOL_RECORD_HELD_BATCH_H
#define PROTOCOL_RECORD_HELD_BATCH_H

#include "base/buffer.h"
#include "protocol/record/record_batch.h"
#include "protocol/record/record_delivery.h"

/* Of what it has uncompressed, in bytes, and of its records: it is looked through on the loop of
 * each replica. Clients' own limits are about as high. */
enum { HELD_BATCH_MOST = 1 << 20, HELD_RECORDS_MOST = 10000, HELD_HEADERS_MOST = 30000 };

/* Some of its records are held back. No client may say that: but some could before there were
 * delays, so in an entry that is not marked (storage/entry.h) it only may be so. */
bool record_batch_is_held(const struct record_batch *batch);
bool record_batch_says_held(const struct record_batch *batch); /* whatever else it is */
/* Whether the record of a held batch is held back, and why. ERR_NONE, ERR_MALFORMED. */
int held_record(const struct record_batch *batch, const struct record *record,
                struct record_delivery *delivery);

/* It delivers what was held back; likewise. */
bool record_batch_is_release(const struct record_batch *batch);
/* Of a whole batch that was built. */
void release_mark(uint8_t *bytes, size_t size);

/* Of a sound batch that is not compressed. */
void held_batch_make(uint8_t *bytes, size_t size, int64_t now_ms);
/* The batch without what is held back, as a batch of its own from mem_alloc; *out is NULL: nothing
 * is left of it. ERR_CORRUPT, ERR_MALFORMED, ERR_TOO_LARGE. */
int held_batch_visible(const struct record_batch *held, uint8_t **out,
                       size_t *out_len); /* For the offsets from `first` to `last`. */
struct slice hole_batch(int64_t first, int64_t last, int32_t leader_epoch, int64_t timestamp_ms);

#endif
