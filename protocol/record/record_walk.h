/*
 * Walks the records of a batch, given in pieces that may end anywhere, as strictly as a leader
 * must: what is stored now is read for years.
 *
 *   record: length varint, then attributes i8, timestamp delta varlong, offset delta varint, key
 *           length varint, key, value length varint, value, header count varint, headers (key
 *           length varint, key, value length varint, value)
 *
 * Each record has sound lengths (-1 or more; header keys 0 or more), the offset delta that is its
 * place (0, 1, 2, ...; in a batch that was compacted, which has fewer records than offsets, only a
 * larger one than the record before), as many headers as it claims, and ends where its length says;
 * there are as many records as the batch claims, and nothing behind them. KIP-98. Happy path:
 * record_walk_begin, record_walk_piece for each piece, record_walk_end. Failures: ERR_MALFORMED,
 * with the record and what is wrong with it in `wrong`. Keeps a few numbers and no bytes. Any
 * thread. Invariant: at most one varint is held over a border of pieces.
 */
#ifndef PROTOCOL_RECORD_RECORD_WALK_H
#define PROTOCOL_RECORD_RECORD_WALK_H

#include "protocol/record/record_batch.h"

struct record_walk {
    int32_t seen;          /* whole records */
    int64_t max_timestamp; /* of them; -1: none, or none above */
    bool keyless;          /* the record that was told of, or is under way, has a null key */
    const char *wrong;     /* after ERR_MALFORMED: "its header count is negative" */
    /* Told of each whole record; may be NULL. */
    void (*record)(void *arg, int32_t offset_delta, int64_t timestamp_ms);
    void *arg;
    /* The walk's. */
    int64_t base_timestamp;
    int32_t count, last_delta;
    int32_t delta; /* of the record under way, or the last one; -1: there was none */
    uint8_t step, shift;
    uint64_t varint; /* what is here of it */
    size_t skip;     /* bytes of a key or value to come */
    size_t left;     /* bytes of the record to come */
    int32_t headers; /* to come */
    int64_t timestamp;
};

/* The header of `batch` was parsed. */
void record_walk_begin(struct record_walk *walk, const struct record_batch *batch,
                       void (*record)(void *arg, int32_t offset_delta, int64_t timestamp_ms),
                       void *arg);
int record_walk_piece(struct record_walk *walk, const uint8_t *data, size_t len);
int record_walk_end(struct record_walk *walk);

#endif
