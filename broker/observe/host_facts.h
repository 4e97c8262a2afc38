/*
 * What a broker stands on: the file system of its data, the memory of its machine or container, how
 * much of it was swapped out, how many files it may open.
 *
 * Read from /proc, and again once HOST_FACTS_FRESH_MS have passed, because each file takes some
 * microseconds. What cannot be read, or is no machine's (the simulator), is not known.
 */
#ifndef BROKER_OBSERVE_HOST_FACTS_H
#define BROKER_OBSERVE_HOST_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "broker/observe/snapshot.h"

enum { HOST_FACTS_FRESH_MS = 60000, HOST_FILE_SYSTEM = 24 };

struct host_facts {
    bool known;
    uint64_t read_ms;                     /* of env_now_ms */
    char file_system[HOST_FILE_SYSTEM];   /* "ext4"; empty: not known */
    uint64_t memory_bytes, swapped_bytes; /* UINT64_MAX: not known */
};

/* `directory`: of the data. */
void host_facts_read(struct host_facts *facts, struct env *env, const char *directory);
void host_facts_show(const struct host_facts *facts, bool direct, struct snapshot *snapshot);

/* Of the text of /proc/self/mountinfo: the type of the file system that holds the absolute path. */
void host_file_system(const char *mounts, const char *path, char into[HOST_FILE_SYSTEM]);

#endif
