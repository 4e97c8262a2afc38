/* Which segments a cleaning may touch, and how much of them no one has read yet. */
#include "storage/log/log_cleaning.h"

#include "storage/log/log_internal.h"

static bool may_clean(const struct partition_log *log, const struct segment *segment,
                      const struct log_clean_limits *limits) {
    return !segment->active && !segment->damaged && segment->synced == segment->end.position &&
           segment->end.last_index <= limits->index && segment->end.last_index < log->synced &&
           segment->header.base_offset < log->progress_segment &&
           segment->end.offset <= limits->stable &&
           (segment_is_cleaned(&segment->header) || segment->end.max_timestamp <= limits->young_ms);
}

size_t log_cleanable_count(const struct partition_log *log, const struct log_clean_limits *limits) {
    size_t count = 0;
    while (count < log->segment_count && may_clean(log, log->segments[count], limits))
        count++;
    return count;
}

uint64_t log_cleanable_dirty_bytes(const struct segment *segment) {
    const struct segment_header *header = &segment->header;
    uint64_t offsets = (uint64_t)(segment->end.offset - header->base_offset);
    if (!segment_is_cleaned(header) || header->unread >= offsets) return segment->end.position;
    return (uint64_t)((double)segment->end.position * header->unread / (double)offsets);
}

kafka_offset log_clean_to(const struct partition_log *log) {
    kafka_offset to = log->start_offset;
    for (size_t i = 0; i < log->segment_count; i++) {
        const struct segment_header *header = &log->segments[i]->header;
        if (!segment_is_cleaned(header) || header->keeps_stale) break;
        kafka_offset end = log->segments[i]->end.offset, read_to = end - header->unread;
        if (read_to > to) to = read_to;
        if (read_to < end) break;
    }
    return to;
}

static void add(const struct segment *segment, struct log_cleanable *into) {
    uint64_t dirty = log_cleanable_dirty_bytes(segment);
    if (dirty > 0 && into->dirty_bytes == 0) into->dirty_since_ms = segment->end.max_timestamp;
    into->dirty_bytes += dirty;
    into->clean_bytes += segment->end.position - dirty;
    into->last_index = segment->end.last_index;
    if (segment->end.position > into->output_bytes) into->output_bytes = segment->end.position;
}

static void bound_output(struct log_cleanable *into) {
    uint64_t all = into->clean_bytes + into->dirty_bytes;
    if (all < into->output_bytes) into->output_bytes = all;
}

void log_cleanable_look_below(const struct partition_log *log,
                              const struct log_clean_limits *limits, log_index index,
                              struct log_cleanable *into, struct log_cleanable *below) {
    size_t count = log_cleanable_count(log, limits);
    *into = (struct log_cleanable){.dirty_since_ms = -1, .output_bytes = log->segment_bytes};
    *below = *into;
    for (size_t i = 0; i < count; i++) {
        add(log->segments[i], into);
        if (log->segments[i]->end.last_index <= index) *below = *into;
    }
    bound_output(into);
    bound_output(below);
}

void log_cleanable_look(const struct partition_log *log, const struct log_clean_limits *limits,
                        struct log_cleanable *into) {
    struct log_cleanable below;
    log_cleanable_look_below(log, limits, limits->index, into, &below);
}
