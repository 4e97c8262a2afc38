/* Looking into segments on the loop and in the pool, and waiting for a file that may be opened. */
#include <utlist.h>

#include "storage/log/log_reading.h"

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "base/mutant.h"

void log_reading_begin(struct log_reading *reading, struct partition_log *log, void *request,
                       struct log_reading **handle) {
    CHECK(!log->closed);
    reading->env = log->store->env;
    reading->log = log;
    reading->request = request;
    reading->handle = handle;
    *handle = reading;
    DL_PREPEND(log->readings, reading);
}

static void unlink_reading(struct log_reading *reading) {
    struct partition_log *log = reading->log;
    if (!log) return;
    DL_DELETE(log->readings, reading);
    *reading->handle = NULL;
    reading->log = NULL;
    reading->request = NULL;
}

static void let_go(struct log_reading *reading) {
    segment_cursor_close(&reading->cursor);
    if (reading->segment) segment_let_go(reading->segment);
    reading->segment = NULL;
}

/* ---- Waiting for a file ---- */

enum { TRY_AGAIN_US = 50 * 1000 };

/* The timer is begun for the first in line only: those that come behind it do not make it wait
 * longer. */
static void wait_in_line(struct log_store *store, struct log_reading *reading, bool first) {
    struct reading_queue *queue = &store->readers;
    if (first || queue->first == NULL) env_timer_start(queue->again, TRY_AGAIN_US);
    reading->waiting = true;
    reading->next_waiting = first ? queue->first : NULL;
    if (first)
        queue->first = reading;
    else
        *(queue->last ? &queue->last->next_waiting : &queue->first) = reading;
    if (!reading->next_waiting) queue->last = reading;
}

static void wait_for_file(struct log_store *store, struct log_reading *reading, bool first) {
    struct reading_queue *queue = &store->readers;
    bool waking = queue->waking;
    queue->waking = true; /* what this one lets go is no room: it was not enough */
    let_go(reading);      /* who waits keeps no file from being closed */
    queue->waking = waking;
    wait_in_line(store, reading, first);
}

static void wait_no_more(struct log_store *store, struct log_reading *reading) {
    struct reading_queue *queue = &store->readers;
    struct log_reading **at = &queue->first, *before = NULL;
    while (*at != reading) {
        before = *at;
        at = &before->next_waiting;
    }
    *at = reading->next_waiting;
    if (queue->last == reading) queue->last = before;
    reading->waiting = false;
}

static int look_now(struct log_reading *reading, bool first_in_line);

static void look_into(struct log_reading *reading, struct segment *segment) {
    bool same = segment->header.base_offset == reading->looked_at &&
                segment->header.generation == reading->looked_generation;
    if (!same) reading->position = 0; /* it was one of another file */
    segment_hold(segment);
    reading->segment = segment;
    reading->looked_at = segment->header.base_offset;
    reading->looked_generation = segment->header.generation;
}

/* The segment may be gone by now, or another one in its place. */
static int look_again(struct log_reading *reading) {
    if (reading->left) return ERR_NOT_FOUND;
    struct segment *segment = log_segment_of_offset(reading->log, reading->looked_at);
    if (!segment) return ERR_NOT_FOUND;
    /* It may have no record, and then ends where it begins; another one must hold the place. */
    if (segment->header.base_offset != reading->looked_at &&
        segment->end.offset <= reading->looked_at)
        return ERR_NOT_FOUND;
    look_into(reading, segment);
    return look_now(reading, true);
}

static void wake(struct env_task *task) {
    struct log_store *store = CONTAINER_OF(task, struct log_store, readers.wake);
    struct log_reading *reading;
    store->readers.waking = true;
    while ((reading = store->readers.first) != NULL) {
        wait_no_more(store, reading);
        int error = look_again(reading);
        if (reading->waiting) break;
        if (error != ERR_AGAIN) reading->resume(reading, error);
    }
    store->readers.waking = false;
}

void log_readings_wake(struct log_store *store) {
    if (store->readers.first && !store->readers.waking && !store->closed)
        env_defer(store->env, &store->readers.wake);
}

void log_readings_go_on(struct partition_log *log) {
    struct log_reading *reading;
    DL_FOREACH(log->readings, reading) {
        if (!reading->held_up) continue;
        reading->held_up = false;
        wait_in_line(log->store, reading, false);
    }
    log_readings_wake(log->store);
}

static void try_again(void *arg) {
    log_readings_wake(arg);
}

void log_readings_open(struct log_store *store) {
    store->readers.wake.run = wake;
    store->readers.again = env_timer_new(store->env, try_again, store);
}

void log_readings_close(struct log_store *store) {
    CHECK(!store->readers.first);
    env_defer_cancel(store->env, &store->readers.wake);
    env_timer_free(store->readers.again);
}

/* ---- Its end ---- */

void log_reading_end(struct log_reading *reading) {
    if (reading->waiting) wait_no_more(reading->log->store, reading);
    unlink_reading(reading);
    /* Else its job is under way. */
    if (!reading->segment && !reading->compute) reading->free(reading);
}

void log_readings_detach(struct partition_log *log) {
    while (log->readings)
        log_reading_end(log->readings);
}

/* Those in the pool own what they read into until they come back. */
void log_readings_leave(struct partition_log *log) {
    struct log_reading *reading;
    DL_FOREACH(log->readings, reading) {
        reading->left = true;
    }
    log_readings_go_on(log); /* also those whose segment was to be replaced */
}

/* ---- In the pool ---- */

static uint64_t reading_seek(const struct log_reading *reading, const struct segment_index *index) {
    switch (reading->by) {
    case SEEK_BY_INDEX: return segment_index_seek_index(index, (uint64_t)reading->key);
    case SEEK_BY_OFFSET: return segment_index_seek_offset(index, reading->key);
    case SEEK_BY_TIMESTAMP: return segment_index_seek_timestamp(index, reading->key);
    case SEEK_TO_START: break;
    }
    return SEGMENT_HEADER_SIZE;
}

static void start_at(struct log_reading *reading, const struct segment_index *index) {
    reading->cursor.position = reading_seek(reading, index);
    reading->cursor.expected_index = segment_index_entry_at(index, reading->cursor.position);
}

static void reading_work(struct env_job *job) {
    struct log_reading *reading = (struct log_reading *)job;
    reading->error = 0;
    if (reading->index_path) {
        const struct segment *segment = reading->segment; /* only what never changes is looked at */
        reading->error = segment_index_read(reading->env, reading->cursor.file, reading->index_path,
                                            &segment->header, reading->cursor.limit,
                                            segment->interval_bytes, true, &reading->loaded,
                                            &reading->damaged_at);
        if (reading->error) return;
        start_at(reading, reading->loaded);
    }
    reading->error = reading->visit(reading);
}

/* Not a matter of the moment, as a lack of files would be: these bytes cannot be had from this
 * file. */
static bool is_damage(int error) {
    return error_is_damage(error) || error == ERR_IO || error == ERR_NOT_FOUND ||
           error == ERR_DENIED || error == ERR_DIRECTORY || error == ERR_NO_FILE ||
           error == ERR_SYSTEM;
}

void log_note_damage(struct partition_log *log, struct segment *segment, int error,
                     uint64_t position) {
    if (!is_damage(error) || segment->damaged) return;
    segment->damaged = log->damaged = true;
    char *path = segment_path(segment, SEGMENT_FILE_LOG);
    struct partition_log_damage damage = {path, position, error};
    if (log->events.damaged) log->events.damaged(log->arg, &damage);
    mem_free(path);
}

void partition_log_tell_damage(struct partition_log *log) {
    for (size_t i = 0; i < log->segment_count; i++) {
        struct segment *segment = log->segments[i];
        if (!segment->damaged) continue;
        segment->damaged = false; /* nobody was told yet */
        log_note_damage(log, segment, ERR_CORRUPT, 0);
    }
}

/* The reader gets its error; everybody else must know, too. */
static void note_damage(struct log_reading *reading, int error, uint64_t position) {
    if (!reading->left) log_note_damage(reading->log, reading->segment, error, position);
}

static void reading_done(struct env_job *job) {
    struct log_reading *reading = (struct log_reading *)job;
    if (reading->loaded) segment_adopt_index(reading->segment, reading->loaded);
    bool no_index = reading->index_path && !reading->loaded;
    reading->loaded = NULL;
    mem_free(reading->index_path);
    reading->index_path = NULL;
    /* Of the index, which is not counted in the store's limit. */
    if (reading->left) reading->error = ERR_NOT_FOUND;
    if (reading->log && reading->error == ERR_LIMIT) {
        struct log_store *store = reading->log->store;
        wait_for_file(store, reading, false);
        segment_files_give_back(&store->files);
        return;
    }
    if (reading->log)
        note_damage(reading, reading->error,
                    no_index ? reading->damaged_at : reading->cursor.looked_at);
    let_go(reading);
    if (reading->log)
        reading->resume(reading, reading->error);
    else
        reading->free(reading);
}

static void compute_work(struct env_job *job) {
    struct log_reading *reading = (struct log_reading *)job;
    reading->error = reading->compute(reading);
}

static void compute_done(struct env_job *job) {
    struct log_reading *reading = (struct log_reading *)job;
    reading->compute = NULL;
    if (reading->left) reading->error = ERR_NOT_FOUND;
    if (reading->log)
        reading->resume(reading, reading->error);
    else
        reading->free(reading);
}

/* ---- On the loop ---- */

void log_reading_compute(struct log_reading *reading, int (*compute)(struct log_reading *reading)) {
    CHECK(!reading->segment && !reading->compute);
    reading->compute = compute;
    reading->job.work = compute_work;
    reading->job.done = compute_done;
    env_pool_run(reading->env, &reading->job);
}

int log_reading_look(struct log_reading *reading, struct segment *segment, enum seek_by by,
                     int64_t key, uint64_t position) {
    segment_hold(segment);
    reading->segment = segment;
    reading->by = by;
    reading->key = key;
    reading->position = position;
    reading->looked_at = segment->header.base_offset;
    reading->looked_generation = segment->header.generation;
    return look_now(reading, false);
}

/* The segment is held. Whoever is not first in line opens no file before those who wait for one. */
static int look_now(struct log_reading *reading, bool first_in_line) {
    struct segment *segment = reading->segment;
    struct log_store *store = reading->log->store;
    if (segment->moving && !segment->file) {
        let_go(reading);
        reading->held_up = true;
        return ERR_AGAIN;
    }
    bool behind = !first_in_line && !segment->file && store->readers.first;
    int error = behind ? ERR_LIMIT : segment_open_file(segment);
    if (error == ERR_LIMIT) {
        wait_for_file(store, reading, first_in_line);
        return ERR_AGAIN;
    }
    if (error) {
        note_damage(reading, error, 0);
        let_go(reading);
        return error;
    }
    uint64_t position = reading->position;
    bool can_seek = position > 0 || reading->by == SEEK_TO_START || segment->index;
    segment_cursor_init(&reading->cursor, segment->file, segment->header.group, position,
                        segment->end.position, reading->chunk_bytes);
    reading->cursor.last_index = segment->end.last_index;
    reading->cursor.gaps = segment_is_cleaned(&segment->header);
    if (reading->by == SEEK_TO_START) {
        reading->cursor.position = SEGMENT_HEADER_SIZE;
        reading->cursor.expected_index = segment->header.first_index;
    } else if (can_seek && position == 0) {
        start_at(reading, segment->index);
    }
    if (can_seek) {
        reading->cursor.cached_only = true;
        error = reading->visit(reading);
        if (error != ERR_AGAIN) {
            note_damage(reading, error, reading->cursor.looked_at);
            let_go(reading);
            return error;
        }
        reading->cursor.cached_only = false;
    } else {
        reading->index_path = segment_path(segment, SEGMENT_FILE_INDEX);
    }
    reading->job.work = reading_work;
    reading->job.done = reading_done;
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

struct segment *log_segment_of_index(const struct partition_log *log, log_index index) {
    return segment_of(log, true, index);
}

struct segment *log_segment_of_offset(const struct partition_log *log, kafka_offset offset) {
    return segment_of(log, false, (uint64_t)offset);
}

/* ---- Hints ---- */

static bool is_of(const struct read_hint *hint, const struct segment *segment) {
    return hint->segment == segment->header.base_offset &&
           (hint->generation == segment->header.generation || MUTANT(MUTANT_HINT_KEPT));
}

uint64_t log_hint_by_index(const struct partition_log *log, const struct segment *segment,
                           log_index index) {
    for (int i = 0; i < READ_HINTS; i++) {
        const struct read_hint *hint = &log->hints[i];
        if (hint->position > 0 && hint->index == index && is_of(hint, segment))
            return hint->position;
    }
    return 0;
}

uint64_t log_hint_by_offset(const struct partition_log *log, const struct segment *segment,
                            kafka_offset offset) {
    for (int i = 0; i < READ_HINTS; i++) {
        const struct read_hint *hint = &log->hints[i];
        if (hint->position > 0 && hint->offset == offset && is_of(hint, segment))
            return hint->position;
    }
    return 0;
}

void log_hint_leave(const struct log_reading *reading, log_index index, kafka_offset offset,
                    uint64_t position) {
    struct partition_log *log = reading->log;
    if (reading->left || position >= reading->cursor.limit) return; /* the segment is through */
    log->hints[log->next_hint] = (struct read_hint){.segment = reading->looked_at,
                                                    .generation = reading->looked_generation,
                                                    .index = index,
                                                    .offset = offset,
                                                    .position = position};
    log->next_hint = (log->next_hint + 1) % READ_HINTS;
}
