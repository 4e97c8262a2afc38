/*
 * Reads a segment from one end to the other, and says where it is not what was written.
 *
 * Blocks: for jobs, a step at a time. Happy path: begin, step until ERR_EOF. Failures: an error of
 * a step tells of damage at `at`, where the entry `index` should be (or zeros before it); `header`
 * is looked at first, and what is wrong with it is told by `header_damaged`, once. Whoever mends
 * what was found goes on with a check that begins there.
 * Invariant: an entry counts as sound when both its checksums match, and it goes on where the one
 * before it ended: group, index, offset.
 */
#ifndef STORAGE_HEAL_SEGMENT_CHECK_H
#define STORAGE_HEAL_SEGMENT_CHECK_H

#include "storage/segment/segment.h"
#include "storage/segment/segment_cursor.h"

/* A place between two entries. */
struct check_place {
    uint64_t position;
    log_index index;     /* of the next entry; of a cleaned segment the least that it may have */
    kafka_offset offset; /* of the next record */
};

struct segment_check {
    struct segment_header header; /* as it should be */
    struct segment_cursor cursor;
    struct check_place at;
    bool header_checked, header_damaged;
};

/* `file` stays open until the close. `end`: up to where it is looked at, and what lies there. */
void segment_check_begin(struct segment_check *check, struct env_file *file,
                         const struct segment_header *header, const struct segment_end *end);
/* The same from a place in it on, without its header. */
void segment_check_begin_at(struct segment_check *check, struct env_file *file,
                            const struct segment_header *header, const struct segment_end *end,
                            const struct check_place *at);
/* Reads about so many bytes, at least one entry. ERR_NONE: there is more; ERR_EOF: all is sound;
 * ERR_CORRUPT, ERR_IO, ... as above. */
int segment_check_step(struct segment_check *check, uint64_t bytes);
void segment_check_close(struct segment_check *check);

#endif
