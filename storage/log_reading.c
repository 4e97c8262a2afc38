/* What reads, fetches and searches have in common: see log_reading.h. */
#include "storage/log_reading.h"

#include "base/check.h"
#include "base/mem.h"

void log_reading_begin(struct log_reading *reading, struct partition_log *log, void *request,
                       struct log_reading **handle) {
    CHECK(!log->closed);
    reading->env = log->store->env;
    reading->log = log;
    reading->request = request;
    reading->handle = handle;
    *handle = reading;
    reading->next = log->readings;
    if (reading->next) reading->next->prev = reading;
    log->readings = reading;
}

static void unlink_reading(struct log_reading *reading) {
    struct partition_log *log = reading->log;
    if (!log) return;
    if (reading->prev)
        reading->prev->next = reading->next;
    else
        log->readings = reading->next;
    if (reading->next) reading->next->prev = reading->prev;
    *reading->handle = NULL;
    reading->log = NULL;
    reading->request = NULL;
}

static void let_go(struct log_reading *reading) {
    segment_cursor_close(&reading->cursor);
    if (reading->segment) segment_let_go(reading->segment);
    reading->segment = NULL;
}

void log_reading_end(struct log_reading *reading) {
    unlink_reading(reading);
    if (!reading->segment) reading->free(reading); /* else its job is under way */
}

void log_readings_detach(struct partition_log *log) {
    while (log->readings)
        log_reading_end(log->readings);
}

/* ---- In the pool ---- */

static uint64_t seek(const struct log_reading *reading, const struct segment_index *index) {
    switch (reading->by) {
    case SEEK_BY_INDEX: return segment_index_seek_index(index, (uint64_t)reading->key);
    case SEEK_BY_OFFSET: return segment_index_seek_offset(index, reading->key);
    case SEEK_BY_TIMESTAMP: return segment_index_seek_timestamp(index, reading->key);
    case SEEK_TO_START: break;
    }
    return SEGMENT_HEADER_SIZE;
}

static void work(struct env_job *job) {
    struct log_reading *reading = (struct log_reading *)job;
    reading->error = 0;
    if (reading->index_path) {
        const struct segment *segment = reading->segment; /* only what never changes is looked at */
        reading->error = segment_index_read(reading->env, reading->cursor.file, reading->index_path, &segment->header,
                                            reading->cursor.limit, segment->interval_bytes, true, &reading->loaded);
        if (reading->error) return;
        reading->cursor.position = seek(reading, reading->loaded);
    }
    reading->error = reading->visit(reading);
}

static void done(struct env_job *job) {
    struct log_reading *reading = (struct log_reading *)job;
    if (reading->loaded) segment_adopt_index(reading->segment, reading->loaded);
    reading->loaded = NULL;
    mem_free(reading->index_path);
    reading->index_path = NULL;
    let_go(reading);
    if (reading->log)
        reading->resume(reading, reading->error);
    else
        reading->free(reading);
}

/* ---- On the loop ---- */

int log_reading_look(struct log_reading *reading, struct segment *segment, enum seek_by by, int64_t key,
                     uint64_t position) {
    segment_hold(segment);
    reading->segment = segment;
    int error = segment_open_file(segment);
    if (error) {
        let_go(reading);
        return error;
    }
    reading->by = by;
    reading->key = key;
    reading->looked_at = segment->header.base_offset;
    bool can_seek = position > 0 || by == SEEK_TO_START || segment->index;
    if (can_seek && position == 0) position = seek(reading, segment->index);
    segment_cursor_init(&reading->cursor, segment->file, segment->header.group, position, segment->end.position,
                        reading->chunk_bytes);
    if (can_seek) {
        reading->cursor.cached_only = true;
        error = reading->visit(reading);
        if (error != ERR_AGAIN) {
            let_go(reading);
            return error;
        }
        reading->cursor.cached_only = false;
    } else {
        reading->index_path = segment_path(segment, SEGMENT_FILE_INDEX);
    }
    reading->job.work = work;
    reading->job.done = done;
    env_pool_run(reading->env, &reading->job);
    return ERR_AGAIN;
}

/* The last segment that begins at or before the key; by_index says which key. */
static struct segment *segment_of(const struct partition_log *log, bool by_index, uint64_t key) {
    size_t low = 0, high = log->segment_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct segment_header *header = &log->segments[middle]->header;
        if ((by_index ? header->first_index : (uint64_t)header->base_offset) <= key)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : log->segments[low - 1];
}

struct segment *log_segment_of_index(const struct partition_log *log, uint64_t index) {
    return segment_of(log, true, index);
}

struct segment *log_segment_of_offset(const struct partition_log *log, int64_t offset) {
    return segment_of(log, false, (uint64_t)offset);
}

/* ---- Hints ---- */

uint64_t log_hint_by_index(const struct partition_log *log, const struct segment *segment, uint64_t index) {
    for (int i = 0; i < READ_HINTS; i++) {
        const struct read_hint *hint = &log->hints[i];
        if (hint->position > 0 && hint->index == index && hint->segment == segment->header.base_offset)
            return hint->position;
    }
    return 0;
}

uint64_t log_hint_by_offset(const struct partition_log *log, const struct segment *segment, int64_t offset) {
    for (int i = 0; i < READ_HINTS; i++) {
        const struct read_hint *hint = &log->hints[i];
        if (hint->position > 0 && hint->offset == offset && hint->segment == segment->header.base_offset)
            return hint->position;
    }
    return 0;
}

void log_hint_leave(const struct log_reading *reading, uint64_t index, int64_t offset, uint64_t position) {
    struct partition_log *log = reading->log;
    if (position >= reading->cursor.limit) return; /* the segment is through */
    log->hints[log->next_hint] = (struct read_hint){
        .segment = reading->looked_at, .index = index, .offset = offset, .position = position};
    log->next_hint = (log->next_hint + 1) % READ_HINTS;
}
