/* The row of directories and files that go, and the steps that cut and unlink their files. */
#include "storage/segment/paced_removal.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "storage/segment/segment_format.h"

enum {
    STEP_BYTES = 4 << 20,
    STEP_NAMES = 64, /* unlinked in one step */
    PAUSE_US = 10 * 1000,
    /* So much that waits makes the steps larger by STEP_BYTES, and the pauses shorter. */
    BACKLOG_BYTES = 64 << 20,
    BACKLOG_COUNT = 8,
    PACE_MAX = 16,
    NO_FILES_US = 1000 * 1000, /* the pause when too many files are open */
};

/* One directory, or some files of one; also the job of its steps. */
struct removal {
    struct env_job job; /* first: a job is its removal */
    struct paced_removal *removals;
    struct env *env;
    struct removal *next;
    char *directory;
    char **paths;
    size_t count, at;         /* paths, and the one that goes next */
    uint64_t bytes;           /* in them; 0: not known */
    uint64_t budget;          /* of the step that is under way */
    bool listed, stays, over; /* `stays`: the directory */
    int error;                /* ERR_LIMIT: again later */
};

static void removal_free(struct removal *removal) {
    for (size_t i = 0; i < removal->count; i++)
        mem_free(removal->paths[i]);
    mem_free(removal->paths);
    mem_free(removal->directory);
    mem_free(removal);
}

/* ---- In the lane ---- */

static void add_name(void *arg, const char *name) {
    struct removal *removal = arg;
    removal->paths = mem_realloc(removal->paths, (removal->count + 1) * sizeof *removal->paths);
    removal->paths[removal->count++] = path_join(removal->directory, name);
}

/* Takes at most *budget bytes off the end of the file. Returns true when so little is left that it
 * may be unlinked. */
static bool cut(struct removal *removal, const char *path, uint64_t *budget) {
    struct env_file *file;
    uint64_t size = 0;
    removal->error = env_file_open(removal->env, path, ENV_WRITE, &file);
    if (removal->error == ERR_LIMIT) return false;
    if (removal->error != ERR_NONE) return true;
    bool small = env_file_size(file, &size) != ERR_NONE || size <= *budget;
    if (!small)
        small = env_file_truncate(file, size - *budget) != ERR_NONE ||
                env_file_sync(file) != ERR_NONE;
    env_file_close(file);
    removal->error = ERR_NONE;
    *budget -= size < *budget ? size : *budget;
    return small;
}

static void removal_work(struct env_job *job) {
    struct removal *removal = (struct removal *)job;
    uint64_t budget = removal->budget;
    if (!removal->listed)
        removal->error = env_list_dir(removal->env, removal->directory, add_name, removal);
    if (removal->error == ERR_LIMIT) return;
    removal->listed = true;
    for (unsigned names = 0; removal->at < removal->count && names < STEP_NAMES && budget > 0;
         names++) {
        const char *path = removal->paths[removal->at];
        bool may_go = cut(removal, path, &budget);
        if (may_go) {
            env_unlink(removal->env, path);
            removal->at++;
        }
        if (removal->error == ERR_LIMIT) return;
    }
    removal->over = removal->at == removal->count;
    if (removal->over && !removal->stays)
        env_rmdir(removal->env, removal->directory);
    else
        env_sync_dir(removal->env, removal->directory);
}

/* ---- On the loop ---- */

static void removal_done(struct env_job *job);

/* 1: nothing is behind. Who lets go of more than the steps take away must not fill the disk. */
static uint64_t pace(const struct paced_removal *removals) {
    uint64_t pace = 1 + removals->bytes / BACKLOG_BYTES + removals->count / BACKLOG_COUNT;
    return pace < PACE_MAX ? pace : PACE_MAX;
}

static void step(void *arg) {
    struct paced_removal *removals = arg;
    if (removals->busy || removals->first == NULL) return;
    removals->busy = true;
    removals->first->budget = STEP_BYTES * pace(removals);
    removals->first->job = (struct env_job){.work = removal_work, .done = removal_done};
    env_lane_run(removals->lane, &removals->first->job);
}

static void removal_done(struct env_job *job) {
    struct removal *removal = (struct removal *)job;
    struct paced_removal *removals = removal->removals;
    removals->busy = false;
    if (removals->stopped) {
        removals->idle(removals->arg);
        return;
    }
    bool no_files = removal->error == ERR_LIMIT;
    removal->error = ERR_NONE;
    if (removal->over) {
        removals->first = removal->next;
        if (removals->first == NULL) removals->end = &removals->first;
        removals->bytes -= removal->bytes;
        removals->count--;
        removal_free(removal);
    }
    if (removals->first != NULL)
        env_timer_start(removals->pause, no_files ? NO_FILES_US : PAUSE_US / pace(removals));
}

void paced_removal_init(struct paced_removal *removals, struct env *env, void (*idle)(void *arg),
                        void *arg) {
    *removals = (struct paced_removal){
        .env = env, .end = &removals->first, .idle = idle, .arg = arg};
    removals->lane = env_lane_new(env, "remove");
    removals->pause = env_timer_new(env, step, removals);
}

static void add(struct paced_removal *removals, struct removal *removal) {
    if (removals->stopped) {
        removal_free(removal);
        return;
    }
    bool first = removals->first == NULL;
    *removals->end = removal;
    removals->end = &removal->next;
    removals->bytes += removal->bytes;
    removals->count++;
    if (first) step(removals);
}

static struct removal *removal_new(struct paced_removal *removals, char *directory) {
    struct removal *removal = mem_zalloc(sizeof *removal);
    removal->removals = removals;
    removal->env = removals->env;
    removal->directory = directory;
    return removal;
}

void paced_removal_add(struct paced_removal *removals, char *directory) {
    add(removals, removal_new(removals, directory));
}

void paced_removal_add_files(struct paced_removal *removals, char *directory, char **paths,
                             size_t count, uint64_t bytes) {
    struct removal *removal = removal_new(removals, directory);
    removal->listed = removal->stays = true;
    removal->paths = paths;
    removal->count = count;
    removal->bytes = bytes;
    add(removals, removal);
}

bool paced_removal_waits_in(const struct paced_removal *removals, const char *directory) {
    const struct removal *removal = removals->first;
    while (removal != NULL && strcmp(removal->directory, directory) != 0)
        removal = removal->next;
    return removal != NULL;
}

bool paced_removal_leave(struct paced_removal *removals, const char *directory) {
    struct removal **at = &removals->first;
    bool all = true;
    while (*at != NULL) {
        struct removal *removal = *at;
        bool is_it = strcmp(removal->directory, directory) == 0;
        bool under_way = removals->busy && removal == removals->first;
        if (is_it && under_way) all = false;
        if (!is_it || under_way) {
            at = &removal->next;
            continue;
        }
        *at = removal->next;
        removal_free(removal);
    }
    removals->end = at;
    return all;
}

void paced_removal_stop(struct paced_removal *removals) {
    removals->stopped = true;
    env_timer_stop(removals->pause);
}

void paced_removal_close(struct paced_removal *removals) {
    CHECK(removals->stopped && !removals->busy);
    for (struct removal *removal = removals->first, *next; removal != NULL; removal = next) {
        next = removal->next;
        removal_free(removal);
    }
    env_timer_free(removals->pause);
    env_lane_free(removals->lane);
}
