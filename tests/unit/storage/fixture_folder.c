/* An environment, a temporary folder, entries. */
#include "tests/unit/storage/fixture_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/unit/unit.h"

void folder_open(struct folder *folder) {
    *folder = (struct folder){0};
    snprintf(folder->path, sizeof folder->path, "/tmp/drave-unit-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    folder->log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_int_equal(env_uv_new(&folder->env, folder->log_fd), ERR_NONE);
    folder->log = (struct log){.env = folder->env, .level = LOG_ERROR};
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw) {
    (void)stat;
    (void)type;
    (void)ftw;
    return remove(path);
}

void folder_close(struct folder *folder) {
    assert_true(env_uv_free(folder->env));
    close(folder->log_fd);
    assert_int_equal(nftw(folder->path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void patience_over(void *arg) {
    (void)arg;
    fail_msg("the test did not come to its end within %d s", UNIT_PATIENCE_S);
}

void folder_run(struct folder *folder) {
    struct env_timer *patience = env_timer_new(folder->env, patience_over, NULL);
    env_timer_start(patience, UNIT_PATIENCE_S * 1000 * 1000);
    env_uv_run(folder->env);
    env_timer_free(patience);
}

void folder_stop(struct folder *folder) {
    env_uv_stop(folder->env);
}

void folder_run_out(struct folder *folder) {
    env_uv_run(folder->env);
}

uint8_t *file_bytes(const char *path, size_t *len) {
    struct stat stat_of;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &stat_of), 0);
    *len = (size_t)stat_of.st_size;
    uint8_t *bytes = mem_alloc(*len + 1);
    assert_int_equal(read(fd, bytes, *len), *len);
    bytes[*len] = 0;
    close(fd);
    return bytes;
}

void file_put(const char *path, const void *bytes, size_t len) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

static int compare_names(const void *left, const void *right) {
    return strcmp(left, right);
}

size_t file_names(const char *directory, const char *suffix, char (*names)[64], size_t room) {
    DIR *dir = opendir(directory);
    assert_non_null(dir);
    size_t count = 0;
    for (struct dirent *at; (at = readdir(dir));) {
        size_t len = strlen(at->d_name), tail = strlen(suffix);
        if (len < tail || len >= sizeof names[0] || strcmp(at->d_name + len - tail, suffix) != 0)
            continue;
        assert_true(count < room);
        snprintf(names[count++], sizeof names[0], "%.63s", at->d_name);
    }
    closedir(dir);
    qsort(names, count, sizeof names[0], compare_names);
    return count;
}

uint64_t dice_next(struct dice *dice) {
    uint64_t z = dice->state += 0x9e3779b97f4a7c15; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

uint64_t dice_below(struct dice *dice, uint64_t limit) {
    return dice_next(dice) % limit;
}

/* Appends one batch to *bytes. */
static int32_t append_batch(struct dice *dice, uint8_t **bytes, size_t *len, int64_t base_offset,
                            uint32_t term, int records_max, size_t value_max, int64_t time,
                            int64_t *max_timestamp) {
    struct record_batch_options options = record_batch_plain();
    options.base_offset = base_offset;
    options.leader_epoch = (int32_t)term;
    options.codec = dice_below(dice, 4) ? RECORD_CODEC_NONE
                                        : (enum record_codec)dice_below(dice, 5);
    options.log_append_time = dice_below(dice, 8) == 0;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    int32_t records = (int32_t)dice_below(dice, (uint64_t)records_max) + 1;
    for (int32_t i = 0; i < records; i++) {
        int64_t at = time + (int64_t)dice_below(dice, 1000) - 500;
        if (at > *max_timestamp) *max_timestamp = at;
        char value[512];
        size_t value_len = dice_below(dice,
                                      value_max < sizeof value ? value_max + 1 : sizeof value);
        bool repeat = dice_below(dice, 2);
        for (size_t v = 0; v < value_len; v++)
            value[v] = repeat ? (char)('a' + v % 7) : (char)dice_next(dice);
        record_batch_builder_append(builder, at, "key", 3, value, (int32_t)value_len, NULL, 0);
    }
    uint8_t *batch;
    size_t batch_len;
    assert_int_equal(record_batch_builder_finish(builder, &batch, &batch_len), 0);
    *bytes = mem_realloc(*bytes, *len + batch_len);
    memcpy(*bytes + *len, batch, batch_len);
    *len += batch_len;
    mem_free(batch);
    return records;
}

struct entry *entry_of_batches(struct dice *dice, uint64_t group, uint64_t index, uint32_t term,
                               int64_t base_offset, int batches, int records_max, size_t value_max,
                               int64_t time) {
    uint8_t *bytes = NULL;
    size_t len = 0;
    int64_t max_timestamp = -1;
    int32_t records = 0;
    for (int i = 0; i < batches; i++)
        records += append_batch(dice, &bytes, &len, base_offset + records, term, records_max,
                                value_max, time, &max_timestamp);
    struct buffer *buffer = buffer_adopt(NULL, bytes, len);
    struct entry_spec spec = {.type = ENTRY_BATCHES,
                              .batches = (uint16_t)batches,
                              .base_offset = base_offset,
                              .records = (uint32_t)records,
                              .max_timestamp = max_timestamp,
                              .raw = {.buffer = buffer, .data = buffer->data, .len = len},
                              .compress = dice_below(dice, 2)};
    struct entry *entry = entry_new(NULL, &spec);
    entry_seal(entry, group, index, term);
    return entry;
}

struct entry *entry_internal(enum entry_type type, uint64_t group, uint64_t index, uint32_t term,
                             int64_t base_offset, const char *body) {
    struct entry_spec spec = {.type = (uint8_t)type,
                              .base_offset = base_offset,
                              .max_timestamp = -1,
                              .raw = slice_copy(NULL, body, strlen(body))};
    struct entry *entry = entry_new(NULL, &spec);
    entry_seal(entry, group, index, term);
    return entry;
}

void copy_files(const char *from, const char *to, const char *suffix) {
    char names[64][64], source[256], target[256];
    size_t count = file_names(from, suffix, names, 64);
    for (size_t i = 0; i < count; i++) {
        snprintf(source, sizeof source, "%s/%s", from, names[i]);
        snprintf(target, sizeof target, "%s/%s", to, names[i]);
        size_t len;
        uint8_t *bytes = file_bytes(source, &len);
        file_put(target, bytes, len);
        mem_free(bytes);
    }
}
