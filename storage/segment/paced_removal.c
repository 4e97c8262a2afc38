/* The row of directories and files that go, and the steps that cut and unlink their files. */
#include "storage/segment/paced_removal.h"

#include "base/check.h"
#include "base/mem.h"
#include "storage/segment/segment_format.h"

enum {
    STEP_BYTES = 4 << 20,
    STEP_NAMES = 64, /* unlinked in one step */
    PAUSE_US = 10 * 1000,
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
    uint64_t budget = STEP_BYTES;
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

static void step(void *arg) {
    struct paced_removal *removals = arg;
    if (removals->busy || removals->first == NULL) return;
    removals->busy = true;
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
        removal_free(removal);
    }
    if (removals->first != NULL)
        env_timer_start(removals->pause, no_files ? NO_FILES_US : PAUSE_US);
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
                             size_t count) {
    struct removal *removal = removal_new(removals, directory);
    removal->listed = removal->stays = true;
    removal->paths = paths;
    removal->count = count;
    add(removals, removal);
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
