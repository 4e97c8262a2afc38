/*
 * An environment and a temporary folder, and entries to put into it, for the tests of storage.
 *
 * folder_run runs the loop until folder_stop is called; a test that never does fails after 60 s.
 * folder_close asserts that nothing leaked and removes the folder with all that is in it.
 */
#ifndef TESTS_UNIT_STORAGE_FIXTURE_FOLDER_H
#define TESTS_UNIT_STORAGE_FIXTURE_FOLDER_H

#include "base/env_uv/env_uv.h"
#include "base/log.h"
#include "storage/entry.h"

struct folder {
    struct env *env;
    struct log log; /* errors only, to nowhere */
    char path[64];
    int log_fd;
};

void folder_open(struct folder *folder);
void folder_close(struct folder *folder);
void folder_run(struct folder *folder);
void folder_stop(struct folder *folder);
/* Runs the loop until nothing is left that could happen. */
void folder_run_out(struct folder *folder);

/* The whole file, NUL-terminated; mem_free. */
uint8_t *file_bytes(const char *path, size_t *len);
void file_put(const char *path, const void *bytes, size_t len);
/* Every name in a directory that ends with `suffix`, in order; at most `room`. */
size_t file_names(const char *directory, const char *suffix, char (*names)[64], size_t room);
/* Copies the files whose names end in `suffix`. */
void copy_files(const char *from, const char *to, const char *suffix);

/* Pseudo-random numbers: the same in every run. */
struct dice {
    uint64_t state;
};
uint64_t dice_next(struct dice *dice);
uint64_t dice_below(struct dice *dice, uint64_t limit); /* limit > 0 */

/* Sealed entries, one reference. Of record batches: `batches` of 1 to `records_max` records with
 * timestamps around `time`, uncompressed or in one of Kafka's codecs, the leader epoch set to the
 * term. */
struct entry *entry_of_batches(struct dice *dice, uint64_t group, uint64_t index, uint32_t term,
                               int64_t base_offset, int batches, int records_max, size_t value_max,
                               int64_t time);
struct entry *entry_internal(enum entry_type type, uint64_t group, uint64_t index, uint32_t term,
                             int64_t base_offset, const char *body);

#endif
