/*
 * Reads rounds of one journal file, through a window of memory that slides over it.
 *
 * Happy path: journal_reader_round at the end of the round before; what the window shows of it
 * already is not read again. A round is believed only whole and at its place. Invariant: memory is
 * one piece, or the largest round that the file really holds.
 */
#ifndef STORAGE_JOURNAL_JOURNAL_READER_H
#define STORAGE_JOURNAL_JOURNAL_READER_H

#include "storage/journal/journal_files.h"
#include "storage/journal/journal_format.h"

struct journal_reader {
    const struct journal_file *file;
    uint64_t salt;   /* of our journal; 0: not known yet, any will do */
    uint8_t *window; /* aligned */
    size_t capacity;
    size_t ahead; /* so much is read at once, where the window has room */
    uint64_t at;  /* what the window shows: [at, at + len) of the file */
    size_t len;
};

/* How much of a file will be read: its beginning, or all of it. */
enum journal_reading { JOURNAL_READ_BEGINNING, JOURNAL_READ_ALL };

void journal_reader_init(struct journal_reader *reader);
void journal_reader_close(struct journal_reader *reader);
void journal_reader_file(struct journal_reader *reader, const struct journal_file *file,
                         enum journal_reading reading);

/* `len` bytes at `offset` (a multiple of JOURNAL_BLOCK), valid until the next call. ERR_EOF: the
 * file ends before; ERR_IO. */
int journal_reader_bytes(struct journal_reader *reader, uint64_t offset, size_t len,
                         const uint8_t **bytes);
/* The header at `offset`, if its own checksum holds and it names this place. ERR_MALFORMED,
 * ERR_VERSION, ERR_IO. */
int journal_reader_header(struct journal_reader *reader, uint64_t offset,
                          struct journal_round_header *header);
/* The whole round at `offset`, checked; *round is valid until the next call. As above, and
 * ERR_CORRUPT: not whole. */
int journal_reader_round(struct journal_reader *reader, uint64_t offset,
                         struct journal_round_header *header, const uint8_t **round);

#endif
