/* Buffers of one size, filled one after the other. */
#include "broker/snapshot/snapshot_bytes.h"

#include <string.h>

#include "base/mem.h"

enum { PIECE = 256 << 10, FIRST_PIECE = 1 << 10 };

static struct slice *add(struct snapshot_bytes *bytes) {
    bytes->pieces = mem_grow(bytes->pieces, bytes->count, &bytes->capacity, sizeof *bytes->pieces);
    struct slice *piece = &bytes->pieces[bytes->count++];
    *piece = (struct slice){0};
    return piece;
}

/* The last piece, if it has room; else a new one, larger than all before. */
static struct slice *with_room(struct snapshot_bytes *bytes) {
    struct slice *last = bytes->count > 0 ? &bytes->pieces[bytes->count - 1] : NULL;
    if (last != NULL && last->len < last->buffer->size) return last;
    size_t size = bytes->len < FIRST_PIECE ? FIRST_PIECE : bytes->len < PIECE ? bytes->len : PIECE;
    struct buffer *buffer = buffer_new(NULL, size);
    last = add(bytes);
    *last = slice_of(buffer, 0, 0);
    buffer_unref(buffer);
    return last;
}

void snapshot_bytes_put(struct snapshot_bytes *bytes, const void *data, size_t len) {
    const uint8_t *from = data;
    while (len > 0) {
        struct slice *piece = with_room(bytes);
        size_t room = piece->buffer->size - piece->len, part = len < room ? len : room;
        memcpy(piece->buffer->data + piece->len, from, part);
        piece->len += part;
        bytes->len += part;
        from += part;
        len -= part;
    }
}

void snapshot_bytes_drop(struct snapshot_bytes *bytes) {
    for (size_t i = 0; i < bytes->count; i++)
        slice_unref(&bytes->pieces[i]);
    mem_free(bytes->pieces);
    *bytes = (struct snapshot_bytes){0};
}

void snapshot_bytes_join(struct snapshot_bytes *to, struct snapshot_bytes *from) {
    for (size_t i = 0; i < from->count; i++)
        *add(to) = from->pieces[i];
    to->len += from->len;
    mem_free(from->pieces);
    *from = (struct snapshot_bytes){0};
}

struct slice snapshot_bytes_whole(struct snapshot_bytes *bytes) {
    struct buffer *buffer = buffer_new(NULL, bytes->len);
    size_t at = 0;
    for (size_t i = 0; i < bytes->count; i++) {
        memcpy(buffer->data + at, bytes->pieces[i].data, bytes->pieces[i].len);
        at += bytes->pieces[i].len;
    }
    snapshot_bytes_drop(bytes);
    struct slice whole = slice_of(buffer, 0, at);
    buffer_unref(buffer);
    return whole;
}
