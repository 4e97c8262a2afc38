/* Writing a snapshot of the applier's state in the lane, and reading the latest whole one. */
#include "storage/log/applier_snapshot.h"

#include "base/check.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "storage/log/log_internal.h"

enum {
    PARTS_AT_ONCE = 256,
    KEPT = 2, /* the newest, and one that is usable if the newest is ahead of what recovery knows */
};

struct save_job {
    struct env_job job; /* first: a job is its save_job */
    struct env *env;
    struct log_store *store;
    uint64_t group;
    struct applier_state state;
    char *group_path, *path;
    bool twice;
    int error;
};

static void drop_state(struct applier_state *state) {
    for (size_t i = 0; i < state->count; i++)
        slice_unref(&state->parts[i]);
    mem_free(state->parts);
    *state = (struct applier_state){0};
}

/* ---- Which snapshots there are ---- */

struct found {
    uint64_t *indexes;
    size_t count, room;
};

static void snapshot_note(void *arg, const char *name) {
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
    return env_list_dir(env, group_path, snapshot_note, found);
}

/* ---- Writing, in the lane ---- */

static uint32_t checksum(const uint8_t head[STATE_HEAD_SIZE], const struct slice *parts,
                         size_t count) {
    uint32_t crc = state_head_crc(head);
    for (size_t i = 0; i < count; i++)
        crc = crc32c(crc, parts[i].data, parts[i].len);
    return crc;
}

/* Nothing is lost by it: the state is kept again at the next sync. */
static bool is_passing(int error) {
    return error_is_no_room(error) || error == ERR_LIMIT;
}

/* Head and parts, so many at once; synced with the last. */
static int write_parts(struct env_file *file, const struct save_job *save,
                       uint8_t head[STATE_HEAD_SIZE]) {
    struct env_iov iov[PARTS_AT_ONCE + 1] = {{.base = head, .len = STATE_HEAD_SIZE}};
    uint64_t at = 0;
    size_t part = 0;
    int error = ERR_NONE;
    while (!error && (at == 0 || part < save->state.count)) {
        uint64_t len = at == 0 ? STATE_HEAD_SIZE : 0;
        size_t count = at == 0 ? 1 : 0;
        for (; part < save->state.count && count < PARTS_AT_ONCE; part++) {
            iov[count++] = (struct env_iov){.base = save->state.parts[part].data,
                                            .len = save->state.parts[part].len};
            len += save->state.parts[part].len;
        }
        error = env_file_write(file, iov, count, at, part == save->state.count);
        at += len;
    }
    return error;
}

/* Whole under that name, as soon as the directory is synced. */
static int write_file(struct save_job *save, const char *path) {
    uint8_t head[STATE_HEAD_SIZE];
    struct state_head fields = {
        .group = save->group, .index = save->state.index, .len = (uint32_t)save->state.len};
    state_head_encode(&fields, head);
    state_head_seal(head, checksum(head, save->state.parts, save->state.count));
    struct env_file *file;
    char *unfinished = path_join(save->group_path,
                                 "snapshot.tmp"); /* one job at a time writes it */
    int error = env_file_open(save->env, unfinished, ENV_WRITE | ENV_CREATE, &file);
    if (!error) {
        error = env_file_truncate(file, 0);
        if (!error) error = write_parts(file, save, head);
        env_file_close(file);
    }
    if (is_passing(error)) env_unlink(save->env, unfinished);
    if (!error) error = env_rename(save->env, unfinished, path);
    mem_free(unfinished);
    return error;
}

static int write_files(struct save_job *save) {
    int error = write_file(save, save->path);
    if (!error && save->twice) {
        char *copy = path_of_snapshot_copy(save->group_path, save->state.index);
        error = write_file(save, copy);
        mem_free(copy);
    }
    return error ? error : env_sync_dir(save->env, save->group_path);
}

/* If it stays, it is one more that could be used. */
static void remove_files(const struct save_job *save, log_index index) {
    char *path = path_of_snapshot(save->group_path, index),
         *copy = path_of_snapshot_copy(save->group_path, index);
    env_unlink(save->env, path);
    env_unlink(save->env, copy);
    mem_free(path);
    mem_free(copy);
}

static void snapshot_work(struct env_job *base) {
    struct save_job *save = (struct save_job *)base;
    save->error = write_files(save);
    if (save->error) return;
    struct found found;
    list(save->env, save->group_path, &found); /* on an error some are not found, and stay */
    for (size_t i = KEPT; i < found.count; i++)
        remove_files(save, found.indexes[i]);
    mem_free(found.indexes);
}

static void snapshot_done(struct env_job *base) {
    struct save_job *save = (struct save_job *)base;
    struct log_store *store = save->store;
    if (is_passing(save->error) && !store->closed)
        log_limited(store->log, &store->full_disk, LOGGED_KEPT_STATE_WAITS,
                    "cannot write %s (%s); %s: the next start takes longer without it", save->path,
                    error_phrase(save->error), error_advice(save->error));
    else if (save->error && !store->closed)
        env_fatal(
            store->env,
            "cannot write %s (%s); %s, and start this broker again: what it acknowledged is in its journal",
            save->path, error_phrase(save->error), error_advice(save->error));
    if (!save->error)
        log_store_took_room(store, (save->twice ? 2 : 1) * (save->state.len + STATE_HEAD_SIZE));
    struct partition_log *log = store->closed ? NULL : log_store_find(store, save->group);
    if (log) {
        log->saving--;
        if (!save->error && save->state.index > log->kept_index)
            log->kept_index = save->state.index;
        if (!save->error && save->twice) log->copied_index = save->state.index;
        if (save->error)
            partition_log_pause_prefix(log);
        else
            partition_log_look_prefix(log);
    }
    drop_state(&save->state);
    mem_free(save->group_path);
    mem_free(save->path);
    mem_free(save);
    log_store_job_done(store);
}

/* Takes `early`. */
static void save(struct partition_log *log) {
    struct log_store *store = log->store;
    struct save_job *save = mem_alloc(sizeof *save);
    *save = (struct save_job){.job = {.work = snapshot_work, .done = snapshot_done},
                              .env = store->env,
                              .store = store,
                              .group = log->group,
                              .state = log->early,
                              .group_path = mem_strdup(log->path),
                              .path = path_of_snapshot(log->path, log->early.index),
                              .twice = log->prefix.look || log->first_index > 1};
    log->early = (struct applier_state){0};
    log->saving++;
    log_store_run_job(store, log_store_lane(store, log->group), &save->job);
}

/* ---- The state, from its owner ---- */

void applier_snapshot_keep(struct partition_log *log) {
    if (!log->seal_wanted || log->keeping || log->early.count > 0) return;
    log->unsaved_bytes = 0;
    log->keeping = true;
    log->store->jobs++; /* a flush waits for it */
    log->seal_wanted(log->seal_arg);
}

void partition_log_keep(struct partition_log *log, log_index index, struct slice *parts,
                        size_t count) {
    CHECK(log->keeping); /* it was asked for, and the log is open */
    struct applier_state state = {.index = index, .parts = parts, .count = count};
    if (log->keeping_in_vain) drop_state(&state);
    log->keeping = log->keeping_in_vain = false;
    if (state.count > 0) {
        /* Our own applier's, which is given committed entries only (raft_group_apply.c). */
        CHECK(index > 0 && index <= log->commit);
        log->early = state;
        for (size_t i = 0; i < count; i++)
            log->early.len += parts[i].len;
        /* Settings bound the memory of groups and producers. */
        CHECK(log->early.len <= UINT32_MAX);
        log->kept_bytes = log->early.len;
        applier_snapshot_durable(log);
    }
    log_store_job_done(log->store);
}

void applier_snapshot_renew(struct partition_log *log, bool copy) {
    char *path = copy ? path_of_snapshot_copy(log->path, log->kept_index)
                      : path_of_snapshot(log->path, log->kept_index);
    log_event(
        log->store->log, LOGGED_KEPT_STATE_BAD,
        "%s of %s does not match its checksum; what it says is still in memory here, and is written anew",
        path, log->label);
    mem_free(path);
    log->kept_index = log->copied_index = 0;
    applier_snapshot_keep(log);
}

void applier_snapshot_durable(struct partition_log *log) {
    if (log->early.count > 0 && log->early.index <= log->durable) save(log);
}

void applier_snapshot_forget(struct partition_log *log) {
    log->keeping_in_vain = log->keeping;
    drop_state(&log->early);
}

void applier_snapshot_close(struct partition_log *log) {
    bool keeping = log->keeping;
    log->keeping = false;
    drop_state(&log->early);
    if (keeping) log_store_job_done(log->store);
}

/* ---- Reading ---- */

static int read_checked(struct env_file *file, uint64_t size, uint64_t group, log_index index,
                        bool *was_durable, struct slice *state) {
    uint8_t head[STATE_HEAD_SIZE];
    size_t got;
    int error = env_file_read(file, head, sizeof head, 0, &got);
    if (error) return error;
    struct state_head fields;
    error = got < sizeof head ? ERR_MALFORMED : state_head_decode(head, &fields);
    if (error) return error;
    *was_durable = fields.was_durable;
    if (fields.group != group || fields.index != index ||
        size != (uint64_t)fields.len + STATE_HEAD_SIZE)
        return ERR_MALFORMED;
    struct buffer *buffer = buffer_new(NULL, fields.len);
    error = env_file_read(file, buffer->data, fields.len, STATE_HEAD_SIZE, &got);
    *state = (struct slice){.buffer = buffer, .data = buffer->data, .len = fields.len};
    if (!error && (got < fields.len || checksum(head, state, 1) != fields.crc)) error = ERR_CORRUPT;
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

static int read_either(struct env *env, const char *group_path, uint64_t group, log_index index,
                       bool *was_durable, struct slice *state) {
    char *path = path_of_snapshot(group_path, index),
         *copy = path_of_snapshot_copy(group_path, index);
    int error = applier_snapshot_read(env, path, group, index, was_durable, state);
    if (error) error = applier_snapshot_read(env, copy, group, index, was_durable, state);
    mem_free(path);
    mem_free(copy);
    return error;
}

bool applier_snapshot_has_copy(struct env *env, const char *group_path, log_index index) {
    enum env_kind kind = ENV_NOTHING;
    char *copy = path_of_snapshot_copy(group_path, index);
    int error = env_kind_of(env, copy, &kind);
    mem_free(copy);
    return !error && kind == ENV_FILE;
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
        if (read_either(env, group_path, group, found.indexes[i], &was_durable, state)) continue;
        if (was_durable || found.indexes[i] <= limits->committed) break;
        slice_unref(state);
    }
    usable = usable && i < found.count;
    if (usable) *index = found.indexes[i];
    mem_free(found.indexes);
    return usable;
}
