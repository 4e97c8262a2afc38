/*
 * The beginning of a log as files: what a replica that lacks entries at or below the log's start is
 * given instead of them, and how each of its bytes is checked.
 *
 *   begins ---- segments, in order, none missing ----> ends            (state: up to state_index)
 *
 * `begins` is what the file `start` says here and is to say there (index 0: the log begins with
 * entry 1, and there is no such file). `ends` says the same of the place where the log goes on as
 * entries: behind the last segment; equal to `begins` when there is none. All up to `ends` has
 * committed. The state is that of the appliers after the entries up to `state_index`, which is not
 * below that of `ends`; it is a file as it lies in the group's directory (path_of_snapshot).
 *
 * No I/O. Little-endian: two places { u64 index, i64 offset, u32 term, u32 bytes of the
 * configuration, u64 its index, the configuration }, u64 state_index, u32 files, u32 zero; files {
 * u8 kind, 7 zeros, u64 first index, u64 last index, i64 base offset, i64 end offset, u64 bytes,
 * then a CRC-32C (u32) of each block: PREFIX_BLOCK bytes, the last one shorter }.
 *
 * Invariant: nothing is allocated by a count that was only claimed.
 */
#ifndef STORAGE_SEGMENT_PREFIX_FILES_H
#define STORAGE_SEGMENT_PREFIX_FILES_H

#include <stddef.h>

#include "storage/segment/start_file.h"

enum {
    PREFIX_BLOCK = 1 << 20,
    PREFIX_FILES_MOST = 1 << 16,
    PREFIX_BLOCKS_MOST = 1 << 22, /* of all files: 4 TiB, whose list has 16 MiB */
    PREFIX_CHANGE_MOST = 1 << 16, /* bytes of a configuration */
};

enum prefix_file_kind {
    PREFIX_STATE = 1,   /* the first, and the only one of this kind: a snapshot of the appliers */
    PREFIX_SEGMENT = 2, /* sealed */
};

struct prefix_file {
    enum prefix_file_kind kind;
    log_index first_index, last_index;    /* of a state: 0, and state_index */
    kafka_offset base_offset, end_offset; /* of a state: 0 */
    uint64_t size_bytes;                  /* never 0 */
    uint32_t *block_crcs;                 /* prefix_file_blocks() of them */
};

struct prefix_files {
    struct start_file begins, ends;
    log_index state_index;
    struct prefix_file *files;
    size_t count;
};

uint64_t prefix_file_blocks(uint64_t size_bytes);
/* Of all files. */
uint64_t prefix_files_bytes(const struct prefix_files *files);
/* The bytes; the caller's. */
struct slice prefix_files_encode(const struct prefix_files *files);
/* On success `into` is to be freed. The configurations' bytes and the invariants above are checked,
 * that a configuration can be read is not. ERR_MALFORMED. */
int prefix_files_decode(const uint8_t *bytes, size_t len, struct prefix_files *into);
void prefix_files_free(struct prefix_files *files);

#endif
