/* Holding segments, opening and closing their files within the limit, loading an index. */
#include "storage/segment/segment.h"

#include "base/check.h"
#include "base/mem.h"
#include "storage/segment/segment_cursor.h"

enum { SCAN_CHUNK_BYTES = 256 << 10, GIVE_BACK = 16 };

struct segment *segment_new(struct segment_files *files, const char *group_path,
                            const struct segment_header *header, uint64_t interval_bytes,
                            struct segment_index *index) {
    struct segment *segment = mem_zalloc(sizeof *segment);
    segment->header = *header;
    segment->group_path = mem_strdup(group_path);
    segment->end = (struct segment_end){.position = SEGMENT_HEADER_SIZE,
                                        .last_index = header->first_index - 1,
                                        .offset = header->base_offset,
                                        .max_timestamp = -1};
    segment->index = index;
    segment->synced = SEGMENT_HEADER_SIZE;
    segment->interval_bytes = interval_bytes;
    segment->files = files;
    return segment;
}

/* ---- The lists of open files ---- */

static void list_remove(struct segment *segment) {
    struct segment_list *list = segment->list;
    if (!list) return;
    if (segment->older)
        segment->older->newer = segment->newer;
    else
        list->oldest = segment->newer;
    if (segment->newer)
        segment->newer->older = segment->older;
    else
        list->newest = segment->older;
    segment->older = segment->newer = NULL;
    segment->list = NULL;
}

static void list_add(struct segment_list *list, struct segment *segment) {
    segment->older = list->newest;
    segment->newer = NULL;
    if (list->newest)
        list->newest->newer = segment;
    else
        list->oldest = segment;
    list->newest = segment;
    segment->list = list;
}

static void close_oldest(struct segment_files *files) {
    struct segment *segment = files->idle.oldest;
    list_remove(segment);
    env_file_close(segment->file);
    segment->file = NULL;
    files->open--;
    if (segment->active) return;
    segment_index_free(segment->index);
    segment->index = NULL;
}

/* Asks for the sync of the unsynced file that waits longest; the next question is for the next one.
 */
static void ask_for_sync(struct segment_files *files) {
    struct segment *segment = files->unsynced.oldest;
    if (!segment || !files->want_sync) return;
    list_remove(segment);
    list_add(&files->unsynced, segment);
    files->want_sync(files->arg, segment);
}

bool segment_files_are_scarce(const struct segment_files *files) {
    return !files->idle.oldest && files->open > files->limit / 2;
}

/* Files beyond the limit are closed; unsynced ones are not to use up the room of all others. */
static void close_unused(struct segment_files *files) {
    while (files->idle.oldest && files->open > files->limit)
        close_oldest(files);
    if (segment_files_are_scarce(files)) ask_for_sync(files);
}

static bool may_open(struct segment_files *files) {
    while (files->idle.oldest && files->open >= files->limit)
        close_oldest(files);
    if (files->open < files->limit) return true;
    ask_for_sync(files);
    return false;
}

void segment_files_give_back(struct segment_files *files) {
    for (int i = 0; i < GIVE_BACK && files->idle.oldest; i++)
        close_oldest(files);
}

/* ---- Life ---- */

/* A close in the pool. */
struct closing {
    struct env_job job; /* first */
    struct env_file *file;
};

static void closing_work(struct env_job *job) {
    env_file_close(((struct closing *)job)->file);
}

static void closing_done(struct env_job *job) {
    mem_free(job);
}

static void close_apart(struct env *env, struct env_file *file) {
    struct closing *closing = mem_zalloc(sizeof *closing);
    closing->job = (struct env_job){.work = closing_work, .done = closing_done};
    closing->file = file;
    env_pool_run(env, &closing->job);
}

static void free_segment(struct segment *segment) {
    if (segment->file && segment->replaced_in)
        close_apart(segment->replaced_in, segment->file);
    else
        env_file_close(segment->file);
    segment_index_free(segment->index);
    mem_free(segment->block_crcs);
    mem_free(segment->group_path);
    mem_free(segment);
}

void segment_drop(struct segment *segment) {
    if (segment->file) segment->files->open--;
    list_remove(segment);
    segment->files = NULL;
    if (segment->holders == 0) free_segment(segment);
}

void segment_drop_replaced(struct segment *segment) {
    segment->replaced_in = segment->files->env;
    segment_drop(segment);
}

void segment_hold(struct segment *segment) {
    segment->holders++;
    list_remove(segment);
}

void segment_let_go(struct segment *segment) {
    CHECK(segment->holders > 0);
    if (--segment->holders > 0) return;
    struct segment_files *files = segment->files;
    if (!files) {
        free_segment(segment);
        return;
    }
    /* Bytes that are not synced keep the file open, so that an error of writing them back cannot
     * get lost with it. */
    bool synced = segment->synced == segment->end.position;
    if (segment->file) list_add(synced ? &files->idle : &files->unsynced, segment);
    close_unused(files);
    bool room = files->idle.oldest || files->open < files->limit;
    if (room && files->room) files->room(files->arg);
}

int segment_open_file(struct segment *segment) {
    struct segment_files *files = segment->files;
    CHECK(segment->holders > 0 && files);
    if (segment->file) return 0;
    if (segment->moving || !may_open(files)) return ERR_LIMIT;
    char *path = segment_path(segment, SEGMENT_FILE_LOG);
    int error;
    while ((error = env_file_open(files->env, path, ENV_READ | ENV_WRITE, &segment->file)) ==
               ERR_LIMIT &&
           files->idle.oldest)
        segment_files_give_back(files);
    mem_free(path);
    if (error) {
        segment->file = NULL;
        return error;
    }
    files->open++;
    return 0;
}

void segment_adopt_file(struct segment *segment, struct env_file *file) {
    CHECK(segment->holders > 0);
    if (segment->file) {
        env_file_close(file);
        return;
    }
    segment->file = file;
    if (segment->files) segment->files->open++;
}

void segment_adopt_index(struct segment *segment, struct segment_index *index) {
    if (segment->index)
        segment_index_free(index);
    else
        segment->index = index;
}

char *segment_path(const struct segment *segment, enum segment_file_kind kind) {
    return path_of_segment(segment->group_path, segment->header.base_offset, kind);
}

void segment_index_free(struct segment_index *index) {
    if (!index) return;
    segment_index_close(index);
    mem_free(index);
}

/* Adds the entries between where the index ends and `limit`. */
static int scan(struct env_file *file, uint64_t limit, struct segment_index *index) {
    struct segment_cursor cursor;
    segment_cursor_init(&cursor, file, index->header.group, index->end.position, limit,
                        SCAN_CHUNK_BYTES);
    cursor.expected_index = index->end.last_index + 1;
    cursor.gaps = segment_is_cleaned(&index->header);
    struct entry header;
    int error;
    while ((error = segment_cursor_peek(&cursor, &header)) == 0) {
        if (!segment_index_takes(index, &header) ||
            !segment_index_goes_on_at(index, cursor.position)) {
            error = ERR_CORRUPT;
            break;
        }
        segment_index_add(index, &header, entry_stored_size(&header));
        segment_cursor_skip(&cursor, &header);
    }
    if (error == ERR_EOF)
        error = segment_index_goes_on_at(index, cursor.position) ? 0 : ERR_CORRUPT;
    segment_cursor_close(&cursor);
    return error;
}

static void begin_again(struct segment_index *index) {
    struct segment_header header = index->header;
    segment_index_close(index);
    segment_index_init(index, &header, index->interval_bytes);
}

static int load(struct env *env, const char *path, uint64_t limit, bool with_points,
                struct segment_index *index) {
    int error = segment_index_load(env, path, limit, with_points, index);
    if (error || index->end.position >= limit || with_points) return error;
    begin_again(index); /* a scan makes points, and they need those before them */
    return segment_index_load(env, path, limit, true, index);
}

int segment_index_read(struct env *env, struct env_file *file, const char *index_path,
                       const struct segment_header *header, uint64_t limit, uint64_t interval_bytes,
                       bool with_points, struct segment_index **out, uint64_t *damaged_at) {
    struct segment_index *index = mem_alloc(sizeof *index);
    segment_index_init(index, header, interval_bytes);
    int error = index_path ? load(env, index_path, limit, with_points, index) : 0;
    bool believed = index->end.position > SEGMENT_HEADER_SIZE;
    if (!error && index->end.position < limit) error = scan(file, limit, index);
    if (error == ERR_CORRUPT && believed) { /* which of the two is wrong? */
        begin_again(index);
        error = scan(file, limit, index);
    }
    if (error) {
        if (damaged_at) *damaged_at = index->end.position;
        segment_index_free(index);
        return error;
    }
    if (index->end.position == limit) segment_index_close_gap(index);
    *out = index;
    return 0;
}
