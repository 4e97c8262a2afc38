/* A window over the file that moves on in big reads; entries are checked in it. */
#include "storage/segment/segment_cursor.h"

#include <string.h>

#include "base/check.h"
#include "storage/segment/segment_format.h"

void segment_cursor_init(struct segment_cursor *cursor, struct env_file *file, uint64_t group,
                         uint64_t position, uint64_t limit, size_t chunk_bytes) {
    *cursor = (struct segment_cursor){.file = file,
                                      .group = group,
                                      .position = position,
                                      .limit = limit,
                                      .chunk_bytes = chunk_bytes};
}

void segment_cursor_close(struct segment_cursor *cursor) {
    buffer_unref(cursor->chunk);
    cursor->chunk = NULL;
}

static bool in_chunk(const struct segment_cursor *cursor, size_t len) {
    return cursor->chunk && cursor->position >= cursor->chunk_position &&
           cursor->position + len <= cursor->chunk_position + cursor->chunk_len;
}

static const uint8_t *at_position(const struct segment_cursor *cursor) {
    return cursor->chunk->data + (cursor->position - cursor->chunk_position);
}

/* Bytes from the position on that the chunk has: the beginning of what reaches beyond it. */
static size_t here(const struct segment_cursor *cursor) {
    if (!in_chunk(cursor, 0)) return 0;
    return (size_t)(cursor->chunk_position + cursor->chunk_len - cursor->position);
}

static int read_behind(const struct segment_cursor *cursor, struct buffer *into, size_t from,
                       size_t *got) {
    uint64_t position = cursor->position + from;
    uint8_t *data = into->data + from;
    size_t len = into->size - from;
    return cursor->cached_only ? env_file_read_cached(cursor->file, data, len, position, got)
                               : env_file_read(cursor->file, data, len, position, got);
}

/* Makes `len` bytes from the position on be in the chunk. */
static int need(struct segment_cursor *cursor, size_t len) {
    if (in_chunk(cursor, len)) return 0;
    uint64_t left = cursor->limit - cursor->position;
    if (len > left) return ERR_CORRUPT;
    size_t want = cursor->chunk_bytes < left ? cursor->chunk_bytes : (size_t)left;
    if (want < len) want = len;
    struct buffer *chunk = buffer_new(NULL, want);
    size_t kept = here(cursor), got = 0; /* fewer than `len`, or they were enough */
    if (kept > 0) memcpy(chunk->data, at_position(cursor), kept);
    int error = read_behind(cursor, chunk, kept, &got);
    if (!error && kept + got < len) error = ERR_CORRUPT;
    if (error) {
        buffer_unref(chunk);
        return error;
    }
    buffer_unref(cursor->chunk);
    cursor->chunk = chunk;
    cursor->chunk_position = cursor->position;
    cursor->chunk_len = kept + got;
    return 0;
}

/* The zeros that end a block, if they are what comes next. Anything else is left to who looks for
 * an entry. */
static int pass_padding(struct segment_cursor *cursor) {
    uint64_t end = segment_block_end(cursor->position);
    size_t len = (size_t)(end - cursor->position);
    if (len == 0 || end > cursor->limit) return 0;
    int error = need(cursor, 1);
    if (error || *at_position(cursor) != 0) return error;
    error = need(cursor, len);
    if (error) return error;
    const uint8_t *bytes = at_position(cursor);
    if (len == 1 || memcmp(bytes, bytes + 1, len - 1) == 0) cursor->position = end;
    return 0;
}

/* An entry at the end of a block of which only zeros are left looks like padding: only the indexes
 * tell. (A look may begin behind the limit: the index of the active segment knows what is being
 * written.) */
static int at_limit(const struct segment_cursor *cursor) {
    bool through = cursor->gaps || cursor->last_index == 0 ||
                   cursor->expected_index > cursor->last_index;
    return through ? ERR_EOF : ERR_CORRUPT;
}

static bool is_next(const struct segment_cursor *cursor, log_index index) {
    if (cursor->last_index != 0 && index > cursor->last_index) return false;
    if (cursor->expected_index == 0) return true;
    return cursor->gaps ? index >= cursor->expected_index : index == cursor->expected_index;
}

int segment_cursor_peek(struct segment_cursor *cursor, struct entry *header) {
    if (cursor->position >= cursor->limit) return at_limit(cursor);
    cursor->looked_at = cursor->position;
    int error = pass_padding(cursor);
    if (error) return error;
    if (cursor->position >= cursor->limit) return at_limit(cursor);
    cursor->looked_at = cursor->position;
    error = need(cursor, ENTRY_HEADER_SIZE);
    if (error) return error;
    uint32_t body_len;
    const uint8_t *bytes = at_position(cursor);
    if (entry_decode_header(bytes, header, &body_len) != 0 || header->group != cursor->group ||
        !is_next(cursor, header->index) ||
        body_len > cursor->limit - cursor->position - ENTRY_HEADER_SIZE)
        return ERR_CORRUPT;
    header->body = (struct slice){.len = body_len};
    header->raw = (struct slice){0};
    return 0;
}

void segment_cursor_skip(struct segment_cursor *cursor, const struct entry *header) {
    cursor->position += entry_stored_size(header);
    cursor->expected_index = header->index + 1;
}

int segment_cursor_next(struct segment_cursor *cursor, struct entry **entry) {
    struct entry header;
    int error = segment_cursor_peek(cursor, &header);
    if (!error) error = need(cursor, entry_stored_size(&header));
    if (error) return error;
    size_t at = cursor->position - cursor->chunk_position;
    struct slice body = slice_of(cursor->chunk, at + ENTRY_HEADER_SIZE, header.body.len);
    error = entry_from_bytes(cursor->chunk->data + at, body, entry);
    if (error) {
        slice_unref(&body);
        return ERR_CORRUPT;
    }
    segment_cursor_skip(cursor, &header);
    return 0;
}
