/* Small files of /proc and of the control group, each read whole. */
#include "broker/observe/host_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"

enum { TEXT_MOST = 64 << 10 };

/* Empty: it cannot be read. */
static void read_text(struct env *env, const char *path, char *into, size_t room) {
    struct env_file *file;
    size_t got = 0;
    into[0] = '\0';
    if (env_file_open(env, path, ENV_READ, &file) != ERR_NONE) return;
    int error = env_file_read(file, into, room - 1, 0, &got);
    env_file_close(file);
    into[error == ERR_NONE ? got : 0] = '\0';
}

/* "MemTotal:   16384 kB" -> bytes. */
static uint64_t field(const char *text, const char *name) {
    const char *at = strstr(text, name);
    return at == NULL ? UINT64_MAX : strtoull(at + strlen(name), NULL, 10) * 1024;
}

/* "36 35 98:0 /root /mnt/data rw,... - ext4 /dev/sda1 ...": the one with the longest mount point
 * that the path begins with. */
void host_file_system(const char *mounts, const char *path, char into[HOST_FILE_SYSTEM]) {
    size_t longest = 0;
    into[0] = '\0';
    for (const char *line = mounts; *line != '\0';) {
        char point[512], type[HOST_FILE_SYSTEM];
        const char *dash = strstr(line, " - "), *end = strchr(line, '\n');
        bool whole = dash != NULL && (end == NULL || dash < end) &&
                     sscanf(line, "%*s %*s %*s %*s %511s", point) == 1 &&
                     sscanf(dash + 3, "%23s", type) == 1;
        size_t len = whole ? strlen(point) : 0;
        bool holds = whole && strncmp(path, point, len) == 0 &&
                     (len == 1 || path[len] == '/' || path[len] == '\0');
        if (holds && len >= longest) {
            longest = len;
            snprintf(into, HOST_FILE_SYSTEM, "%s", type);
        }
        if (end == NULL) break;
        line = end + 1;
    }
}

/* What the container may have, where that is less than the machine has. */
static uint64_t container_memory(struct env *env, char *text) {
    read_text(env, "/sys/fs/cgroup/memory.max", text, TEXT_MOST);
    return *text >= '0' && *text <= '9' ? strtoull(text, NULL, 10) : UINT64_MAX;
}

void host_facts_read(struct host_facts *facts, struct env *env, const char *directory) {
    uint64_t now_ms = env_now_ms(env);
    if (facts->known && now_ms - facts->read_ms < HOST_FACTS_FRESH_MS) return;
    char *text = mem_alloc(TEXT_MOST);
    facts->known = true;
    facts->read_ms = now_ms;
    read_text(env, "/proc/meminfo", text, TEXT_MOST);
    facts->memory_bytes = field(text, "MemTotal:");
    uint64_t most = container_memory(env, text);
    if (most < facts->memory_bytes) facts->memory_bytes = most;
    read_text(env, "/proc/self/status", text, TEXT_MOST);
    facts->swapped_bytes = field(text, "VmSwap:");
    char *path = realpath(directory, NULL);
    read_text(env, "/proc/self/mountinfo", text, TEXT_MOST);
    host_file_system(text, path == NULL ? directory : path, facts->file_system);
    free(path);
    mem_free(text);
}

void host_facts_show(const struct host_facts *facts, bool direct, struct snapshot *snapshot) {
    struct rlimit limit;
    const char *way = direct ? "yes" : "no";
    if (facts->file_system[0] != '\0')
        snapshot_add2(snapshot, METRIC_DISK_INFO, 1,
                      snapshot_text(snapshot, facts->file_system, strlen(facts->file_system)),
                      snapshot_text(snapshot, way, strlen(way)));
    if (facts->memory_bytes != UINT64_MAX)
        snapshot_add(snapshot, METRIC_HOST_MEMORY, (double)facts->memory_bytes);
    if (facts->swapped_bytes != UINT64_MAX)
        snapshot_add(snapshot, METRIC_PROCESS_SWAPPED, (double)facts->swapped_bytes);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        snapshot_add(snapshot, METRIC_PROCESS_MAX_FDS, (double)limit.rlim_cur);
}
