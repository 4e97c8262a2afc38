/* Encoding, writing and reading of `start`. */
#include "storage/segment/start_file.h"

#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "storage/little_endian.h"
#include "storage/segment/segment_format.h"

enum {
    MAGIC = 0x534c5244, /* "DRLS" */
    FORMAT = 1,
    AT_GROUP = 8,
    AT_INDEX = 16,
    AT_OFFSET = 24,
    AT_TERM = 32,
    AT_CHANGE_LEN = 36,
    AT_CHANGE_INDEX = 40,
    AT_CRC = 48,
    HEAD_SIZE = 52,
    COPY_ALIGN = 4096,
    COPY_MOST = 1 << 20,
};

static size_t copy_size(size_t change_len) {
    return (HEAD_SIZE + change_len + COPY_ALIGN - 1) / COPY_ALIGN * COPY_ALIGN;
}

static uint32_t checksum(const uint8_t *copy, size_t change_len) {
    return crc32c(crc32c(0, copy, AT_CRC), copy + HEAD_SIZE, change_len);
}

/* ---- Writing ---- */

static void encode(uint64_t group, const struct start_file *start, uint8_t *copy) {
    le_put_u32(copy, MAGIC);
    le_put_u32(copy + 4, FORMAT);
    le_put_u64(copy + AT_GROUP, group);
    le_put_u64(copy + AT_INDEX, start->index);
    le_put_u64(copy + AT_OFFSET, (uint64_t)start->offset);
    le_put_u32(copy + AT_TERM, start->term);
    le_put_u32(copy + AT_CHANGE_LEN, (uint32_t)start->change.len);
    le_put_u64(copy + AT_CHANGE_INDEX, start->change_index);
    if (start->change.len > 0) memcpy(copy + HEAD_SIZE, start->change.data, start->change.len);
    le_put_u32(copy + AT_CRC, checksum(copy, start->change.len));
}

static int write_synced(struct env *env, const char *path, const uint8_t *bytes, size_t len) {
    struct env_file *file;
    struct env_iov iov = {.base = bytes, .len = len};
    int error = env_file_open(env, path, ENV_WRITE | ENV_CREATE, &file);
    if (error) return error;
    error = env_file_truncate(file, 0); /* what an earlier try left */
    if (!error) error = env_file_write(file, &iov, 1, 0, !MUTANT(MUTANT_START_NOT_SYNCED));
    env_file_close(file);
    return error;
}

int start_file_write(struct env *env, const char *group_path, uint64_t group,
                     const struct start_file *start) {
    size_t size = copy_size(start->change.len);
    CHECK(size <= COPY_MOST); /* a configuration has CHANGE_SERVERS_MAX servers at most */
    uint8_t *bytes = mem_zalloc(2 * size);
    encode(group, start, bytes);
    memcpy(bytes + size, bytes, size);
    char *path = path_join(group_path, "start"), *unfinished = path_join(group_path, "start.new");
    int error = write_synced(env, unfinished, bytes, 2 * size);
    if (!error) error = env_rename(env, unfinished, path);
    if (!error && !MUTANT(MUTANT_START_NOT_SYNCED)) error = env_sync_dir(env, group_path);
    mem_free(path);
    mem_free(unfinished);
    mem_free(bytes);
    return error;
}

/* ---- Reading ---- */

static int decode(const uint8_t *copy, size_t size, uint64_t group, struct start_file *into) {
    if (le_get_u32(copy) != MAGIC) return ERR_CORRUPT;
    if (le_get_u32(copy + 4) != FORMAT) return ERR_VERSION;
    size_t change_len = le_get_u32(copy + AT_CHANGE_LEN);
    if (change_len > size - HEAD_SIZE || copy_size(change_len) != size ||
        checksum(copy, change_len) != le_get_u32(copy + AT_CRC) ||
        le_get_u64(copy + AT_GROUP) != group)
        return ERR_CORRUPT;
    *into = (struct start_file){.index = le_get_u64(copy + AT_INDEX),
                                .term = le_get_u32(copy + AT_TERM),
                                .offset = (int64_t)le_get_u64(copy + AT_OFFSET),
                                .change_index = le_get_u64(copy + AT_CHANGE_INDEX)};
    bool sound = into->index > 0 && into->term > 0 && into->offset >= 0 &&
                 into->change_index <= into->index;
    if (!sound) return ERR_CORRUPT;
    if (change_len > 0) into->change = slice_copy(NULL, copy + HEAD_SIZE, change_len);
    return ERR_NONE;
}

static int read_copies(struct env_file *file, uint64_t group, struct start_file *into) {
    uint64_t size;
    size_t got;
    int error = env_file_size(file, &size);
    if (error) return error;
    if (size < 2 * COPY_ALIGN || size > 2 * COPY_MOST || size % (2 * COPY_ALIGN) != 0)
        return ERR_CORRUPT;
    uint8_t *bytes = mem_alloc(size);
    error = env_file_read(file, bytes, size, 0, &got);
    if (!error && got < size) error = ERR_CORRUPT;
    if (!error) {
        error = decode(bytes, size / 2, group, into);
        if (error && decode(bytes + size / 2, size / 2, group, into) == ERR_NONE) error = ERR_NONE;
    }
    mem_free(bytes);
    return error;
}

int start_file_read(struct env *env, const char *group_path, uint64_t group,
                    struct start_file *into) {
    struct env_file *file;
    char *path = path_join(group_path, "start");
    int error = env_file_open(env, path, ENV_READ, &file);
    mem_free(path);
    if (error) return error;
    error = read_copies(file, group, into);
    env_file_close(file);
    return error;
}
