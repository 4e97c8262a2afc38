/* Encoding, writing and reading of `start`. */
#include "storage/segment/start_file.h"

#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "storage/directory.h"
#include "storage/little_endian.h"
#include "storage/segment/segment_format.h"

enum {
    MAGIC = 0x534c5244, /* "DRLS" */
    FORMAT_ONE_BEGINNING = 1,
    FORMAT = 2,
    AT_GROUP = 8,
    AT_INDEX = 16,
    AT_OFFSET = 24,
    AT_TERM = 32,
    AT_CHANGE_LEN = 36,
    AT_CHANGE_INDEX = 40,
    AT_FILE_INDEX = 48,
    AT_FILE_OFFSET = 56,
    COPY_ALIGN = 4096,
    COPY_MOST = 1 << 20,
};

/* Where the checksum is; the configuration follows it. */
static size_t crc_at(uint32_t format) {
    return format == FORMAT_ONE_BEGINNING ? 48 : 64;
}

static size_t head_size(uint32_t format) {
    return crc_at(format) + 4;
}

static size_t copy_size(uint32_t format, size_t change_len) {
    return (head_size(format) + change_len + COPY_ALIGN - 1) / COPY_ALIGN * COPY_ALIGN;
}

static uint32_t checksum(const uint8_t *copy, uint32_t format, size_t change_len) {
    return crc32c(crc32c(0, copy, crc_at(format)), copy + head_size(format), change_len);
}

/* ---- Writing ---- */

static void encode(uint64_t group, const struct start_file *start, uint8_t *copy) {
    le_put_u32(copy, MAGIC);
    le_put_u32(copy + 4, FORMAT);
    le_put_u64(copy + AT_GROUP, group);
    le_put_u64(copy + AT_INDEX, start->index);
    le_put_u64(copy + AT_OFFSET, (uint64_t)start->next_offset);
    le_put_u32(copy + AT_TERM, start->term);
    le_put_u32(copy + AT_CHANGE_LEN, (uint32_t)start->change.len);
    le_put_u64(copy + AT_CHANGE_INDEX, start->change_index);
    le_put_u64(copy + AT_FILE_INDEX, start->file_index);
    le_put_u64(copy + AT_FILE_OFFSET, (uint64_t)start->file_offset);
    if (start->change.len > 0)
        memcpy(copy + head_size(FORMAT), start->change.data, start->change.len);
    le_put_u32(copy + crc_at(FORMAT), checksum(copy, FORMAT, start->change.len));
}

int start_file_write(struct env *env, const char *group_path, uint64_t group,
                     const struct start_file *start) {
    size_t size = copy_size(FORMAT, start->change.len);
    CHECK(size <= COPY_MOST); /* a configuration has CHANGE_SERVERS_MAX servers at most */
    uint8_t *bytes = mem_zalloc(2 * size);
    encode(group, start, bytes);
    memcpy(bytes + size, bytes, size);
    char *path = path_join(group_path, "start");
    int error = directory_put_file(env, group_path, path, bytes, 2 * size);
    mem_free(path);
    mem_free(bytes);
    return error;
}

/* ---- Reading ---- */

static int decode(const uint8_t *copy, size_t size, uint64_t group, struct start_file *into) {
    if (le_get_u32(copy) != MAGIC) return ERR_CORRUPT;
    uint32_t format = le_get_u32(copy + 4);
    if (format != FORMAT && format != FORMAT_ONE_BEGINNING) return ERR_VERSION;
    size_t change_len = le_get_u32(copy + AT_CHANGE_LEN);
    if (change_len > size - head_size(format) || copy_size(format, change_len) != size ||
        checksum(copy, format, change_len) != le_get_u32(copy + crc_at(format)) ||
        le_get_u64(copy + AT_GROUP) != group)
        return ERR_CORRUPT;
    *into = (struct start_file){.index = le_get_u64(copy + AT_INDEX),
                                .term = le_get_u32(copy + AT_TERM),
                                .next_offset = (int64_t)le_get_u64(copy + AT_OFFSET),
                                .change_index = le_get_u64(copy + AT_CHANGE_INDEX)};
    into->file_index = into->index;
    into->file_offset = into->next_offset;
    if (format == FORMAT) {
        into->file_index = le_get_u64(copy + AT_FILE_INDEX);
        into->file_offset = (int64_t)le_get_u64(copy + AT_FILE_OFFSET);
    }
    bool sound = into->index > 0 && into->term > 0 && into->change_index <= into->index &&
                 into->file_index <= into->index && into->file_offset >= 0 &&
                 into->file_offset <= into->next_offset;
    if (!sound) return ERR_CORRUPT;
    if (change_len > 0) into->change = slice_copy(NULL, copy + head_size(format), change_len);
    return ERR_NONE;
}

/* `both`: one that is whole is not enough. */
static int read_copies(struct env_file *file, uint64_t group, bool both, struct start_file *into) {
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
    bool same = error || memcmp(bytes, bytes + size / 2, size / 2) == 0;
    if (both && !same) error = ERR_CORRUPT;
    mem_free(bytes);
    return error;
}

static int read_file(struct env *env, const char *group_path, uint64_t group, bool both,
                     struct start_file *into) {
    struct env_file *file;
    char *path = path_join(group_path, "start");
    int error = env_file_open(env, path, ENV_READ, &file);
    mem_free(path);
    if (error) return error;
    error = read_copies(file, group, both, into);
    env_file_close(file);
    return error;
}

int start_file_read(struct env *env, const char *group_path, uint64_t group,
                    struct start_file *into) {
    return read_file(env, group_path, group, false, into);
}

int start_file_check(struct env *env, const char *group_path, uint64_t group) {
    struct start_file found = {0};
    int error = read_file(env, group_path, group, true, &found);
    slice_unref(&found.change);
    return error;
}
