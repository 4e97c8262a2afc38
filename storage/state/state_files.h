/*
 * States of a log's appliers, as files in the directory of their group: `<raft index, 20
 * digits>.snapshot`, and where it has to be there twice, `.copy`.
 *
 * Happy path: written to `snapshot.tmp`, synced, renamed, both, and the directory is synced; found
 * again when the log is opened. Failures: what the disk says; a file that is torn or of another
 * group is passed over. Invariants: a file is the state behind exactly the entries up to its index;
 * who writes does so alone in that directory. All block: for jobs.
 *
 * File: u32 "DRSS", u32 format, u64 group, u64 index, u32 length, u32 CRC-32C of the bytes before
 * it and of the state; the state, in one piece, whatever parts it came in. Of a partition that is
 * what broker/partition/appliers_snapshot.c says.
 */
#ifndef STORAGE_STATE_STATE_FILES_H
#define STORAGE_STATE_STATE_FILES_H

#include "base/buffer.h"
#include "base/env.h"
#include "storage/log_types.h"

/* The parts, one behind the other, have `len` bytes. Durable when it returns ERR_NONE; else one of
 * the files may be there, and is whole then. */
int state_files_write(struct env *env, const char *group_path, uint64_t group, log_index index,
                      const struct slice *parts, size_t count, uint64_t len, bool twice);
/* All but the newest ones go; on an error some stay. */
void state_files_remove_old(struct env *env, const char *group_path);

/* Which ones are usable when a log is opened. */
struct state_limits {
    log_index committed; /* as far as recovery knows, and: */
    log_index last;      /* of the log */
};
/* The newest usable one, or its copy: false if there is none. `state` is the caller's. */
bool state_files_find(struct env *env, const char *group_path, uint64_t group,
                      const struct state_limits *limits, log_index *index, struct slice *state);
/* Whether the copy of that one is here; it was not read. */
bool state_files_have_copy(struct env *env, const char *group_path, log_index index);
/* Reads and checks one file; *was_durable: what it describes was, when it was written. `state` is
 * the caller's. ERR_MALFORMED, ERR_CORRUPT, ERR_VERSION, ERR_NOT_FOUND, ERR_IO. */
int state_file_read(struct env *env, const char *path, uint64_t group, log_index index,
                    bool *was_durable, struct slice *state);

#endif
