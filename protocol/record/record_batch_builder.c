/*
 * Records are encoded as they come; header and checksum are put before them at the end, and a codec
 * is applied to the whole.
 */
#include "protocol/record/record_batch_builder.h"

#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "protocol/record/codec.h"
#include "protocol/record/record_batch_layout.h"
#include "protocol/wire.h"

struct record_batch_builder {
    struct record_batch_options options;
    struct kp_writer records;
    int32_t count;
    int64_t base_timestamp, max_timestamp;
};

struct built_record {
    const void *key, *value;
    int32_t key_len, value_len;
    const struct record_header *headers;
    int32_t header_count;
};

struct record_batch_options record_batch_plain(void) {
    return (struct record_batch_options){.codec = RECORD_CODEC_NONE,
                                         .leader_epoch = -1,
                                         .producer_id = -1,
                                         .producer_epoch = -1,
                                         .base_sequence = -1};
}

struct record_batch_builder *record_batch_builder_new(const struct record_batch_options *options) {
    struct record_batch_builder *builder = mem_zalloc(sizeof(*builder));
    builder->options = *options;
    kp_writer_init(&builder->records, INT32_MAX - RECORD_BATCH_HEADER);
    return builder;
}

void record_batch_builder_free(struct record_batch_builder *builder) {
    if (builder == NULL) return;
    kp_writer_close(&builder->records);
    mem_free(builder);
}

static void write_field(struct kp_writer *writer, const void *data, int32_t len) {
    kp_write_varint(writer, len);
    if (len > 0) kp_write_raw(writer, data, (size_t)len);
}

static void write_record(struct kp_writer *writer, int32_t place, int64_t timestamp_delta,
                         const struct built_record *record) {
    kp_write_int8(writer, 0);
    kp_write_varlong(writer, timestamp_delta);
    kp_write_varint(writer, place);
    write_field(writer, record->key, record->key_len);
    write_field(writer, record->value, record->value_len);
    kp_write_varint(writer, record->header_count);
    for (int32_t i = 0; i < record->header_count; i++) {
        write_field(writer, record->headers[i].key, record->headers[i].key_len);
        write_field(writer, record->headers[i].value, record->headers[i].value_len);
    }
}

void record_batch_builder_append(struct record_batch_builder *builder, int64_t timestamp_ms,
                                 const void *key, int32_t key_len, const void *value,
                                 int32_t value_len, const struct record_header *headers,
                                 int32_t header_count) {
    /* lengths are the caller's own: what is built here was never received as a batch */
    CHECK(key_len >= -1 && value_len >= -1 && header_count >= 0);
    if (builder->count == 0) builder->base_timestamp = builder->max_timestamp = timestamp_ms;
    if (timestamp_ms > builder->max_timestamp) builder->max_timestamp = timestamp_ms;
    struct built_record record = {key, value, key_len, value_len, headers, header_count};
    int64_t delta = (int64_t)((uint64_t)timestamp_ms - (uint64_t)builder->base_timestamp);
    struct kp_writer size; /* the length comes before the record */
    kp_writer_init(&size, INT32_MAX - RECORD_BATCH_HEADER);
    kp_writer_measure(&size);
    write_record(&size, builder->count, delta, &record);
    if (size.error != ERR_NONE) kp_writer_fail(&builder->records, size.error);
    kp_write_varint(&builder->records, (int32_t)size.len);
    write_record(&builder->records, builder->count, delta, &record);
    kp_writer_close(&size);
    builder->count++;
}

size_t record_batch_builder_size(const struct record_batch_builder *builder) {
    return RECORD_BATCH_HEADER + kp_writer_size(&builder->records);
}

static void store_header(const struct record_batch_builder *builder, uint8_t *into, size_t size) {
    const struct record_batch_options *options = &builder->options;
    int attributes = (int)options->codec |
                     (options->log_append_time ? ATTRIBUTE_LOG_APPEND_TIME : 0) |
                     (options->transactional ? ATTRIBUTE_TRANSACTIONAL : 0) |
                     (options->control ? ATTRIBUTE_CONTROL : 0);
    store_big_endian(into + AT_BASE_OFFSET, (uint64_t)options->base_offset, 8);
    store_big_endian(into + AT_LENGTH, size - RECORD_BATCH_LENGTH_PREFIX, 4);
    store_big_endian(into + AT_LEADER_EPOCH, (uint64_t)options->leader_epoch, 4);
    into[AT_MAGIC] = RECORD_BATCH_MAGIC;
    store_big_endian(into + AT_ATTRIBUTES, (uint64_t)attributes, 2);
    store_big_endian(into + AT_LAST_OFFSET_DELTA, (uint64_t)builder->count - 1, 4);
    store_big_endian(into + AT_BASE_TIMESTAMP, (uint64_t)builder->base_timestamp, 8);
    store_big_endian(into + AT_MAX_TIMESTAMP, (uint64_t)builder->max_timestamp, 8);
    store_big_endian(into + AT_PRODUCER_ID, (uint64_t)options->producer_id, 8);
    store_big_endian(into + AT_PRODUCER_EPOCH, (uint64_t)options->producer_epoch, 2);
    store_big_endian(into + AT_BASE_SEQUENCE, (uint64_t)options->base_sequence, 4);
    store_big_endian(into + AT_RECORD_COUNT, (uint64_t)builder->count, 4);
    record_batch_seal(into, size);
}

void record_batch_seal(uint8_t *bytes, size_t size) {
    store_big_endian(bytes + AT_CRC, crc32c(0, bytes + AT_ATTRIBUTES, size - AT_ATTRIBUTES), 4);
}

int record_batch_builder_finish(struct record_batch_builder *builder, uint8_t **out,
                                size_t *out_len) {
    *out = NULL;
    *out_len = 0;
    uint8_t *plain = NULL, *records = NULL;
    size_t len;
    int error = builder->count == 0 ? ERR_INVALID : kp_writer_take(&builder->records, &plain, &len);
    if (error == ERR_NONE)
        error = codec_compress(builder->options.codec, plain, len, &records, &len);
    if (error == ERR_NONE) {
        *out_len = RECORD_BATCH_HEADER + len;
        *out = mem_alloc(*out_len);
        memcpy(*out + RECORD_BATCH_HEADER, records, len);
        store_header(builder, *out, *out_len);
    }
    mem_free(plain);
    mem_free(records);
    record_batch_builder_free(builder);
    return error;
}
