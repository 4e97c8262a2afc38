/* Encoding and decoding of the headers, of index blocks, and of the names of files. */
#include "storage/segment/segment_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/mem.h"
#include "storage/little_endian.h"

enum {
    MAGIC_LOG = 0x47535244,   /* "DRSG" */
    MAGIC_INDEX = 0x58535244, /* "DRSX" */
    MAGIC_BLOCK = 0x42535244, /* "DRSB" */
    HEADER_CRC_AT = SEGMENT_HEADER_SIZE - 4,
    FLAG_CLEANED = 1,
    FLAG_ALL_GONE = 2,
    FLAG_KEEPS_STALE = 4,
    BLOCK_CHECKED_FROM = 8, /* the part of a block header that its checksum covers */
};

static uint32_t magic_of(enum segment_file_kind kind) {
    return kind == SEGMENT_FILE_INDEX ? MAGIC_INDEX : MAGIC_LOG;
}

/* Of a segment that was cleaned. */
static void encode_cleaned(const struct segment_header *header, uint8_t *into) {
    le_put_u32(into + 4, SEGMENT_FORMAT_CLEANED);
    le_put_u32(into + 32, FLAG_CLEANED | (header->keeps_stale ? FLAG_KEEPS_STALE : FLAG_ALL_GONE));
    le_put_u32(into + 36, header->generation);
    le_put_u64(into + 40, header->last_index);
    le_put_u64(into + 48, (uint64_t)header->end_offset);
    le_put_u32(into + 56, header->unread);
}

static int decode_cleaned(const uint8_t *from, struct segment_header *header) {
    header->generation = le_get_u32(from + 36);
    header->last_index = le_get_u64(from + 40);
    header->end_offset = (int64_t)le_get_u64(from + 48);
    header->unread = le_get_u32(from + 56);
    uint32_t flags = le_get_u32(from + 32);
    header->keeps_stale = flags & FLAG_KEEPS_STALE;
    if (flags == FLAG_CLEANED) header->unread = UINT32_MAX; /* of an older version */
    bool known = flags == FLAG_CLEANED || flags == (FLAG_CLEANED | FLAG_ALL_GONE) ||
                 flags == (FLAG_CLEANED | FLAG_KEEPS_STALE);
    bool sound = known && header->generation > 0 && header->last_index >= header->first_index &&
                 header->end_offset > header->base_offset;
    return sound ? 0 : ERR_MALFORMED;
}

void segment_header_encode(const struct segment_header *header, enum segment_file_kind kind,
                           uint8_t into[SEGMENT_HEADER_SIZE]) {
    memset(into, 0, SEGMENT_HEADER_SIZE);
    le_put_u32(into, magic_of(kind));
    le_put_u32(into + 4, SEGMENT_FORMAT_VERSION);
    le_put_u64(into + 8, header->group);
    le_put_u64(into + 16, (uint64_t)header->base_offset);
    le_put_u64(into + 24, header->first_index);
    if (segment_is_cleaned(header)) encode_cleaned(header, into);
    le_put_u32(into + HEADER_CRC_AT, crc32c(0, into, HEADER_CRC_AT));
}

int segment_header_decode(const uint8_t from[SEGMENT_HEADER_SIZE], enum segment_file_kind kind,
                          struct segment_header *header) {
    if (le_get_u32(from) != magic_of(kind)) return ERR_MALFORMED;
    if (le_get_u32(from + HEADER_CRC_AT) != crc32c(0, from, HEADER_CRC_AT)) return ERR_CORRUPT;
    uint32_t version = le_get_u32(from + 4);
    if (version == 0 || version > SEGMENT_FORMAT_CLEANED) return ERR_VERSION;
    *header = (struct segment_header){.group = le_get_u64(from + 8),
                                      .base_offset = (int64_t)le_get_u64(from + 16),
                                      .first_index = le_get_u64(from + 24)};
    if (header->base_offset < 0 || header->first_index == 0) return ERR_MALFORMED;
    return version == SEGMENT_FORMAT_CLEANED ? decode_cleaned(from, header) : 0;
}

bool segment_header_equals(const struct segment_header *a, const struct segment_header *b) {
    return a->group == b->group && a->base_offset == b->base_offset &&
           a->first_index == b->first_index && a->generation == b->generation &&
           a->last_index == b->last_index && a->end_offset == b->end_offset &&
           a->unread == b->unread && a->keeps_stale == b->keeps_stale;
}

uint64_t index_block_meta_size(const struct index_block_header *header) {
    return (uint64_t)header->terms * INDEX_TERM_SIZE +
           (uint64_t)header->changes * INDEX_CHANGE_SIZE;
}

static void encode_term(const struct index_term *term, uint8_t *into) {
    le_put_u64(into, term->first_index);
    le_put_u64(into + 8, (uint64_t)term->start_offset);
    le_put_u64(into + 16, term->term);
}

static void encode_point(const struct index_point *point, uint8_t *into) {
    le_put_u64(into, (uint64_t)point->offset);
    le_put_u64(into + 8, point->index);
    le_put_u64(into + 16, (uint64_t)point->max_before);
    le_put_u64(into + 24, point->position);
}

void index_block_encode(const struct index_block_header *header, const struct index_term *terms,
                        const uint64_t *changes, const struct index_point *points, uint8_t *into) {
    uint8_t *at = into + INDEX_BLOCK_HEADER_SIZE;
    for (uint32_t i = 0; i < header->terms; i++, at += INDEX_TERM_SIZE)
        encode_term(&terms[i], at);
    for (uint32_t i = 0; i < header->changes; i++, at += INDEX_CHANGE_SIZE)
        le_put_u64(at, changes[i]);
    uint8_t *points_at = at;
    for (uint32_t i = 0; i < header->points; i++, at += INDEX_POINT_SIZE)
        encode_point(&points[i], at);

    le_put_u32(into, MAGIC_BLOCK);
    le_put_u32(into + 8, crc32c(0, points_at, (size_t)(at - points_at)));
    le_put_u32(into + 12, header->points);
    le_put_u32(into + 16, header->terms);
    le_put_u32(into + 20, header->changes);
    le_put_u64(into + 24, header->from);
    le_put_u64(into + 32, header->to);
    le_put_u64(into + 40, header->last_index);
    le_put_u64(into + 48, (uint64_t)header->end_offset);
    le_put_u64(into + 56, (uint64_t)header->max_timestamp);
    le_put_u32(into + 4, crc32c(0, into + BLOCK_CHECKED_FROM,
                                (size_t)(points_at - into) - BLOCK_CHECKED_FROM));
}

int index_block_decode_header(const uint8_t from[INDEX_BLOCK_HEADER_SIZE],
                              struct index_block_header *header) {
    if (le_get_u32(from) != MAGIC_BLOCK) return ERR_MALFORMED;
    header->points_crc = le_get_u32(from + 8);
    header->points = le_get_u32(from + 12);
    header->terms = le_get_u32(from + 16);
    header->changes = le_get_u32(from + 20);
    header->from = le_get_u64(from + 24);
    header->to = le_get_u64(from + 32);
    header->last_index = le_get_u64(from + 40);
    header->end_offset = (int64_t)le_get_u64(from + 48);
    header->max_timestamp = (int64_t)le_get_u64(from + 56);
    return 0;
}

int index_block_check_meta(const uint8_t header[INDEX_BLOCK_HEADER_SIZE], const uint8_t *meta,
                           size_t len) {
    uint32_t crc = crc32c(0, header + BLOCK_CHECKED_FROM,
                          INDEX_BLOCK_HEADER_SIZE - BLOCK_CHECKED_FROM);
    return crc32c(crc, meta, len) == le_get_u32(header + 4) ? 0 : ERR_CORRUPT;
}

struct index_term index_term_decode(const uint8_t from[INDEX_TERM_SIZE]) {
    return (struct index_term){.first_index = le_get_u64(from),
                               .start_offset = (int64_t)le_get_u64(from + 8),
                               .term = (uint32_t)le_get_u64(from + 16)};
}

struct index_point index_point_decode(const uint8_t from[INDEX_POINT_SIZE]) {
    return (struct index_point){.offset = (int64_t)le_get_u64(from),
                                .index = le_get_u64(from + 8),
                                .max_before = (int64_t)le_get_u64(from + 16),
                                .position = le_get_u64(from + 24)};
}

/* ---- The head of a snapshot ---- */

enum {
    STATE_MAGIC = 0x53535244, /* "DRSS" */
    STATE_FORMAT_EARLY = 1,   /* perhaps of entries that were not durable */
    STATE_FORMAT = 2,
    STATE_CRC_AT = 28,
};

void state_head_encode(const struct state_head *head, uint8_t into[STATE_HEAD_SIZE]) {
    le_put_u32(into, STATE_MAGIC);
    le_put_u32(into + 4, STATE_FORMAT);
    le_put_u64(into + 8, head->group);
    le_put_u64(into + 16, head->index);
    le_put_u32(into + 24, head->len);
    le_put_u32(into + STATE_CRC_AT, 0);
}

void state_head_seal(uint8_t into[STATE_HEAD_SIZE], uint32_t crc) {
    le_put_u32(into + STATE_CRC_AT, crc);
}

uint32_t state_head_crc(const uint8_t from[STATE_HEAD_SIZE]) {
    return crc32c(0, from, STATE_CRC_AT);
}

int state_head_decode(const uint8_t from[STATE_HEAD_SIZE], struct state_head *head) {
    if (le_get_u32(from) != STATE_MAGIC) return ERR_MALFORMED;
    uint32_t format = le_get_u32(from + 4);
    *head = (struct state_head){.group = le_get_u64(from + 8),
                                .index = le_get_u64(from + 16),
                                .len = le_get_u32(from + 24),
                                .crc = le_get_u32(from + STATE_CRC_AT),
                                .was_durable = format == STATE_FORMAT};
    return format == STATE_FORMAT || format == STATE_FORMAT_EARLY ? ERR_NONE : ERR_VERSION;
}

char *path_join(const char *directory, const char *name) {
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = mem_alloc(size);
    snprintf(path, size, "%s/%s", directory, name);
    return path;
}

char *path_of_group(const char *groups_path, uint64_t group) {
    char name[17];
    snprintf(name, sizeof name, "%016" PRIx64, group);
    return path_join(groups_path, name);
}

char *path_of_segment(const char *group_path, kafka_offset base_offset,
                      enum segment_file_kind kind) {
    static const char *const suffixes[] = {".log", ".index", ".clean", ".mend"};
    char name[32];
    snprintf(name, sizeof name, "%020" PRId64 "%s", base_offset, suffixes[kind]);
    return path_join(group_path, name);
}

char *path_of_snapshot(const char *group_path, log_index index) {
    char name[32];
    snprintf(name, sizeof name, "%020" PRIu64 ".snapshot", index);
    return path_join(group_path, name);
}

char *path_of_snapshot_copy(const char *group_path, log_index index) {
    char name[32];
    snprintf(name, sizeof name, "%020" PRIu64 ".copy", index);
    return path_join(group_path, name);
}

bool path_number(const char *name, const char *suffix, uint64_t *number) {
    enum { DIGITS = 20 };
    uint64_t value = 0;
    for (int i = 0; i < DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9') return false;
        uint64_t digit = (uint64_t)(name[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *number = value;
    return strcmp(name + DIGITS, suffix) == 0;
}

bool path_group_id(const char *name, uint64_t *group) {
    enum { DIGITS = 16 };
    uint64_t value = 0;
    for (int i = 0; i < DIGITS; i++) {
        char c = name[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
        value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *group = value;
    return name[DIGITS] == '\0';
}
