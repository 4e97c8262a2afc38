/*
 * Which replica of its partition the files of a group are of: the file `<group>.replica` beside the
 * group's directory. One that was there when the partition was made has none.
 *
 * A partition that leaves a broker and comes back is another replica of the same group, without the
 * votes and entries of the one before: neither may be taken for the other, whatever a crash left.
 * Happy path: it is written, durably, before anything of the replica is, and goes as the last of
 * it. Failures: a crash leaves the old file or the new one; one that is not whole is damage. All
 * calls block.
 *
 * Little-endian: u32 "DRRP", u32 format, u64 group, u64 replica, u32 CRC-32C of the bytes before.
 */
#ifndef STORAGE_SEGMENT_REPLICA_FILE_H
#define STORAGE_SEGMENT_REPLICA_FILE_H

#include "base/env.h"
#include "storage/log_types.h"

/* ERR_NOT_FOUND: there is none; ERR_CORRUPT, ERR_VERSION, or what the disk says. */
int replica_file_read(struct env *env, const char *groups_path, uint64_t group,
                      replica_id *replica);
/* Durable when it returns ERR_NONE. */
int replica_file_write(struct env *env, const char *groups_path, uint64_t group,
                       replica_id replica);
/* Not synced. ERR_NONE also when there is none. */
int replica_file_remove(struct env *env, const char *groups_path, uint64_t group);

#endif
