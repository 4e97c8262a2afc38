/*
 * Making, listing, lending the files of the journal.
 *
 * The zeros are really written: overwriting written blocks is what makes a flush fast, and
 * fallocate alone leaves the file system to mark each block written at the first flush.
 */
#include "storage/journal/journal_files.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "storage/directory.h"
#include "storage/journal/journal_format.h"

enum { PIECE_BYTES = 256 << 10, PATH_MAX_BYTES = 512 };

/* A file that the lane is making, or removing. */
struct journal_making {
    struct env_job job;
    struct journal_files *files;
    struct env *env;
    struct env_lane *lane;
    struct journal_file *file;
    char path[PATH_MAX_BYTES];
    char dir[PATH_MAX_BYTES];
    uint64_t file_bytes;
    uint8_t *zeros;
    int error;
    void (*made)(void *arg, int error);
    void *arg;
};

/* ---- Names ---- */

void journal_files_name(const struct journal_files *files, uint32_t number, char into[512]) {
    snprintf(into, PATH_MAX_BYTES, "%s/%08u.journal", files->path, (unsigned)number);
}

/* The number in a name, or 0 if it is not the name of a journal file. */
static uint32_t number_in(const char *name) {
    uint32_t number = 0;
    if (strlen(name) != 8 + strlen(".journal") || strcmp(name + 8, ".journal") != 0) return 0;
    for (int i = 0; i < 8; i++) {
        if (name[i] < '0' || name[i] > '9') return 0;
        number = number * 10 + (uint32_t)(name[i] - '0');
    }
    return number;
}

static uint32_t free_number(const struct journal_files *files) {
    uint32_t number = 1;
    for (size_t i = 0; i < files->count && files->all[i]->number == number; i++)
        number++;
    CHECK(number <= JOURNAL_FILE_NUMBER_MAX); /* the lowest free one: there are not so many files */
    return number;
}

/* ---- The list ---- */

static void insert(struct journal_files *files, struct journal_file *file) {
    files->all = mem_grow(files->all, files->count, &files->capacity, sizeof *files->all);
    size_t at = files->count++;
    for (; at > 0 && files->all[at - 1]->number > file->number; at--)
        files->all[at] = files->all[at - 1];
    files->all[at] = file;
}

static void free_file(struct journal_file *file) {
    env_file_close(file->file);
    mem_free(file);
}

static void note_name(void *arg, const char *name) {
    struct journal_files *files = arg;
    uint32_t number = number_in(name);
    if (number == 0) return;
    struct journal_file *file = mem_zalloc(sizeof *file);
    file->number = number;
    insert(files, file);
}

static int open_all(struct journal_files *files, bool read_only, struct error_text *why) {
    int flags = ENV_READ | ENV_DIRECT | (read_only ? 0 : ENV_WRITE);
    for (size_t i = 0; i < files->count; i++) {
        struct journal_file *file = files->all[i];
        char path[PATH_MAX_BYTES];
        journal_files_name(files, file->number, path);
        int error = env_file_open(files->env, path, flags, &file->file);
        if (error == ERR_NONE) error = env_file_size(file->file, &file->size);
        if (error != ERR_NONE)
            return error_set(why, error, "cannot open the journal file %s (%s); %s", path,
                             error_phrase(error), error_advice(error));
    }
    return ERR_NONE;
}

int journal_files_open(struct journal_files *files, struct env *env, const char *path,
                       uint64_t file_bytes, bool read_only, struct error_text *why) {
    *files = (struct journal_files){.env = env, .path = mem_strdup(path), .file_bytes = file_bytes};
    int error = read_only ? ERR_NONE : directory_make(env, path);
    /* Files of a process that was killed. */
    if (error == ERR_NONE && !read_only) error = env_sync_dir(env, path);
    if (error == ERR_NONE) error = env_list_dir(env, path, note_name, files);
    if (error != ERR_NONE)
        error_set(why, error, "cannot open the journal directory %s (%s); %s", path,
                  error_phrase(error), error_advice(error));
    else
        error = open_all(files, read_only, why);
    if (error != ERR_NONE) journal_files_close(files);
    return error;
}

void journal_files_close(struct journal_files *files) {
    CHECK(files->making == NULL); /* the journal makes one at a time, and closes after it */
    for (size_t i = 0; i < files->count; i++)
        free_file(files->all[i]);
    mem_free(files->all);
    mem_free(files->path);
    *files = (struct journal_files){0};
}

int journal_files_settle(struct journal_files *files, struct error_text *why) {
    size_t stay = 0;
    int error = ERR_NONE;
    files->free_bytes = files->live_bytes = 0;
    for (size_t i = 0; i < files->count; i++) {
        struct journal_file *file = files->all[i];
        bool unfinished = file->generation == 0 && file->size < files->file_bytes;
        if (!unfinished || error != ERR_NONE) {
            *(file->generation == 0 ? &files->free_bytes : &files->live_bytes) += file->size;
            files->all[stay++] = file;
            continue;
        }
        char path[PATH_MAX_BYTES];
        journal_files_name(files, file->number, path);
        error = env_unlink(files->env, path);
        if (error != ERR_NONE)
            error_set(why, error, "cannot remove the unfinished journal file %s (%s)", path,
                      error_phrase(error));
        free_file(file);
    }
    files->count = stay;
    return error;
}

/* ---- Making ---- */

/* Writes the next piece of zeros; behind the last one, syncs file and directory. */
static int write_piece(struct journal_making *making) {
    struct journal_file *file = making->file;
    if (file->file == NULL) {
        int flags = ENV_READ | ENV_WRITE | ENV_CREATE | ENV_EXCLUSIVE | ENV_DIRECT;
        int error = env_file_open(making->env, making->path, flags, &file->file);
        if (error != ERR_NONE) return error;
    }
    uint64_t left = making->file_bytes - file->size;
    struct env_iov iov = {making->zeros, left < PIECE_BYTES ? (size_t)left : PIECE_BYTES};
    int error = env_file_write(file->file, &iov, 1, file->size, false);
    if (error != ERR_NONE) return error;
    file->size += iov.len;
    if (file->size < making->file_bytes) return ERR_NONE;
    error = env_file_sync(file->file);
    return error != ERR_NONE ? error : env_sync_dir(making->env, making->dir);
}

static struct journal_making *job_new(struct journal_files *files, struct journal_file *file) {
    struct journal_making *making = mem_zalloc(sizeof *making);
    making->files = files;
    making->env = files->env;
    making->file = file;
    journal_files_name(files, file->number, making->path);
    snprintf(making->dir, sizeof making->dir, "%s", files->path);
    return making;
}

static struct journal_making *making_new(struct journal_files *files) {
    struct journal_file *file = mem_zalloc(sizeof *file);
    file->number = free_number(files);
    struct journal_making *making = job_new(files, file);
    making->file_bytes = files->file_bytes;
    size_t bytes = files->file_bytes < PIECE_BYTES ? (size_t)files->file_bytes : PIECE_BYTES;
    making->zeros = mem_aligned(JOURNAL_BLOCK, bytes);
    memset(making->zeros, 0, bytes);
    return making;
}

static void making_free(struct journal_making *making) {
    if (making->file != NULL) free_file(making->file);
    mem_free(making->zeros);
    mem_free(making);
}

static void adopt_made(struct journal_files *files, struct journal_making *making) {
    insert(files, making->file);
    files->free_bytes += making->file->size;
    files->made++;
    making->file = NULL;
}

int journal_files_make(struct journal_files *files, struct error_text *why) {
    struct journal_making *making = making_new(files);
    int error = ERR_NONE;
    while (error == ERR_NONE && making->file->size < making->file_bytes)
        error = write_piece(making);
    if (error != ERR_NONE)
        error_set(why, error, "cannot make the journal file %s of %llu bytes (%s); %s",
                  making->path, (unsigned long long)making->file_bytes, error_phrase(error),
                  error_advice(error));
    else
        adopt_made(files, making);
    making_free(making);
    return error;
}

static void piece_work(struct env_job *job) {
    struct journal_making *making = (struct journal_making *)job;
    making->error = write_piece(making);
}

/* It is done, or will not be: error_is_no_room, ERR_LIMIT, ERR_CANCELED. */
static void end_job(struct journal_making *making, int error) {
    void (*made)(void *arg, int error) = making->made;
    void *arg = making->arg;
    making->files->making = NULL;
    making_free(making);
    made(arg, error);
}

static void end_making(struct journal_making *making, int error) {
    if (error == ERR_NONE) adopt_made(making->files, making);
    end_job(making, error);
}

/* Sends the job into the lane, one at a time. */
static void begin_job(struct journal_making *making, struct env_lane *lane,
                      void (*made)(void *arg, int error), void *arg) {
    /* The journal makes or removes one at a time, and closes after it. */
    CHECK(making->files->making == NULL);
    making->files->making = making;
    making->lane = lane;
    making->made = made;
    making->arg = arg;
    env_lane_run(lane, &making->job);
}

static void piece_done(struct env_job *job) {
    struct journal_making *making = (struct journal_making *)job;
    bool no_room = error_is_no_room(making->error) || making->error == ERR_LIMIT;
    int error = making->error;
    if (no_room) error = env_unlink(making->env, making->path);
    if (no_room && error == ERR_NOT_FOUND) error = ERR_NONE; /* it was not even made */
    if (error != ERR_NONE)
        env_fatal(making->env,
                  "cannot make the journal file %s (%s); this broker ends, its data is safe",
                  making->path, error_phrase(error));
    if (no_room)
        end_making(making, making->error);
    else if (making->file->size == making->file_bytes)
        end_making(making, ERR_NONE);
    else if (making->files->stopping)
        end_making(making, ERR_CANCELED);
    else
        env_lane_run(making->lane, &making->job);
}

void journal_files_make_later(struct journal_files *files, struct env_lane *lane,
                              void (*made)(void *arg, int error), void *arg) {
    struct journal_making *making = making_new(files);
    making->job.work = piece_work;
    making->job.done = piece_done;
    begin_job(making, lane, made, arg);
}

/* ---- Removing ---- */

/* Where the largest free file is in the list; `count`: none is free. */
static size_t largest_free(const struct journal_files *files) {
    size_t found = files->count;
    for (size_t i = 0; i < files->count; i++) {
        if (files->all[i]->generation != 0) continue;
        if (found == files->count || files->all[i]->size > files->all[found]->size) found = i;
    }
    return found;
}

static void remove_work(struct env_job *job) {
    struct journal_making *removing = (struct journal_making *)job;
    removing->error = env_unlink(removing->env, removing->path);
    if (removing->error == ERR_NONE) removing->error = env_sync_dir(removing->env, removing->dir);
}

static void remove_done(struct env_job *job) {
    struct journal_making *removing = (struct journal_making *)job;
    if (removing->error != ERR_NONE)
        env_fatal(removing->env,
                  "cannot remove the journal file %s (%s); this broker ends, its data is safe",
                  removing->path, error_phrase(removing->error));
    end_job(removing, ERR_NONE);
}

/* Takes the file at that place out of the list. */
static struct journal_file *take_out(struct journal_files *files, size_t at) {
    struct journal_file *file = files->all[at];
    files->free_bytes -= file->size;
    files->count--;
    memmove(&files->all[at], &files->all[at + 1],
            (files->count - at) * sizeof(struct journal_file *));
    return file;
}

void journal_files_remove_later(struct journal_files *files, struct env_lane *lane,
                                void (*removed)(void *arg, int error), void *arg) {
    size_t at = largest_free(files);
    CHECK(at < files->count); /* the caller has counted them */
    struct journal_making *removing = job_new(files, take_out(files, at));
    removing->job.work = remove_work;
    removing->job.done = remove_done;
    begin_job(removing, lane, removed, arg);
}

/* ---- Lending ---- */

size_t journal_files_free(const struct journal_files *files) {
    size_t count = 0;
    for (size_t i = 0; i < files->count; i++)
        count += files->all[i]->generation == 0;
    return count;
}

struct journal_file *journal_files_take(struct journal_files *files, uint64_t generation) {
    CHECK(generation > 0); /* the journal's next one, which goes on from one that was decoded */
    size_t at = largest_free(files);
    if (at == files->count) return NULL;
    struct journal_file *file = files->all[at];
    file->generation = generation;
    if (file->used) files->reused++;
    file->used = true;
    files->free_bytes -= file->size;
    if (file->size > files->file_bytes) file->size = files->file_bytes;
    files->live_bytes += file->size;
    return file;
}

void journal_files_grown(struct journal_files *files, struct journal_file *file, uint64_t bytes) {
    CHECK(file->generation != 0); /* it is the file that is written to */
    if (bytes <= file->size) return;
    files->live_bytes += bytes - file->size;
    file->size = bytes;
}

size_t journal_files_release(struct journal_files *files, uint64_t generation) {
    size_t released = 0;
    for (size_t i = 0; i < files->count; i++) {
        struct journal_file *file = files->all[i];
        if (file->generation == 0 || file->generation >= generation) continue;
        file->generation = 0;
        files->live_bytes -= file->size;
        files->free_bytes += file->size;
        released++;
    }
    return released;
}
