/*
 * The bytes of the journal: rounds, records, footers. Pure functions over memory.
 *
 * A file NNNNNNNN.journal is a row of rounds, each beginning at a multiple of 4096. A round:
 *
 *   header   96 bytes, see struct journal_round_header; CRC-32C over itself and, apart, over the
 *            records
 *   records  8-byte head (u8 kind, 3 bytes 0, u32 length), then the content, padded with zeros to 8
 *   footer   from the next multiple of 512, that is in another sector: 64-byte head, then 32 bytes
 *            for every entry of the round: what it was, for the case that its sector is damaged;
 *            CRC-32C of its own
 *   zeros    up to a multiple of 4096
 *
 * The checksum of the records leaves out the bodies of entries: their CRC is in the entry's header,
 * which is covered. Integers are little-endian. A reader believes a round only whole: header,
 * records, bodies and footer, at the place (file, offset) and in the life (salt, generation) that
 * the header names.
 */
#ifndef STORAGE_JOURNAL_JOURNAL_FORMAT_H
#define STORAGE_JOURNAL_JOURNAL_FORMAT_H

#include "storage/entry.h"
#include "storage/log_types.h"

enum {
    /* A round is of the oldest format that has all its records, so that an older program reads what
     * it can understand. */
    JOURNAL_FORMAT = 2,
    JOURNAL_FORMAT_FIRST = 1, /* without JOURNAL_LOG_BEGINS */
    JOURNAL_BLOCK = 4096,
    JOURNAL_SECTOR = 512,
    JOURNAL_HEADER_SIZE = 96,
    JOURNAL_FOOTER_HEAD = 64,
    JOURNAL_FOOTER_ENTRY = 32,
    JOURNAL_RECORD_HEAD = 8,
    JOURNAL_RECORD_MAX = 72, /* head and content of any record, the body of an entry aside */
};

enum journal_round_flags {
    JOURNAL_CHECKPOINT = 1, /* holds the whole state of every group: begins a generation */
    JOURNAL_REPEATS = 2,    /* holds the records of the round before once more */
    JOURNAL_START = 4,      /* of a start: holds the runs only, and what is before it was synced */
};

/*
 * A generation is one use of a file, from its checkpoint on; 1, 2, 3, ... over the life of the
 * journal.
 * A round continues a journal that ends with sequence L if base <= L <= follows. Usually both are
 * the round before; a round that repeats others has the base of the first of them, so that it
 * stands in for them if they are damaged.
 */
struct journal_round_header {
    uint16_t flags;
    /* Drawn when the journal was made: bytes of another one, or forged in a record, are never taken
     * for ours. */
    uint64_t salt;
    uint64_t generation;
    uint64_t sequence; /* grows over the life of the journal; never used twice */
    uint64_t base, follows;
    uint64_t oldest; /* the oldest generation that is needed once this round is durable */
    uint64_t offset; /* in the file */
    uint32_t file;   /* its number */
    uint32_t payload_len, entries, payload_crc;
    uint16_t format; /* JOURNAL_FORMAT_FIRST to JOURNAL_FORMAT */
};

enum journal_record_kind {
    JOURNAL_ENTRY = 1,  /* the next entry of a group; voids those from its index on */
    JOURNAL_COPY,       /* an entry once more, copied forward from a file that is given back; voids
                           nothing */
    JOURNAL_HARD_STATE, /* group, term, voted_for */
    JOURNAL_TRUNCATE,   /* group, index */
    JOURNAL_COMMIT,     /* group, index */
    JOURNAL_PROGRESS,   /* group, index, segment, position */
    JOURNAL_FORGET,     /* group */
    JOURNAL_MARK,       /* index: the mark */
    JOURNAL_RUN,     /* run, sequence: what journal_runs.h says; run 0: the journal is disowned */
    JOURNAL_WITNESS, /* directory, run, sequence */
    JOURNAL_GROUP,   /* of a checkpoint: group, term, voted_for, commit, index (progress), segment,
                        position */
    JOURNAL_LOG_BEGINS, /* group, index, segment, position: all entries of the group before this are
                           void, and this is its progress */
};

struct journal_record {
    uint8_t kind;
    uint64_t group, index, voted_for, commit, position;
    int64_t segment;
    uint64_t directory, run, sequence;
    log_term term;
    const uint8_t *entry; /* encoded header of an entry; what follows is of entries only */
    const uint8_t *body;
    uint32_t body_len, body_crc; /* body_crc: when decoded */
    uint8_t type;                /* enum entry_type, when decoded */
};

/* Writes head and content, without an entry's body, into JOURNAL_RECORD_MAX bytes; returns their
 * length. */
size_t journal_record_encode(const struct journal_record *record, uint8_t *into);
/* Decodes the record at *at and moves *at behind it. ERR_EOF at the end, ERR_MALFORMED. Checks the
 * place, not the sums; *summed (may be NULL) is how many bytes from the old *at on the round's
 * checksum covers. */
int journal_record_next(const uint8_t *payload, size_t len, size_t *at,
                        struct journal_record *record, size_t *summed);
/* The first format that has such a record. */
uint16_t journal_record_format(const struct journal_record *record);
/* Bytes that the record takes in a round, padding included. */
size_t journal_record_size(const struct journal_record *record);

/* Where the footer of a round begins, and the size of the whole round. */
size_t journal_footer_at(size_t payload_len);
size_t journal_round_size(size_t payload_len, size_t entries);

/* `round` has journal_round_size bytes and holds the records behind the room for the header: writes
 * header and footer and zeros what lies between and behind. */
void journal_round_encode(uint8_t *round, const struct journal_round_header *header);
/* Decodes a header and checks its own checksum. ERR_MALFORMED: none is here; ERR_VERSION: one of
 * another format, of which only the salt is decoded (magic, version, salt and checksum stay where
 * they are in every format). */
int journal_round_decode(const uint8_t *round, struct journal_round_header *header);
/* Checks records, bodies and footer of a round of which journal_round_size bytes are at hand.
 * ERR_CORRUPT. */
int journal_round_check(const uint8_t *round, const struct journal_round_header *header);

/* What a footer says of one entry. */
struct journal_footer_entry {
    uint64_t group, index;
    log_term term;
    uint32_t type, body_crc, header_crc;
};
/* The footer at `footer` (of `room` bytes) of the round at header->offset; only salt, generation,
 * file and offset of `header` are used. Returns how many entries it names, or -1: there is none. */
int journal_footer_decode(const uint8_t *footer, size_t room,
                          const struct journal_round_header *header);
void journal_footer_entry_at(const uint8_t *footer, size_t number,
                             struct journal_footer_entry *entry);

#endif
