/*
 * A frame of entries being put together: pieces of several groups for one peer (layout in
 * peer_frame.h).
 *
 * Heads and entry headers gather in one buffer. Large bodies go as slices of what is in memory,
 * uncopied; neighbouring small ones are copied together, because a piece of its own in a write
 * costs more than the copy.
 */
#ifndef RAFT_GLUE_PEER_ENTRY_FRAME_H
#define RAFT_GLUE_PEER_ENTRY_FRAME_H

#include "raft-glue/peer/peer_frame.h"
#include "storage/entry.h"

enum {
    /* A frame is full when it has */
    ENTRY_FRAME_BYTES = 1 << 20, /* more bodies than that, */
    ENTRY_FRAME_ENTRIES = 2000,  /* or so many entries, */
    ENTRY_FRAME_PIECES = 64,     /* or pieces of so many groups: they are stepped in one turn, */
    ENTRY_FRAME_SLICES = 100,    /* or so many slices: it leaves in one write */
};

struct entry_frame {
    struct peer_bytes meta, small;
    struct slice slices[ENTRY_FRAME_SLICES];
    size_t slice_count; /* the first is meta's */
    size_t entry_count, piece_count;
    uint64_t bytes, most_bytes;
};

/* Full at `most_bytes` already, if that is less than ENTRY_FRAME_BYTES: the windows of the owner.
 */
void entry_frame_begin(struct entry_frame *frame, uint64_t most_bytes);
bool entry_frame_is_full(const struct entry_frame *frame);
/* Adds a piece with the first of these entries, as many as fit but at least one: piece->count says
 * how many. Takes references of its own. Returns the bytes that they take. The frame must not be
 * full. */
uint64_t entry_frame_add(struct entry_frame *frame, struct peer_piece *piece,
                         struct entry *const *entries, size_t n);
/* Ends the frame: the slices of its payload are in frame->slices, the caller's. Returns how many;
 * 0: it was empty. */
size_t entry_frame_end(struct entry_frame *frame);

#endif
