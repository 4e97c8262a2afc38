/* Believing, or not, what index files say at a start; the tables that come from them; saving what a
 * scan has found. */
#include "storage/log/recovered_segments.h"

#include "base/mem.h"
#include "storage/log/log_internal.h"
#include "storage/segment/segment.h"

/* Of the most that an index may lag: less is scanned again, which costs about what reading the file
 * does. */
enum { SAVED_SHARE = 4 };

/* They come from a file, so they are checked. */
static bool tables_fit(const struct partition_log *log, const struct segment_index *index) {
    const struct index_term *last = log->terms.count > 0 ? &log->terms.ranges[log->terms.count - 1]
                                                         : NULL;
    for (size_t i = 0; i < index->term_count; i++) {
        const struct index_term *term = &index->terms[i];
        if (term->term == 0 || term->first_index > index->end.last_index) return false;
        if (i == 0 && !segment_is_cleaned(&index->header) &&
            term->first_index != index->header.first_index)
            return false;
        if (last && (term->term < last->term || term->first_index <= last->first_index))
            return false;
        last = term;
    }
    return true;
}

bool kept_index_take_tables(struct partition_log *log, const struct segment_index *index) {
    if (!tables_fit(log, index)) return false;
    for (size_t i = 0; i < index->term_count; i++)
        term_table_add(&log->terms, index->terms[i].first_index, index->terms[i].start_offset,
                       index->terms[i].term);
    for (size_t i = 0; i < index->change_count; i++)
        if (index->changes[i] > log->prefix.start.index) /* else `start` has the last one */
            partition_log_add_change(log, index->changes[i]);
    return true;
}

/* The start lies in the midst of a segment whose entries are all there. */
static bool is_within(const struct partition_log *log, const struct start_file *start) {
    const struct segment *last = partition_log_last_segment(log);
    return last && !segment_is_cleaned(&last->header) && last->end.last_index > start->index;
}

bool kept_index_take_start(struct recovered_segments *found) {
    struct partition_log *log = found->log;
    const struct start_file *start = &log->prefix.start;
    const struct index_term *last = log->terms.count > 0 ? &log->terms.ranges[log->terms.count - 1]
                                                         : NULL;
    if (found->start_noted || start->index == 0) return true;
    found->start_noted = true;
    if (is_within(log, start)) return term_table_at(&log->terms, start->index) == start->term;
    if (last && last->term != start->term &&
        (last->term > start->term || last->first_index >= start->index))
        return false;
    term_table_add(&log->terms, start->index, start->next_offset, start->term);
    return true;
}

static bool is_believed(const struct partition_log *log, const struct kept_segment *kept,
                        const struct segment_index *index) {
    if (kept->last_index > 0 && index->end.last_index != kept->last_index) return false;
    if (kept->end_offset >= 0 && index->end.offset != kept->end_offset) return false;
    return tables_fit(log, index);
}

/* Nothing is lost if it cannot be saved now: it can be scanned again. */
static int save(struct env *env, const char *path, struct segment_index *index) {
    int error = segment_index_save(env, path, index);
    return error_is_no_room(error) || error == ERR_LIMIT ? 0 : error;
}

int kept_index_read(const struct partition_log *log, const struct kept_segment *kept,
                    const char *index_path, struct segment_index **index, uint64_t *damaged_at) {
    struct env *env = log->store->env;
    uint64_t interval = log->store->index_interval_bytes;
    int error = segment_index_read(env, kept->file, index_path, &kept->header, kept->limit,
                                   interval, kept->active, index, damaged_at);
    if (!error && !is_believed(log, kept, *index)) {
        segment_index_free(*index);
        error = segment_index_read(env, kept->file, NULL, &kept->header, kept->limit, interval,
                                   kept->active, index, damaged_at);
    }
    if (error || kept->active) return error;
    error = save(env, index_path, *index);
    if (error) segment_index_free(*index);
    return error;
}

int kept_index_save_active(struct partition_log *log, struct error_text *why) {
    struct segment *active = partition_log_active(log);
    if (!active) return 0;
    uint64_t lacks = active->index->end.position - active->index->saved_position;
    if (lacks < log->store->write_behind.index_lag / SAVED_SHARE) return 0;
    char *path = segment_path(active, SEGMENT_FILE_INDEX);
    int error = save(log->store->env, path, active->index);
    if (error)
        error_set(why, error, "%s cannot be written (%s); %s", path, error_phrase(error),
                  error_advice(error));
    mem_free(path);
    return error;
}
