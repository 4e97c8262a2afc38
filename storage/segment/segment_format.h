/*
 * The bytes of a segment file and of the index beside it, and where they lie. No I/O.
 *
 *   groups/<group id, 16 hex digits>/name             the label of the log, one line of text
 *   groups/<group id>/<base offset, 20 digits>.log    file header, then entries (storage/entry.h)
 *   groups/<group id>/<base offset>.index             file header, then index blocks
 *   groups/<group id>/<raft index, 20 digits>.snapshot
 *                                                     an applier's state (state_files.h)
 *   groups/<group id>/<raft index>.copy               the same once more, where the log needs it
 *
 *   groups/<group id>/<base offset>.clean             what a cleaning writes, until it is a .log
 *   groups/<group id>/<base offset>.mend              what is being written into it
 * (segment_mend.h)
 *
 * File header (64 bytes, little-endian): u32 magic, u32 format version, u64 group, i64 base offset,
 * u64 first raft index, 28 zero bytes, u32 CRC-32C of the 60 bytes before it.
 * Format 3 is a segment that was cleaned (log_cleaning.h), and its index: entries, and batches and
 * records in them, may be missing, so the header says where it ends. Instead of the zeros: u32
 * flags (1, and 2 or 4), u32 generation, u64 last raft index, i64 end offset, u32 so many of its
 * last offsets no cleaning has read the keys of yet (UINT32_MAX: none of it). Flag 2: what was to
 * go is gone; 4: some of it stays, because it could not be taken out. With neither an older version
 * cleaned it, which did not note that: it counts as not read yet. All others stay in format 2.
 *
 * Blocks (format 2): what was synced never shares a block of 4096 bytes with what is written later,
 * because a torn write may destroy the whole block. So each sync fills the last block with zeros,
 * and the next entry begins the next block. A zero where an entry's magic would be says that
 * nothing but zeros follows up to the block's end. Format 1 had none; it may go on as 2.
 *
 * Index block: says what the segment holds between two positions. Header of 64 bytes: u32 magic,
 * u32 CRC-32C of the rest of the header, terms and changes, u32 CRC-32C of the points, u32 points,
 * u32 terms, u32 changes, u64 from, u64 to (positions in the segment), u64 last index, i64 end
 * offset, i64 largest timestamp so far; then the terms (24 bytes each), the changes (8), the points
 * (32). Terms and changes come first, so that a start reads them without the points.
 */
#ifndef STORAGE_SEGMENT_SEGMENT_FORMAT_H
#define STORAGE_SEGMENT_SEGMENT_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/log_types.h"

enum {
    SEGMENT_FORMAT_VERSION = 2,
    SEGMENT_FORMAT_CLEANED = 3,
    SEGMENT_HEADER_SIZE = 64,
    SEGMENT_BLOCK = 4096,
    INDEX_BLOCK_HEADER_SIZE = 64,
    INDEX_TERM_SIZE = 24,
    INDEX_CHANGE_SIZE = 8,
    INDEX_POINT_SIZE = 32,
};

/* The third is a SEGMENT_FILE_LOG under the name that it has until it is whole; the last one is
 * beside it. */
enum segment_file_kind {
    SEGMENT_FILE_LOG,
    SEGMENT_FILE_INDEX,
    SEGMENT_FILE_CLEAN,
    SEGMENT_FILE_MEND
};

struct segment_header {
    uint64_t group;
    kafka_offset base_offset;
    log_index first_index;
    /* Of one that was cleaned; else 0. */
    uint32_t generation;     /* 1 or more; of two files of one name the higher one is the later */
    log_index last_index;    /* that it covers, whether that entry is there or not */
    kafka_offset end_offset; /* the same of offsets */
    uint32_t unread;         /* offsets at its end whose keys were not read by a cleaning */
    bool keeps_stale;        /* records stay in it of which there are later ones of their keys */
};

static inline bool segment_is_cleaned(const struct segment_header *header) {
    return header->generation > 0;
}

/* The position, or the end of the block that it lies in. */
static inline uint64_t segment_block_end(uint64_t position) {
    return (position + SEGMENT_BLOCK - 1) / SEGMENT_BLOCK * SEGMENT_BLOCK;
}

void segment_header_encode(const struct segment_header *header, enum segment_file_kind kind,
                           uint8_t into[SEGMENT_HEADER_SIZE]);
/* ERR_MALFORMED (another kind of file), ERR_CORRUPT (checksum), ERR_VERSION (a newer format). */
int segment_header_decode(const uint8_t from[SEGMENT_HEADER_SIZE], enum segment_file_kind kind,
                          struct segment_header *header);

bool segment_header_equals(const struct segment_header *a, const struct segment_header *b);

/* A place where reading may start: an entry begins at `position`. */
struct index_point {
    kafka_offset offset; /* base offset of the entry */
    log_index index;     /* its raft index */
    int64_t max_before;  /* largest timestamp in this segment before it, ms; -1: none */
    uint64_t position;
};

/* From `first_index` on entries have `term`; the first record from there on has `start_offset`. */
struct index_term {
    log_index first_index;
    kafka_offset start_offset;
    log_term term;
};

struct index_block_header {
    uint32_t points, terms, changes;
    uint32_t points_crc;
    uint64_t from, to;
    log_index last_index;
    kafka_offset end_offset;
    int64_t
        max_timestamp; /* below -1: none of the records has one; -1 - the wall time of the seal */
};

/* Bytes of the terms and changes that follow the header; 64 bits, because the counts are not to be
 * believed yet. */
uint64_t index_block_meta_size(const struct index_block_header *header);
/* Encodes header, terms, changes and points, in this order, into `into` (which has room for all of
 * it); fills both checksums. */
void index_block_encode(const struct index_block_header *header, const struct index_term *terms,
                        const uint64_t *changes, const struct index_point *points, uint8_t *into);
/* ERR_MALFORMED: not a block. The checksum comes with index_block_check_meta. */
int index_block_decode_header(const uint8_t from[INDEX_BLOCK_HEADER_SIZE],
                              struct index_block_header *header);
/* `meta`: the index_block_meta_size bytes behind the header. ERR_CORRUPT. */
int index_block_check_meta(const uint8_t header[INDEX_BLOCK_HEADER_SIZE], const uint8_t *meta,
                           size_t len);
struct index_term index_term_decode(const uint8_t from[INDEX_TERM_SIZE]);
struct index_point index_point_decode(const uint8_t from[INDEX_POINT_SIZE]);

/* ---- The head of a snapshot of the appliers: storage/state/state_files.h ---- */

enum { STATE_HEAD_SIZE = 32 };

struct state_head {
    uint64_t group;
    log_index index;
    uint32_t len; /* of the state behind it */
    uint32_t crc; /* of all: state_head_crc, going on with the state */
    bool
        was_durable; /* what it describes was, when it was written: the older format does not say */
};
/* The format that says so; `crc` is put in by state_head_seal. */
void state_head_encode(const struct state_head *head, uint8_t into[STATE_HEAD_SIZE]);
void state_head_seal(uint8_t into[STATE_HEAD_SIZE], uint32_t crc);
/* Of the bytes of the head before the checksum. */
uint32_t state_head_crc(const uint8_t from[STATE_HEAD_SIZE]);
/* ERR_MALFORMED: not such a head; ERR_VERSION: a format that this program does not know, if the
 * checksum says that it is whole: that stands where it does in every format, as do group, index and
 * `len`, which are in `head` then, too. */
int state_head_decode(const uint8_t from[STATE_HEAD_SIZE], struct state_head *head);

/* ---- Paths: strings of the caller's, from mem_alloc ---- */

char *path_join(const char *directory, const char *name);
char *path_of_group(const char *groups_path, uint64_t group);
char *path_of_segment(const char *group_path, kafka_offset base_offset,
                      enum segment_file_kind kind);
char *path_of_snapshot(const char *group_path, log_index index);
char *path_of_snapshot_copy(const char *group_path, log_index index);
/* The number in a file name such as "00000000000000000042.log"; false: another name. */
bool path_number(const char *name, const char *suffix, uint64_t *number);
/* The group id in a directory's name; false: another name. */
bool path_group_id(const char *name, uint64_t *group);

#endif
