/*
 * Encoding and decoding of rounds, records and footers; journal_format.h draws the bytes.
 *
 * Failures: whatever does not decode gives an error; lengths are checked against what is at hand
 * before they are used. Invariant: journal_round_check accepts exactly what journal_round_encode
 * made, at its place.
 */
#include "storage/journal/journal_format.h"

#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/mutant.h"
#include "storage/little_endian.h"

enum {
    ROUND_MAGIC = 0x314a5244,  /* "DRJ1" */
    FOOTER_MAGIC = 0x464a5244, /* "DRJF" */
};

/* Where the fields of a round's header are. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 4,
    AT_FLAGS = 6,
    AT_SALT = 8,
    AT_GENERATION = 16,
    AT_SEQUENCE = 24,
    AT_BASE = 32,
    AT_FOLLOWS = 40,
    AT_OLDEST = 48,
    AT_OFFSET = 56,
    AT_FILE = 64,
    AT_PAYLOAD_LEN = 68,
    AT_ENTRIES = 72,
    AT_PAYLOAD_CRC = 76,
    AT_ZEROS = 80,
    AT_CRC = 92,
};
_Static_assert(AT_CRC + 4 == JOURNAL_HEADER_SIZE, "the checksum ends the header");

/* Where the fields of a footer's head are. */
enum {
    FOOTER_AT_ENTRIES = 4,
    FOOTER_AT_SALT = 8,
    FOOTER_AT_GENERATION = 16,
    FOOTER_AT_SEQUENCE = 24,
    FOOTER_AT_OFFSET = 32,
    FOOTER_AT_FILE = 40,
    FOOTER_AT_ZEROS = 44,
    FOOTER_AT_CRC = 60,
};
_Static_assert(FOOTER_AT_CRC + 4 == JOURNAL_FOOTER_HEAD, "the checksum ends the head");

static size_t up_to(size_t n, size_t grain) {
    return (n + grain - 1) / grain * grain;
}

/* ---- Records ---- */

/* Length of the content, an entry's body aside. */
static size_t content_len(uint8_t kind) {
    switch (kind) {
    case JOURNAL_ENTRY:
    case JOURNAL_COPY: return ENTRY_HEADER_SIZE;
    case JOURNAL_HARD_STATE:
    case JOURNAL_WITNESS: return 24;
    case JOURNAL_TRUNCATE:
    case JOURNAL_COMMIT:
    case JOURNAL_RUN: return 16;
    case JOURNAL_PROGRESS:
    case JOURNAL_LOG_BEGINS: return 32;
    case JOURNAL_FORGET:
    case JOURNAL_MARK: return 8;
    case JOURNAL_GROUP: return 56;
    default: return 0;
    }
}

static bool holds_entry(uint8_t kind) {
    return kind == JOURNAL_ENTRY || kind == JOURNAL_COPY;
}

uint16_t journal_record_format(const struct journal_record *record) {
    return record->kind == JOURNAL_LOG_BEGINS ? JOURNAL_FORMAT : JOURNAL_FORMAT_FIRST;
}

size_t journal_record_size(const struct journal_record *record) {
    return JOURNAL_RECORD_HEAD + up_to(content_len(record->kind) + record->body_len, 8);
}

static void encode_of_group(const struct journal_record *record, uint8_t *at) {
    le_put_u64(at, record->group);
    switch (record->kind) {
    case JOURNAL_TRUNCATE:
    case JOURNAL_COMMIT: le_put_u64(at + 8, record->index); break;
    case JOURNAL_PROGRESS:
    case JOURNAL_LOG_BEGINS:
        le_put_u64(at + 8, record->index);
        le_put_u64(at + 16, (uint64_t)record->segment);
        le_put_u64(at + 24, record->position);
        break;
    case JOURNAL_HARD_STATE:
    case JOURNAL_GROUP:
        le_put_u64(at + 8, record->term);
        le_put_u64(at + 16, record->voted_for);
        if (record->kind == JOURNAL_HARD_STATE) break;
        le_put_u64(at + 24, record->commit);
        le_put_u64(at + 32, record->index);
        le_put_u64(at + 40, (uint64_t)record->segment);
        le_put_u64(at + 48, record->position);
        break;
    default: break;
    }
}

size_t journal_record_encode(const struct journal_record *record, uint8_t *into) {
    size_t len = content_len(record->kind);
    CHECK(len > 0); /* of what we write, never of what we read */
    le_put_u32(into, record->kind);
    le_put_u32(into + 4, (uint32_t)len + record->body_len);
    uint8_t *at = into + JOURNAL_RECORD_HEAD;
    if (holds_entry(record->kind)) {
        memcpy(at, record->entry, ENTRY_HEADER_SIZE);
        return JOURNAL_RECORD_HEAD + len;
    }
    CHECK(record->body_len == 0); /* as above */
    switch (record->kind) {
    case JOURNAL_MARK: le_put_u64(at, record->index); break;
    case JOURNAL_RUN:
        le_put_u64(at, record->run);
        le_put_u64(at + 8, record->sequence);
        break;
    case JOURNAL_WITNESS:
        le_put_u64(at, record->directory);
        le_put_u64(at + 8, record->run);
        le_put_u64(at + 16, record->sequence);
        break;
    default: encode_of_group(record, at);
    }
    return JOURNAL_RECORD_HEAD + len;
}

static int decode_entry(const uint8_t *at, size_t len, struct journal_record *record) {
    struct entry entry;
    int error = entry_decode_header(at, &entry, &record->body_len);
    if (error != ERR_NONE || record->body_len != len - ENTRY_HEADER_SIZE) return ERR_MALFORMED;
    record->group = entry.group;
    record->index = entry.index;
    record->term = entry.term;
    record->type = entry.type;
    record->body_crc = entry.body_crc;
    record->entry = at;
    record->body = at + ENTRY_HEADER_SIZE;
    return ERR_NONE;
}

static void decode_of_group(const uint8_t *at, struct journal_record *record) {
    record->group = le_get_u64(at);
    switch (record->kind) {
    case JOURNAL_TRUNCATE:
    case JOURNAL_COMMIT: record->index = le_get_u64(at + 8); break;
    case JOURNAL_PROGRESS:
    case JOURNAL_LOG_BEGINS:
        record->index = le_get_u64(at + 8);
        record->segment = (int64_t)le_get_u64(at + 16);
        record->position = le_get_u64(at + 24);
        break;
    case JOURNAL_HARD_STATE:
    case JOURNAL_GROUP:
        record->term = le_get_u32(at + 8);
        record->voted_for = le_get_u64(at + 16);
        if (record->kind == JOURNAL_HARD_STATE) break;
        record->commit = le_get_u64(at + 24);
        record->index = le_get_u64(at + 32);
        record->segment = (int64_t)le_get_u64(at + 40);
        record->position = le_get_u64(at + 48);
        break;
    default: break;
    }
}

static void decode_fixed(const uint8_t *at, struct journal_record *record) {
    switch (record->kind) {
    case JOURNAL_MARK: record->index = le_get_u64(at); break;
    case JOURNAL_RUN:
        record->run = le_get_u64(at);
        record->sequence = le_get_u64(at + 8);
        break;
    case JOURNAL_WITNESS:
        record->directory = le_get_u64(at);
        record->run = le_get_u64(at + 8);
        record->sequence = le_get_u64(at + 16);
        break;
    default: decode_of_group(at, record);
    }
}

/* Indexes leave room for index + 1, nothing is truncated from 0 on, and a log that begins anew does
 * so behind an entry. */
static bool indexes_make_sense(const struct journal_record *record) {
    bool never_0 = record->kind == JOURNAL_TRUNCATE || record->kind == JOURNAL_LOG_BEGINS;
    if (never_0 && record->index == 0) return false;
    return record->index < INT64_MAX && record->commit < INT64_MAX;
}

int journal_record_next(const uint8_t *payload, size_t len, size_t *at,
                        struct journal_record *record, size_t *summed) {
    if (*at == len) return ERR_EOF;
    const uint8_t *head = payload + *at;
    size_t left = len - *at;
    if (left < JOURNAL_RECORD_HEAD) return ERR_MALFORMED;
    *record = (struct journal_record){.kind = head[0]};
    size_t content = le_get_u32(head + 4), fixed = content_len(record->kind);
    if (fixed == 0 || le_get_u32(head) != record->kind) return ERR_MALFORMED;
    if (content > left - JOURNAL_RECORD_HEAD || up_to(content, 8) > left - JOURNAL_RECORD_HEAD)
        return ERR_MALFORMED;
    if (holds_entry(record->kind)) {
        if (content < fixed) return ERR_MALFORMED;
        int error = decode_entry(head + JOURNAL_RECORD_HEAD, content, record);
        if (error != ERR_NONE) return error;
    } else {
        if (content != fixed) return ERR_MALFORMED;
        decode_fixed(head + JOURNAL_RECORD_HEAD, record);
    }
    if (!indexes_make_sense(record)) return ERR_MALFORMED;
    if (summed != NULL) *summed = JOURNAL_RECORD_HEAD + fixed;
    *at += JOURNAL_RECORD_HEAD + up_to(content, 8);
    return ERR_NONE;
}

/* ---- Rounds ---- */

size_t journal_footer_at(size_t payload_len) {
    return up_to(JOURNAL_HEADER_SIZE + payload_len, JOURNAL_SECTOR);
}

size_t journal_round_size(size_t payload_len, size_t entries) {
    return up_to(journal_footer_at(payload_len) + JOURNAL_FOOTER_HEAD +
                     entries * JOURNAL_FOOTER_ENTRY,
                 JOURNAL_BLOCK);
}

static uint32_t footer_crc(const uint8_t *footer, size_t entries) {
    uint32_t crc = crc32c(0, footer, FOOTER_AT_CRC);
    return crc32c(crc, footer + JOURNAL_FOOTER_HEAD, entries * JOURNAL_FOOTER_ENTRY);
}

static void encode_footer(uint8_t *footer, const uint8_t *payload,
                          const struct journal_round_header *header) {
    memset(footer, 0, JOURNAL_FOOTER_HEAD);
    le_put_u32(footer, FOOTER_MAGIC);
    le_put_u32(footer + FOOTER_AT_ENTRIES, header->entries);
    le_put_u64(footer + FOOTER_AT_SALT, header->salt);
    le_put_u64(footer + FOOTER_AT_GENERATION, header->generation);
    le_put_u64(footer + FOOTER_AT_SEQUENCE, header->sequence);
    le_put_u64(footer + FOOTER_AT_OFFSET, header->offset);
    le_put_u32(footer + FOOTER_AT_FILE, header->file);
    uint8_t *into = footer + JOURNAL_FOOTER_HEAD;
    uint32_t entries = 0;
    struct journal_record record;
    for (size_t at = 0;
         journal_record_next(payload, header->payload_len, &at, &record, NULL) == ERR_NONE;) {
        if (!holds_entry(record.kind)) continue;
        le_put_u64(into, record.group);
        le_put_u64(into + 8, record.index);
        le_put_u32(into + 16, record.term);
        le_put_u32(into + 20, record.type);
        le_put_u32(into + 24, record.body_crc);
        /* The header ends with its checksum. */
        memcpy(into + 28, record.entry + ENTRY_HEADER_SIZE - 4, 4);
        into += JOURNAL_FOOTER_ENTRY;
        entries++;
    }
    CHECK(entries == header->entries); /* of what we write: the round counted its entries */
    le_put_u32(footer + FOOTER_AT_CRC, footer_crc(footer, entries));
}

void journal_round_encode(uint8_t *round, const struct journal_round_header *header) {
    size_t records_end = JOURNAL_HEADER_SIZE + header->payload_len,
           footer = journal_footer_at(header->payload_len);
    size_t footer_end = footer + JOURNAL_FOOTER_HEAD + header->entries * JOURNAL_FOOTER_ENTRY;
    le_put_u32(round + AT_MAGIC, ROUND_MAGIC);
    le_put_u16(round + AT_VERSION, header->format);
    le_put_u16(round + AT_FLAGS, header->flags);
    le_put_u64(round + AT_SALT, header->salt);
    le_put_u64(round + AT_GENERATION, header->generation);
    le_put_u64(round + AT_SEQUENCE, header->sequence);
    le_put_u64(round + AT_BASE, header->base);
    le_put_u64(round + AT_FOLLOWS, header->follows);
    le_put_u64(round + AT_OLDEST, header->oldest);
    le_put_u64(round + AT_OFFSET, header->offset);
    le_put_u32(round + AT_FILE, header->file);
    le_put_u32(round + AT_PAYLOAD_LEN, header->payload_len);
    le_put_u32(round + AT_ENTRIES, header->entries);
    le_put_u32(round + AT_PAYLOAD_CRC, header->payload_crc);
    memset(round + AT_ZEROS, 0, AT_CRC - AT_ZEROS);
    le_put_u32(round + AT_CRC, crc32c(0, round, AT_CRC));
    memset(round + records_end, 0, footer - records_end);
    encode_footer(round + footer, round + JOURNAL_HEADER_SIZE, header);
    memset(round + footer_end, 0,
           journal_round_size(header->payload_len, header->entries) - footer_end);
}

int journal_round_decode(const uint8_t *round, struct journal_round_header *header) {
    if (le_get_u32(round + AT_MAGIC) != ROUND_MAGIC) return ERR_MALFORMED;
    if (le_get_u32(round + AT_CRC) != crc32c(0, round, AT_CRC)) return ERR_MALFORMED;
    *header = (struct journal_round_header){.salt = le_get_u64(round + AT_SALT)};
    uint16_t format = le_get_u16(round + AT_VERSION);
    if (format < JOURNAL_FORMAT_FIRST || format > JOURNAL_FORMAT) return ERR_VERSION;
    *header = (struct journal_round_header){
        .format = format,
        .flags = le_get_u16(round + AT_FLAGS),
        .salt = le_get_u64(round + AT_SALT),
        .generation = le_get_u64(round + AT_GENERATION),
        .sequence = le_get_u64(round + AT_SEQUENCE),
        .base = le_get_u64(round + AT_BASE),
        .follows = le_get_u64(round + AT_FOLLOWS),
        .oldest = le_get_u64(round + AT_OLDEST),
        .offset = le_get_u64(round + AT_OFFSET),
        .file = le_get_u32(round + AT_FILE),
        .payload_len = le_get_u32(round + AT_PAYLOAD_LEN),
        .entries = le_get_u32(round + AT_ENTRIES),
        .payload_crc = le_get_u32(round + AT_PAYLOAD_CRC),
    };
    /* an entry takes more of the records than of the footer */
    if (header->entries > header->payload_len / (JOURNAL_RECORD_HEAD + ENTRY_HEADER_SIZE))
        return ERR_MALFORMED;
    if (header->generation == 0 || header->sequence == 0 || header->salt == 0) return ERR_MALFORMED;
    if (header->oldest == 0 || header->oldest > header->generation) return ERR_MALFORMED;
    /* They go on from here. */
    if (header->generation > INT64_MAX || header->sequence > INT64_MAX) return ERR_MALFORMED;
    return ERR_NONE;
}

static bool body_is_whole(const struct journal_record *record) {
    if (MUTANT(MUTANT_ENTRY_CRC_IGNORED)) return true;
    return crc32c(0, record->body, record->body_len) == record->body_crc;
}

int journal_round_check(const uint8_t *round, const struct journal_round_header *header) {
    const uint8_t *payload = round + JOURNAL_HEADER_SIZE;
    struct journal_record record;
    uint32_t crc = 0, entries = 0;
    size_t at = 0, before = 0, summed;
    int error;
    while ((error = journal_record_next(payload, header->payload_len, &at, &record, &summed)) ==
           ERR_NONE) {
        crc = crc32c(crc, payload + before, summed);
        before = at;
        if (!holds_entry(record.kind)) continue;
        if (!body_is_whole(&record)) return ERR_CORRUPT;
        entries++;
    }
    if (error != ERR_EOF || crc != header->payload_crc || entries != header->entries)
        return ERR_CORRUPT;
    size_t footer = journal_footer_at(header->payload_len);
    size_t room = journal_round_size(header->payload_len, entries) - footer;
    if (journal_footer_decode(round + footer, room, header) != (int)entries) return ERR_CORRUPT;
    return le_get_u64(round + footer + FOOTER_AT_SEQUENCE) == header->sequence ? ERR_NONE
                                                                               : ERR_CORRUPT;
}

int journal_footer_decode(const uint8_t *footer, size_t room,
                          const struct journal_round_header *header) {
    if (room < JOURNAL_FOOTER_HEAD || le_get_u32(footer) != FOOTER_MAGIC) return -1;
    size_t entries = le_get_u32(footer + FOOTER_AT_ENTRIES);
    if (entries > (room - JOURNAL_FOOTER_HEAD) / JOURNAL_FOOTER_ENTRY || entries > INT32_MAX)
        return -1;
    if (le_get_u32(footer + FOOTER_AT_CRC) != footer_crc(footer, entries)) return -1;
    bool ours = le_get_u64(footer + FOOTER_AT_SALT) == header->salt &&
                le_get_u64(footer + FOOTER_AT_GENERATION) == header->generation &&
                le_get_u64(footer + FOOTER_AT_OFFSET) == header->offset &&
                le_get_u32(footer + FOOTER_AT_FILE) == header->file;
    return ours ? (int)entries : -1;
}

void journal_footer_entry_at(const uint8_t *footer, size_t number,
                             struct journal_footer_entry *entry) {
    const uint8_t *at = footer + JOURNAL_FOOTER_HEAD + number * JOURNAL_FOOTER_ENTRY;
    *entry = (struct journal_footer_entry){
        .group = le_get_u64(at),
        .index = le_get_u64(at + 8),
        .term = le_get_u32(at + 16),
        .type = le_get_u32(at + 20),
        .body_crc = le_get_u32(at + 24),
        .header_crc = le_get_u32(at + 28),
    };
}
