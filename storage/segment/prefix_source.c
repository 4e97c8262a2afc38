/* Holding the beginning of a log, its checksums, and reading pieces of it in the pool. */
#include "storage/segment/prefix_source.h"

#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/mem.h"
#include "storage/segment/segment_cursor.h"
#include "storage/segment/segment_format.h"

enum {
    BLOCKS_OF_A_JOB = 8, /* read in one go: others want the pool, too */
    CHECK_CHUNK_BYTES = 256 << 10,
};

struct prefix_source {
    struct env_job job;
    bool busy, closed; /* busy: the job is under way; closed: freed when it is not */
    bool is_ready;
    struct env *env;
    uint64_t group;
    const struct prefix_source_events *events;
    void *arg;
    struct prefix_files list;
    char **paths;              /* of its files */
    struct segment **segments; /* held; that of the state is NULL */
    size_t room;
    struct env_file *state, *file; /* NULL: not open; `file` is that of files[open_file] */
    size_t open_file;
    int error; /* of the job */

    size_t at_file; /* checksums: of the block that is next */
    uint64_t at_block;
    uint8_t *block; /* into this */
    bool checking;  /* all blocks of a segment are summed; its entries follow */
    struct segment_cursor cursor;
    struct state_head state_head; /* of the state, while it is summed, */
    uint32_t state_crc;           /* ... and its own checksum so far */

    size_t wanted_file; /* the read under way */
    uint64_t wanted_offset;
    uint32_t wanted_length;
    struct buffer *bytes;
};

/* ---- What it consists of ---- */

static struct prefix_file *add_file(struct prefix_source *source, char *path,
                                    struct segment *segment) {
    struct prefix_files *list = &source->list;
    if (list->count == source->room) {
        source->room = source->room == 0 ? 8 : source->room * 2;
        list->files = mem_realloc(list->files, source->room * sizeof *list->files);
        source->paths = mem_realloc(source->paths, source->room * sizeof *source->paths);
        source->segments = mem_realloc(source->segments, source->room * sizeof *source->segments);
    }
    size_t i = list->count++;
    source->paths[i] = path;
    source->segments[i] = segment;
    list->files[i] = (struct prefix_file){0};
    return &list->files[i];
}

static struct start_file copy_of(const struct start_file *place) {
    struct start_file copy = *place;
    copy.change = slice_ref(place->change);
    return copy;
}

struct prefix_source *prefix_source_new(struct env *env, const char *group_path, uint64_t group,
                                        log_index state_index, const struct start_file *begins) {
    struct prefix_source *source = mem_zalloc(sizeof *source);
    source->env = env;
    source->group = group;
    source->list.begins = copy_of(begins);
    source->list.ends = copy_of(begins);
    source->list.state_index = state_index;
    struct prefix_file *state = add_file(source, path_of_snapshot(group_path, state_index), NULL);
    state->kind = PREFIX_STATE;
    state->last_index = state_index;
    return source;
}

static uint32_t *copy_of_crcs(const uint32_t *crcs, uint64_t size_bytes) {
    size_t len = sizeof *crcs * (size_t)prefix_file_blocks(size_bytes);
    uint32_t *copy = mem_alloc(len);
    memcpy(copy, crcs, len);
    return copy;
}

void prefix_source_add(struct prefix_source *source, struct segment *segment, log_term last_term) {
    struct start_file *ends = &source->list.ends;
    const struct prefix_file *before = &source->list.files[source->list.count - 1];
    log_index last = before->kind == PREFIX_SEGMENT ? before->last_index
                                                    : source->list.begins.file_index;
    CHECK(!segment->active && segment->synced == segment->end.position &&
          segment->header.first_index == last + 1);
    segment_hold(segment);
    struct prefix_file *file = add_file(source, segment_path(segment, SEGMENT_FILE_LOG), segment);
    *file = (struct prefix_file){.kind = PREFIX_SEGMENT,
                                 .first_index = segment->header.first_index,
                                 .last_index = segment->end.last_index,
                                 .base_offset = segment->header.base_offset,
                                 .end_offset = segment->end.offset,
                                 .size_bytes = segment->end.position};
    if (segment->block_crcs != NULL)
        file->block_crcs = copy_of_crcs(segment->block_crcs, file->size_bytes);
    ends->index = file->last_index;
    ends->term = last_term;
    ends->next_offset = file->end_offset;
}

static bool found_damage(const struct prefix_source *source) {
    if (source->busy) return false; /* the job is looking */
    return !source->is_ready && source->error == ERR_CORRUPT;
}

bool prefix_source_state_is_damaged(const struct prefix_source *source) {
    return found_damage(source) && source->list.files[source->at_file].kind == PREFIX_STATE;
}

struct segment *prefix_source_damaged(const struct prefix_source *source, uint64_t *position) {
    if (!found_damage(source)) return NULL;
    *position = source->checking ? source->cursor.looked_at : 0;
    return source->segments[source->at_file];
}

const struct prefix_files *prefix_source_files(const struct prefix_source *source) {
    CHECK(source->is_ready);
    return &source->list;
}

/* ---- Its end ---- */

static void source_free(struct prefix_source *source) {
    segment_cursor_close(&source->cursor);
    env_file_close(source->state);
    env_file_close(source->file);
    for (size_t i = 0; i < source->list.count; i++) {
        if (source->segments[i] != NULL) segment_let_go(source->segments[i]);
        mem_free(source->paths[i]);
    }
    mem_free(source->segments);
    mem_free(source->paths);
    mem_free(source->block);
    buffer_unref(source->bytes);
    prefix_files_free(&source->list);
    mem_free(source);
}

void prefix_source_close(struct prefix_source *source) {
    CHECK(!source->closed);
    source->closed = true;
    if (!source->busy) source_free(source);
}

/* ---- Jobs ---- */

static void run(struct prefix_source *source, void (*work)(struct env_job *job),
                void (*done)(struct env_job *job)) {
    CHECK(!source->busy);
    source->busy = true;
    source->job = (struct env_job){.work = work, .done = done};
    env_pool_run(source->env, &source->job);
}

/* On the loop again. NULL: nobody is there for it any more. */
static struct prefix_source *came_back(struct env_job *job) {
    struct prefix_source *source = CONTAINER_OF(job, struct prefix_source, job);
    source->busy = false;
    if (!source->closed) return source;
    source_free(source);
    return NULL;
}

static int open_once(struct prefix_source *source, size_t i, struct env_file **file) {
    return *file != NULL ? ERR_NONE : env_file_open(source->env, source->paths[i], ENV_READ, file);
}

static int open_file(struct prefix_source *source, size_t i, struct env_file **file) {
    int error;
    if (source->list.files[i].kind == PREFIX_STATE) {
        error = open_once(source, i, &source->state);
        *file = source->state;
    } else {
        if (source->open_file != i) {
            env_file_close(source->file);
            source->file = NULL;
        }
        source->open_file = i;
        error = open_once(source, i, &source->file);
        *file = source->file;
    }
    return error;
}

/* One that is shorter than the log knows was cut by somebody else. */
static int read_whole(struct prefix_source *source, size_t i, void *into, size_t len,
                      uint64_t offset) {
    struct env_file *file;
    size_t got = 0;
    int error = open_file(source, i, &file);
    if (!error) error = env_file_read(file, into, len, offset, &got);
    return !error && got < len ? ERR_CORRUPT : error;
}

/* ---- Checksums ---- */

/* Of the state nothing is known but its name. */
static int find_size(struct prefix_source *source, struct prefix_file *state) {
    struct env_file *file;
    int error = open_file(source, 0, &file);
    if (!error) error = env_file_size(file, &state->size_bytes);
    if (error) return error;
    if (state->size_bytes == 0) return ERR_CORRUPT;
    return prefix_file_blocks(state->size_bytes) > PREFIX_BLOCKS_MOST / 2 ? ERR_TOO_LARGE : 0;
}

static void next_file(struct prefix_source *source) {
    source->at_file++;
    source->at_block = 0;
    source->checking = false;
}

/* What is damaged here must not become what another broker believes to be whole. */
static void begin_check(struct prefix_source *source, const struct prefix_file *file) {
    segment_cursor_close(&source->cursor);
    segment_cursor_init(&source->cursor, source->file, source->group, SEGMENT_HEADER_SIZE,
                        file->size_bytes, CHECK_CHUNK_BYTES);
    source->cursor.expected_index = file->first_index;
    source->cursor.last_index = file->last_index;
    source->cursor.gaps = segment_is_cleaned(&source->segments[source->at_file]->header);
    source->checking = true;
}

/* Of as many entries as a block has. */
static int check_block(struct prefix_source *source) {
    uint64_t until = source->cursor.position + PREFIX_BLOCK;
    int error = ERR_NONE;
    while (!error && source->cursor.position < until) {
        struct entry *entry;
        error = segment_cursor_next(&source->cursor, &entry);
        if (!error) entry_unref(entry);
    }
    if (error != ERR_EOF) return error;
    next_file(source);
    return ERR_NONE;
}

/* Whoever is given a state that is damaged cannot use it, however often. */
static int check_state(struct prefix_source *source, const struct prefix_file *file, size_t len) {
    size_t from = 0;
    if (source->at_block == 0) {
        struct state_head *head = &source->state_head;
        from = STATE_HEAD_SIZE;
        if (len < from || state_head_decode(source->block, head) != ERR_NONE) return ERR_CORRUPT;
        if (head->group != source->group || head->index != file->last_index || !head->was_durable ||
            file->size_bytes != STATE_HEAD_SIZE + (uint64_t)head->len)
            return ERR_CORRUPT;
        source->state_crc = state_head_crc(source->block);
    }
    source->state_crc = crc32c(source->state_crc, source->block + from, len - from);
    bool last = source->at_block + 1 == prefix_file_blocks(file->size_bytes);
    return last && source->state_crc != source->state_head.crc ? ERR_CORRUPT : ERR_NONE;
}

/* It may be all that there is of a segment that was cleaned. */
static int check_header(const struct prefix_source *source, size_t len) {
    struct segment_header found;
    bool sound = len >= SEGMENT_HEADER_SIZE &&
                 segment_header_decode(source->block, SEGMENT_FILE_LOG, &found) == ERR_NONE &&
                 segment_header_equals(&found, &source->segments[source->at_file]->header);
    return sound ? ERR_NONE : ERR_CORRUPT;
}

static int sum_block(struct prefix_source *source, struct prefix_file *file) {
    if (file->block_crcs == NULL) {
        int error = file->kind == PREFIX_STATE ? find_size(source, file) : 0;
        if (error) return error;
        file->block_crcs = mem_zalloc(sizeof(uint32_t) *
                                      (size_t)prefix_file_blocks(file->size_bytes));
    }
    uint64_t offset = source->at_block * PREFIX_BLOCK, left = file->size_bytes - offset;
    size_t len = left < PREFIX_BLOCK ? (size_t)left : PREFIX_BLOCK;
    int error = read_whole(source, source->at_file, source->block, len, offset);
    if (!error && file->kind == PREFIX_STATE) error = check_state(source, file, len);
    if (!error && file->kind == PREFIX_SEGMENT && source->at_block == 0)
        error = check_header(source, len);
    if (error) return error;
    file->block_crcs[source->at_block++] = crc32c(0, source->block, len);
    if (source->at_block < prefix_file_blocks(file->size_bytes)) return ERR_NONE;
    if (file->kind == PREFIX_SEGMENT)
        begin_check(source, file);
    else
        next_file(source);
    return ERR_NONE;
}

/* Whether all of the file at hand is known without a look at it. */
static bool is_summed(const struct prefix_source *source) {
    return source->at_block == 0 && !source->checking &&
           source->list.files[source->at_file].block_crcs != NULL;
}

static void sum_work(struct env_job *job) {
    struct prefix_source *source = CONTAINER_OF(job, struct prefix_source, job);
    if (source->block == NULL) source->block = mem_alloc(PREFIX_BLOCK);
    source->error = ERR_NONE;
    int blocks = 0;
    while (source->at_file < source->list.count && blocks < BLOCKS_OF_A_JOB && !source->error) {
        if (is_summed(source)) {
            source->at_file++;
            continue;
        }
        blocks++;
        source->error = source->checking ? check_block(source)
                                         : sum_block(source, &source->list.files[source->at_file]);
    }
}

static void leave_with_segments(const struct prefix_source *source) {
    for (size_t i = 0; i < source->list.count; i++) {
        struct segment *segment = source->segments[i];
        const struct prefix_file *file = &source->list.files[i];
        if (segment == NULL || segment->block_crcs != NULL) continue;
        segment->block_crcs = copy_of_crcs(file->block_crcs, file->size_bytes);
    }
}

static void sum_done(struct env_job *job) {
    struct prefix_source *source = came_back(job);
    if (source == NULL) return;
    if (!source->error && source->at_file < source->list.count) {
        run(source, sum_work, sum_done);
        return;
    }
    mem_free(source->block);
    source->block = NULL;
    source->is_ready = !source->error;
    if (source->is_ready) leave_with_segments(source);
    source->events->ready(source->arg, source->error);
}

void prefix_source_distrust(struct prefix_source *source) {
    for (size_t i = 0; i < source->list.count; i++) {
        if (source->segments[i] == NULL) continue;
        mem_free(source->segments[i]->block_crcs);
        source->segments[i]->block_crcs = NULL;
    }
}

void prefix_source_begin(struct prefix_source *source, const struct prefix_source_events *events,
                         void *arg) {
    source->events = events;
    source->arg = arg;
    run(source, sum_work, sum_done);
}

/* ---- Reading ---- */

static void read_work(struct env_job *job) {
    struct prefix_source *source = CONTAINER_OF(job, struct prefix_source, job);
    source->error = read_whole(source, source->wanted_file, source->bytes->data,
                               source->wanted_length, source->wanted_offset);
}

static void read_done(struct env_job *job) {
    struct prefix_source *source = came_back(job);
    if (source == NULL) return;
    struct slice bytes = {0};
    if (!source->error) bytes = slice_of(source->bytes, 0, source->wanted_length);
    buffer_unref(source->bytes);
    source->bytes = NULL;
    source->events->done(source->arg, source->error, bytes);
}

void prefix_source_read(struct prefix_source *source, size_t file, uint64_t offset,
                        uint32_t length) {
    CHECK(source->is_ready && file < source->list.count && length > 0 &&
          offset <= source->list.files[file].size_bytes &&
          length <= source->list.files[file].size_bytes - offset);
    source->wanted_file = file;
    source->wanted_offset = offset;
    source->wanted_length = length;
    source->bytes = buffer_new(NULL, length);
    run(source, read_work, read_done);
}
