/* Adding the pieces of a frame: heads, then bodies, small ones copied together. */
#include "raft-glue/peer/entry_frame.h"

#include "base/check.h"
#include "storage/little_endian.h"

enum { SMALL_BODY = 4096 };

void entry_frame_begin(struct entry_frame *frame, uint64_t most_bytes) {
    CHECK(most_bytes > 0); /* a setting with that limit */
    frame->meta = frame->small = (struct peer_bytes){0};
    frame->slice_count = 1;
    frame->entry_count = frame->piece_count = 0;
    frame->bytes = 0;
    frame->most_bytes = most_bytes < ENTRY_FRAME_BYTES ? most_bytes : ENTRY_FRAME_BYTES;
    peer_bytes_extend(&frame->meta, 4); /* its length, at the end */
}

bool entry_frame_is_full(const struct entry_frame *frame) {
    /* Two more: the small bodies gathered so far, and a large one. */
    return frame->bytes >= frame->most_bytes || frame->entry_count >= ENTRY_FRAME_ENTRIES ||
           frame->piece_count >= ENTRY_FRAME_PIECES || frame->slice_count + 2 > ENTRY_FRAME_SLICES;
}

static void flush_small(struct entry_frame *frame) {
    if (frame->small.len > 0) frame->slices[frame->slice_count++] = peer_bytes_take(&frame->small);
}

static void add_body(struct entry_frame *frame, const struct slice *body) {
    if (body->len <= SMALL_BODY) {
        peer_bytes_add(&frame->small, body->data, body->len);
        return;
    }
    flush_small(frame);
    frame->slices[frame->slice_count++] = slice_ref(*body);
}

uint64_t entry_frame_add(struct entry_frame *frame, struct peer_piece *piece,
                         struct entry *const *entries, size_t n) {
    /* The caller asks before; entries come from our log. */
    CHECK(n > 0 && !entry_frame_is_full(frame));
    size_t head = frame->meta.len;
    uint64_t before = frame->bytes;
    peer_bytes_extend(&frame->meta, PEER_PIECE_SIZE);
    piece->count = 0;
    while (piece->count < n && !entry_frame_is_full(frame)) {
        const struct entry *entry = entries[piece->count];
        /* Read from our log in order. */
        CHECK(entry->index == piece->prev_index + 1 + piece->count);
        peer_bytes_add(&frame->meta, entry->header, ENTRY_HEADER_SIZE);
        add_body(frame, &entry->body);
        frame->bytes += entry_stored_size(entry);
        frame->entry_count++;
        piece->count++;
    }
    frame->piece_count++;
    peer_piece_encode(frame->meta.data + head, piece);
    return frame->bytes - before;
}

size_t entry_frame_end(struct entry_frame *frame) {
    if (frame->entry_count == 0) {
        peer_bytes_free(&frame->meta);
        return 0;
    }
    flush_small(frame);
    le_put_u32(frame->meta.data, (uint32_t)frame->meta.len);
    frame->slices[0] = peer_bytes_take(&frame->meta);
    return frame->slice_count;
}
