/*
 * Reads the entries of a segment file one after the other, in big reads.
 *
 * Pure reading of one file: a cursor may run on the loop (cached_only: nothing waits for a disk) or
 * inside a job, as long as one thread at a time uses it. Bodies that it gives out are slices of
 * what was read, not copies.
 * Failures: ERR_AGAIN (cached_only: a disk would have to be asked; the cursor has not moved, so the
 * same call in a job goes on), ERR_CORRUPT (a checksum, a length or an index that cannot be, only
 * zeros where the last entries were: `looked_at` says where), ERR_IO. Invariant: what it allocates
 * is bounded by the bytes that the file really has before `limit`.
 */
#ifndef STORAGE_SEGMENT_SEGMENT_CURSOR_H
#define STORAGE_SEGMENT_SEGMENT_CURSOR_H

#include "base/env.h"
#include "storage/entry.h"
#include "storage/log_types.h"

struct segment_cursor {
    struct env_file *file; /* the caller's, open while the cursor reads */
    uint64_t group;        /* entries of another group are ERR_CORRUPT */
    uint64_t position;     /* where the next entry begins */
    uint64_t limit;        /* no entry reaches beyond */
    uint64_t looked_at;    /* where the entry begins that was looked at last, sound or not */
    size_t chunk_bytes;    /* read so much at once where the file has it; may change */
    bool cached_only;
    bool gaps;                /* a segment that was cleaned: entries may be missing */
    log_index expected_index; /* of the next entry, or with gaps the least one; 0: not known yet */
    log_index last_index; /* of the last entry before `limit`: an entry behind it is damage (another
                             segment's, written to a wrong place), and so is an end without it, but
                             with gaps; 0: not known */
    struct buffer *chunk; /* what was read last */
    uint64_t chunk_position;
    size_t chunk_len;
};

void segment_cursor_init(struct segment_cursor *cursor, struct env_file *file, uint64_t group,
                         uint64_t position, uint64_t limit, size_t chunk_bytes);
void segment_cursor_close(struct segment_cursor *cursor);

/* The header of the next entry; moves over zeros before it (segment_format.h, blocks) and no
 * further. `header` gets everything but body, raw and references. ERR_EOF: at the limit. */
int segment_cursor_peek(struct segment_cursor *cursor, struct entry *header);
/* Moves behind the entry that was peeked. */
void segment_cursor_skip(struct segment_cursor *cursor, const struct entry *header);
/* The next entry, its body checked; one reference for the caller. Moves behind it. */
int segment_cursor_next(struct segment_cursor *cursor, struct entry **entry);

#endif
