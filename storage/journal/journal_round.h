/*
 * A round in memory: records are copied into one aligned buffer as they come, and it is sealed and
 * written as it is.
 *
 * Happy path: reset, add, add, ..., seal; the flusher writes `data`; reset. Invariants: the buffer
 * always has room for the footer of what is in it; nothing is allocated for a record but when the
 * buffer or the list of entries grows.
 */
#ifndef STORAGE_JOURNAL_JOURNAL_ROUND_H
#define STORAGE_JOURNAL_JOURNAL_ROUND_H

#include "storage/journal/journal_format.h"

struct journal_round {
    uint8_t *data;          /* aligned to JOURNAL_BLOCK; room for the header, then the records */
    size_t capacity;        /* bytes at data */
    size_t len;             /* header and records so far */
    uint32_t payload_crc;   /* so far */
    uint16_t format;        /* that its records need; 0: it has none */
    struct entry **entries; /* a reference each, in the order of their records */
    size_t entry_count, entry_capacity;
    struct journal_round *next; /* in a queue */
    uint64_t number; /* 1, 2, 3, ... in the order in which rounds were begun; for waiters */
    bool wanted;     /* somebody needs it durable: it does not just ride along */
    bool binding;    /* it holds more than what was seen of other journals */
    /* set when it gets its place */
    uint64_t sequence, oldest, mark;
};

struct journal_round *journal_round_new(void);
void journal_round_free(struct journal_round *round); /* NULL does nothing */
/* Empties it; keeps at most `keep` bytes of buffer. */
void journal_round_reset(struct journal_round *round, size_t keep);

/* Makes room for `bytes` in all, header and footer included. */
void journal_round_reserve(struct journal_round *round, size_t bytes);

bool journal_round_is_empty(const struct journal_round *round);
/* Bytes of the whole round, sealed, with what is in it now. */
size_t journal_round_bytes(const struct journal_round *round);

/* Copies the record in. `entry`: the one it holds, of which a reference is taken; else NULL. */
void journal_round_add(struct journal_round *round, const struct journal_record *record,
                       struct entry *entry);
/* An entry as JOURNAL_ENTRY or JOURNAL_COPY. */
void journal_round_add_entry(struct journal_round *round, uint8_t kind, struct entry *entry);
/* Copies all records of another round in; they were checked. */
void journal_round_add_records(struct journal_round *round, const uint8_t *payload, size_t len);

/* Fills payload_len, entries, payload_crc and format of `header`, and writes header and footer
 * around the records. Returns the bytes to write. May be called again with another header. */
size_t journal_round_seal(struct journal_round *round, struct journal_round_header *header);

#endif
