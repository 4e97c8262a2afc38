/* Moving the window, and judging the round in it. */
#include "storage/journal/journal_reader.h"

#include <string.h>

#include "base/mem.h"

enum { PIECE_BYTES = 4 << 20, BEGINNING_BYTES = 64 << 10 };

void journal_reader_init(struct journal_reader *reader) {
    *reader = (struct journal_reader){.capacity = PIECE_BYTES};
    reader->window = mem_aligned(JOURNAL_BLOCK, PIECE_BYTES);
}

void journal_reader_close(struct journal_reader *reader) {
    mem_free(reader->window);
    *reader = (struct journal_reader){0};
}

void journal_reader_file(struct journal_reader *reader, const struct journal_file *file,
                         enum journal_reading reading) {
    reader->file = file;
    reader->ahead = reading == JOURNAL_READ_ALL ? PIECE_BYTES : BEGINNING_BYTES;
    reader->at = 0;
    reader->len = 0;
}

/* The window begins at `offset`, with the whole blocks that it shows from there on, and has room
 * for `len` bytes. */
static void slide(struct journal_reader *reader, uint64_t offset, size_t len) {
    bool shown = offset >= reader->at && offset - reader->at < reader->len;
    size_t from = shown ? (size_t)(offset - reader->at) : 0;
    reader->len = shown ? (reader->len - from) / JOURNAL_BLOCK * JOURNAL_BLOCK : 0;
    reader->at = offset;
    if (len <= reader->capacity) {
        memmove(reader->window, reader->window + from, reader->len);
        return;
    }
    size_t capacity = (len + PIECE_BYTES - 1) / PIECE_BYTES * PIECE_BYTES;
    uint8_t *window = mem_aligned(JOURNAL_BLOCK, capacity);
    memcpy(window, reader->window + from, reader->len);
    mem_free(reader->window);
    reader->window = window;
    reader->capacity = capacity;
}

int journal_reader_bytes(struct journal_reader *reader, uint64_t offset, size_t len,
                         const uint8_t **bytes) {
    if (offset >= reader->at && offset - reader->at <= reader->len &&
        reader->len - (offset - reader->at) >= len) {
        *bytes = reader->window + (offset - reader->at);
        return ERR_NONE;
    }
    uint64_t size = reader->file->size;
    if (offset > size || len > size - offset) return ERR_EOF;
    slide(reader, offset, len);
    size_t want = len > reader->ahead ? reader->capacity : reader->ahead, got;
    int error = env_file_read(reader->file->file, reader->window + reader->len, want - reader->len,
                              offset + reader->len, &got);
    if (error != ERR_NONE) {
        reader->len = 0;
        return error;
    }
    reader->len += got;
    *bytes = reader->window;
    return reader->len >= len ? ERR_NONE : ERR_EOF;
}

int journal_reader_header(struct journal_reader *reader, uint64_t offset,
                          struct journal_round_header *header) {
    const uint8_t *bytes;
    int error = journal_reader_bytes(reader, offset, JOURNAL_BLOCK, &bytes);
    if (error != ERR_NONE) return error == ERR_EOF ? ERR_MALFORMED : error;
    error = journal_round_decode(bytes, header);
    if (error == ERR_MALFORMED || (reader->salt != 0 && header->salt != reader->salt))
        return ERR_MALFORMED;
    if (error != ERR_NONE) return error;
    return header->file == reader->file->number && header->offset == offset ? ERR_NONE
                                                                            : ERR_MALFORMED;
}

int journal_reader_round(struct journal_reader *reader, uint64_t offset,
                         struct journal_round_header *header, const uint8_t **round) {
    int error = journal_reader_header(reader, offset, header);
    if (error != ERR_NONE) return error;
    error = journal_reader_bytes(reader, offset,
                                 journal_round_size(header->payload_len, header->entries), round);
    if (error != ERR_NONE) return error == ERR_EOF ? ERR_CORRUPT : error;
    return journal_round_check(*round, header);
}
