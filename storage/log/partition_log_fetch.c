/*
 * Reading record batches for consumers: partition_log_fetch of partition_log.h.
 *
 * Happy path: from the entry that holds the offset on, entry after entry, from memory or segments;
 * each gives one slice of its uncompressed body, whole but for the first and the last. In a segment
 * that was cleaned offsets may be missing: a look that finds nothing more goes on behind it.
 * Failures: an offset that is not in the log is ERR_NOT_FOUND; a damaged entry ERR_CORRUPT, unless
 * something sound came before it. Invariant: a slice is a run of whole batches, below the end
 * offset, that follows the slice before it.
 */
#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/record/record_batch.h"
#include "storage/log/log_reading.h"
#include "storage/log_types.h"

enum {
    CHUNK_BYTES_MAX = 512 << 10,
    ON_LOOP_MAX = 512 << 10, /* bytes that one look takes on the loop before the pool goes on */
};

struct offset_reading {
    struct log_reading base; /* first: a log_reading is its offset_reading */
    kafka_offset offset;     /* the next record wanted */
    kafka_offset end_offset;
    uint64_t max_bytes, bytes;
    struct slice *slices;
    size_t count, room;
    uint64_t looked_from;  /* bytes when this look began */
    uint64_t looked_us;    /* when that was */
    struct env_task later; /* goes on, when a turn of the loop has grown long */
    uint64_t at_position;  /* of the entry that was given out in part; 0: none */
    bool full;
};

/* Takes the slice over. */
static void fetch_add(struct offset_reading *reading, struct slice slice) {
    reading->slices = mem_grow(reading->slices, reading->count, &reading->room,
                               sizeof *reading->slices);
    reading->slices[reading->count++] = slice;
    reading->bytes += slice.len;
}

/* Which bytes of an entry's body are wanted: whole batches from the one with the offset on. Moves
 * the offset. */
static int cut_batches(struct offset_reading *reading, struct slice *raw) {
    size_t at = 0, from = 0, to = 0;
    bool any = false;
    while (at < raw->len) {
        struct record_batch batch;
        size_t begin = at;
        if (record_batch_next(raw->data, raw->len, &at, &batch, NULL) != 0) return ERR_CORRUPT;
        int64_t last = record_batch_last_offset(&batch);
        if (last < reading->offset) continue;
        bool first_of_all = !any && reading->count == 0;
        if (!any) from = begin;
        if (last >= reading->end_offset ||
            (!first_of_all && reading->bytes + (at - from) > reading->max_bytes)) {
            reading->full = true;
            break;
        }
        any = true;
        to = at;
        reading->offset = last + 1;
    }
    raw->data += from;
    raw->len = any ? to - from : 0;
    return 0;
}

/* It is in a segment that was cleaned (which never changes: so the pool may look at it). */
static bool is_in_gaps(const struct offset_reading *reading) {
    const struct segment *segment = reading->base.segment;
    return segment && segment_is_cleaned(&segment->header);
}

/* Takes what is wanted of one entry, whose uncompressed body is given over. */
static int fetch_take(struct offset_reading *reading, const struct entry *entry, struct slice raw) {
    int64_t end = entry->base_offset + entry->records;
    bool whole = reading->offset <= entry->base_offset && end <= reading->end_offset &&
                 reading->bytes + raw.len <= reading->max_bytes;
    int error = 0;
    if (whole)
        reading->offset = end;
    else
        error = cut_batches(reading, &raw);
    /* Behind its last batch nothing is left of it. */
    if (!error && is_in_gaps(reading) && !reading->full) reading->offset = end;
    if (error || raw.len == 0)
        slice_unref(&raw);
    else
        fetch_add(reading, raw);
    return error;
}

/* Is there anything for this reading in the entry, and room for it? May say that there is enough.
 */
static bool wants(struct offset_reading *reading, const struct entry *header) {
    if (header->base_offset >= reading->end_offset ||
        (reading->count > 0 && reading->bytes + header->raw_len > reading->max_bytes)) {
        reading->full = true;
        return false;
    }
    return header->type == ENTRY_BATCHES && header->base_offset + header->records > reading->offset;
}

/* So much is read at once: not much more than is still wanted, because the next request begins
 * anew. What is stored is shorter than what it unfolds to, but for the headers of entries. */
static size_t chunk_for(const struct offset_reading *reading) {
    uint64_t wanted = reading->bytes < reading->max_bytes ? reading->max_bytes - reading->bytes : 0;
    if (wanted >= CHUNK_BYTES_MAX) return CHUNK_BYTES_MAX;
    return (size_t)(wanted + wanted / 16) + ENTRY_HEADER_SIZE;
}

/* The visitor. */
static int fetch_visit(struct log_reading *base) {
    struct offset_reading *reading = (struct offset_reading *)base;
    struct segment_cursor *cursor = &base->cursor;
    while (!reading->full) {
        if (cursor->cached_only && reading->bytes - reading->looked_from >= ON_LOOP_MAX)
            return ERR_AGAIN;
        struct entry header;
        cursor->chunk_bytes = chunk_for(reading);
        int error = segment_cursor_peek(cursor, &header);
        if (error == ERR_EOF && is_in_gaps(reading) && reading->offset < base->segment->end.offset)
            reading->offset = base->segment->end.offset;
        if (error == ERR_EOF) return 0;
        if (error) return error;
        /* Offsets are dense: another place of the file was written over this one. */
        if (!cursor->gaps && header.base_offset > reading->offset) return ERR_CORRUPT;
        if (!wants(reading, &header)) {
            if (!reading->full) segment_cursor_skip(cursor, &header);
            continue;
        }
        uint64_t position = cursor->position;
        struct entry *entry;
        error = segment_cursor_next(cursor, &entry);
        if (error) return error;
        struct slice raw;
        error = entry_raw(entry, NULL, false, &raw);
        entry_unref(entry);
        if (!error) error = fetch_take(reading, &header, raw);
        if (error) return ERR_CORRUPT;
        if (reading->full) reading->at_position = position;
    }
    return 0;
}

static void drop_slices(struct slice *slices, size_t count) {
    for (size_t i = 0; i < count; i++)
        slice_unref(&slices[i]);
    mem_free(slices);
}

static void free_reading(struct log_reading *base) {
    struct offset_reading *reading = (struct offset_reading *)base;
    env_defer_cancel(base->env, &reading->later);
    drop_slices(reading->slices, reading->count);
    mem_free(reading);
}

/* Calls done. Batches that were read before an error are good: whoever wants more meets the error
 * then. */
static bool fetch_finish(struct offset_reading *reading, int error) {
    struct partition_log_fetch *fetch = reading->base.request;
    if (reading->count > 0) error = 0;
    if (!error) {
        fetch->slices = reading->slices;
        fetch->count = reading->count;
        fetch->bytes = reading->bytes;
        fetch->next_offset = reading->offset;
        reading->slices = NULL;
        reading->count = 0;
    }
    log_reading_end(&reading->base);
    fetch->done(fetch, error);
    return true;
}

static void leave_hint(struct offset_reading *reading) {
    uint64_t position = reading->at_position ? reading->at_position : reading->base.cursor.position;
    log_hint_leave(&reading->base, 0, reading->offset, position);
    reading->at_position = 0;
}

/* Of what this look has found. */
static void count_found(const struct offset_reading *reading, enum fetched_from from) {
    reading->base.log->store->counts.fetched_bytes[from] += reading->bytes - reading->looked_from;
}

/* Since that look began. */
static void count_time(const struct offset_reading *reading, enum fetched_from from) {
    buckets_add(&reading->base.log->store->counts.read_us[from], &bounds_sync,
                env_now_us(reading->base.env) - reading->looked_us);
}

static int take_from_memory(struct offset_reading *reading, const struct entry *entry) {
    if (!wants(reading, entry)) return 0;
    struct slice raw;
    int error = log_memory_raw(&reading->base.log->memory, entry->index, &raw);
    reading->looked_from = reading->bytes;
    if (!error) error = fetch_take(reading, entry, raw);
    count_found(reading, FETCHED_MEMORY);
    return error;
}

/* One look into the segment with the offset. ERR_AGAIN: resume comes later. */
static int log_fetch_look(struct offset_reading *reading) {
    struct partition_log *log = reading->base.log;
    struct segment *segment = log_segment_of_offset(log, reading->offset);
    CHECK(segment && reading->offset < log->written_end);
    reading->looked_from = reading->bytes;
    reading->looked_us = env_now_us(reading->base.env);
    int error = log_reading_look(&reading->base, segment, SEEK_BY_OFFSET, reading->offset,
                                 log_hint_by_offset(log, segment, reading->offset));
    if (error) return error;
    count_time(reading, FETCHED_CACHE);
    count_found(reading, FETCHED_CACHE);
    leave_hint(reading);
    return ERR_NONE;
}

/* Goes on until there is enough. True: done was called. */
static bool go_on(struct offset_reading *reading) {
    struct partition_log *log = reading->base.log;
    if (reading->base.left) return fetch_finish(reading, ERR_NOT_FOUND);
    if (reading->end_offset > log->end_offset) reading->end_offset = log->end_offset;
    while (!reading->full && reading->offset < reading->end_offset) {
        int64_t before = reading->offset;
        if (before < log->start_offset) return fetch_finish(reading, ERR_NOT_FOUND);
        if (reading->count > 0 && env_turn_is_long(reading->base.env)) {
            env_yield(reading->base.env, &reading->later);
            return false;
        }
        const struct entry *entry = log_memory_find_offset(&log->memory, before);
        int error = entry ? take_from_memory(reading, entry) : log_fetch_look(reading);
        if (error == ERR_AGAIN) return false;
        /* A segment was cut by somebody else, or a peer's entry has fewer records than its header
         * says. */
        if (!error && reading->offset == before && !reading->full) error = ERR_CORRUPT;
        if (error) return fetch_finish(reading, error);
    }
    return fetch_finish(reading, 0);
}

static void go_on_later(struct env_task *task) {
    go_on(CONTAINER_OF(task, struct offset_reading, later));
}

static void fetch_resume(struct log_reading *base, int error) {
    struct offset_reading *reading = (struct offset_reading *)base;
    if (error) {
        fetch_finish(reading, error);
        return;
    }
    count_time(reading, FETCHED_DISK);
    count_found(reading, FETCHED_DISK);
    leave_hint(reading);
    go_on(reading);
}

bool partition_log_fetch(struct partition_log *log, kafka_offset offset, kafka_offset end_offset,
                         uint64_t max_bytes, struct partition_log_fetch *fetch) {
    fetch->slices = NULL;
    fetch->count = 0;
    fetch->bytes = 0;
    fetch->next_offset = offset;
    fetch->reading = NULL;
    if (offset < log->start_offset || offset > log->end_offset || log->install) {
        fetch->done(fetch, ERR_NOT_FOUND);
        return true;
    }
    struct offset_reading *reading = mem_zalloc(sizeof *reading);
    reading->offset = offset;
    reading->end_offset = end_offset;
    reading->max_bytes = max_bytes;
    reading->base.visit = fetch_visit;
    reading->base.resume = fetch_resume;
    reading->base.free = free_reading;
    reading->later.run = go_on_later;
    reading->base.chunk_bytes = chunk_for(reading);
    log_reading_begin(&reading->base, log, fetch, &fetch->reading);
    return go_on(reading);
}

void partition_log_fetch_release(struct partition_log_fetch *fetch) {
    drop_slices(fetch->slices, fetch->count);
    fetch->slices = NULL;
    fetch->count = 0;
}

void partition_log_fetch_cancel(struct partition_log_fetch *fetch) {
    if (fetch->reading) log_reading_end(fetch->reading);
}
