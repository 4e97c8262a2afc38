/*
 * Entries: made by a leader, or from bytes; the header is encoded once, when the entry gets its
 * place in the log.
 *
 * Happy path of a leader: entry_new compresses the body when that pays and takes its checksum;
 * entry_seal encodes the header; from then on header and body are only copied. Happy path of a
 * reader: entry_from_bytes checks both checksums.
 * Failures: bytes that are not an entry, or not what was sealed, give an error and nothing is taken
 * over.
 * Invariants: a plain entry has raw_len == body.len and `raw` is its body; `header` always tells
 * what the fields tell.
 */
#include "storage/entry.h"

#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/lz4_block.h"
#include "base/mem.h"
#include "storage/little_endian.h"

enum {
    ENTRY_MAGIC = 0x31455244, /* "DRE1" */
    COMPRESS_FROM = 128,      /* bytes; below, an eighth is not worth the work */
    LZ4_BEST_RATIO = 255,     /* raw bytes that one byte of a block can stand for */
};

/* Where the fields of the header are. */
enum {
    AT_MAGIC = 0,
    AT_BODY_LEN = 4,
    AT_GROUP = 8,
    AT_INDEX = 16,
    AT_TERM = 24,
    AT_TYPE = 28,
    AT_CODEC = 29,
    AT_BATCHES = 30,
    AT_BASE_OFFSET = 32,
    AT_RECORDS = 40,
    AT_RAW_LEN = 44,
    AT_MAX_TIMESTAMP = 48,
    AT_BODY_CRC = 56,
    AT_HEADER_CRC = 60,
};
enum { NUMBERED = 0x80, DELAYS = 0x40 }; /* in the codec's byte */
_Static_assert(AT_HEADER_CRC + 4 == ENTRY_HEADER_SIZE, "the checksum ends the header");

/* Sets body and codec from raw: compressed if that saves an eighth at least. */
static void choose_body(struct entry *entry, struct budget *budget, bool compress) {
    const struct slice *raw = &entry->raw;
    entry->codec = ENTRY_PLAIN;
    if (compress && raw->len >= COMPRESS_FROM) {
        size_t room = raw->len - raw->len / 8;
        uint8_t *into = mem_alloc(room);
        size_t len = lz4_block_compress(raw->data, raw->len, into, room);
        if (len > 0) {
            into = mem_realloc(into, len);
            entry->body = slice_adopt(budget, into, len);
            entry->codec = ENTRY_LZ4;
            return;
        }
        mem_free(into);
    }
    entry->body = slice_ref(*raw);
}

struct entry *entry_new(struct budget *budget, struct entry_spec *spec) {
    CHECK(spec->raw.len <= ENTRY_BODY_MAX); /* batches: a static assertion in append_queue.c; the
                                               rest is ours, and small */
    CHECK(spec->type >= ENTRY_BATCHES && spec->type <= ENTRY_CHANGE);
    struct entry *entry = mem_zalloc(sizeof *entry);
    entry->references = 1;
    entry->type = spec->type;
    entry->numbered = spec->numbered;
    entry->delays = spec->delays;
    entry->batches = spec->batches;
    entry->base_offset = spec->base_offset;
    entry->records = spec->records;
    entry->max_timestamp = spec->max_timestamp;
    entry->raw_len = (uint32_t)spec->raw.len;
    entry->raw = spec->raw;
    spec->raw = (struct slice){0};
    choose_body(entry, budget, spec->compress);
    entry->body_crc = crc32c(0, entry->body.data, entry->body.len);
    return entry;
}

void entry_seal(struct entry *entry, uint64_t group, log_index index, log_term term) {
    CHECK(entry->index == 0); /* of what we make, once */
    CHECK(index > 0);         /* the log's last index, and one */
    entry->group = group;
    entry->index = index;
    entry->term = term;
    uint8_t *header = entry->header;
    le_put_u32(header + AT_MAGIC, ENTRY_MAGIC);
    le_put_u32(header + AT_BODY_LEN, (uint32_t)entry->body.len);
    le_put_u64(header + AT_GROUP, group);
    le_put_u64(header + AT_INDEX, index);
    le_put_u32(header + AT_TERM, term);
    header[AT_TYPE] = entry->type;
    header[AT_CODEC] = (uint8_t)(entry->codec | (entry->numbered ? NUMBERED : 0) |
                                 (entry->delays ? DELAYS : 0));
    le_put_u16(header + AT_BATCHES, entry->batches);
    le_put_u64(header + AT_BASE_OFFSET, (uint64_t)entry->base_offset);
    le_put_u32(header + AT_RECORDS, entry->records);
    le_put_u32(header + AT_RAW_LEN, entry->raw_len);
    le_put_u64(header + AT_MAX_TIMESTAMP, (uint64_t)entry->max_timestamp);
    le_put_u32(header + AT_BODY_CRC, entry->body_crc);
    le_put_u32(header + AT_HEADER_CRC, crc32c(0, header, AT_HEADER_CRC));
}

static bool fields_make_sense(const struct entry *entry, uint32_t body_len) {
    if (entry->type < ENTRY_BATCHES || entry->type > ENTRY_CHANGE) return false;
    if (entry->codec != ENTRY_PLAIN && entry->codec != ENTRY_LZ4) return false;
    if (entry->numbered && entry->type != ENTRY_BATCHES) return false;
    if (entry->delays && !entry->numbered) return false;
    if (body_len > ENTRY_BODY_MAX || entry->raw_len > ENTRY_BODY_MAX) return false;
    if (entry->codec == ENTRY_PLAIN && entry->raw_len != body_len) return false;
    /* LZ4 cannot do better, so nobody can make us allocate more */
    if (entry->codec == ENTRY_LZ4 && entry->raw_len / LZ4_BEST_RATIO > body_len) return false;
    if (entry->type != ENTRY_BATCHES && entry->records != 0) return false;
    /* What is behind it, index + 1 and base_offset + records, can be computed. */
    if (entry->base_offset < 0 || entry->base_offset > INT64_MAX - (int64_t)entry->records)
        return false;
    return entry->index > 0 && entry->index < INT64_MAX;
}

int entry_decode_header(const uint8_t header[ENTRY_HEADER_SIZE], struct entry *into,
                        uint32_t *body_len) {
    if (le_get_u32(header + AT_MAGIC) != ENTRY_MAGIC) return ERR_MALFORMED;
    if (le_get_u32(header + AT_HEADER_CRC) != crc32c(0, header, AT_HEADER_CRC)) return ERR_CORRUPT;
    into->group = le_get_u64(header + AT_GROUP);
    into->index = le_get_u64(header + AT_INDEX);
    into->term = le_get_u32(header + AT_TERM);
    into->type = header[AT_TYPE];
    into->codec = header[AT_CODEC] & (uint8_t)~(NUMBERED | DELAYS);
    into->numbered = (header[AT_CODEC] & NUMBERED) != 0;
    into->delays = (header[AT_CODEC] & DELAYS) != 0;
    into->batches = le_get_u16(header + AT_BATCHES);
    into->base_offset = (int64_t)le_get_u64(header + AT_BASE_OFFSET);
    into->records = le_get_u32(header + AT_RECORDS);
    into->raw_len = le_get_u32(header + AT_RAW_LEN);
    into->max_timestamp = (int64_t)le_get_u64(header + AT_MAX_TIMESTAMP);
    into->body_crc = le_get_u32(header + AT_BODY_CRC);
    *body_len = le_get_u32(header + AT_BODY_LEN);
    if (!fields_make_sense(into, *body_len)) return ERR_MALFORMED;
    memcpy(into->header, header, ENTRY_HEADER_SIZE);
    return ERR_NONE;
}

int entry_from_checked_bytes(const uint8_t header[ENTRY_HEADER_SIZE], struct slice body,
                             struct entry **entry) {
    struct entry decoded = {.references = 1};
    uint32_t body_len;
    int error = entry_decode_header(header, &decoded, &body_len);
    if (error != ERR_NONE) return error;
    if (body.len != body_len) return ERR_MALFORMED;
    decoded.body = body;
    if (decoded.codec == ENTRY_PLAIN) decoded.raw = slice_ref(body);
    *entry = mem_alloc(sizeof **entry);
    **entry = decoded;
    return ERR_NONE;
}

int entry_from_bytes(const uint8_t header[ENTRY_HEADER_SIZE], struct slice body,
                     struct entry **entry) {
    struct entry *checked;
    int error = entry_from_checked_bytes(header, slice_ref(body), &checked);
    if (error != ERR_NONE) {
        slice_unref(&body); /* the reference just taken: the body stays the caller's */
        return error;
    }
    if (crc32c(0, body.data, body.len) != checked->body_crc) {
        entry_unref(checked);
        return ERR_CORRUPT;
    }
    slice_unref(&body); /* taken over */
    *entry = checked;
    return ERR_NONE;
}

int entry_raw(struct entry *entry, struct budget *budget, bool keep, struct slice *raw) {
    if (entry->codec == ENTRY_PLAIN || entry->raw.buffer != NULL) {
        *raw = slice_ref(entry->codec == ENTRY_PLAIN ? entry->body : entry->raw);
        return ERR_NONE;
    }
    struct buffer *buffer = buffer_new(budget, entry->raw_len);
    int error = lz4_block_decompress(entry->body.data, entry->body.len, buffer->data,
                                     entry->raw_len);
    if (error != ERR_NONE) {
        buffer_unref(buffer);
        return error;
    }
    *raw = (struct slice){.buffer = buffer, .data = buffer->data, .len = entry->raw_len};
    if (keep) entry->raw = slice_ref(*raw);
    return ERR_NONE;
}

struct entry *entry_ref(struct entry *entry) {
    /* Counted by holders, of which memory has fewer. */
    CHECK(entry->references > 0 && entry->references < UINT32_MAX);
    entry->references++;
    return entry;
}

void entry_unref(struct entry *entry) {
    if (entry == NULL) return;
    CHECK(entry->references > 0); /* as above */
    if (--entry->references > 0) return;
    slice_unref(&entry->body);
    slice_unref(&entry->raw);
    mem_free(entry);
}
