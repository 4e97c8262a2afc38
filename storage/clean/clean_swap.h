/*
 * Puts a cleaned segment, whole and synced as `<base>.clean`, in the place of those that it stands
 * for. Blocks: a job in the lane of the group.
 *
 *   1 `<base>.clean` takes the name `<base>.log`
 *   2 the directory is synced
 *   3 the other files that it stands for are unlinked; its index is written, and takes the place of
 *     the old one
 *
 * Failures. At 1, without room or files: nothing has changed, so the cleaning may be given up. At
 * 2, with too many open files: the name has changed, but a crash may still bring the old file back,
 * which needs the others beside it: so they stay until a call again has synced the directory.
 * Anything else at 1 or 2 leaves open what is on the disk: the process ends. What cannot be
 * unlinked at 3 is removed at the next start. An index that is not written, or not whole behind a
 * crash, is made again; what is left of it has the name of an unfinished segment, and goes like
 * one.
 */
#ifndef STORAGE_CLEAN_CLEAN_SWAP_H
#define STORAGE_CLEAN_CLEAN_SWAP_H

#include "storage/clean/clean_filter.h"

struct clean_swap {
    struct env *env;
    struct clean_output output; /* its index is this one's */
    char *group_path;
    kafka_offset *others; /* base offsets of the files that go */
    uint8_t *index_bytes; /* NULL: it has no entry */
    size_t index_len;
    bool renamed; /* 1 is done */
};

enum clean_swap_outcome {
    CLEAN_SWAP_DONE,
    CLEAN_SWAP_NOT_BEGUN, /* nothing has changed: give up */
    CLEAN_SWAP_HALF,      /* call it again, later */
    CLEAN_SWAP_UNKNOWN,   /* of the disk: end the process */
};

/* `inputs`: those of the whole cleaning. */
void clean_swap_open(struct clean_swap *swap, struct env *env, const char *group_path,
                     const struct clean_output *output, const struct clean_input *inputs);
/* *error: why it is not done. */
enum clean_swap_outcome clean_swap_put(struct clean_swap *swap, int *error);
void clean_swap_close(struct clean_swap *swap);

#endif
