/* Finding the groups of a data directory, then walking each: its segments, then what only the
 * journal holds. */
#include "storage/dump/dump_walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "storage/log_types.h"
#include "storage/segment/segment_cursor.h"
#include "storage/segment/segment_list.h"
#include "storage/segment/staged_directory.h"
#include "storage/segment/start_file.h"

enum {
    CHUNK_BYTES = 1 << 20,
    NAME_MAX_BYTES = 512, /* of the file with a log's name */
    JOURNAL_TRIES = 5,    /* a running broker reuses files while we read them */
};

static const char groups_folder[] = "shard-0/groups", journal_folder[] = "shard-0/journal";

struct walk {
    struct env *env;
    const char *data_dir;
    const char *topic;
    int32_t partition;
    const struct walk_events *events;
    void *arg;
    uint64_t *done; /* groups that were walked while the journal was read */
    size_t done_count;
    struct ahead *ahead;
    size_t ahead_count;
};

/* A log whose segments hold more than the journal knew of when it was read. */
struct ahead {
    uint64_t group, index;
};

/* What is known while the segments of one log are walked. */
struct log_walk {
    struct walk *walk;
    struct walk_log log;
    struct segment_bases segments;
    size_t first;         /* those before it lie below the log's start: they are going */
    log_index file_index; /* up to it nothing is in files */
    bool behind_cleaned;  /* behind a segment that was cleaned */
    bool gaps;            /* in a segment that was cleaned, so that entries may be missing */
    log_index next_index; /* that the next entry should have */
    kafka_offset next_offset;
};

char *dump_full_path(const char *data_dir, const char *path) {
    return path_join(data_dir, path);
}

static void damage(struct walk *walk, const char *path, uint64_t position, const char *what) {
    walk->events->damage(walk->arg, path, position, what);
}

/* ---- Names and lists ---- */

struct group_ids {
    uint64_t *ids;
    size_t count;
};

static void add_group(void *arg, const char *name) {
    struct group_ids *list = arg;
    uint64_t group;
    if (!path_group_id(name, &group)) return;
    list->ids = mem_realloc(list->ids, (list->count + 1) * sizeof *list->ids);
    list->ids[list->count++] = group;
}

/* "orders-3" is partition 3 of orders; a name without a number is a log of its own. */
static void split_name(const char *name, struct walk_log *log) {
    const char *dash = strrchr(name, '-');
    char *end = NULL;
    long partition = dash && dash[1] ? strtol(dash + 1, &end, 10) : -1;
    bool is_number = end && *end == '\0' && partition >= 0 && partition <= INT32_MAX;
    log->partition = is_number ? (int32_t)partition : -1;
    log->topic = is_number ? mem_strndup(name, (size_t)(dash - name)) : mem_strdup(name);
}

/* False: it has no name but its id. */
static bool read_name(const struct walk *walk, struct walk_log *log) {
    char name[NAME_MAX_BYTES];
    char *below = path_join(log->path, "name"), *path = dump_full_path(walk->data_dir, below);
    struct env_file *file;
    size_t got = 0;
    if (env_file_open(walk->env, path, ENV_READ, &file) == 0) {
        if (env_file_read(file, name, sizeof name - 1, 0, &got) != 0) got = 0;
        env_file_close(file);
    }
    mem_free(path);
    mem_free(below);
    name[got] = '\0';
    name[strcspn(name, "\n")] = '\0';
    bool named = name[0] != '\0';
    if (!named) snprintf(name, sizeof name, "%016" PRIx64, log->group);
    split_name(name, log);
    return named;
}

static bool has_batches(const struct journal_group *journal) {
    for (size_t i = 0; journal && i < journal->entry_count; i++)
        if (journal->entries[i]->type == ENTRY_BATCHES) return true;
    return false;
}

/* ---- Segments ---- */

/* The bytes of a segment that must be whole: sealed ones all, the one of the progress record as far
 * as that goes. */
static uint64_t synced_bytes(const struct walk_log *log, const struct segment_header *header,
                             uint64_t size) {
    if (!log->journal || log->journal->progress == 0 ||
        header->base_offset > log->journal->progress_segment)
        return 0;
    if (header->base_offset < log->journal->progress_segment) return size;
    /* nothing at all, if the log began anew in front of it */
    return log->journal->progress_position > SEGMENT_HEADER_SIZE ? log->journal->progress_position
                                                                 : 0;
}

static void check_place(struct log_walk *logs, const char *path, uint64_t position,
                        const struct entry *header) {
    char what[160];
    bool may_lack = logs->gaps && header->index > logs->next_index &&
                    header->base_offset >= logs->next_offset;
    if (may_lack) {
        /* goes on behind a gap */
    } else if (header->index != logs->next_index) {
        snprintf(what, sizeof what, "entry %" PRIu64 " follows entry %" PRIu64, header->index,
                 logs->next_index - 1);
        damage(logs->walk, path, position, what);
    } else if (header->base_offset != logs->next_offset) {
        snprintf(what, sizeof what,
                 "entry %" PRIu64 " begins with offset %" PRId64 " instead of %" PRId64,
                 header->index, header->base_offset, logs->next_offset);
        damage(logs->walk, path, position, what);
    }
    logs->next_index = header->index + 1;
    logs->next_offset = header->base_offset + header->records;
}

/* One entry at the cursor. False: nothing more can be read here. */
static bool walk_entry(struct log_walk *logs, struct segment_cursor *cursor, const char *path,
                       uint64_t synced) {
    struct walk *walk = logs->walk;
    struct entry header, *entry;
    cursor->expected_index = 0; /* check_place says more */
    int error = segment_cursor_peek(cursor, &header);
    uint64_t position = cursor->position;
    if (error == ERR_EOF) return false;
    if (error) {
        if (position < synced)
            damage(walk, path, position,
                   "no entry begins here: its header does not match its checksum");
        return false;
    }
    error = segment_cursor_next(cursor, &entry);
    if (error && position >= synced) return false;
    check_place(logs, path, position, &header);
    if (!error) {
        walk->events->entry(walk->arg, &logs->log, path, position, entry, true);
        entry_unref(entry);
        return true;
    }
    damage(walk, path, position, "the body of this entry does not match its checksum");
    segment_cursor_skip(cursor, &header);
    header.body = (struct slice){.len = header.body.len};
    walk->events->entry(walk->arg, &logs->log, path, position, &header, false);
    return true;
}

/* Segments are named for where they begin: so there may be one missing, whose name is known. */
static void does_not_follow(struct log_walk *logs, const char *path,
                            const struct segment_header *header) {
    char what[160];
    bool lacks = header->base_offset > logs->next_offset;
    snprintf(what, sizeof what,
             "the segment does not go on where the one before it ends%s%020" PRId64 "%s",
             lacks ? ": " : " (offset ", logs->next_offset,
             lacks ? ".log is missing, or what lies before was cut" : ")");
    damage(logs->walk, path, 0, what);
}

/* Zeros at the end of a block may have been entries. */
static void check_end(struct log_walk *logs, const char *path, const struct segment_header *header,
                      const struct segment_cursor *cursor) {
    const struct journal_group *journal = logs->log.journal;
    bool active = journal && journal->progress > 0 &&
                  header->base_offset == journal->progress_segment;
    uint64_t last = logs->next_index - 1;
    char what[160];
    if (!active || cursor->position < journal->progress_position || last >= journal->progress)
        return;
    snprintf(what, sizeof what,
             "the entries end with %" PRIu64 ", but the journal knows that %" PRIu64 " was synced",
             last, journal->progress);
    damage(logs->walk, path, cursor->looked_at, what);
}

static void walk_entries(struct log_walk *logs, struct env_file *file, const char *path,
                         const struct segment_header *header, uint64_t size) {
    struct walk *walk = logs->walk;
    uint64_t synced = synced_bytes(&logs->log, header, size);
    if (synced > size) damage(walk, path, size, "the file ends here, but more of it was synced");
    if ((header->first_index != logs->next_index || header->base_offset != logs->next_offset) &&
        synced > 0)
        does_not_follow(logs, path, header);
    if (walk->events->segment_begins)
        walk->events->segment_begins(walk->arg, &logs->log, path, header, size, synced);
    struct segment_cursor cursor;
    segment_cursor_init(&cursor, file, logs->log.group, SEGMENT_HEADER_SIZE, size, CHUNK_BYTES);
    logs->gaps = cursor.gaps = segment_is_cleaned(header);
    while (walk_entry(logs, &cursor, path, synced)) {}
    uint64_t end = cursor.position;
    if (logs->gaps) {
        logs->next_index = header->last_index + 1;
        logs->next_offset = header->end_offset;
    }
    logs->behind_cleaned = logs->gaps;
    logs->gaps = false;
    check_end(logs, path, header, &cursor);
    segment_cursor_close(&cursor);
    if (walk->events->segment_ends)
        walk->events->segment_ends(walk->arg, &logs->log, path, header, end);
}

static void walk_segment(struct log_walk *logs, int64_t base) {
    struct walk *walk = logs->walk;
    /* It was merged into the one before, and a crash came before it was removed; or it is being
     * removed now. */
    if (logs->behind_cleaned && base < logs->next_offset) return;
    char *below = path_of_segment(logs->log.path, base, SEGMENT_FILE_LOG);
    char *path = dump_full_path(walk->data_dir, below);
    struct env_file *file;
    uint8_t bytes[SEGMENT_HEADER_SIZE];
    size_t got = 0;
    uint64_t size = 0;
    struct segment_header header = {.base_offset = base};
    if (env_file_open(walk->env, path, ENV_READ, &file) != 0) {
        damage(walk, below, 0, "the file cannot be opened");
    } else {
        int error = env_file_size(file, &size);
        if (!error) error = env_file_read(file, bytes, sizeof bytes, 0, &got);
        const struct journal_group *journal = logs->log.journal;
        bool must_be_whole = journal && journal->progress > 0 &&
                             (base < journal->progress_segment ||
                              (base == journal->progress_segment &&
                               journal->progress_position > SEGMENT_HEADER_SIZE));
        if (!error && got == sizeof bytes &&
            segment_header_decode(bytes, SEGMENT_FILE_LOG, &header) == 0 &&
            header.group == logs->log.group && header.base_offset == base)
            walk_entries(logs, file, below, &header, size);
        else if (error)
            damage(walk, below, 0, "the file cannot be read");
        else if (must_be_whole)
            damage(walk, below, 0,
                   "the file does not begin with the header of this log's segments");
        env_file_close(file);
    }
    mem_free(path);
    mem_free(below);
}

/* ---- One log ---- */

static void walk_journal_entries(struct log_walk *logs) {
    const struct journal_group *journal = logs->log.journal;
    for (size_t i = 0; journal && i < journal->entry_count; i++) {
        struct entry *entry = journal->entries[i];
        if (entry->index < logs->next_index) continue;
        check_place(logs, journal_folder, 0, entry);
        logs->walk->events->entry(logs->walk->arg, &logs->log, journal_folder, 0, entry, true);
    }
}

/* The segment up to which everything is synced must be there. */
static void check_progress(struct log_walk *logs) {
    const struct journal_group *journal = logs->log.journal;
    if (!journal || journal->progress <= logs->file_index) return;
    /* Behind a log that began anew it may not be made yet. */
    bool begun = journal->progress_position > SEGMENT_HEADER_SIZE;
    if (!begun && logs->next_index > journal->progress) return;
    for (size_t i = logs->first; i < logs->segments.count; i++)
        if (begun && logs->segments.bases[i] == journal->progress_segment) return;
    char *below = path_of_segment(logs->log.path, journal->progress_segment, SEGMENT_FILE_LOG);
    damage(logs->walk, below, 0, "the file is missing, but the journal knows that it was synced");
    mem_free(below);
}

/* Where the log begins. A running broker may let go of more meanwhile: what lies below is not
 * looked for. */
static void begin_at_start(struct log_walk *logs, const char *full) {
    struct start_file start;
    int error = start_file_read(logs->walk->env, full, logs->log.group, &start);
    if (error == ERR_NONE) {
        logs->file_index = start.file_index;
        logs->next_index = start.file_index + 1;
        logs->next_offset = start.file_offset;
        slice_unref(&start.change);
    } else if (error != ERR_NOT_FOUND) {
        char *below = path_join(logs->log.path, "start");
        damage(logs->walk, below, 0,
               error == ERR_VERSION ? "the file was written by a newer version of draved"
                                    : "the file, which says where the log begins, is not whole");
        mem_free(below);
    }
    while (logs->first < logs->segments.count &&
           logs->segments.bases[logs->first] < logs->next_offset)
        logs->first++;
}

static uint64_t last_in(const struct journal_group *journal) {
    return journal->progress + journal->entry_count;
}

static void note_ahead(struct log_walk *logs) {
    struct walk *walk = logs->walk;
    if (!logs->log.journal || logs->next_index - 1 <= last_in(logs->log.journal)) return;
    walk->ahead = mem_realloc(walk->ahead, (walk->ahead_count + 1) * sizeof *walk->ahead);
    walk->ahead[walk->ahead_count++] = (struct ahead){logs->log.group, logs->next_index - 1};
}

/* The log's own directory, or the one that is to take its place at the next start, because a crash
 * came between. */
static char *directory_of(const struct walk *walk, uint64_t group,
                          const struct journal_group *journal) {
    char *path = path_of_group(groups_folder, group), *staged = staged_directory_path(path);
    char *full = dump_full_path(walk->data_dir, staged);
    bool ends_there = false;
    if (journal && journal->progress > 0) {
        struct staged_place place = {journal->progress, journal->progress_segment,
                                     journal->progress_position};
        if (staged_directory_ends_at(walk->env, full, group, &place, &ends_there) != 0)
            ends_there = false;
    }
    mem_free(full);
    mem_free(ends_there ? path : staged);
    return ends_there ? staged : path;
}

static void walk_log(struct walk *walk, uint64_t group, const struct journal_group *journal) {
    char *path = directory_of(walk, group, journal), *full = dump_full_path(walk->data_dir, path);
    struct log_walk logs = {
        .walk = walk, .log = {.group = group, .path = path, .journal = journal}, .next_index = 1};
    bool named = read_name(walk, &logs.log);
    bool wanted = (!walk->topic || strcmp(walk->topic, logs.log.topic) == 0) &&
                  (walk->partition < 0 || walk->partition == logs.log.partition);
    if (wanted) {
        /* None: the journal knows it, its folder is not made yet. */
        segment_list(walk->env, full, &logs.segments, NULL, NULL);
        if (walk->events->log_begins) walk->events->log_begins(walk->arg, &logs.log);
        begin_at_start(&logs, full);
        for (size_t i = logs.first; i < logs.segments.count; i++)
            walk_segment(&logs, logs.segments.bases[i]);
        check_progress(&logs);
        note_ahead(&logs);
        walk_journal_entries(&logs);
        if (walk->events->log_ends) walk->events->log_ends(walk->arg, &logs.log);
    } else if (!named && walk->events->unnamed && has_batches(journal)) {
        walk->events->unnamed(walk->arg, group);
    }
    mem_free(logs.segments.bases);
    mem_free(logs.log.topic);
    mem_free(full);
    mem_free(path);
}

/* ---- All logs ---- */

static void walk_journal_group(void *arg, const struct journal_group *journal) {
    struct walk *walk = arg;
    walk->done = mem_realloc(walk->done, (walk->done_count + 1) * sizeof *walk->done);
    walk->done[walk->done_count++] = journal->group;
    walk_log(walk, journal->group, journal);
}

/* The journal, and every group that it knows. A broker that writes to it at the same time can make
 * it look damaged: another look tells. */
static void walk_journal(struct walk *walk) {
    char *path = dump_full_path(walk->data_dir, journal_folder);
    int error = ERR_CORRUPT;
    struct error_text why = {0};
    for (int i = 0; error == ERR_CORRUPT && walk->done_count == 0 && i < JOURNAL_TRIES; i++)
        error = journal_read(walk->env, path, walk_journal_group, walk, &why);
    if (error) damage(walk, journal_folder, 0, why.text);
    mem_free(path);
}

static void forget_if_known(void *arg, const struct journal_group *journal) {
    struct walk *walk = arg;
    for (size_t i = 0; i < walk->ahead_count; i++)
        if (walk->ahead[i].group == journal->group && walk->ahead[i].index <= last_in(journal))
            walk->ahead[i--] = walk->ahead[--walk->ahead_count];
}

/* An entry is durable in the journal before it goes into a segment: so another look must know it,
 * or the journal lost something. */
static void check_ahead(struct walk *walk) {
    char *path = dump_full_path(walk->data_dir, journal_folder), what[160];
    struct error_text ignored;
    if (walk->ahead_count > 0 &&
        journal_read(walk->env, path, forget_if_known, walk, &ignored) != 0)
        walk->ahead_count = 0; /* that was said, or its files changed too fast */
    for (size_t i = 0; i < walk->ahead_count; i++) {
        snprintf(what, sizeof what,
                 "the segments of group %016" PRIx64 " hold entry %" PRIu64
                 ", and the journal ends before it: files of it are missing, cut or older",
                 walk->ahead[i].group, walk->ahead[i].index);
        damage(walk, journal_folder, 0, what);
    }
    mem_free(walk->ahead);
    mem_free(path);
}

static bool was_walked(const struct walk *walk, uint64_t group) {
    for (size_t i = 0; i < walk->done_count; i++)
        if (walk->done[i] == group) return true;
    return false;
}

static void walk_groups(struct walk *walk, const struct group_ids *list) {
    walk_journal(walk);
    for (size_t i = 0; i < list->count; i++)
        if (!was_walked(walk, list->ids[i])) walk_log(walk, list->ids[i], NULL);
    check_ahead(walk);
}

int dump_walk(struct env *env, const char *data_dir, const char *topic, int32_t partition,
              const struct walk_events *events, void *arg, struct error_text *why) {
    struct walk walk = {.env = env,
                        .data_dir = data_dir,
                        .topic = topic,
                        .partition = partition,
                        .events = events,
                        .arg = arg};
    char *path = dump_full_path(data_dir, groups_folder);
    struct group_ids list = {0};
    int error = env_list_dir(env, path, add_group, &list);
    if (error == ERR_NOT_FOUND)
        error_set(
            why, error,
            "%s is not the data directory of a broker: it has no %s; name the directory of data.dir",
            data_dir, groups_folder);
    else if (error)
        error_set(why, error, "%s cannot be read (%s)", path, error_phrase(error));
    else
        walk_groups(&walk, &list);
    mem_free(list.ids);
    mem_free(walk.done);
    mem_free(path);
    return error;
}
