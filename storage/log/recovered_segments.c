/* Segment files against the journal's progress: listed, read up to it, looked at behind it. */
#include "storage/log/recovered_segments.h"

#include <inttypes.h>

#include "base/mem.h"
#include "storage/log/kept_index.h"
#include "storage/log/log_internal.h"
#include "storage/segment/segment_cursor.h"
#include "storage/segment/segment_list.h"

static const char damage_advice[] =
    "put back this file as it was; the other replicas go on without this one";

/* ---- Files ---- */

int recovered_segments_start(struct recovered_segments *found) {
    struct partition_log *log = found->log;
    struct start_file *start = &log->prefix.start;
    int error = start_file_read(log->store->env, log->path, log->group, start);
    if (error == ERR_NOT_FOUND) return 0;
    if (error == ERR_CORRUPT)
        return error_set(found->why, error,
                         "%s/start of %s, which says where this log begins, is not whole; %s",
                         log->path, log->label, damage_advice);
    if (error)
        return error_set(
            found->why, error, "%s/start cannot be read (%s); %s", log->path, error_phrase(error),
            error == ERR_VERSION ? "it was written by a newer version of draved; start that one"
                                 : error_advice(error));
    log->first_index = start->index + 1;
    log->start_offset = start->offset;
    term_table_add(&log->terms, start->index, start->offset, start->term);
    if (start->change_index > 0) partition_log_add_change(log, start->change_index);
    return 0;
}

int recovered_segments_list(struct recovered_segments *found) {
    struct partition_log *log = found->log;
    int error = segment_list(log->store->env, log->path, &found->all_bases, &found->count);
    found->no_directory = error == ERR_NOT_FOUND;
    if (error == ERR_NOT_FOUND) return 0; /* nothing of it was written to a segment yet */
    if (error)
        return error_set(found->why, error, "%s cannot be listed (%s)", log->path,
                         error_phrase(error));
    while (found->below < found->count && found->all_bases[found->below] < log->start_offset)
        found->below++;
    found->bases = found->all_bases + found->below;
    found->count -= found->below;
    return 0;
}

static int damaged(struct recovered_segments *found, const char *path, const char *what) {
    return error_set(found->why, ERR_CORRUPT, "%s of %s %s; %s", path, found->log->label, what,
                     damage_advice);
}

/* Opens a segment file and reads its header. */
static int open_segment_file(struct recovered_segments *found, const char *path,
                             struct env_file **file, struct segment_header *header,
                             uint64_t *size) {
    uint8_t bytes[SEGMENT_HEADER_SIZE];
    size_t got = 0;
    int error = env_file_open(found->log->store->env, path, ENV_READ, file);
    if (error)
        return error_set(found->why, error, "%s cannot be opened (%s); %s", path,
                         error_phrase(error), error_advice(error));
    error = env_file_size(*file, size);
    if (!error) error = env_file_read(*file, bytes, sizeof bytes, 0, &got);
    if (error) {
        error_set(found->why, error, "%s cannot be read (%s); %s", path, error_phrase(error),
                  error_advice(error));
    } else if (got < sizeof bytes) {
        error = damaged(found, path, "is too short to be a segment");
    } else if ((error = segment_header_decode(bytes, SEGMENT_FILE_LOG, header)) == ERR_VERSION) {
        error_set(found->why, error, "%s was written by a newer version of draved; start that one",
                  path);
    } else if (error || header->group != found->log->group) {
        error = damaged(found, path, "does not begin with the header of this group's segments");
    }
    if (error) env_file_close(*file);
    return error;
}

/* ---- Segments that stay ---- */

/* Does the segment go on where the one before it ended? */
static bool follows(const struct partition_log *log, const struct segment_header *header,
                    int64_t base) {
    log_index last_index = log->first_index - 1;
    int64_t end = log->start_offset;
    if (log->segment_count > 0) {
        const struct segment *before = log->segments[log->segment_count - 1];
        last_index = before->end.last_index;
        end = before->end.offset;
    }
    return header->base_offset == base && header->base_offset == end &&
           header->first_index == last_index + 1;
}

/* Reads what is known of one segment up to its limit and adds it to the log. */
static int keep_segment(struct recovered_segments *found, const struct kept_segment *kept,
                        const char *path) {
    struct partition_log *log = found->log;
    char *index_path = path_of_segment(log->path, kept->header.base_offset, SEGMENT_FILE_INDEX);
    struct segment_index *index = NULL;
    uint64_t damaged_at = 0;
    int error = kept_index_read(log, kept, index_path, &index, &damaged_at);
    if (error == ERR_CORRUPT)
        error_set(found->why, error,
                  "%s of %s has an entry that does not match its checksum, at position %" PRIu64
                  "; %s",
                  path, log->label, damaged_at, damage_advice);
    else if (error)
        error_set(
            found->why, error,
            "%s or its index %s cannot be read or written (%s); %s; the index may be removed, it is made again",
            path, index_path, error_phrase(error), error_advice(error));
    mem_free(index_path);
    if (error) return error;
    bool fits = kept_index_take_tables(log, index);
    struct segment *segment = segment_new(&log->store->files, log->path, &kept->header,
                                          log->store->index_interval_bytes, NULL);
    segment->end = index->end;
    segment->synced = index->end.position;
    segment->active = kept->active;
    log->size_bytes += segment->end.position;
    if (kept->active)
        segment->index = index;
    else
        segment_index_free(index);
    partition_log_add_segment(log, segment);
    return fits ? 0 : damaged(found, path, "has an index whose terms do not fit");
}

/* Segments are named for where they begin: so there may be one missing, whose name is known. */
static int does_not_follow(struct recovered_segments *found, const char *path, int64_t base) {
    const struct partition_log *log = found->log;
    int64_t end = log->segment_count > 0 ? log->segments[log->segment_count - 1]->end.offset
                                         : log->start_offset;
    if (end >= base) return damaged(found, path, "does not go on where the segment before it ends");
    char *missing = path_of_segment(log->path, end, SEGMENT_FILE_LOG);
    int error = error_set(
        found->why, ERR_CORRUPT,
        "%s of %s does not go on where the segment before it ends: %s is missing, or what lies before it was cut; put "
        "it back as it was; the other replicas go on without this one",
        path, log->label, missing);
    mem_free(missing);
    return error;
}

/* The segment with this base offset: sealed, or (active) the one that progress names. */
static int keep(struct recovered_segments *found, int64_t base, bool active) {
    struct partition_log *log = found->log;
    char *path = path_of_segment(log->path, base, SEGMENT_FILE_LOG);
    struct kept_segment kept = {.active = active, .end_offset = -1};
    uint64_t size;
    int error = open_segment_file(found, path, &kept.file, &kept.header, &size);
    if (!error) {
        size_t next = found->kept + 1;
        if (active)
            kept.last_index = found->journal->progress;
        else if (next < found->count)
            kept.end_offset = found->bases[next];
        kept.limit = active ? found->journal->progress_position : size;
        if (!follows(log, &kept.header, base))
            error = does_not_follow(found, path, base);
        else if (kept.limit > size || kept.limit < SEGMENT_HEADER_SIZE)
            error = damaged(found, path, "is shorter than what the journal knows to be synced");
        else
            error = keep_segment(found, &kept, path);
        env_file_close(kept.file);
    }
    if (!error && active &&
        log->segments[log->segment_count - 1]->end.last_index != found->journal->progress)
        error = damaged(found, path, "does not end with the entry that the journal names");
    mem_free(path);
    return error;
}

int recovered_segments_keep(struct recovered_segments *found) {
    /* What was synced may be gone, all of it. */
    if (!found->journal || found->journal->progress < found->log->first_index) return 0;
    for (size_t i = 0; i < found->count; i++) {
        int64_t base = found->bases[i];
        if (base > found->journal->progress_segment) break;
        int error = keep(found, base, base == found->journal->progress_segment);
        if (error) return error;
        found->kept++;
    }
    if (found->kept > 0 && found->bases[found->kept - 1] == found->journal->progress_segment)
        return 0;
    char *path = path_of_segment(found->log->path, found->journal->progress_segment,
                                 SEGMENT_FILE_LOG);
    int error = damaged(found, path, "is missing, but the journal knows that it was synced");
    mem_free(path);
    return error;
}

/* ---- What lies behind the progress ---- */

/* The last index of the valid entries that follow each other from `position` on. */
static void look_behind(struct recovered_segments *found, struct env_file *file, uint64_t position,
                        uint64_t size, uint64_t expected) {
    enum { LOOK_CHUNK_BYTES = 64 << 10 };
    struct segment_cursor cursor;
    segment_cursor_init(&cursor, file, found->log->group, position, size, LOOK_CHUNK_BYTES);
    cursor.expected_index = expected;
    struct entry *entry;
    while (segment_cursor_next(&cursor, &entry) == 0) {
        if (entry->index > found->unsynced_index) found->unsynced_index = entry->index;
        entry_unref(entry);
    }
    segment_cursor_close(&cursor);
}

/* Which committed entries do the unsynced parts hold? They must be in the journal. */
int recovered_segments_look_behind(struct recovered_segments *found) {
    struct partition_log *log = found->log;
    for (size_t i = found->kept > 0 ? found->kept - 1 : 0; i < found->count; i++) {
        char *path = path_of_segment(log->path, found->bases[i], SEGMENT_FILE_LOG);
        struct env_file *file;
        struct segment_header header;
        uint64_t size;
        struct error_text ignored, *why = found->why;
        bool kept = i + 1 == found->kept;
        found->why = &ignored; /* a file that was never synced may be anything */
        int error = open_segment_file(found, path, &file, &header, &size);
        found->why = why;
        if (error == ERR_NONE) {
            uint64_t position = kept ? found->journal->progress_position : SEGMENT_HEADER_SIZE;
            look_behind(found, file, position, size,
                        kept ? found->journal->progress + 1 : header.first_index);
            env_file_close(file);
        }
        mem_free(path);
    }
    const struct journal_group *journal = found->journal;
    if (found->unsynced_index == 0) return 0;
    if (!journal || found->unsynced_index > journal->progress + journal->entry_count)
        return error_set(found->why, ERR_CORRUPT,
                         "the segments of %s in %s hold entry %" PRIu64
                         ", but the journal beside them ends before it: it is older "
                         "than they are; put back the journal that belongs to them",
                         log->label, log->path, found->unsynced_index);
    return 0;
}
