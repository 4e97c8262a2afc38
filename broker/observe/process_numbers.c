/* /proc/self and the calls for resources. */
#include "broker/observe/process_numbers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static double seconds_of(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* /proc/self/statm: size, resident, ... in pages. */
static void add_memory(struct env *env, struct snapshot *snapshot) {
    char text[128];
    size_t got;
    struct env_file *file;
    if (env_file_open(env, "/proc/self/statm", ENV_READ, &file) != ERR_NONE) return;
    int error = env_file_read(file, text, sizeof text - 1, 0, &got);
    env_file_close(file);
    if (error != ERR_NONE) return;
    text[got] = '\0';
    const char *blank = strchr(text, ' ');
    if (blank == NULL) return;
    unsigned long long pages = strtoull(blank + 1, NULL, 10);
    snapshot_add(snapshot, METRIC_PROCESS_MEMORY, (double)pages * (double)sysconf(_SC_PAGESIZE));
}

static void count_name(void *arg, const char *name) {
    (void)name;
    ++*(uint64_t *)arg;
}

void process_numbers(struct env *env, struct snapshot *snapshot, int64_t began_ms) {
    struct rusage usage;
    uint64_t files = 0;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        snapshot_add(snapshot, METRIC_PROCESS_CPU,
                     seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
    add_memory(env, snapshot);
    if (env_list_dir(env, "/proc/self/fd", count_name, &files) == ERR_NONE)
        snapshot_add(snapshot, METRIC_PROCESS_OPEN_FDS, (double)files);
    snapshot_add(snapshot, METRIC_PROCESS_START, (double)began_ms / 1000);
}
