/*
 * The directory `<group's directory>.in`: a log that a leader gives as files (prefix_files.h), as
 * far as it has come, beside the log that is in force.
 *
 * Happy path: files come in; when the last one is durable so is the list of them, `offer`, and from
 * then on the directory is a whole log, with a `start` and a `name` of its own; the journal says
 * durably that the log begins anew where it ends; staged_directory_swap puts the log's own
 * directory aside (group_directory.h) and this one in its place. Failures: what a crash leaves of a
 * swap is finished by the same call: either directory may be where it belongs already. Every step
 * is durable before the next. Invariant: `offer` is there only while all that it lists is durable.
 *
 * `offer`, little-endian: u32 "DRSO", u32 format, u64 group, u32 length, u32 CRC-32C of the bytes
 * before it and of the list; the list (prefix_files_encode).
 *
 * All calls block. Errors are what the disk says, but where it is said.
 */
#ifndef STORAGE_SEGMENT_STAGED_DIRECTORY_H
#define STORAGE_SEGMENT_STAGED_DIRECTORY_H

#include "base/env.h"
#include "storage/segment/prefix_files.h"

/* "<group_path>.in"; mem_free. */
char *staged_directory_path(const char *group_path);
/* Where the file with that place in the list lies; mem_free. */
char *staged_file_path(const char *staged_path, const struct prefix_file *file);

/* Where the log goes on behind the files: the last entry of them, the segment (base offset) that
 * the next one begins, the position in it. Nothing is appended to what was given: it may have been
 * cleaned. */
struct staged_place {
    log_index index;
    kafka_offset segment;
    uint64_t position;
};
struct staged_place staged_directory_end(const struct prefix_files *files);

/* Durable when it returns ERR_NONE. */
int staged_directory_seal(struct env *env, const char *staged_path, uint64_t group,
                          const struct prefix_files *files);
/* Whether it is there, whole, and ends at that place, which the journal names as the log's: then
 * the swap was not finished. */
int staged_directory_ends_at(struct env *env, const char *staged_path, uint64_t group,
                             const struct staged_place *place, bool *ends_there);

/* What is staged ends at that place. *aside: what was in force, now under another name and to be
 * removed; NULL: there was nothing. mem_free. ERR_NOT_FOUND: it is neither staged nor in place. */
int staged_directory_swap(struct env *env, const char *groups_path, const char *group_path,
                          uint64_t group, const struct staged_place *place, char **aside);

#endif
