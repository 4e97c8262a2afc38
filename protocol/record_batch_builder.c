/*
 * Makes batches, and gives them another codec. The contracts are in record_batch_builder.h and record_batch.h.
 *
 * Records are encoded as they come; header and checksum are put before them at the end, after compression.
 */
#include "protocol/record_batch_builder.h"

#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "protocol/codec.h"
#include "protocol/record_batch_layout.h"
#include "protocol/wire.h"

struct record_batch_builder {
    struct record_batch_options options;
    struct kp_writer records;
    int32_t count;
    int64_t base_timestamp, max_timestamp;
};

struct record_batch_options record_batch_plain(void) {
    return (struct record_batch_options){
        .codec = RECORD_CODEC_NONE, .leader_epoch = -1, .producer_id = -1, .producer_epoch = -1, .base_sequence = -1};
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

int32_t record_batch_builder_count(const struct record_batch_builder *builder) {
    return builder->count;
}

size_t record_batch_builder_size(const struct record_batch_builder *builder) {
    return RECORD_BATCH_HEADER + kp_writer_size(&builder->records);
}

static size_t field_size(int32_t len) {
    return kp_varint_size(len) + (len > 0 ? (size_t)len : 0);
}

static void write_field(struct kp_writer *writer, const void *data, int32_t len) {
    kp_write_varint(writer, len);
    if (len > 0) kp_write_raw(writer, data, (size_t)len);
}

void record_batch_builder_append(struct record_batch_builder *builder, int64_t timestamp_ms, const void *key,
                                 int32_t key_len, const void *value, int32_t value_len,
                                 const struct record_header *headers, int32_t header_count) {
    CHECK(key_len >= -1);
    CHECK(value_len >= -1);
    CHECK(header_count >= 0);
    if (builder->count == 0) builder->base_timestamp = builder->max_timestamp = timestamp_ms;
    if (timestamp_ms > builder->max_timestamp) builder->max_timestamp = timestamp_ms;
    int64_t timestamp_delta = (int64_t)((uint64_t)timestamp_ms - (uint64_t)builder->base_timestamp);
    size_t size = 1 + kp_varlong_size(timestamp_delta) + kp_varint_size(builder->count) + field_size(key_len) +
                  field_size(value_len) + kp_varint_size(header_count);
    for (int32_t i = 0; i < header_count; i++)
        size += field_size(headers[i].key_len) + field_size(headers[i].value_len);

    struct kp_writer *writer = &builder->records;
    if (size > INT32_MAX) kp_writer_fail(writer, ERR_TOO_LARGE);
    kp_write_varint(writer, (int32_t)size);
    kp_write_int8(writer, 0);
    kp_write_varlong(writer, timestamp_delta);
    kp_write_varint(writer, builder->count);
    write_field(writer, key, key_len);
    write_field(writer, value, value_len);
    kp_write_varint(writer, header_count);
    for (int32_t i = 0; i < header_count; i++) {
        write_field(writer, headers[i].key, headers[i].key_len);
        write_field(writer, headers[i].value, headers[i].value_len);
    }
    builder->count++;
}

static void store_header(const struct record_batch_builder *builder, uint8_t *into, size_t size) {
    const struct record_batch_options *options = &builder->options;
    int attributes = options->codec | (options->log_append_time ? ATTRIBUTE_LOG_APPEND_TIME : 0) |
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
    store_big_endian(into + AT_CRC, crc32c(0, into + AT_ATTRIBUTES, size - AT_ATTRIBUTES), 4);
}

/* A new batch: room for a header, then the records compressed. */
static int pack(enum record_codec codec, const uint8_t *records, size_t len, uint8_t **out, size_t *out_len) {
    uint8_t *packed;
    size_t packed_len;
    int error = codec_compress(codec, records, len, &packed, &packed_len);
    if (error != ERR_NONE) return error;
    if (packed_len > INT32_MAX - RECORD_BATCH_HEADER) {
        mem_free(packed);
        return ERR_TOO_LARGE;
    }
    *out_len = RECORD_BATCH_HEADER + packed_len;
    *out = mem_alloc(*out_len);
    memcpy(*out + RECORD_BATCH_HEADER, packed, packed_len);
    mem_free(packed);
    return ERR_NONE;
}

int record_batch_builder_finish(struct record_batch_builder *builder, uint8_t **out, size_t *out_len) {
    *out = NULL;
    *out_len = 0;
    uint8_t *records = NULL;
    size_t len;
    int error = builder->count == 0 ? ERR_INVALID : kp_writer_take(&builder->records, &records, &len);
    if (error == ERR_NONE) error = pack(builder->options.codec, records, len, out, out_len);
    if (error == ERR_NONE) store_header(builder, *out, *out_len);
    mem_free(records);
    record_batch_builder_free(builder);
    return error;
}

int record_batch_recompress(const struct record_batch *batch, enum record_codec codec, size_t limit, uint8_t **out,
                            size_t *out_len) {
    *out = NULL;
    *out_len = 0;
    uint8_t *records;
    size_t len;
    int error = codec_decompress(record_batch_codec(batch), batch->data + RECORD_BATCH_HEADER,
                                 batch->size - RECORD_BATCH_HEADER, limit, &records, &len);
    if (error != ERR_NONE) return error;
    error = pack(codec, records, len, out, out_len);
    mem_free(records);
    if (error != ERR_NONE) return error;
    memcpy(*out, batch->data, RECORD_BATCH_HEADER);
    int attributes = (batch->attributes & ~ATTRIBUTE_CODEC) | (int)codec;
    store_big_endian(*out + AT_LENGTH, *out_len - RECORD_BATCH_LENGTH_PREFIX, 4);
    store_big_endian(*out + AT_ATTRIBUTES, (uint64_t)attributes, 2);
    store_big_endian(*out + AT_CRC, crc32c(0, *out + AT_ATTRIBUTES, *out_len - AT_ATTRIBUTES), 4);
    return ERR_NONE;
}
