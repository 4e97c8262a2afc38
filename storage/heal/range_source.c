/* A cursor over one held segment after the other, in jobs of the pool. */
#include "storage/heal/range_source.h"

#include "base/check.h"
#include "base/mem.h"

enum {
    CHUNK_BYTES = 256 << 10,
    PASSED_BYTES = 32 << 20, /* so much of a segment is passed over in one step */
};

struct range_source {
    struct env_job job; /* first: a job is its source */
    struct env *env;
    log_index first, last;
    struct segment **segments; /* held */
    size_t count, room, at;
    bool open; /* the cursor is in segments[at] */
    struct segment_cursor cursor;
    uint64_t bytes; /* wanted of the step */
    struct entry **entries;
    size_t entry_count, entry_room;
    void (*done)(void *arg, int error, struct entry *const *entries, size_t count);
    void *arg;
    bool busy, freed;
    int error;
};

struct range_source *range_source_new(struct env *env, log_index first, log_index last) {
    struct range_source *source = mem_zalloc(sizeof *source);
    source->env = env;
    source->first = first;
    source->last = last;
    return source;
}

void range_source_add(struct range_source *source, struct segment *segment) {
    segment_hold(segment);
    source->segments = mem_grow(source->segments, source->count, &source->room,
                                sizeof(struct segment *));
    source->segments[source->count++] = segment;
}

static void drop_entries(struct range_source *source) {
    for (size_t i = 0; i < source->entry_count; i++)
        entry_unref(source->entries[i]);
    source->entry_count = 0;
}

static void source_free(struct range_source *source) {
    drop_entries(source);
    segment_cursor_close(&source->cursor);
    for (size_t i = source->at; i < source->count; i++)
        segment_let_go(source->segments[i]);
    mem_free(source->segments);
    mem_free(source->entries);
    mem_free(source);
}

void range_source_free(struct range_source *source) {
    source->freed = true;
    if (!source->busy) source_free(source);
}

struct segment *range_source_damaged(const struct range_source *source, uint64_t *position) {
    if (!source->open || !error_is_damage(source->error)) return NULL;
    *position = source->cursor.looked_at;
    return source->segments[source->at];
}

/* ---- In the pool ---- */

static int take_entry(struct range_source *source, const struct entry *header) {
    if (header->index < source->first) {
        segment_cursor_skip(&source->cursor, header);
        return ERR_NONE;
    }
    if (header->index > source->last) return ERR_EOF;
    source->entries = mem_grow(source->entries, source->entry_count, &source->entry_room,
                               sizeof(struct entry *));
    int error = segment_cursor_next(&source->cursor, &source->entries[source->entry_count]);
    if (!error) source->bytes += entry_stored_size(source->entries[source->entry_count++]);
    return error;
}

/* ERR_EOF: this segment is through. */
static void source_work(struct env_job *job) {
    struct range_source *source = (struct range_source *)job;
    uint64_t wanted = source->bytes, until = source->cursor.position + PASSED_BYTES;
    source->bytes = 0;
    source->error = ERR_NONE;
    while (!source->error && source->bytes < wanted && source->cursor.position < until) {
        struct entry header;
        source->error = segment_cursor_peek(&source->cursor, &header);
        if (!source->error) source->error = take_entry(source, &header);
    }
}

/* ---- On the loop ---- */

static void source_done(struct env_job *job);

static int open_next(struct range_source *source) {
    struct segment *segment = source->segments[source->at];
    if (segment->files == NULL && segment->file == NULL) return ERR_NOT_FOUND; /* let go of */
    int error = segment->file != NULL ? ERR_NONE : segment_open_file(segment);
    if (error) return error;
    segment_cursor_init(&source->cursor, segment->file, segment->header.group, SEGMENT_HEADER_SIZE,
                        segment->end.position, CHUNK_BYTES);
    source->cursor.gaps = segment_is_cleaned(&segment->header);
    source->cursor.expected_index = segment->header.first_index;
    source->cursor.last_index = segment->end.last_index;
    source->open = true;
    return ERR_NONE;
}

static void run(struct range_source *source, uint64_t bytes) {
    source->bytes = bytes;
    source->busy = true;
    source->job = (struct env_job){.work = source_work, .done = source_done};
    env_pool_run(source->env, &source->job);
}

static void leave_segment(struct range_source *source) {
    segment_cursor_close(&source->cursor);
    source->cursor = (struct segment_cursor){0};
    segment_let_go(source->segments[source->at++]);
    source->open = false;
}

static void nothing_work(struct env_job *job) {
    (void)job;
}

static void tell(struct range_source *source) {
    source->done(source->arg, source->error, source->entries, source->entry_count);
}

static void source_done(struct env_job *job) {
    struct range_source *source = (struct range_source *)job;
    source->busy = false;
    if (source->freed) {
        source_free(source);
        return;
    }
    if (source->open && source->error == ERR_EOF) {
        leave_segment(source);
        if (source->at < source->count) source->error = ERR_NONE;
    }
    tell(source);
}

void range_source_next(struct range_source *source, uint64_t bytes,
                       void (*done)(void *arg, int error, struct entry *const *entries,
                                    size_t count),
                       void *arg) {
    CHECK(!source->busy && !source->freed);
    drop_entries(source);
    source->done = done;
    source->arg = arg;
    source->error = source->at < source->count ? ERR_NONE : ERR_EOF;
    if (!source->error && !source->open) source->error = open_next(source);
    if (!source->error) {
        run(source, bytes);
        return;
    }
    source->busy = true; /* `done` comes later */
    source->job = (struct env_job){.work = nothing_work, .done = source_done};
    env_pool_run(source->env, &source->job);
}
