/* The list in a staged directory, and the renames that put one in the place of another. */
#include "storage/segment/staged_directory.h"

#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "storage/little_endian.h"
#include "storage/segment/group_directory.h"
#include "storage/segment/segment_format.h"

enum {
    MAGIC = 0x4f535244, /* "DRSO" */
    FORMAT = 1,
    HEAD_SIZE = 24,
    AT_CRC = 20,
    LIST_MOST = 64 << 20, /* PREFIX_BLOCKS_MOST checksums, PREFIX_FILES_MOST files */
};

char *staged_directory_path(const char *group_path) {
    size_t size = strlen(group_path) + sizeof ".in";
    char *path = mem_alloc(size);
    snprintf(path, size, "%s.in", group_path);
    return path;
}

char *staged_file_path(const char *staged_path, const struct prefix_file *file) {
    return file->kind == PREFIX_STATE
               ? path_of_snapshot(staged_path, file->last_index)
               : path_of_segment(staged_path, file->base_offset, SEGMENT_FILE_LOG);
}

struct staged_place staged_directory_end(const struct prefix_files *files) {
    return (struct staged_place){.index = files->ends.index,
                                 .segment = files->ends.next_offset,
                                 .position = SEGMENT_HEADER_SIZE};
}

/* ---- The list ---- */

static uint32_t checksum(const uint8_t head[HEAD_SIZE], const uint8_t *list, size_t len) {
    return crc32c(crc32c(0, head, AT_CRC), list, len);
}

int staged_directory_seal(struct env *env, const char *staged_path, uint64_t group,
                          const struct prefix_files *files) {
    uint8_t head[HEAD_SIZE];
    struct slice list = prefix_files_encode(files);
    le_put_u32(head, MAGIC);
    le_put_u32(head + 4, FORMAT);
    le_put_u64(head + 8, group);
    le_put_u32(head + 16, (uint32_t)list.len);
    le_put_u32(head + AT_CRC, checksum(head, list.data, list.len));
    struct env_iov iov[2] = {{.base = head, .len = sizeof head},
                             {.base = list.data, .len = list.len}};
    char *path = path_join(staged_path, "offer"), *unfinished = path_join(staged_path, "offer.new");
    struct env_file *file;
    int error = env_file_open(env, unfinished, ENV_WRITE | ENV_CREATE, &file);
    if (!error) {
        error = env_file_truncate(file, 0);
        if (!error) error = env_file_write(file, iov, 2, 0, true);
        env_file_close(file);
    }
    if (!error) error = env_rename(env, unfinished, path);
    if (!error) error = env_sync_dir(env, staged_path);
    mem_free(unfinished);
    mem_free(path);
    slice_unref(&list);
    return error;
}

static int read_list(struct env_file *file, uint64_t group, struct prefix_files *files) {
    uint8_t head[HEAD_SIZE];
    uint64_t size;
    size_t got;
    int error = env_file_size(file, &size);
    if (!error) error = env_file_read(file, head, sizeof head, 0, &got);
    if (error) return error;
    if (got < sizeof head || le_get_u32(head) != MAGIC) return ERR_CORRUPT;
    uint32_t len = le_get_u32(head + 16);
    if (le_get_u64(head + 8) != group || len > LIST_MOST || size != (uint64_t)len + HEAD_SIZE)
        return ERR_CORRUPT;
    uint8_t *list = mem_alloc(len + 1);
    error = env_file_read(file, list, len, HEAD_SIZE, &got);
    if (!error && (got < len || checksum(head, list, len) != le_get_u32(head + AT_CRC)))
        error = ERR_CORRUPT;
    if (!error && le_get_u32(head + 4) != FORMAT) error = ERR_VERSION; /* it is whole, and later */
    if (!error && prefix_files_decode(list, len, files) != ERR_NONE) error = ERR_CORRUPT;
    mem_free(list);
    return error;
}

int staged_directory_ends_at(struct env *env, const char *staged_path, uint64_t group,
                             const struct staged_place *place, bool *ends_there) {
    char *path = path_join(staged_path, "offer");
    struct env_file *file;
    int error = env_file_open(env, path, ENV_READ, &file);
    mem_free(path);
    *ends_there = false;
    if (error) return error == ERR_NOT_FOUND ? 0 : error;
    struct prefix_files files;
    error = read_list(file, group, &files);
    env_file_close(file);
    if (error) return error_is_damage(error) ? 0 : error; /* it was never to be put in place */
    struct staged_place end = staged_directory_end(&files);
    *ends_there = end.index == place->index && end.segment == place->segment &&
                  end.position == place->position;
    prefix_files_free(&files);
    return 0;
}

/* ---- The swap ---- */

static void forget_list(struct env *env, const char *group_path) {
    char *path = path_join(group_path, "offer");
    env_unlink(env, path); /* if it stays, nobody looks for it there */
    mem_free(path);
}

/* Nothing is staged: did an earlier call put it in place? */
static int look_in_place(struct env *env, const char *group_path, uint64_t group,
                         const struct staged_place *place) {
    bool ends_there;
    int error = staged_directory_ends_at(env, group_path, group, place, &ends_there);
    return error || ends_there ? error : ERR_NOT_FOUND;
}

int staged_directory_swap(struct env *env, const char *groups_path, const char *group_path,
                          uint64_t group, const struct staged_place *place, char **aside) {
    char *staged_path = staged_directory_path(group_path);
    enum env_kind kind = ENV_NOTHING;
    *aside = NULL;
    int error = env_kind_of(env, staged_path, &kind);
    if (!error && kind != ENV_DIRECTORY) {
        error = look_in_place(env, group_path, group, place);
    } else if (!error) {
        error = group_directory_put_aside(env, group_path, aside);
        if (error == ERR_NOT_FOUND) error = 0;
        if (!error) error = env_sync_dir(env, groups_path);
        if (!error) error = env_rename(env, staged_path, group_path);
    }
    if (!error) error = env_sync_dir(env, groups_path);
    if (!error) forget_list(env, group_path);
    mem_free(staged_path);
    return error;
}
