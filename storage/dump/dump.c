/*
 * One line a batch: dump_batches of dump.h.
 *
 * Happy path: each entry of the walk is decompressed and its batches are given out. Failures: a
 * damaged entry is one line with crc_ok false; the first damage becomes the sentence of the result.
 * Invariant: stored bytes of all lines add up to what the entries take on disk.
 */
#include "storage/dump/dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/printable.h"
#include "protocol/record/record_batch.h"
#include "storage/dump/dump_walk.h"

struct dumping {
    void (*each)(void *arg, const struct dump_batch *batch);
    void *arg;
    const struct dump_filter *filter;
    struct error_text *why;
    int error;
};

static void note_damage(void *arg, const char *path, uint64_t position, const char *what) {
    struct dumping *dumping = arg;
    if (dumping->error) return;
    dumping->error = error_set(dumping->why, ERR_CORRUPT,
                               "%s at position %" PRIu64
                               ": %s; `draved log verify` lists all damage",
                               path, position, what);
}

/* What the entry's header says, as a batch. */
static struct dump_batch of_entry(const struct walk_log *log, const char *path, uint64_t position,
                                  const struct entry *entry) {
    return (struct dump_batch){.topic = log->topic,
                               .partition = log->partition,
                               .base_offset = entry->base_offset,
                               .last_offset = entry->base_offset + entry->records - 1,
                               .leader_epoch = (int32_t)entry->term,
                               .raft_index = entry->index,
                               .codec = "unknown",
                               .stored = entry->codec == ENTRY_LZ4 ? "lz4" : "plain",
                               .records = entry->records,
                               .size_bytes = entry->raw_len,
                               .stored_bytes = entry_stored_size(entry),
                               .file = path,
                               .position = position};
}

static void give_batches(struct dumping *dumping, struct dump_batch line, const struct slice *raw) {
    size_t at = 0;
    struct record_batch batch;
    while (at < raw->len) {
        if (record_batch_next(raw->data, raw->len, &at, &batch, NULL) != 0) {
            note_damage(dumping, line.file, line.position,
                        "the entry does not hold whole record batches");
            return;
        }
        line.base_offset = batch.base_offset;
        line.last_offset = record_batch_last_offset(&batch);
        line.leader_epoch = batch.leader_epoch;
        line.codec = record_codec_name(record_batch_codec(&batch));
        line.records = (uint32_t)batch.record_count;
        line.size_bytes = batch.size;
        line.crc_ok = record_batch_check_crc(&batch) == 0;
        dumping->each(dumping->arg, &line);
        line.stored_bytes = 0;
    }
}

static void take_entry(void *arg, const struct walk_log *log, const char *path, uint64_t position,
                       struct entry *entry, bool sound) {
    struct dumping *dumping = arg;
    if (entry->type != ENTRY_BATCHES) return;
    struct dump_batch line = of_entry(log, path, position, entry);
    struct slice raw;
    if (sound && entry_raw(entry, NULL, false, &raw) == 0) {
        give_batches(dumping, line, &raw);
        slice_unref(&raw);
        return;
    }
    if (sound) note_damage(dumping, path, position, "the entry cannot be decompressed");
    dumping->each(dumping->arg, &line);
}

static void note_unnamed(void *arg, uint64_t group) {
    struct dumping *dumping = arg;
    if (dumping->filter->unnamed) dumping->filter->unnamed(dumping->arg, group);
}

int dump_batches(struct env *env, const char *data_dir, const struct dump_filter *filter,
                 void (*each)(void *arg, const struct dump_batch *batch), void *arg,
                 struct error_text *why) {
    static const struct walk_events events = {
        .entry = take_entry, .damage = note_damage, .unnamed = note_unnamed};
    struct dumping dumping = {.each = each, .arg = arg, .filter = filter, .why = why};
    int error = dump_walk(env, data_dir, filter->topic, filter->partition, &events, &dumping, why);
    return error ? error : dumping.error;
}

/* ---- Lines: names come from files, so anything may be in them ---- */

void dump_batch_json(const struct dump_batch *batch, char *into, size_t size) {
    char topic[600], file[600];
    printable_json(batch->topic, strlen(batch->topic), topic, sizeof topic);
    printable_json(batch->file, strlen(batch->file), file, sizeof file);
    snprintf(into, size,
             "{\"topic\":\"%s\",\"partition\":%" PRId32 ",\"base_offset\":%" PRId64
             ",\"last_offset\":%" PRId64 ",\"leader_epoch\":%" PRId32 ",\"raft_index\":%" PRIu64
             ",\"codec\":\"%s\",\"stored\":\"%s\",\"records\":%" PRIu32 ",\"size_bytes\":%" PRIu64
             ",\"stored_bytes\":%" PRIu64 ",\"file\":\"%s\",\"position\":%" PRIu64
             ",\"crc_ok\":%s}",
             topic, batch->partition, batch->base_offset, batch->last_offset, batch->leader_epoch,
             batch->raft_index, batch->codec, batch->stored, batch->records, batch->size_bytes,
             batch->stored_bytes, file, batch->position, batch->crc_ok ? "true" : "false");
}

void dump_batch_text(const struct dump_batch *batch, char *into, size_t size) {
    snprintf(into, size,
             "%s-%" PRId32 "  offsets %" PRId64 "..%" PRId64 "  epoch %" PRId32 "  index %" PRIu64
             "  %" PRIu32 " records  %" PRIu64 " bytes %s, stored %s %" PRIu64 "  %s:%" PRIu64 "%s",
             batch->topic, batch->partition, batch->base_offset, batch->last_offset,
             batch->leader_epoch, batch->raft_index, batch->records, batch->size_bytes,
             batch->codec, batch->stored, batch->stored_bytes, batch->file, batch->position,
             batch->crc_ok ? "" : "  DAMAGED");
}
