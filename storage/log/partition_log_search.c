/*
 * Looking for a timestamp: partition_log_search of partition_log.h (ListOffsets; KIP-734 for the
 * largest one).
 *
 * Happy path: the log is walked in order, segments whose largest timestamp is too small are passed
 * over, inside a segment the index says where to begin, and entry headers which entries to open; in
 * the entry the first batch whose largest timestamp is large enough is searched record by record.
 * Records that are held back are not there, whatever their time.
 * For the largest timestamp of all a first pass finds it, from what is known of segments and
 * entries; a segment or entry that reaches beyond one of the two ends is looked into.
 * An entry is opened in the pool: its batches may be compressed, and much work.
 * Failures: a damaged entry on the way is ERR_CORRUPT; nothing found where records went meanwhile
 * is ERR_AGAIN: that there is none need not have been true at any time. Invariant: what is found
 * lies in [start offset, end offset).
 */
#include "base/check.h"
#include "base/mem.h"
#include "protocol/record/held_batch.h"
#include "protocol/record/record_batch.h"
#include "storage/log/log_reading.h"
#include "storage/log_types.h"

enum {
    CHUNK_BYTES = 128 << 10,
    HEADERS_ON_LOOP = 200, /* that are looked at before the pool goes on */
    LARGEST = -3,          /* ListOffsets' name for the largest timestamp */
};

struct time_reading {
    struct log_reading base; /* first: a log_reading is its time_reading */
    bool finding_largest;    /* first pass: `timestamp` becomes the largest one seen */
    int64_t timestamp;
    kafka_offset start_offset, end_offset;
    uint64_t next;    /* index of the entry to go on with */
    uint64_t next_is; /* ... when the look under way is through */
    uint64_t losses;  /* of the log, when it began */
    int64_t found;    /* offset; -1: not yet */
    int64_t found_timestamp;
    log_term found_term;
    unsigned headers; /* looked at on the loop in this look */
    struct slice raw; /* of an entry in memory that is searched in the pool */
    log_term raw_term;
};

/* Of the entries below it nothing is left, for consumers either. */
static log_index first_in_files(const struct partition_log *log) {
    return log->prefix.start.file_index + 1;
}

/* First pass: all of the batch that counts. */
static int note_largest(struct time_reading *reading, const struct record_batch *batch) {
    int64_t largest;
    if (record_batch_last_offset(batch) >= reading->end_offset || record_batch_is_control(batch) ||
        batch->max_timestamp <= reading->timestamp)
        return 0;
    int error = record_batch_largest_timestamp(batch, reading->start_offset, INT32_MAX, &largest);
    if (error) return ERR_CORRUPT;
    if (largest > reading->timestamp) reading->timestamp = largest;
    return 0;
}

/* What consumers get of the batch: if some of it is held back another one, *bytes, the caller's.
 * False: nothing. */
static int see(struct record_batch *batch, uint8_t **bytes, bool *any) {
    size_t size;
    *bytes = NULL;
    *any = true;
    if (!record_batch_is_held(batch)) return ERR_NONE;
    int error = held_batch_visible(batch, bytes, &size);
    *any = *bytes != NULL;
    return *any ? record_batch_parse(*bytes, size, batch, NULL) : error;
}

/* A batch that may have what is looked for. */
static int search_batch(struct time_reading *reading, log_term term,
                        const struct record_batch *batch) {
    kafka_offset offset;
    int64_t timestamp;
    if (reading->finding_largest) return note_largest(reading, batch);
    if (batch->max_timestamp < reading->timestamp || record_batch_is_control(batch))
        return ERR_NONE;
    int error = record_batch_find_timestamp(batch, reading->timestamp, reading->start_offset,
                                            INT32_MAX, &offset, &timestamp);
    if (error == ERR_NOT_FOUND || (!error && offset >= reading->end_offset)) return ERR_NONE;
    if (error) return error;
    reading->found = offset;
    reading->found_timestamp = timestamp;
    reading->found_term = term;
    return ERR_NONE;
}

/* Looks into the batches of an entry. */
static int search_batches(struct time_reading *reading, log_term term, const struct slice *raw) {
    size_t at = 0;
    while (at < raw->len && reading->found < 0) {
        struct record_batch batch;
        if (record_batch_next(raw->data, raw->len, &at, &batch, NULL) != 0) return ERR_CORRUPT;
        if (batch.base_offset >= reading->end_offset) break;
        if (record_batch_last_offset(&batch) < reading->start_offset) continue;
        uint8_t *bytes;
        bool any;
        int error = see(&batch, &bytes, &any);
        if (!error && any) error = search_batch(reading, term, &batch);
        mem_free(bytes);
        if (error) return ERR_CORRUPT;
    }
    return 0;
}

/* Not all of it counts. */
static bool reaches_beyond(const struct time_reading *reading, const struct entry *header) {
    return header->base_offset < reading->start_offset ||
           header->base_offset + header->records > reading->end_offset;
}

/* Must the entry be opened? For the first pass its header is enough if all of it counts. */
static bool must_open(struct time_reading *reading, const struct entry *header) {
    if (header->type != ENTRY_BATCHES || header->max_timestamp < reading->timestamp ||
        header->base_offset + header->records <= reading->start_offset)
        return false;
    if (!reading->finding_largest || reaches_beyond(reading, header)) return true;
    reading->timestamp = header->max_timestamp;
    return false;
}

/* The visitor. */
static int search_visit(struct log_reading *base) {
    struct time_reading *reading = (struct time_reading *)base;
    struct segment_cursor *cursor = &base->cursor;
    while (reading->found < 0) {
        struct entry header;
        int error = segment_cursor_peek(cursor, &header);
        if (error == ERR_EOF || (!error && header.base_offset >= reading->end_offset)) return 0;
        if (error) return error;
        if (cursor->cached_only && ++reading->headers > HEADERS_ON_LOOP) return ERR_AGAIN;
        if (!must_open(reading, &header)) {
            segment_cursor_skip(cursor, &header);
            continue;
        }
        if (cursor->cached_only) return ERR_AGAIN;
        struct entry *entry;
        error = segment_cursor_next(cursor, &entry);
        if (error) return error;
        struct slice raw;
        error = entry_raw(entry, NULL, false, &raw);
        if (!error) {
            error = search_batches(reading, entry->term, &raw);
            slice_unref(&raw);
        }
        entry_unref(entry);
        if (error) return ERR_CORRUPT;
    }
    return 0;
}

static void free_reading(struct log_reading *base) {
    struct time_reading *reading = (struct time_reading *)base;
    slice_unref(&reading->raw);
    mem_free(reading);
}

static bool search_finish(struct time_reading *reading, int error) {
    struct partition_log_search *search = reading->base.request;
    if (!error && reading->found < 0 && reading->losses != reading->base.log->losses)
        error = ERR_AGAIN;
    search->offset = error ? -1 : reading->found;
    search->timestamp = search->offset < 0 ? -1 : reading->found_timestamp;
    search->leader_epoch = search->offset < 0 ? 0 : reading->found_term;
    log_reading_end(&reading->base);
    search->done(search, error);
    return true;
}

static int search_raw(struct log_reading *base) {
    struct time_reading *reading = (struct time_reading *)base;
    return search_batches(reading, reading->raw_term, &reading->raw);
}

/* The entries in memory from `next` to the end. ERR_AGAIN: resume comes later. */
static int search_memory(struct time_reading *reading) {
    struct log_memory *memory = &reading->base.log->memory;
    struct entry *entry;
    while (reading->found < 0 && (entry = log_memory_at(memory, reading->next)) &&
           entry->base_offset < reading->end_offset) {
        if (must_open(reading, entry)) {
            int error = log_memory_raw(memory, reading->next, &reading->raw);
            if (error) return error;
            reading->raw_term = entry->term;
            reading->next_is = reading->next + 1;
            log_reading_compute(&reading->base, search_raw);
            return ERR_AGAIN;
        }
        reading->next++;
    }
    return 0;
}

/* The segment that holds `next`: passed over if what is known of it is enough. ERR_AGAIN: resume
 * comes later. */
static int search_segment(struct time_reading *reading, struct segment *segment) {
    reading->next_is = segment->end.last_index + 1;
    reading->headers = 0;
    int error = 0;
    if (segment->end.max_timestamp >= reading->timestamp &&
        segment->end.offset > reading->start_offset) {
        bool all_counts = segment->header.base_offset >= reading->start_offset &&
                          segment->end.offset <= reading->end_offset;
        if (reading->finding_largest && all_counts)
            reading->timestamp = segment->end.max_timestamp;
        else
            error = log_reading_look(&reading->base, segment,
                                     reading->finding_largest ? SEEK_TO_START : SEEK_BY_TIMESTAMP,
                                     reading->timestamp, 0);
    }
    if (!error) reading->next = reading->next_is;
    return error;
}

/* One pass over the log, from `next` on. ERR_AGAIN: resume comes later. */
static int pass(struct time_reading *reading) {
    struct partition_log *log = reading->base.log;
    while (reading->found < 0 && reading->next <= log->last_index) {
        if (reading->next < first_in_files(log)) reading->next = first_in_files(log);
        if (log_memory_at(&log->memory, reading->next)) return search_memory(reading);
        struct segment *segment = log_segment_of_index(log, reading->next);
        CHECK(segment && reading->next <= log->written);
        if (segment->header.base_offset >= reading->end_offset) return 0;
        int error = search_segment(reading, segment);
        if (error) return error;
    }
    return 0;
}

static bool go_on(struct time_reading *reading) {
    int error = pass(reading);
    if (!error && reading->finding_largest) { /* it is -1 where no record has one: then the first is
                                                 it, as in Kafka */
        reading->finding_largest = false;
        reading->next = first_in_files(reading->base.log);
        error = pass(reading);
    }
    if (error == ERR_AGAIN) return false;
    return search_finish(reading, error);
}

static void search_resume(struct log_reading *base, int error) {
    struct time_reading *reading = (struct time_reading *)base;
    slice_unref(&reading->raw);
    bool gone = error == ERR_NOT_FOUND && reading->next < first_in_files(reading->base.log);
    if (error && !gone) {
        search_finish(reading, error);
        return;
    }
    if (!gone) reading->next = reading->next_is;
    go_on(reading);
}

bool partition_log_search(struct partition_log *log, int64_t timestamp, kafka_offset start_offset,
                          kafka_offset end_offset, struct partition_log_search *search) {
    struct time_reading *reading = mem_zalloc(sizeof *reading);
    reading->finding_largest = timestamp == LARGEST;
    reading->timestamp = timestamp == LARGEST ? -1 : timestamp;
    reading->start_offset = start_offset;
    reading->end_offset = end_offset < log->end_offset ? end_offset : log->end_offset;
    reading->next = first_in_files(log);
    reading->losses = log->losses;
    reading->found = -1;
    reading->base.visit = search_visit;
    reading->base.resume = search_resume;
    reading->base.free = free_reading;
    reading->base.chunk_bytes = CHUNK_BYTES;
    log_reading_begin(&reading->base, log, search, &search->reading);
    return go_on(reading);
}

void partition_log_search_cancel(struct partition_log_search *search) {
    if (search->reading) log_reading_end(search->reading);
}
