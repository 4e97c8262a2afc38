/* Free space of the data directory. See the header. */
#include "broker/disk_watch.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"

enum { LOOK_US = 1000 * 1000, MIB = 1024 * 1024 };

struct disk_watch {
    struct env *env;
    struct log *log;
    char *path;
    uint64_t min_free;
    struct env_timer *timer;
    bool full;
    char sentence[400];
};

static void look(struct disk_watch *watch) {
    uint64_t free_bytes;
    if (env_disk_free(watch->env, watch->path, &free_bytes) != ERR_NONE) return;
    if (!watch->full && free_bytes < watch->min_free) {
        watch->full = true;
        snprintf(watch->sentence, sizeof watch->sentence,
                 "the disk of %.200s is nearly full: %" PRIu64 " MiB are free and disk.min.free.bytes is %" PRIu64
                 " MiB; produce is refused until there is room",
                 watch->path, free_bytes / MIB, watch->min_free / MIB);
        log_error(watch->log, "%s", watch->sentence);
    } else if (watch->full && free_bytes >= watch->min_free + watch->min_free / 10) {
        watch->full = false;
        watch->sentence[0] = '\0';
        log_info(watch->log, "the disk of %s has room again: %" PRIu64 " MiB are free", watch->path, free_bytes / MIB);
    }
}

static void on_timer(void *arg) {
    struct disk_watch *watch = arg;
    look(watch);
    env_timer_start(watch->timer, LOOK_US);
}

struct disk_watch *disk_watch_new(struct env *env, struct log *log, const char *path, uint64_t min_free_bytes) {
    struct disk_watch *watch = mem_zalloc(sizeof *watch);
    watch->env = env;
    watch->log = log;
    watch->path = mem_strdup(path);
    watch->min_free = min_free_bytes;
    watch->timer = env_timer_new(env, on_timer, watch);
    on_timer(watch);
    return watch;
}

void disk_watch_free(struct disk_watch *watch) {
    if (watch == NULL) return;
    env_timer_free(watch->timer);
    mem_free(watch->path);
    mem_free(watch);
}

bool disk_watch_full(const struct disk_watch *watch) {
    return watch->full;
}

const char *disk_watch_sentence(const struct disk_watch *watch) {
    return watch->sentence;
}
