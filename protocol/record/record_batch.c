/*
 * The header of a record batch: parsing, setting in place. Records are in record_iterator.c, what a
 * leader demands in record_check.c.
 *
 * Nothing here keeps state. Every length is compared with the bytes that are there before it is
 * used, and sums that could overflow are checked: a batch comes from a stranger, or from a disk.
 */
#include "protocol/record/record_batch.h"

#include <string.h>

#include "base/crc32c.h"
#include "protocol/record/record_batch_layout.h"

static const char *const codec_names[] = {"none", "gzip", "snappy", "lz4", "zstd"};
enum { CODEC_COUNT = sizeof(codec_names) / sizeof(codec_names[0]) };

const char *record_codec_name(int codec) {
    return codec >= 0 && codec < CODEC_COUNT ? codec_names[codec] : "unknown";
}

static void load_header(const uint8_t *data, struct record_batch *batch) {
    batch->data = data;
    batch->base_offset = (int64_t)load_big_endian(data + AT_BASE_OFFSET, 8);
    batch->leader_epoch = (int32_t)load_big_endian(data + AT_LEADER_EPOCH, 4);
    batch->crc = (uint32_t)load_big_endian(data + AT_CRC, 4);
    batch->attributes = (int16_t)load_big_endian(data + AT_ATTRIBUTES, 2);
    batch->last_offset_delta = (int32_t)load_big_endian(data + AT_LAST_OFFSET_DELTA, 4);
    batch->base_timestamp = (int64_t)load_big_endian(data + AT_BASE_TIMESTAMP, 8);
    batch->max_timestamp = (int64_t)load_big_endian(data + AT_MAX_TIMESTAMP, 8);
    batch->producer_id = (int64_t)load_big_endian(data + AT_PRODUCER_ID, 8);
    batch->producer_epoch = (int16_t)load_big_endian(data + AT_PRODUCER_EPOCH, 2);
    batch->base_sequence = (int32_t)load_big_endian(data + AT_BASE_SEQUENCE, 4);
    batch->record_count = (int32_t)load_big_endian(data + AT_RECORD_COUNT, 4);
}

/* What cannot be in any batch, whoever wrote it. */
static int check_header(const struct record_batch *batch, struct error_text *why) {
    int codec = batch->attributes & ATTRIBUTE_CODEC;
    if (codec >= CODEC_COUNT)
        return REFUSE(ERR_MALFORMED, "The batch has codec %d; known are 0 to 4.", codec);
    if (batch->record_count < 0 || batch->last_offset_delta < 0 ||
        batch->last_offset_delta < (int64_t)batch->record_count - 1)
        return REFUSE(ERR_MALFORMED, "The batch claims %d records but a last offset delta of %d.",
                      batch->record_count, batch->last_offset_delta);
    if (batch->base_offset > INT64_MAX - batch->last_offset_delta)
        return REFUSE(ERR_MALFORMED, "The offsets of the batch pass the largest number.");
    size_t records = batch->size - RECORD_BATCH_HEADER;
    if (codec == RECORD_CODEC_NONE && (uint64_t)batch->record_count * RECORD_SMALLEST > records)
        return REFUSE(ERR_MALFORMED, "The batch claims %d records in %zu bytes.",
                      batch->record_count, records);
    return ERR_NONE;
}

int record_batch_parse(const void *data, size_t len, struct record_batch *batch,
                       struct error_text *why) {
    *batch = (struct record_batch){.data = data};
    if (len < RECORD_BATCH_LENGTH_PREFIX)
        return REFUSE(ERR_EOF, "The batch is cut off after %zu bytes.", len);
    const uint8_t *bytes = data;
    int32_t length = (int32_t)load_big_endian(bytes + AT_LENGTH, 4);
    if (length <= AT_MAGIC - RECORD_BATCH_LENGTH_PREFIX)
        return REFUSE(ERR_MALFORMED, "The batch claims a length of %d bytes.", length);
    batch->size = (size_t)length + RECORD_BATCH_LENGTH_PREFIX;
    if (len > AT_MAGIC && bytes[AT_MAGIC] != RECORD_BATCH_MAGIC)
        return REFUSE(
            ERR_VERSION,
            "The batch has message format %d; only 2 is supported (Kafka 0.11 and later).",
            bytes[AT_MAGIC]);
    if (batch->size < RECORD_BATCH_HEADER)
        return REFUSE(ERR_MALFORMED, "The batch claims a length of %d bytes, less than its header.",
                      length);
    if (len < batch->size)
        return REFUSE(ERR_EOF, "The batch has %zu bytes, of which %zu are here.", batch->size, len);
    load_header(bytes, batch);
    return check_header(batch, why);
}

int record_batch_next(const void *data, size_t len, size_t *at, struct record_batch *batch,
                      struct error_text *why) {
    if (*at >= len) return ERR_EOF;
    int error = record_batch_parse((const uint8_t *)data + *at, len - *at, batch, why);
    if (error == ERR_EOF) return ERR_MALFORMED;
    if (error == ERR_NONE) *at += batch->size;
    return error;
}

enum record_codec record_batch_codec(const struct record_batch *batch) {
    return (enum record_codec)(batch->attributes & ATTRIBUTE_CODEC);
}

bool record_batch_is_control(const struct record_batch *batch) {
    return (batch->attributes & ATTRIBUTE_CONTROL) != 0;
}

bool record_batch_is_transactional(const struct record_batch *batch) {
    return (batch->attributes & ATTRIBUTE_TRANSACTIONAL) != 0;
}

bool record_batch_has_log_append_time(const struct record_batch *batch) {
    return (batch->attributes & ATTRIBUTE_LOG_APPEND_TIME) != 0;
}

int64_t record_batch_last_offset(const struct record_batch *batch) {
    return batch->base_offset + batch->last_offset_delta;
}

int32_t record_batch_last_sequence(const struct record_batch *batch) {
    if (batch->base_sequence < 0) return -1;
    return (int32_t)(((int64_t)batch->base_sequence + batch->last_offset_delta) & INT32_MAX);
}

int record_batch_check_crc(const struct record_batch *batch) {
    uint32_t crc = crc32c(0, batch->data + AT_ATTRIBUTES, batch->size - AT_ATTRIBUTES);
    return crc == batch->crc ? ERR_NONE : ERR_CORRUPT;
}

void record_batch_set_base_offset(void *data, int64_t base_offset) {
    store_big_endian((uint8_t *)data + AT_BASE_OFFSET, (uint64_t)base_offset, 8);
}

void record_batch_set_leader_epoch(void *data, int32_t leader_epoch) {
    store_big_endian((uint8_t *)data + AT_LEADER_EPOCH, (uint64_t)leader_epoch, 4);
}

void record_batch_set_max_timestamp(void *data, size_t size, int64_t timestamp_ms,
                                    bool log_append_time) {
    uint8_t *bytes = data, old[RECORD_BATCH_HEADER];
    memcpy(old, bytes, sizeof old);
    bytes[AT_ATTRIBUTES + 1] &= (uint8_t)~ATTRIBUTE_LOG_APPEND_TIME;
    if (log_append_time) bytes[AT_ATTRIBUTES + 1] |= ATTRIBUTE_LOG_APPEND_TIME;
    store_big_endian(bytes + AT_MAX_TIMESTAMP, (uint64_t)timestamp_ms, 8);
    if (memcmp(bytes, old, sizeof old) == 0) return;
    uint32_t crc = crc32c_changed((uint32_t)load_big_endian(old + AT_CRC, 4), old + AT_ATTRIBUTES,
                                  bytes + AT_ATTRIBUTES, RECORD_BATCH_HEADER - AT_ATTRIBUTES,
                                  size - RECORD_BATCH_HEADER);
    store_big_endian(bytes + AT_CRC, crc, 4);
}
