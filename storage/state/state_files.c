/* Writing, finding and reading of states. */
#include "storage/state/state_files.h"

#include "base/crc32c.h"
#include "base/mem.h"
#include "storage/segment/segment_format.h"

enum {
    PARTS_AT_ONCE = 256,
    KEPT = 2, /* the newest, and one that is usable if the newest is ahead of what recovery knows */
};

/* ---- Which there are ---- */

struct found {
    uint64_t *indexes;
    size_t count, room;
};

static void note(void *arg, const char *name) {
    struct found *found = arg;
    log_index index;
    if (!path_number(name, ".snapshot", &index) && !path_number(name, ".copy", &index)) return;
    for (size_t i = 0; i < found->count; i++)
        if (found->indexes[i] == index) return;
    found->indexes = mem_grow(found->indexes, found->count, &found->room, sizeof *found->indexes);
    /* Kept in order, newest first: there are two or three. */
    size_t at = found->count++;
    while (at > 0 && found->indexes[at - 1] < index) {
        found->indexes[at] = found->indexes[at - 1];
        at--;
    }
    found->indexes[at] = index;
}

static int list(struct env *env, const char *group_path, struct found *found) {
    *found = (struct found){0};
    return env_list_dir(env, group_path, note, found);
}

/* ---- Writing ---- */

static uint32_t checksum(const uint8_t head[STATE_HEAD_SIZE], const struct slice *parts,
                         size_t count) {
    uint32_t crc = state_head_crc(head);
    for (size_t i = 0; i < count; i++)
        crc = crc32c(crc, parts[i].data, parts[i].len);
    return crc;
}

struct writing {
    struct env *env;
    const char *group_path;
    uint64_t group;
    log_index index;
    const struct slice *parts;
    size_t count;
    uint64_t len;
};

/* Head and parts, so many at once; synced with the last. */
static int write_parts(struct env_file *file, const struct writing *writing,
                       uint8_t head[STATE_HEAD_SIZE]) {
    struct env_iov iov[PARTS_AT_ONCE + 1] = {{.base = head, .len = STATE_HEAD_SIZE}};
    uint64_t at = 0;
    size_t part = 0;
    int error = ERR_NONE;
    while (!error && (at == 0 || part < writing->count)) {
        uint64_t len = at == 0 ? STATE_HEAD_SIZE : 0;
        size_t count = at == 0 ? 1 : 0;
        for (; part < writing->count && count < PARTS_AT_ONCE; part++) {
            iov[count++] = (struct env_iov){.base = writing->parts[part].data,
                                            .len = writing->parts[part].len};
            len += writing->parts[part].len;
        }
        error = env_file_write(file, iov, count, at, part == writing->count);
        at += len;
    }
    return error;
}

/* Whole under that name, as soon as the directory is synced. */
static int write_file(const struct writing *writing, const char *path) {
    uint8_t head[STATE_HEAD_SIZE];
    struct state_head fields = {
        .group = writing->group, .index = writing->index, .len = (uint32_t)writing->len};
    state_head_encode(&fields, head);
    state_head_seal(head, checksum(head, writing->parts, writing->count));
    struct env_file *file;
    char *unfinished = path_join(writing->group_path, "snapshot.tmp");
    int error = env_file_open(writing->env, unfinished, ENV_WRITE | ENV_CREATE, &file);
    if (!error) {
        error = env_file_truncate(file, 0);
        if (!error) error = write_parts(file, writing, head);
        env_file_close(file);
    }
    if (error_is_no_room(error) || error == ERR_LIMIT) env_unlink(writing->env, unfinished);
    if (!error) error = env_rename(writing->env, unfinished, path);
    mem_free(unfinished);
    return error;
}

int state_files_write(struct env *env, const char *group_path, uint64_t group, log_index index,
                      const struct slice *parts, size_t count, uint64_t len, bool twice) {
    struct writing writing = {env, group_path, group, index, parts, count, len};
    char *path = path_of_snapshot(group_path, index),
         *copy = path_of_snapshot_copy(group_path, index);
    int error = write_file(&writing, path);
    if (!error && twice) error = write_file(&writing, copy);
    mem_free(path);
    mem_free(copy);
    return error ? error : env_sync_dir(env, group_path);
}

/* If it stays, it is one more that could be used. */
static void remove_files(struct env *env, const char *group_path, log_index index) {
    char *path = path_of_snapshot(group_path, index),
         *copy = path_of_snapshot_copy(group_path, index);
    env_unlink(env, path);
    env_unlink(env, copy);
    mem_free(path);
    mem_free(copy);
}

void state_files_remove_old(struct env *env, const char *group_path) {
    struct found found;
    list(env, group_path, &found); /* on an error some are not found, and stay */
    for (size_t i = KEPT; i < found.count; i++)
        remove_files(env, group_path, found.indexes[i]);
    mem_free(found.indexes);
}

/* ---- Reading ---- */

/* Of another format is what is whole: bytes rot in that number as in any other. */
static int read_checked(struct env_file *file, uint64_t size, uint64_t group, log_index index,
                        bool *was_durable, struct slice *state) {
    uint8_t head[STATE_HEAD_SIZE];
    size_t got;
    int error = env_file_read(file, head, sizeof head, 0, &got);
    if (error) return error;
    struct state_head fields;
    int format = got < sizeof head ? ERR_MALFORMED : state_head_decode(head, &fields);
    if (format != ERR_NONE && format != ERR_VERSION) return format;
    *was_durable = fields.was_durable;
    if (fields.group != group || fields.index != index ||
        size != (uint64_t)fields.len + STATE_HEAD_SIZE)
        return ERR_MALFORMED;
    struct buffer *buffer = buffer_new(NULL, fields.len);
    error = env_file_read(file, buffer->data, fields.len, STATE_HEAD_SIZE, &got);
    *state = (struct slice){.buffer = buffer, .data = buffer->data, .len = fields.len};
    if (!error && (got < fields.len || checksum(head, state, 1) != fields.crc)) error = ERR_CORRUPT;
    if (!error) error = format;
    if (error) slice_unref(state);
    return error;
}

int state_file_read(struct env *env, const char *path, uint64_t group, log_index index,
                    bool *was_durable, struct slice *state) {
    struct env_file *file;
    int error = env_file_open(env, path, ENV_READ, &file);
    if (error) return error;
    uint64_t size;
    error = env_file_size(file, &size);
    if (!error) error = read_checked(file, size, group, index, was_durable, state);
    env_file_close(file);
    return error;
}

static int read_either(struct env *env, const char *group_path, uint64_t group, log_index index,
                       bool *was_durable, struct slice *state) {
    char *path = path_of_snapshot(group_path, index),
         *copy = path_of_snapshot_copy(group_path, index);
    int error = state_file_read(env, path, group, index, was_durable, state);
    if (error) error = state_file_read(env, copy, group, index, was_durable, state);
    mem_free(path);
    mem_free(copy);
    return error;
}

bool state_files_have_copy(struct env *env, const char *group_path, log_index index) {
    enum env_kind kind = ENV_NOTHING;
    char *copy = path_of_snapshot_copy(group_path, index);
    int error = env_kind_of(env, copy, &kind);
    mem_free(copy);
    return !error && kind == ENV_FILE;
}

bool state_files_find(struct env *env, const char *group_path, uint64_t group,
                      const struct state_limits *limits, log_index *index, struct slice *state) {
    struct found found;
    bool usable = list(env, group_path, &found) == 0;
    size_t i = 0;
    for (; usable && i < found.count; i++) {
        bool was_durable;
        if (found.indexes[i] > limits->last) continue;
        if (read_either(env, group_path, group, found.indexes[i], &was_durable, state)) continue;
        if (was_durable || found.indexes[i] <= limits->committed) break;
        slice_unref(state);
    }
    usable = usable && i < found.count;
    if (usable) *index = found.indexes[i];
    mem_free(found.indexes);
    return usable;
}
