/* Segment files against the journal's progress: listed, read up to it, looked at behind it. */
#include "storage/log/recovered_segments.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/mutant.h"
#include "storage/heal/known_header.h"
#include "storage/heal/later_start.h"
#include "storage/heal/segment_mend.h"
#include "storage/log/log_internal.h"
#include "storage/segment/segment_cursor.h"

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
    log->start_offset = start->file_offset;
    if (start->change_index > 0) partition_log_add_change(log, start->change_index);
    return 0;
}

static void add_leftover(struct recovered_segments *found, int64_t base) {
    struct segment_bases *list = &found->leftovers;
    list->bases = mem_grow(list->bases, list->count, &list->capacity, sizeof *list->bases);
    list->bases[list->count++] = base;
}

void recovered_segments_close(struct recovered_segments *found) {
    mem_free(found->all.bases);
    mem_free(found->leftovers.bases);
    mem_free(found->unfinished.bases);
    mem_free(found->mends.bases);
    mem_free(found->wound.group_path);
}

int recovered_segments_list(struct recovered_segments *found) {
    struct partition_log *log = found->log;
    int error = segment_list(log->store->env, log->path, &found->all, &found->unfinished,
                             &found->mends);
    found->no_directory = error == ERR_NOT_FOUND;
    if (error == ERR_NOT_FOUND) return 0; /* nothing of it was written to a segment yet */
    if (error)
        return error_set(found->why, error, "%s cannot be listed (%s)", log->path,
                         error_phrase(error));
    found->bases = found->all.bases;
    found->count = found->all.count;
    while (found->count > 0 && found->bases[0] < log->start_offset) {
        add_leftover(found, found->bases[0]);
        found->bases++;
        found->count--;
    }
    return 0;
}

int recovered_segments_mend(struct recovered_segments *found, bool *sync_failed) {
    const struct partition_log *log = found->log;
    for (size_t i = 0; i < found->mends.count; i++) {
        int error = segment_mend_finish(log->store->env, log->path, log->group,
                                        found->mends.bases[i], sync_failed);
        if (error)
            return error_set(found->why, error, "%s/%020" PRId64 ".log cannot be mended (%s); %s",
                             log->path, found->mends.bases[i], error_phrase(error),
                             error_advice(error));
    }
    return 0;
}

static int damaged(struct recovered_segments *found, const char *path, const char *what) {
    return error_set(found->why, ERR_CORRUPT, "%s of %s %s; %s", path, found->log->label, what,
                     damage_advice);
}

/* Opens the file of the segment with this base and reads its header. `not_whole` (may be NULL):
 * that is damaged, which is no error then. */
static int open_segment_file(struct recovered_segments *found, const char *path, int64_t base,
                             struct env_file **file, struct segment_header *header, uint64_t *size,
                             bool *not_whole) {
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
    } else if (not_whole && known_header_is_damaged(bytes, found->log->group, base)) {
        *not_whole = true;
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
    log_index last_index = log->prefix.start.file_index;
    int64_t end = log->start_offset;
    if (log->segment_count > 0) {
        const struct segment *before = log->segments[log->segment_count - 1];
        last_index = before->end.last_index;
        end = before->end.offset;
    }
    return header->base_offset == base && header->base_offset == end &&
           header->first_index == last_index + 1;
}

/* What the header of the segment behind the place `kept` says; false: it is not known. */
static bool next_header(const struct recovered_segments *found, struct segment_header *next) {
    const struct partition_log *log = found->log;
    size_t i = found->kept + 1;
    return i < found->count && known_header_read(log->store->env, log->path, log->group,
                                                 found->bases[i], SEGMENT_FILE_LOG, next);
}

/* Of the first one behind that place which is whole. */
static bool next_whole_header(const struct recovered_segments *found, struct segment_header *next) {
    const struct partition_log *log = found->log;
    for (size_t i = found->kept + 1; i < found->count; i++)
        if (known_header_read(log->store->env, log->path, log->group, found->bases[i],
                              SEGMENT_FILE_LOG, next))
            return true;
    return false;
}

/* All of it has to be written again: up to where it goes is in its header, or in the next one's.
 * Where that is damaged, too, it becomes one with it: all up to the next one that is whole. */
static bool complete_refill(const struct recovered_segments *found, struct segment_header *header) {
    struct segment_header next;
    if (segment_is_cleaned(header)) return true;
    if (!next_whole_header(found, &next)) return false;
    header->last_index = next.first_index - 1;
    header->end_offset = next.base_offset;
    return header->last_index >= header->first_index && header->end_offset >= header->base_offset &&
           header->last_index <= found->log->prefix.start.index;
}

/* What is damaged in it other replicas may have: the same entries, or what is left of them. */
static void note_wound(struct recovered_segments *found, const struct kept_segment *kept) {
    const struct partition_log *log = found->log;
    const struct journal_group *journal = found->journal;
    struct segment_header header = kept->header, whole = header, next;
    bool refill = (segment_is_cleaned(&header) || header.first_index <= log->prefix.start.index) &&
                  complete_refill(found, &whole);
    if (refill) header = whole;
    struct wound *wound = &found->wound;
    mem_free(wound->group_path);
    *wound = (struct wound){.group = log->group,
                            .group_path = mem_strdup(log->path),
                            .header = header,
                            .end = {.position = kept->limit},
                            .most = journal->term,
                            .refill = refill};
    if (kept->active)
        wound->end.last_index = kept->last_index;
    else if (next_header(found, &next))
        wound->end.last_index = next.first_index - 1;
    if (!kept->active && !refill)
        wound->later = later_limits_of(wound->end.last_index, journal->progress, journal->commit,
                                       journal->entries, journal->entry_count);
    if (log->terms.count > 0) wound->least = log->terms.ranges[log->terms.count - 1].term;
    if (journal->entry_count > 0) wound->most = journal->entries[0]->term;
    found->wounded = true;
}

/* Reads what is known of one segment up to its limit and adds it to the log. */
static int keep_segment(struct recovered_segments *found, const struct kept_segment *kept,
                        const char *path) {
    struct partition_log *log = found->log;
    char *index_path = path_of_segment(log->path, kept->header.base_offset, SEGMENT_FILE_INDEX);
    struct segment_index *index = NULL;
    uint64_t damaged_at = 0;
    int error = kept_index_read(log, kept, index_path, &index, &damaged_at);
    if (error == ERR_CORRUPT) note_wound(found, kept);
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
    bool behind_start = kept->header.first_index > log->prefix.start.index;
    bool fits = (!behind_start || kept_index_take_start(found)) &&
                kept_index_take_tables(log, index);
    struct segment *segment = segment_new(&log->store->files, log->path, &kept->header,
                                          log->store->index_interval_bytes, NULL);
    segment->end = index->end;
    segment->synced = index->end.position;
    segment->sealed_ms = index->sealed_ms;
    segment->active = kept->active;
    segment->damaged = kept->header_damaged;
    log->damaged = log->damaged || segment->damaged;
    log->size_bytes += segment->end.position;
    if (kept->active)
        segment->index = index;
    else
        segment_index_free(index);
    partition_log_add_segment(log, segment);
    return fits ? 0 : damaged(found, path, "has an index whose terms do not fit");
}

/* What the header must say that is damaged. False: it is not known. */
static bool guess_header(const struct recovered_segments *found, int64_t base,
                         struct segment_header *header) {
    const struct partition_log *log = found->log;
    const struct segment *before = partition_log_last_segment(log);
    log_index first = before ? before->end.last_index + 1 : log->prefix.start.file_index + 1;
    struct segment_header next, chained;
    *header = chained = (struct segment_header){
        .group = log->group, .base_offset = base, .first_index = first};
    bool raw = first > log->prefix.start.index;
    if (!known_header_complete(log->store->env, log->path, raw, header)) return false;
    /* Its index may be of what was there before a cleaning that merged it with others. */
    bool reaches = !segment_is_cleaned(header) || !next_header(found, &next) ||
                   next.first_index <= header->last_index + 1;
    if (!reaches) *header = chained;
    return reaches;
}

/* Neither it nor its index says what it covers, so nothing in it can be believed. */
static int header_is_lost(struct recovered_segments *found, const struct kept_segment *kept,
                          const char *path) {
    note_wound(found, kept);
    return damaged(found, path, "does not begin with the header of this group's segments");
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
    int error = open_segment_file(found, path, base, &kept.file, &kept.header, &size,
                                  &kept.header_damaged);
    if (!error && kept.header_damaged && !guess_header(found, base, &kept.header)) {
        error = header_is_lost(found, &kept, path);
        env_file_close(kept.file);
    }
    if (!error) {
        size_t next = found->kept + 1;
        if (active)
            kept.last_index = found->journal->progress;
        else if (next < found->count && !segment_is_cleaned(&kept.header))
            kept.end_offset = found->bases[next];
        kept.limit = active ? found->journal->progress_position : size;
        if (!follows(log, &kept.header, base))
            error = does_not_follow(found, path, base);
        else if (segment_is_cleaned(&kept.header) &&
                 (active || kept.header.last_index > log->prefix.start.index))
            error = damaged(found, path,
                            "was cleaned, and `start` says that its entries are still needed");
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

static bool was_merged(const struct recovered_segments *found, int64_t base) {
    const struct partition_log *log = found->log;
    if (found->kept == 0 || MUTANT(MUTANT_MERGED_LEFTOVER_KEPT)) return false;
    const struct segment *before = log->segments[log->segment_count - 1];
    return segment_is_cleaned(&before->header) && base < before->end.offset;
}

/* The segment at the place `kept` is not of the log. */
static void leave_out(struct recovered_segments *found) {
    add_leftover(found, found->bases[found->kept]);
    for (size_t i = found->kept + 1; i < found->count; i++)
        found->bases[i - 1] = found->bases[i];
    found->count--;
}

/* What is synced ends in front of the segment that the journal names: the log began anew there, and
 * whatever that file has was never synced. */
static bool ends_in_front(const struct journal_group *journal) {
    return journal->progress_position == SEGMENT_HEADER_SIZE;
}

static int keep_up_to_progress(struct recovered_segments *found) {
    int64_t last = found->journal->progress_segment;
    while (found->kept < found->count && found->bases[found->kept] <= last) {
        if (found->stop != NULL && atomic_load(found->stop)) return ERR_CANCELED;
        int64_t base = found->bases[found->kept];
        if (base == last && ends_in_front(found->journal)) break;
        if (was_merged(found, base)) {
            leave_out(found);
            continue;
        }
        int error = keep(found, base, base == last);
        if (error) return error;
        found->kept++;
    }
    return 0;
}

static bool goes_to_progress(const struct recovered_segments *found) {
    const struct journal_group *journal = found->journal;
    if (found->kept == 0) return false;
    const struct segment *last = found->log->segments[found->kept - 1];
    if (!ends_in_front(journal)) return last->header.base_offset == journal->progress_segment;
    return last->end.last_index == journal->progress &&
           last->end.offset == journal->progress_segment;
}

int recovered_segments_keep(struct recovered_segments *found) {
    /* What was synced may be gone, all of it. */
    if (!found->journal || found->journal->progress <= found->log->prefix.start.file_index)
        return kept_index_take_start(found) ? 0 : ERR_CORRUPT; /* always: there is no other */
    int error = keep_up_to_progress(found);
    if (error) return error;
    if (!kept_index_take_start(found))
        return error_set(found->why, ERR_CORRUPT,
                         "%s/start of %s says another term than the segments beside it; %s",
                         found->log->path, found->log->label, damage_advice);
    if (goes_to_progress(found)) return 0;
    char *path = path_of_segment(found->log->path, found->journal->progress_segment,
                                 SEGMENT_FILE_LOG);
    error = damaged(found, path, "is missing, but the journal knows that it was synced");
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
    const struct segment *active = partition_log_active(log);
    for (size_t i = found->kept - (active ? 1 : 0); i < found->count; i++) {
        char *path = path_of_segment(log->path, found->bases[i], SEGMENT_FILE_LOG);
        struct env_file *file;
        struct segment_header header;
        uint64_t size;
        struct error_text ignored, *why = found->why;
        bool kept = i < found->kept;
        found->why = &ignored; /* a file that was never synced may be anything */
        int error = open_segment_file(found, path, found->bases[i], &file, &header, &size, NULL);
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

/* ---- Cutting ---- */

/* Synced, because a segment may be sealed before anything else is written to it: with a cut that a
 * power failure takes back, entries would lie behind its end that a scan believes. */
static int cut_log(struct env_file *file, uint64_t to, bool *sync_failed) {
    uint64_t size;
    int error = env_file_size(file, &size);
    if (error || size <= to) return error;
    error = env_file_truncate(file, to);
    if (error) return error;
    error = env_file_sync(file);
    *sync_failed = error != 0;
    return error;
}

static int remove_unsynced(const struct recovered_segments *found) {
    const struct partition_log *log = found->log;
    int error = 0;
    for (size_t i = found->kept; !error && i < found->count; i++) {
        for (int kind = SEGMENT_FILE_LOG; kind <= SEGMENT_FILE_INDEX; kind++) {
            char *path = path_of_segment(log->path, found->bases[i], (enum segment_file_kind)kind);
            int unlinked = env_unlink(log->store->env, path);
            if (unlinked && unlinked != ERR_NOT_FOUND)
                error = error_set(found->why, unlinked, "%s cannot be removed (%s); %s", path,
                                  error_phrase(unlinked), error_advice(unlinked));
            mem_free(path);
        }
    }
    return error;
}

/* Leftovers are what a rename has made needless. Whoever renamed may have been killed before it
 * could sync that: a power cut would take the rename back, when they are gone. */
static int settle_names(const struct recovered_segments *found, bool *sync_failed) {
    const struct partition_log *log = found->log;
    if (found->leftovers.count == 0) return 0;
    int error = env_sync_dir(log->store->env, log->path);
    *sync_failed = error && error != ERR_LIMIT;
    return error ? error_set(found->why, error, "%s cannot be synced (%s); %s", log->path,
                             error_phrase(error), error_advice(error))
                 : 0;
}

int recovered_segments_cut(struct recovered_segments *found, bool *sync_failed) {
    const struct partition_log *log = found->log;
    struct env *env = log->store->env;
    int error = settle_names(found, sync_failed);
    if (!error) error = remove_unsynced(found);
    struct segment *active = partition_log_active(log);
    if (error || !active) return error;
    uint64_t sizes[2] = {active->end.position, active->index->file_size};
    for (int kind = SEGMENT_FILE_LOG; !error && kind <= SEGMENT_FILE_INDEX; kind++) {
        char *path = segment_path(active, (enum segment_file_kind)kind);
        struct env_file *file;
        error = env_file_open(env, path, ENV_READ | ENV_WRITE, &file);
        if (!error) {
            error = kind == SEGMENT_FILE_LOG ? cut_log(file, sizes[kind], sync_failed)
                                             : segment_index_cut(file, sizes[kind], sync_failed);
            env_file_close(file);
        } else if (error == ERR_NOT_FOUND && kind == SEGMENT_FILE_INDEX) {
            error = 0;
        }
        if (error)
            error_set(found->why, error, "%s cannot be cut (%s); %s", path, error_phrase(error),
                      error_advice(error));
        mem_free(path);
    }
    return error;
}
