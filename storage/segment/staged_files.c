/* What of a staged directory is there, and writing and comparing what is not. */
#include "storage/segment/staged_files.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "storage/log_types.h"
#include "storage/segment/segment_format.h"
#include "storage/segment/staged_directory.h"

enum { SYNC_EVERY_BYTES = 8 << 20 };

static const struct prefix_file *present_file(const struct staged_files *files) {
    return &files->list->files[files->at];
}

bool staged_files_are_whole(const struct staged_files *files) {
    return files->at == files->list->count;
}

static int stopped(const struct staged_files *files) {
    return atomic_load(&files->stop) ? ERR_CANCELED : ERR_NONE;
}

/* What may pass is no more than that; else the disk cannot be believed. */
static int failed(struct staged_files *files, int error) {
    if (error && error != ERR_LIMIT && error != ERR_CANCELED && !error_is_no_room(error))
        files->disk_failed = true;
    return error;
}

static int open_present(struct staged_files *files) {
    if (files->file != NULL) return ERR_NONE;
    char *path = staged_file_path(files->path, present_file(files));
    int error = env_file_open(files->env, path, ENV_READ | ENV_WRITE | ENV_CREATE, &files->file);
    mem_free(path);
    if (error) files->file = NULL;
    return failed(files, error);
}

static void close_present(struct staged_files *files) {
    env_file_close(files->file);
    files->file = NULL;
    files->unsynced = 0;
}

static int sync_present(struct staged_files *files) {
    files->unsynced = 0;
    return failed(files, env_file_sync(files->file));
}

static uint32_t block_crc(const struct staged_files *files, uint64_t position) {
    return present_file(files)->block_crcs[position / PREFIX_BLOCK];
}

uint64_t staged_files_block_end(const struct staged_files *files, uint64_t position) {
    uint64_t end = (position / PREFIX_BLOCK + 1) * PREFIX_BLOCK,
             size = present_file(files)->size_bytes;
    return end < size ? end : size;
}

static uint64_t lacks(const struct staged_files *files, size_t i) {
    uint64_t size = files->list->files[i].size_bytes;
    return files->there[i] < size ? size - files->there[i] : 0;
}

uint64_t staged_files_missing(const struct staged_files *files) {
    return staged_files_are_whole(files) ? 0 : files->missing_behind + lacks(files, files->at);
}

/* ---- Looking ---- */

struct names {
    char **all;
    size_t count, room;
};

static void add_name(void *arg, const char *name) {
    struct names *names = arg;
    names->all = mem_grow(names->all, names->count, &names->room, sizeof *names->all);
    names->all[names->count++] = mem_strdup(name);
}

/* Segments are in the order of their base offsets. The list's count: none of them is at it. */
static size_t segment_at(const struct prefix_files *list, kafka_offset base) {
    size_t low = 1, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->files[middle].base_offset < base)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list->count && list->files[low].base_offset == base ? low : list->count;
}

/* The list's count: it is none of it. */
static size_t listed_as(const struct staged_files *files, const char *name) {
    const struct prefix_files *list = files->list;
    uint64_t number;
    size_t i = list->count;
    if (path_number(name, ".snapshot", &number))
        i = 0;
    else if (path_number(name, ".log", &number))
        i = segment_at(list, (kafka_offset)number);
    if (i == list->count) return i;
    char *path = path_join(files->path, name), *of = staged_file_path(files->path, &list->files[i]);
    bool same = strcmp(path, of) == 0;
    mem_free(path);
    mem_free(of);
    return same ? i : list->count;
}

/* Of another list, or of the end of an earlier staging: it goes. */
static int look_at(struct staged_files *files, const char *name) {
    char *path = path_join(files->path, name);
    size_t i = listed_as(files, name);
    struct env_file *file = NULL;
    int error;
    if (i == files->list->count) {
        error = env_unlink(files->env, path);
    } else {
        error = env_file_open(files->env, path, ENV_READ, &file);
        if (!error) error = env_file_size(file, &files->there[i]);
        if (file != NULL) env_file_close(file);
    }
    mem_free(path);
    return error;
}

int staged_files_look(struct staged_files *files) {
    int error = stopped(files);
    if (error) return error;
    error = env_mkdir(files->env, files->path);
    if (error && error != ERR_EXISTS) return failed(files, error);
    struct names names = {0};
    files->there = mem_zalloc(files->list->count * sizeof *files->there);
    error = env_list_dir(files->env, files->path, add_name, &names);
    for (size_t i = 0; i < names.count; i++) {
        if (!error) error = stopped(files);
        if (!error) error = look_at(files, names.all[i]);
        mem_free(names.all[i]);
    }
    mem_free(names.all);
    for (size_t i = 1; i < files->list->count; i++)
        files->missing_behind += lacks(files, i);
    return failed(files, error);
}

/* ---- Taking up ---- */

/* The same bytes once more: the page cache may hold them as clean though they never got to the
 * disk. */
static int write_again(struct staged_files *files, const uint8_t *block, size_t len) {
    struct env_iov iov = {.base = block, .len = len};
    if (!files->rewrites) return ERR_NONE;
    int error = env_file_write(files->file, &iov, 1, files->position, false);
    files->unsynced += len;
    if (!error && files->unsynced >= SYNC_EVERY_BYTES) error = sync_present(files);
    return error;
}

/* Whole blocks of the present file that match stay; what lies behind them goes. */
static int keep_matching(struct staged_files *files) {
    const struct prefix_file *file = present_file(files);
    uint8_t *block = mem_alloc(PREFIX_BLOCK);
    uint64_t size = 0;
    int error = env_file_size(files->file, &size);
    while (!error && files->position < file->size_bytes && files->position < size) {
        size_t len = (size_t)(staged_files_block_end(files, files->position) - files->position),
               got = 0;
        error = stopped(files);
        if (!error) error = env_file_read(files->file, block, len, files->position, &got);
        bool same = got == len && (crc32c(0, block, len) == block_crc(files, files->position) ||
                                   MUTANT(MUTANT_STAGED_UNCHECKED));
        if (error || !same) break;
        error = write_again(files, block, len);
        files->position += len;
    }
    mem_free(block);
    if (!error && size > files->position) error = env_file_truncate(files->file, files->position);
    if (!error) files->there[files->at] = files->position;
    return failed(files, error);
}

/* The next file, when this one is whole. */
static int end_file(struct staged_files *files) {
    int error = sync_present(files);
    if (error) return error;
    close_present(files);
    files->at++;
    files->position = 0;
    if (!staged_files_are_whole(files)) files->missing_behind -= lacks(files, files->at);
    return ERR_NONE;
}

int staged_files_take_up(struct staged_files *files) {
    int error = ERR_NONE;
    while (!error && !staged_files_are_whole(files)) {
        error = stopped(files);
        if (!error) error = open_present(files);
        if (!error) error = keep_matching(files);
        if (error || files->position < present_file(files)->size_bytes) break;
        error = end_file(files);
    }
    return error;
}

/* ---- Putting ---- */

/* The block is there: it counts if it is what the list says. */
static int check_block(struct staged_files *files) {
    uint64_t begin = (files->position - 1) / PREFIX_BLOCK * PREFIX_BLOCK;
    bool right = files->crc == block_crc(files, begin) || MUTANT(MUTANT_STAGED_UNCHECKED);
    files->crc = 0;
    if (right) return ERR_NONE;
    files->position = begin;
    return ERR_CORRUPT;
}

int staged_files_put(struct staged_files *files, struct slice bytes) {
    struct env_iov iov = {.base = bytes.data, .len = bytes.len};
    uint64_t end = staged_files_block_end(files, files->position);
    int error = stopped(files);
    if (!error) error = open_present(files);
    if (!error) error = failed(files, env_file_write(files->file, &iov, 1, files->position, false));
    if (error) return error;
    files->crc = crc32c(files->crc, bytes.data, bytes.len);
    files->position += bytes.len;
    files->unsynced += bytes.len;
    if (files->there[files->at] < files->position) files->there[files->at] = files->position;
    if (files->position < end) return ERR_NONE;
    error = check_block(files);
    if (!error && files->unsynced >= SYNC_EVERY_BYTES) error = sync_present(files);
    if (!error && files->position == present_file(files)->size_bytes) {
        error = end_file(files);
        if (!error) error = staged_files_take_up(files);
    }
    return error;
}

void staged_files_close(struct staged_files *files) {
    close_present(files);
    mem_free(files->there);
    files->there = NULL;
}
