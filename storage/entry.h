/*
 * One entry of a Raft log, in memory and as bytes: the same 64-byte header and body in the journal,
 * in a segment and on the way to a peer, so an entry is encoded and checksummed once, by the leader
 * that made it.
 *
 * An entry is immutable once it is in a log, and counted. `body` is what is stored and sent (plain,
 * or one LZ4 block); `raw` is the uncompressed body while it is at hand (always for plain entries).
 *
 * Encoded header, little-endian: u32 magic ("DRE1"), u32 body_len, u64 group, u64 index, u32 term,
 * u8 type, u8 codec (bit 7: `numbered`, bit 6: `delays`), u16 batches, i64 base_offset, u32
 * records, u32 raw_len, i64 max_timestamp, u32 body_crc, u32 header_crc (CRC-32C of the 60 bytes
 * before it).
 */
#ifndef STORAGE_ENTRY_H
#define STORAGE_ENTRY_H

#include "base/buffer.h"
#include "base/error.h"
#include "storage/log_types.h"

enum { ENTRY_HEADER_SIZE = 64, ENTRY_BODY_MAX = 128 << 20 };

enum entry_type {
    /* Record batches exactly as the protocol carries them; takes `records` offsets. */
    ENTRY_BATCHES = 1,
    ENTRY_COMMAND, /* a command of the metadata group; takes no offset, like all below */
    ENTRY_BARRIER, /* nothing; a new leader's first entry */
    ENTRY_CHANGE,  /* a Raft configuration */
};

enum entry_codec { ENTRY_PLAIN = 0, ENTRY_LZ4 = 1 };

struct entry {
    uint32_t references;
    uint64_t group;
    log_index index;
    log_term term;
    uint8_t type;  /* enum entry_type */
    uint8_t codec; /* enum entry_codec, of `body` */
    bool numbered; /* batches of idempotent producers are in it: appliers need not look into others
                    */
    bool delays;   /* its batches that say so hold records back, or deliver such; in others these
                      marks, from before there were delays, say nothing. It is numbered, too */
    uint16_t batches; /* record batches in it; ENTRY_BATCHES_MAX or more: ENTRY_BATCHES_MAX */
    kafka_offset base_offset; /* of its first record; of an internal entry: the offset that the next
                                 record will get */
    uint32_t records;         /* offsets that it takes */
    uint32_t raw_len;         /* bytes of the body uncompressed */
    int64_t max_timestamp;    /* over its records, ms; -1: none */
    uint32_t body_crc;
    uint8_t header[ENTRY_HEADER_SIZE]; /* encoded */
    struct slice body;
    struct slice raw; /* empty while not at hand */
};

/* What a leader says of a new entry; group, index and term come with entry_seal. */
struct entry_spec {
    uint8_t type;
    uint16_t batches;
    kafka_offset base_offset;
    uint32_t records;
    int64_t max_timestamp;
    struct slice raw; /* taken over */
    bool numbered, delays;
    bool compress; /* try LZ4: kept only if it saves an eighth at least */
};

/* A new entry with one reference, not yet sealed. */
struct entry *entry_new(struct budget *budget, struct entry_spec *spec);
/* Gives it its place in the log and encodes the header. Once only. */
void entry_seal(struct entry *entry, uint64_t group, log_index index, log_term term);

/* Decodes a header. ERR_MALFORMED (magic, type, codec, lengths over their limits), ERR_CORRUPT
 * (checksum). Fills everything but body, raw and references of `into`; *body_len says how many
 * bytes follow. */
int entry_decode_header(const uint8_t header[ENTRY_HEADER_SIZE], struct entry *into,
                        uint32_t *body_len);
/* An entry from bytes read or received: checks header and body checksums; takes over `body` on
 * success only. ERR_MALFORMED, ERR_CORRUPT. */
int entry_from_bytes(const uint8_t header[ENTRY_HEADER_SIZE], struct slice body,
                     struct entry **entry);
/* The same for a body whose checksum the caller has just compared itself: does not do it again.
 * ERR_MALFORMED, ERR_CORRUPT. */
int entry_from_checked_bytes(const uint8_t header[ENTRY_HEADER_SIZE], struct slice body,
                             struct entry **entry);

/* The uncompressed body; decompresses (and keeps the result, charged to `budget`, when `keep`). The
 * slice is the caller's. ERR_CORRUPT. */
int entry_raw(struct entry *entry, struct budget *budget, bool keep, struct slice *raw);

struct entry *entry_ref(struct entry *entry);
void entry_unref(struct entry *entry); /* NULL does nothing */
static inline uint64_t entry_stored_size(const struct entry *entry) {
    return ENTRY_HEADER_SIZE + entry->body.len;
}

#endif
