/*
 * File calls of the simulated process: the model of disk.h, with errors, costs, effects and the
 * trace.
 *
 * Every call that changes something is an effect: the process may die before it, and in the middle
 * of a write. Calls on the loop cost the loop time; in a job the job's own latency covers them.
 * ENV_DIRECT demands aligned memory, offset and length.
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "tests/sim/env/env_sim.h"

enum { DIRECT_ALIGNMENT = 4096, BLOCKING_CALL_US = 60 };

struct env_file {
    struct env *env;
    struct inode *inode;
    int flags;
    bool lock; /* closing it lets the lock go */
};

/* On the loop a call that may ask the disk has its price, whatever it does. */
static void block(struct env *env) {
    if (!env->in_job) env->blocked_us += BLOCKING_CALL_US;
}

static void change(struct env *env) {
    block(env);
    env_effect(env);
}

static bool unlucky(struct env *env, uint32_t ppm) {
    return ppm > 0 && world_chance(env->world, ppm);
}

static void note(struct env *env, const char *kind, const char *path, uint64_t first,
                 uint64_t second, uint64_t content) {
    world_trace(env->world, env->node->id, kind, path, first, second, content);
}

/* ERR_NONE, or why this call about a name or a size does not happen. */
static int name_error(struct env *env, enum name_call call, const char *path) {
    static const int of_device[] = {ERR_IO, ERR_NO_SPACE, ERR_NO_SPACE, ERR_NO_SPACE,
                                    ERR_IO, ERR_IO,       ERR_IO};
    struct node_faults *faults = &env->node->faults;
    bool takes_file = call == NAME_OPEN || call == NAME_CREATE || call == NAME_SYNC_DIR ||
                      call == NAME_LIST;
    bool now = faults->name_error_in > 0 && --faults->name_error_in == 0;

    if (!now && !unlucky(env, faults->name_error_ppm)) return ERR_NONE;
    int error = takes_file && world_below(env->world, 2) == 0 ? ERR_LIMIT : of_device[call];
    if (error == ERR_NO_SPACE && world_below(env->world, 8) == 0) error = ERR_IO;
    if (error == ERR_NO_SPACE && world_below(env->world, 2) == 0) error = ERR_NO_INODES;
    env->node->failed_name_calls[call]++;
    note(env, "no name", path, (uint64_t)call, (uint64_t)error, 0);
    return error;
}

int env_file_open(struct env *env, const char *path, int flags, struct env_file **file) {
    struct inode *inode;
    bool creates = (flags & ENV_CREATE) && disk_kind_of(env->node->disk, path) == ENV_NOTHING;

    *file = NULL;
    if (creates)
        change(env);
    else
        block(env);
    int refused = name_error(env, creates ? NAME_CREATE : NAME_OPEN, path);
    if (refused != ERR_NONE) return refused;
    int error = disk_open(env->node->disk, path, flags, &inode);
    if (error != ERR_NONE) return error;
    if (creates) note(env, "create", path, 0, 0, 0);
    *file = mem_zalloc(sizeof **file);
    (*file)->env = env;
    (*file)->inode = inode;
    (*file)->flags = flags;
    return ERR_NONE;
}

void env_file_close(struct env_file *file) {
    if (file != NULL && file->lock) inode_lock(file->inode, NULL);
    mem_free(file);
}

bool env_file_is_direct(const struct env_file *file) {
    return (file->flags & ENV_DIRECT) != 0;
}

int env_file_size(struct env_file *file, uint64_t *size) {
    *size = inode_size(file->inode);
    return ERR_NONE;
}

static bool aligned(const struct env_file *file, const void *memory, size_t len, uint64_t offset) {
    if (!(file->flags & ENV_DIRECT)) return true;
    return (uintptr_t)memory % DIRECT_ALIGNMENT == 0 && len % DIRECT_ALIGNMENT == 0 &&
           offset % DIRECT_ALIGNMENT == 0;
}

int env_file_read(struct env_file *file, void *into, size_t len, uint64_t offset, size_t *got) {
    CHECK(file->flags & ENV_READ);
    CHECK(aligned(file, into, len, offset));
    *got = 0;
    block(file->env);
    if (unlucky(file->env, file->env->node->faults.read_error_ppm)) {
        note(file->env, "read EIO", inode_label(file->inode), offset, len, 0);
        return ERR_IO;
    }
    *got = inode_read(file->inode, into, len, offset);
    return ERR_NONE;
}

int env_file_read_cached(struct env_file *file, void *into, size_t len, uint64_t offset,
                         size_t *got) {
    *got = 0;
    if (unlucky(file->env, file->env->node->faults.cache_miss_ppm)) return ERR_AGAIN;
    *got = inode_read(file->inode, into, len, offset);
    return ERR_NONE;
}

/* A signal or the loss of power may hit in the middle: then a part of the piece is written, and the
 * process is over. */
static int write_piece(struct env_file *file, const struct env_iov *piece, uint64_t offset) {
    struct env *env = file->env;

    if (env->die_in == 1 && piece->len > 1)
        inode_write(file->inode, piece->base, world_below(env->world, piece->len), offset);
    change(env);
    return inode_write(file->inode, piece->base, piece->len, offset);
}

int env_file_write(struct env_file *file, const struct env_iov *iov, unsigned n, uint64_t offset,
                   bool sync) {
    struct env *env = file->env;
    uint64_t at = offset, content = 0;

    CHECK(file->flags & ENV_WRITE);
    if (unlucky(env, env->node->faults.write_error_ppm)) {
        note(env, "write EIO", inode_label(file->inode), offset, 0, 0);
        return ERR_IO;
    }
    for (unsigned i = 0; i < n; i++) {
        CHECK(aligned(file, iov[i].base, iov[i].len, at));
        content ^= trace_content(iov[i].base, iov[i].len) + i;
        int error = write_piece(file, &iov[i], at);
        if (error != ERR_NONE) {
            env->node->full_writes++;
            note(env, "disk full", inode_label(file->inode), at, iov[i].len, 0);
            return error;
        }
        at += iov[i].len;
    }
    note(env, "write", inode_label(file->inode), offset, at - offset, content);
    return sync ? env_file_sync(file) : ERR_NONE;
}

int env_file_write_bulk(struct env_file *file, const struct env_iov *iov, unsigned n,
                        uint64_t offset) {
    return env_file_write(file, iov, n, offset, false);
}

int env_file_sync(struct env_file *file) {
    struct env *env = file->env;

    change(env);
    if (inode_has_pending(file->inode) && unlucky(env, env->node->faults.sync_cut_ppm))
        env_die(env, NODE_POWER_CUT);
    if (inode_has_pending(file->inode) && unlucky(env, env->node->faults.sync_error_ppm)) {
        inode_sync_failed(file->inode);
        env->node->failed_syncs++;
        note(env, "sync EIO", inode_label(file->inode), 0, 0, 0);
        return ERR_IO;
    }
    inode_sync(file->inode);
    note(env, "sync", inode_label(file->inode), 0, 0, 0);
    return ERR_NONE;
}

int env_file_truncate(struct env_file *file, uint64_t size) {
    change(file->env);
    int refused = name_error(file->env, NAME_TRUNCATE, inode_label(file->inode));
    if (refused != ERR_NONE) return refused;
    inode_truncate(file->inode, size);
    note(file->env, "truncate", inode_label(file->inode), size, 0, 0);
    return ERR_NONE;
}

/* ---- Names ---- */

int env_mkdir(struct env *env, const char *path) {
    change(env);
    int refused = name_error(env, NAME_MKDIR, path);
    if (refused != ERR_NONE) return refused;
    note(env, "mkdir", path, 0, 0, 0);
    return disk_mkdir(env->node->disk, path);
}

int env_rename(struct env *env, const char *from, const char *to) {
    change(env);
    int refused = name_error(env, NAME_RENAME, to);
    if (refused != ERR_NONE) return refused;
    note(env, "rename", to, 0, 0, trace_content(from, strlen(from)));
    return disk_rename(env->node->disk, from, to);
}

int env_unlink(struct env *env, const char *path) {
    change(env);
    note(env, "unlink", path, 0, 0, 0);
    return disk_unlink(env->node->disk, path);
}

int env_rmdir(struct env *env, const char *path) {
    change(env);
    note(env, "rmdir", path, 0, 0, 0);
    return disk_rmdir(env->node->disk, path);
}

int env_sync_dir(struct env *env, const char *path) {
    change(env);
    int refused = name_error(env, NAME_SYNC_DIR, path);
    if (refused != ERR_NONE) return refused;
    note(env, "sync dir", path, 0, 0, 0);
    return disk_sync_dir(env->node->disk, path);
}

int env_disk_free(struct env *env, const char *path, struct env_disk_room *room) {
    uint64_t used = disk_used_bytes(env->node->disk),
             capacity = disk_capacity_bytes(env->node->disk);

    if (disk_kind_of(env->node->disk, path) == ENV_NOTHING) return ERR_NOT_FOUND;
    room->free_bytes = used < capacity ? capacity - used : 0;
    room->free_files = UINT64_MAX;
    room->total_bytes = capacity;
    return ERR_NONE;
}

int env_kind_of(struct env *env, const char *path, enum env_kind *kind) {
    block(env);
    *kind = disk_kind_of(env->node->disk, path);
    return ERR_NONE;
}

int env_list_dir(struct env *env, const char *path, void (*each)(void *arg, const char *name),
                 void *arg) {
    block(env);
    int refused = name_error(env, NAME_LIST, path);
    return refused != ERR_NONE ? refused : disk_list(env->node->disk, path, each, arg);
}

int env_lock_file(struct env *env, const char *path, struct env_file **lock, int *holder_pid) {
    struct env_file *file;
    char pid[16];
    int error = env_file_open(env, path, ENV_READ | ENV_WRITE | ENV_CREATE, &file);

    *lock = NULL;
    *holder_pid = 0;
    if (error != ERR_NONE) return error;
    if (!inode_lock(file->inode, env)) {
        env_file_close(file);
        *holder_pid = 1000 + env->node->id;
        return ERR_BUSY;
    }
    struct env_iov text = {pid, (size_t)snprintf(pid, sizeof pid, "%d\n", 1000 + env->node->id)};
    env_file_truncate(file, 0);
    error = env_file_write(file, &text, 1, 0, false);
    if (error != ERR_NONE) {
        env_file_close(file);
        return error;
    }
    file->lock = true;
    *lock = file;
    return ERR_NONE;
}
