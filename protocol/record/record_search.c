/*
 * Looking for a timestamp in a batch: record_batch_find_timestamp of record_batch.h.
 *
 * The records come piece by piece, and no further than to the one that is looked for: what a batch
 * unfolds to is never held.
 */
#include "protocol/record/codec.h"
#include "protocol/record/record_walk.h"

struct search {
    int64_t wanted;
    int32_t place; /* of the record found; -1: not yet */
    int64_t timestamp;
};

static void on_record(void *arg, int32_t place, int64_t timestamp_ms) {
    struct search *search = arg;
    if (search->place >= 0 || timestamp_ms < search->wanted) return;
    search->place = place;
    search->timestamp = timestamp_ms;
}

static int walk_to(const struct record_batch *batch, size_t limit, struct search *search) {
    struct record_walk walk;
    const uint8_t *piece;
    size_t len;
    int error = ERR_NONE;
    struct codec_reader *reader = codec_reader_new(record_batch_codec(batch),
                                                   batch->data + RECORD_BATCH_HEADER,
                                                   batch->size - RECORD_BATCH_HEADER, limit);
    record_walk_begin(&walk, batch, on_record, search);
    while (error == ERR_NONE && search->place < 0) {
        error = codec_reader_next(reader, &piece, &len);
        if (error == ERR_NONE) error = record_walk_piece(&walk, piece, len);
    }
    codec_reader_free(reader);
    return search->place >= 0 ? ERR_NONE : error;
}

int record_batch_find_timestamp(const struct record_batch *batch, int64_t timestamp_ms,
                                size_t limit, int64_t *offset, int64_t *found_ms) {
    if (batch->record_count == 0 || batch->max_timestamp < timestamp_ms) return ERR_NOT_FOUND;
    struct search search = {.wanted = timestamp_ms, .place = -1};
    int error = ERR_NONE;
    if (record_batch_has_log_append_time(batch)) /* all records have the largest one */
        search = (struct search){.place = 0, .timestamp = batch->max_timestamp};
    else
        error = walk_to(batch, limit, &search);
    if (error != ERR_NONE) return error == ERR_EOF ? ERR_NOT_FOUND : error;
    *offset = batch->base_offset + search.place;
    *found_ms = search.timestamp;
    return ERR_NONE;
}
