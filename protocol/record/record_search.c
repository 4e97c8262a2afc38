/*
 * Looking for a timestamp in a batch: record_batch_find_timestamp and
 * record_batch_largest_timestamp of record_batch.h.
 *
 * The records come piece by piece, and no further than to the one that is looked for: what a batch
 * unfolds to is never held.
 */
#include "protocol/record/codec.h"
#include "protocol/record/record_walk.h"

struct search {
    int64_t from; /* the first offset delta that counts */
    int64_t wanted;
    bool largest;  /* ... of all is wanted, not the first that is `wanted` or larger */
    int32_t delta; /* of the record found; -1: not yet */
    int64_t timestamp;
    const struct record_batch *batch;
};

static void on_record(void *arg, int32_t delta, int64_t timestamp_ms) {
    struct search *search = arg;
    bool over = search->delta >= 0 && !search->largest;
    /* With LogAppendTime all records have the largest one. */
    if (record_batch_has_log_append_time(search->batch))
        timestamp_ms = search->batch->max_timestamp;
    if (over || delta < search->from || timestamp_ms < search->wanted) return;
    search->delta = delta;
    search->timestamp = timestamp_ms;
    if (search->largest) search->wanted = timestamp_ms;
}

/* As far as it must go. ERR_NOT_FOUND: no record counts. */
static int walk_to(const struct record_batch *batch, size_t limit, struct search *search) {
    struct record_walk walk;
    const uint8_t *piece;
    size_t len;
    int error = ERR_NONE;
    struct codec_reader *reader = codec_reader_new(record_batch_codec(batch),
                                                   batch->data + RECORD_BATCH_HEADER,
                                                   batch->size - RECORD_BATCH_HEADER, limit);
    record_walk_begin(&walk, batch, on_record, search);
    while (error == ERR_NONE && (search->delta < 0 || search->largest)) {
        error = codec_reader_next(reader, &piece, &len);
        if (error == ERR_NONE) error = record_walk_piece(&walk, piece, len);
    }
    codec_reader_free(reader);
    bool through = error == ERR_NONE || error == ERR_EOF;
    if (search->delta >= 0 && (through || !search->largest)) return ERR_NONE;
    return error == ERR_EOF ? ERR_NOT_FOUND : error;
}

/* Some of its records are gone. */
static bool is_compacted(const struct record_batch *batch) {
    return batch->last_offset_delta >= batch->record_count;
}

/* The first offset delta that counts; at least 0. */
static int64_t delta_of(const struct record_batch *batch, int64_t from_offset) {
    return from_offset > batch->base_offset ? from_offset - batch->base_offset : 0;
}

int record_batch_largest_timestamp(const struct record_batch *batch, int64_t from_offset,
                                   size_t limit, int64_t *found_ms) {
    struct search search = {.from = delta_of(batch, from_offset),
                            .wanted = INT64_MIN,
                            .largest = true,
                            .delta = -1,
                            .batch = batch};
    if (search.from > batch->last_offset_delta) return ERR_NOT_FOUND;
    bool known = search.from == 0 ||
                 (record_batch_has_log_append_time(batch) && !is_compacted(batch));
    int error = known ? ERR_NONE : walk_to(batch, limit, &search);
    *found_ms = known ? batch->max_timestamp : search.timestamp;
    return error;
}

int record_batch_find_timestamp(const struct record_batch *batch, int64_t timestamp_ms,
                                int64_t from_offset, size_t limit, int64_t *offset,
                                int64_t *found_ms) {
    struct search search = {
        .from = delta_of(batch, from_offset), .wanted = timestamp_ms, .delta = -1, .batch = batch};
    if (search.from > batch->last_offset_delta || batch->max_timestamp < timestamp_ms)
        return ERR_NOT_FOUND;
    int error = ERR_NONE;
    if (record_batch_has_log_append_time(batch) && !is_compacted(batch))
        search = (struct search){.delta = (int32_t)search.from, .timestamp = batch->max_timestamp};
    else
        error = walk_to(batch, limit, &search);
    if (error != ERR_NONE) return error;
    *offset = batch->base_offset + search.delta;
    *found_ms = search.timestamp;
    return ERR_NONE;
}
