/*
 * Kafka's record batch, magic 2: header, checksum, records. KIP-98, KIP-32 (timestamps).
 *
 * A batch is one piece of bytes that travels from producer to consumer as it is. What is outside of
 * its checksum (base offset, leader epoch) is set in place by the leader. Happy path of a produced
 * batch: record_batch_parse, then all of it by record_check.h, then record_batch_set_*. Failures
 * are the codes named at each function; no function reads outside of the bytes it was given,
 * whatever they say.
 *
 *    0 base offset i64           23 last offset delta i32    51 producer epoch i16
 *    8 batch length i32 (of      27 base timestamp i64       53 base sequence i32
 *      what follows)             35 max timestamp i64        57 record count i32
 *   12 leader epoch i32          43 producer id i64          61 records
 *   16 magic i8
 *   17 crc u32 (of what follows)
 *   21 attributes i16
 */
#ifndef PROTOCOL_RECORD_RECORD_BATCH_H
#define PROTOCOL_RECORD_RECORD_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    RECORD_BATCH_HEADER = 61, /* bytes before the records */
    /* Bytes up to and including the length: what one needs to know the size. */
    RECORD_BATCH_LENGTH_PREFIX = 12,
    RECORD_BATCH_MAGIC = 2,
};

enum record_codec {
    RECORD_CODEC_NONE = 0,
    RECORD_CODEC_GZIP = 1,
    RECORD_CODEC_SNAPPY = 2,
    RECORD_CODEC_LZ4 = 3,
    RECORD_CODEC_ZSTD = 4,
};

/* "none", "gzip", "snappy", "lz4", "zstd"; "unknown" for other numbers. */
const char *record_codec_name(int codec);

/* A parsed header. Read-only for callers; `data` is not owned. */
struct record_batch {
    const uint8_t *data;
    size_t size; /* bytes at data: the whole batch */
    int64_t base_offset;
    int32_t leader_epoch;
    uint32_t crc;
    int16_t attributes;
    int32_t last_offset_delta;
    int64_t base_timestamp; /* ms */
    int64_t max_timestamp;  /* ms */
    int64_t producer_id;    /* -1: none */
    int16_t producer_epoch;
    int32_t base_sequence; /* -1: none */
    int32_t record_count;
};

/* Reads the header of the batch at the start of `data`. ERR_EOF: fewer bytes than the batch has
 * (batch->size is set to what is needed if the length is there, else 0); ERR_VERSION: magic is not
 * 2; ERR_MALFORMED: lengths or counts that cannot be. The checksum is not looked at. `why` may be
 * NULL. */
int record_batch_parse(const void *data, size_t len, struct record_batch *batch,
                       struct error_text *why);

/* Parses the batch at data + *at and moves *at behind it. ERR_EOF when *at == len; a batch that is
 * cut off is ERR_MALFORMED. */
int record_batch_next(const void *data, size_t len, size_t *at, struct record_batch *batch,
                      struct error_text *why);

/* Checked by parse to be one of the enum. */
enum record_codec record_batch_codec(const struct record_batch *batch);
bool record_batch_is_control(const struct record_batch *batch);
bool record_batch_is_transactional(const struct record_batch *batch);
bool record_batch_has_log_append_time(const struct record_batch *batch);
int64_t record_batch_last_offset(const struct record_batch *batch);
/* The sequence of its last record: sequences wrap to 0 after INT32_MAX. -1 without a base sequence.
 */
int32_t record_batch_last_sequence(const struct record_batch *batch);

/* ERR_CORRUPT when the checksum does not match. */
int record_batch_check_crc(const struct record_batch *batch);
/* In place; `data` is the start of a whole batch that was parsed. */
void record_batch_set_base_offset(void *data, int64_t base_offset);
void record_batch_set_leader_epoch(void *data, int32_t leader_epoch);
/* The largest timestamp of its records, and with `log_append_time` that it counts for all of them
 * (message.timestamp.type, KIP-32), else that it does not. The checksum of a whole, sound batch
 * follows, without the records being read. Nothing changes if both are so already. */
void record_batch_set_max_timestamp(void *data, size_t size, int64_t timestamp_ms,
                                    bool log_append_time);

/* ---- Records ---- */

struct record {
    int64_t offset;
    int64_t timestamp_ms;
    const uint8_t *key; /* NULL: null */
    int32_t key_len;    /* -1: null */
    const uint8_t *value;
    int32_t value_len;
    int32_t header_count;
    const uint8_t *headers; /* record_header_next reads them */
    size_t headers_len;
};

struct record_header {
    const char *key;
    int32_t key_len;
    const uint8_t *value;
    int32_t value_len; /* -1: null */
};

/* Walks the records of a batch, decompressed if need be. Fields belong to the iterator. */
struct record_iterator {
    const struct record_batch *batch;
    uint8_t *decompressed; /* owned; NULL if it was not compressed */
    const uint8_t *data;
    size_t len, at;
    int32_t seen;
};

/* `batch` must outlive the iterator. `limit`: most bytes that decompression may give. ERR_NONE,
 * ERR_CORRUPT, ERR_TOO_LARGE; after an error there is nothing to close. */
int record_iterator_open(struct record_iterator *iterator, const struct record_batch *batch,
                         size_t limit);
/* ERR_NONE; ERR_EOF after the last; ERR_MALFORMED. The record's bytes live until close (or as long
 * as the batch). */
int record_iterator_next(struct record_iterator *iterator, struct record *record);
void record_iterator_close(struct record_iterator *iterator);
/* Reads the first of the headers that are left and takes it off the record. ERR_NONE, ERR_EOF,
 * ERR_MALFORMED. */
int record_header_next(struct record *record, struct record_header *header);

/* ListOffsets: the first record of the batch, at or behind from_offset, with a timestamp >=
 * timestamp_ms, found in bounded memory; `limit`: most bytes that decompression may give until
 * then. ERR_NOT_FOUND: none; ERR_CORRUPT, ERR_MALFORMED, ERR_TOO_LARGE from reading it. */
int record_batch_find_timestamp(const struct record_batch *batch, int64_t timestamp_ms,
                                int64_t from_offset, size_t limit, int64_t *offset,
                                int64_t *found_ms);
/* The largest timestamp of those records; else as above. */
int record_batch_largest_timestamp(const struct record_batch *batch, int64_t from_offset,
                                   size_t limit, int64_t *found_ms);

#endif
