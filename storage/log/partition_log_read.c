/*
 * Reading entries by index, for peers and appliers: partition_log_read of partition_log.h; and what
 * is left of them where they count as gone, for a replica that has lost its own.
 *
 * Happy path: entries in memory are taken at once, without a reading; those before are read from
 * segments, in big reads, and what follows in memory is added. Failures: an index below the first
 * or above the last is ERR_NOT_FOUND, a damaged entry ERR_CORRUPT. Invariant: what is given out is
 * one run of the log without holes, as the log is when `done` is called.
 */
#include "base/check.h"
#include "base/mem.h"
#include "storage/heal/range_source.h"
#include "storage/log/log_reading.h"
#include "storage/log/write_behind.h"
#include "storage/segment/prefix_source.h"

enum { CHUNK_BYTES_MAX = 1 << 20 };

struct index_reading {
    struct log_reading base; /* first: a log_reading is its index_reading */
    uint64_t next, last;
    uint64_t max_bytes, bytes;
    struct entry **entries;
    size_t count, room;
    bool full;
};

/* Is there room for an entry of this size? The first one always fits. */
static bool fits(struct index_reading *reading, uint64_t size) {
    if (reading->count > 0 && reading->bytes + size > reading->max_bytes) reading->full = true;
    return !reading->full;
}

/* Takes the reference over. */
static void read_add(struct index_reading *reading, struct entry *entry) {
    reading->entries = mem_grow(reading->entries, reading->count, &reading->room,
                                sizeof *reading->entries);
    reading->entries[reading->count++] = entry;
    reading->bytes += entry_stored_size(entry);
    reading->next = entry->index + 1;
}

/* So much is read at once: no more than is still wanted, because the next request begins anew. */
static size_t chunk_for(const struct index_reading *reading) {
    uint64_t wanted = reading->bytes < reading->max_bytes ? reading->max_bytes - reading->bytes : 0;
    return wanted < CHUNK_BYTES_MAX ? (size_t)wanted + ENTRY_HEADER_SIZE : CHUNK_BYTES_MAX;
}

/* The visitor: entries from `next` on that the segment has. */
static int read_visit(struct log_reading *base) {
    struct index_reading *reading = (struct index_reading *)base;
    struct segment_cursor *cursor = &base->cursor;
    while (!reading->full && reading->next <= reading->last) {
        struct entry header;
        cursor->chunk_bytes = chunk_for(reading);
        int error = segment_cursor_peek(cursor, &header);
        if (error == ERR_EOF) return 0;
        if (error) return error;
        if (header.index < reading->next) {
            segment_cursor_skip(cursor, &header);
            continue;
        }
        if (header.index > reading->next) return cursor->gaps ? 0 : ERR_CORRUPT; /* it is gone */
        if (!fits(reading, entry_stored_size(&header))) break;
        struct entry *entry;
        error = segment_cursor_next(cursor, &entry);
        if (error) return error;
        read_add(reading, entry);
    }
    return 0;
}

static void drop_entries(struct entry **entries, size_t count) {
    for (size_t i = 0; i < count; i++)
        entry_unref(entries[i]);
    mem_free(entries);
}

static void free_reading(struct log_reading *base) {
    struct index_reading *reading = (struct index_reading *)base;
    drop_entries(reading->entries, reading->count);
    mem_free(reading);
}

/* Calls done. Entries that were read before the error are good: whoever wants more meets the error
 * then. */
static bool read_finish(struct index_reading *reading, int error) {
    struct partition_log_read *read = reading->base.request;
    if (reading->count > 0) error = 0;
    if (!error) {
        read->entries = reading->entries;
        read->count = reading->count;
        reading->entries = NULL;
        reading->count = 0;
    }
    log_reading_end(&reading->base);
    read->done(read, error);
    return true;
}

/* One look into the segment that holds `next`. ERR_AGAIN: resume comes later. */
static int read_look(struct index_reading *reading) {
    struct partition_log *log = reading->base.log;
    struct segment *segment = log_segment_of_index(log, reading->next);
    CHECK(segment && reading->next <= log->written);
    uint64_t before = reading->next;
    int error = log_reading_look(&reading->base, segment, SEEK_BY_INDEX, (int64_t)reading->next,
                                 log_hint_by_index(log, segment, reading->next));
    if (!error) log_hint_leave(&reading->base, reading->next, -1, reading->base.cursor.position);
    if (error || reading->next > before || reading->full) return error;
    /* A segment that ends before an entry which it should hold was cut by somebody else; or the
     * entry is gone meanwhile. */
    return reading->next < log->first_index ? ERR_NOT_FOUND : ERR_CORRUPT;
}

/* Goes on until there is enough. True: done was called. */
static bool go_on(struct index_reading *reading) {
    struct partition_log *log = reading->base.log;
    while (!reading->full && reading->next <= reading->last && reading->next <= log->last_index) {
        if (reading->next < log->first_index) return read_finish(reading, ERR_NOT_FOUND);
        struct entry *entry = log_memory_at(&log->memory, reading->next);
        if (entry) {
            if (fits(reading, entry_stored_size(entry))) read_add(reading, entry_ref(entry));
            continue;
        }
        int error = read_look(reading);
        if (error == ERR_AGAIN) return false;
        if (error) return read_finish(reading, error);
    }
    return read_finish(reading, reading->count > 0 ? 0 : ERR_NOT_FOUND);
}

static void read_resume(struct log_reading *base, int error) {
    struct index_reading *reading = (struct index_reading *)base;
    if (error) {
        read_finish(reading, error);
        return;
    }
    log_hint_leave(base, reading->next, -1, base->cursor.position);
    go_on(reading);
}

/* Entries from `first`, which is in memory: then all behind it are. As many as fit. */
static bool read_memory(struct partition_log *log, uint64_t first, uint64_t last,
                        uint64_t max_bytes, struct partition_log_read *read) {
    const struct log_memory *memory = &log->memory;
    uint64_t count = 1, bytes = entry_stored_size(log_memory_at(memory, first));
    for (; first + count <= last; count++) {
        bytes += entry_stored_size(log_memory_at(memory, first + count));
        if (bytes > max_bytes) break;
    }
    read->entries = count == 1 ? &read->only : mem_alloc(count * sizeof *read->entries);
    for (; read->count < count; read->count++)
        read->entries[read->count] = entry_ref(log_memory_at(memory, first + read->count));
    read->done(read, ERR_NONE);
    return true;
}

bool partition_log_read(struct partition_log *log, uint64_t first, uint64_t last,
                        uint64_t max_bytes, struct partition_log_read *read) {
    read->entries = NULL;
    read->count = 0;
    read->reading = NULL;
    if (first < log->first_index || first > log->last_index || last < first) {
        read->done(read, ERR_NOT_FOUND);
        return true;
    }
    if (last > log->last_index) last = log->last_index;
    if (log_memory_at(&log->memory, first) != NULL)
        return read_memory(log, first, last, max_bytes, read);
    struct index_reading *reading = mem_zalloc(sizeof *reading);
    reading->next = first;
    reading->last = last;
    reading->max_bytes = max_bytes;
    reading->base.visit = read_visit;
    reading->base.resume = read_resume;
    reading->base.free = free_reading;
    reading->base.chunk_bytes = chunk_for(reading);
    log_reading_begin(&reading->base, log, read, &read->reading);
    return go_on(reading);
}

void partition_log_read_release(struct partition_log_read *read) {
    if (read->entries == &read->only)
        entry_unref(read->only);
    else
        drop_entries(read->entries, read->count);
    read->entries = NULL;
    read->count = 0;
}

void partition_log_read_cancel(struct partition_log_read *read) {
    if (read->reading) log_reading_end(read->reading);
}

/* ---- For another replica ---- */

const struct start_file *partition_log_place(const struct partition_log *log) {
    return &log->prefix.start;
}

struct prefix_source *partition_log_give_state(struct partition_log *log, log_index least,
                                               log_index *index) {
    *index = log->kept_index;
    if (log->kept_index < least && log->commit >= least && !log->damaged && log->saving == 0)
        applier_snapshot_keep(log); /* of what is committed it will have applied enough soon */
    if (log->kept_index < least || log->kept_index == 0) return NULL;
    return prefix_source_new(log->store->env, log->path, log->group, log->kept_index,
                             &log->prefix.start);
}

void partition_log_take_state_back(struct partition_log *log, struct prefix_source *source) {
    if (prefix_source_state_is_damaged(source) && log->kept_index > 0)
        applier_snapshot_renew(log, false);
    prefix_source_close(source);
}

struct range_source *partition_log_give_range(struct partition_log *log, log_index first,
                                              log_index last, bool *later) {
    *later = last > log->written && last <= log->committed;
    if (*later) write_behind_sync(log, log->committed);
    if (last > log->written) return NULL;
    struct range_source *source = range_source_new(log->store->env, first, last);
    for (size_t i = 0; i < log->segment_count; i++) {
        struct segment *segment = log->segments[i];
        if (segment->end.last_index < first || segment->header.first_index > last) continue;
        if (segment->damaged) {
            range_source_free(source);
            return NULL;
        }
        range_source_add(source, segment);
    }
    return source;
}

void partition_log_take_range_back(struct partition_log *log, struct range_source *source) {
    uint64_t position;
    struct segment *segment = range_source_damaged(source, &position);
    if (segment && segment->files) log_note_damage(log, segment, ERR_CORRUPT, position);
    range_source_free(source);
}
