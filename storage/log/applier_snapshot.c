/* Writing a snapshot of the applier's state in the lane, and reading the latest whole one. */
#include "storage/log/applier_snapshot.h"

#include "base/check.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "storage/little_endian.h"
#include "storage/log/log_internal.h"

enum {
    MAGIC = 0x53535244, /* "DRSS" */
    FORMAT_EARLY = 1,   /* perhaps of entries that were not durable */
    FORMAT = 2,
    HEAD_SIZE = 32,
    CRC_AT = 28,
    KEPT = 2, /* the newest, and one that is usable if the newest is ahead of what recovery knows */
};

struct save_job {
    struct env_job job; /* first: a job is its save_job */
    struct env *env;
    struct log_store *store;
    uint64_t group, index;
    struct slice state;
    char *group_path, *path;
    int error;
};

/* ---- Which snapshots there are ---- */

struct found {
    uint64_t *indexes;
    size_t count, room;
};

static void snapshot_note(void *arg, const char *name) {
    struct found *found = arg;
    log_index index;
    if (!path_number(name, ".snapshot", &index)) return;
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
    return env_list_dir(env, group_path, snapshot_note, found);
}

/* ---- Writing, in the lane ---- */

static uint32_t checksum(const uint8_t head[HEAD_SIZE], struct slice state) {
    return crc32c(crc32c(0, head, CRC_AT), state.data, state.len);
}

/* Nothing is lost by it: the state is kept again at the next sync. */
static bool is_passing(int error) {
    return error_is_no_room(error) || error == ERR_LIMIT;
}

static int write_file(struct save_job *save) {
    uint8_t head[HEAD_SIZE];
    le_put_u32(head, MAGIC);
    le_put_u32(head + 4, FORMAT);
    le_put_u64(head + 8, save->group);
    le_put_u64(head + 16, save->index);
    le_put_u32(head + 24, (uint32_t)save->state.len);
    le_put_u32(head + CRC_AT, checksum(head, save->state));
    struct env_file *file;
    char *unfinished = path_join(save->group_path,
                                 "snapshot.tmp"); /* one job at a time writes it */
    int error = env_file_open(save->env, unfinished, ENV_WRITE | ENV_CREATE, &file);
    if (!error) {
        struct env_iov iov[2] = {{.base = head, .len = sizeof head},
                                 {.base = save->state.data, .len = save->state.len}};
        error = env_file_truncate(file, 0);
        if (!error) error = env_file_write(file, iov, 2, 0, true);
        env_file_close(file);
    }
    if (is_passing(error)) env_unlink(save->env, unfinished);
    if (!error) error = env_rename(save->env, unfinished, save->path);
    if (!error) error = env_sync_dir(save->env, save->group_path);
    mem_free(unfinished);
    return error;
}

static void snapshot_work(struct env_job *base) {
    struct save_job *save = (struct save_job *)base;
    save->error = write_file(save);
    if (save->error) return;
    struct found found;
    list(save->env, save->group_path, &found); /* on an error some are not found, and stay */
    for (size_t i = KEPT; i < found.count; i++) {
        char *path = path_of_snapshot(save->group_path, found.indexes[i]);
        env_unlink(save->env, path); /* if it stays, it is one more that could be used */
        mem_free(path);
    }
    mem_free(found.indexes);
}

static void snapshot_done(struct env_job *base) {
    struct save_job *save = (struct save_job *)base;
    struct log_store *store = save->store;
    if (is_passing(save->error) && !store->closed)
        log_limited(store->log, &store->full_disk, LOG_WARN,
                    "cannot write %s (%s); %s: the next start takes longer without it", save->path,
                    error_phrase(save->error), error_advice(save->error));
    else if (save->error && !store->closed)
        env_fatal(
            store->env,
            "cannot write %s (%s); %s, and start this broker again: what it acknowledged is in its journal",
            save->path, error_phrase(save->error), error_advice(save->error));
    if (!save->error) log_store_took_room(store, save->state.len + HEAD_SIZE);
    struct partition_log *log = store->closed ? NULL : log_store_find(store, save->group);
    if (log) {
        log->saving--;
        if (!save->error && save->index > log->kept_index) log->kept_index = save->index;
        if (save->error)
            partition_log_pause_prefix(log);
        else
            partition_log_look_prefix(log);
    }
    slice_unref(&save->state);
    mem_free(save->group_path);
    mem_free(save->path);
    mem_free(save);
    log_store_job_done(store);
}

static void save(struct partition_log *log, log_index index, struct slice state) {
    CHECK(state.len <= UINT32_MAX); /* our own state, of producers whose number a setting bounds */
    struct log_store *store = log->store;
    struct save_job *save = mem_alloc(sizeof *save);
    *save = (struct save_job){.job = {.work = snapshot_work, .done = snapshot_done},
                              .env = store->env,
                              .store = store,
                              .group = log->group,
                              .index = index,
                              .state = state,
                              .group_path = mem_strdup(log->path),
                              .path = path_of_snapshot(log->path, index)};
    log->saving++;
    log_store_run_job(store, log_store_lane(store, log->group), &save->job);
}

void applier_snapshot_keep(struct partition_log *log) {
    log_index index = 0;
    if (!log->seal_state || log->early.len > 0) return;
    log->unsaved_bytes = 0;
    struct slice state = log->seal_state(log->seal_arg, &index);
    if (state.len == 0) {
        slice_unref(&state);
        return;
    }
    /* Our own applier's, which is given committed entries only (raft_group_apply.c). */
    CHECK(index > 0 && index <= log->commit);
    log->kept_bytes = state.len;
    log->early = state;
    log->early_index = index;
    applier_snapshot_durable(log);
}

void applier_snapshot_durable(struct partition_log *log) {
    if (log->early.len == 0 || log->early_index > log->durable) return;
    struct slice state = log->early;
    log->early = (struct slice){0};
    save(log, log->early_index, state);
}

/* ---- Reading ---- */

static int read_checked(struct env_file *file, uint64_t size, uint64_t group, log_index index,
                        bool *was_durable, struct slice *state) {
    uint8_t head[HEAD_SIZE];
    size_t got;
    int error = env_file_read(file, head, sizeof head, 0, &got);
    if (error) return error;
    if (got < sizeof head || le_get_u32(head) != MAGIC) return ERR_MALFORMED;
    uint32_t format = le_get_u32(head + 4);
    if (format != FORMAT && format != FORMAT_EARLY) return ERR_VERSION;
    *was_durable = format == FORMAT;
    uint32_t len = le_get_u32(head + 24);
    if (le_get_u64(head + 8) != group || le_get_u64(head + 16) != index ||
        size != (uint64_t)len + HEAD_SIZE)
        return ERR_MALFORMED;
    struct buffer *buffer = buffer_new(NULL, len);
    error = env_file_read(file, buffer->data, len, HEAD_SIZE, &got);
    *state = (struct slice){.buffer = buffer, .data = buffer->data, .len = len};
    if (!error && (got < len || checksum(head, *state) != le_get_u32(head + CRC_AT)))
        error = ERR_CORRUPT;
    if (error) slice_unref(state);
    return error;
}

int applier_snapshot_read(struct env *env, const char *path, uint64_t group, log_index index,
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

bool applier_snapshot_find(struct env *env, const char *group_path, uint64_t group,
                           const struct snapshot_limits *limits, log_index *index,
                           struct slice *state) {
    struct found found;
    bool usable = list(env, group_path, &found) == 0;
    size_t i = 0;
    for (; usable && i < found.count; i++) {
        bool was_durable;
        if (found.indexes[i] > limits->last) continue;
        char *path = path_of_snapshot(group_path, found.indexes[i]);
        int error = applier_snapshot_read(env, path, group, found.indexes[i], &was_durable, state);
        mem_free(path);
        if (error) continue;
        if (was_durable || found.indexes[i] <= limits->committed) break;
        slice_unref(state);
    }
    usable = usable && i < found.count;
    if (usable) *index = found.indexes[i];
    mem_free(found.indexes);
    return usable;
}
