/* Two walks over the records: which of them stay, and writing those. */
#include "protocol/record/record_filter.h"

#include <string.h>

#include "base/mem.h"
#include "protocol/record/codec.h"
#include "protocol/record/record_batch_builder.h"
#include "protocol/record/record_batch_layout.h"
#include "protocol/wire.h"

/* What is left, while it is written. */
struct rest {
    struct kp_writer records;
    int32_t count;
    int64_t base_timestamp, max_timestamp;
};

static void write_field(struct kp_writer *writer, const uint8_t *data, int32_t len) {
    kp_write_varint(writer, len);
    if (len > 0) kp_write_raw(writer, data, (size_t)len);
}

static void write_body(struct kp_writer *writer, const struct record *record,
                       int64_t timestamp_delta, int32_t offset_delta) {
    kp_write_int8(writer, 0); /* attributes: no bit has a meaning yet */
    kp_write_varlong(writer, timestamp_delta);
    kp_write_varint(writer, offset_delta);
    write_field(writer, record->key, record->key_len);
    write_field(writer, record->value, record->value_len);
    kp_write_varint(writer, record->header_count);
    if (record->headers_len > 0) kp_write_raw(writer, record->headers, record->headers_len);
}

static void add(struct rest *rest, const struct record_batch *batch, const struct record *record) {
    if (rest->count == 0) rest->base_timestamp = rest->max_timestamp = record->timestamp_ms;
    if (record->timestamp_ms > rest->max_timestamp) rest->max_timestamp = record->timestamp_ms;
    int64_t delta;
    if (__builtin_sub_overflow(record->timestamp_ms, rest->base_timestamp, &delta))
        kp_writer_fail(&rest->records, ERR_TOO_LARGE);
    int32_t offset_delta = (int32_t)(record->offset - batch->base_offset);
    struct kp_writer size; /* the length comes before the record */
    kp_writer_init(&size, INT32_MAX - RECORD_BATCH_HEADER);
    kp_writer_measure(&size);
    write_body(&size, record, delta, offset_delta);
    if (size.error != ERR_NONE) kp_writer_fail(&rest->records, size.error);
    kp_write_varint(&rest->records, (int32_t)size.len);
    write_body(&rest->records, record, delta, offset_delta);
    kp_writer_close(&size);
    rest->count++;
}

/* The old header with what has changed. */
static void store_header(const struct record_batch *batch, const struct rest *rest, uint8_t *into,
                         size_t size) {
    memcpy(into, batch->data, RECORD_BATCH_HEADER);
    int64_t max_timestamp = record_batch_has_log_append_time(batch) ? batch->max_timestamp
                                                                    : rest->max_timestamp;
    store_big_endian(into + AT_LENGTH, size - RECORD_BATCH_LENGTH_PREFIX, 4);
    store_big_endian(into + AT_BASE_TIMESTAMP, (uint64_t)rest->base_timestamp, 8);
    store_big_endian(into + AT_MAX_TIMESTAMP, (uint64_t)max_timestamp, 8);
    store_big_endian(into + AT_RECORD_COUNT, (uint64_t)rest->count, 4);
    record_batch_seal(into, size);
}

static int finish(const struct record_filter *filter, const struct record_batch *batch,
                  struct rest *rest, uint8_t **out, size_t *out_len) {
    uint8_t *plain = NULL;
    size_t len;
    if (filter->result_max < RECORD_BATCH_HEADER) return ERR_TOO_LARGE;
    int error = kp_writer_take(&rest->records, &plain, &len);
    if (error != ERR_NONE) return error;
    struct codec_writer *writer = codec_writer_new(record_batch_codec(batch), RECORD_BATCH_HEADER,
                                                   filter->result_max - RECORD_BATCH_HEADER);
    error = codec_writer_add(writer, plain, len);
    if (error == ERR_NONE) error = codec_writer_finish(writer, out, &len);
    codec_writer_free(writer);
    mem_free(plain);
    if (error != ERR_NONE) return error;
    *out_len = RECORD_BATCH_HEADER + len;
    store_header(batch, rest, *out, *out_len);
    return ERR_NONE;
}

/* Asks of each record whether it stays, once: `stays` has a bit for each. */
static int choose(const struct record_filter *filter, const struct record_iterator *opened,
                  uint8_t *stays, int32_t *count) {
    struct record_iterator iterator = *opened;
    struct record record;
    int error;
    *count = 0;
    for (size_t i = 0; (error = record_iterator_next(&iterator, &record)) == ERR_NONE; i++) {
        if (!filter->keeps(filter->arg, &record)) continue;
        stays[i / 8] |= (uint8_t)(1u << i % 8);
        (*count)++;
    }
    return error == ERR_EOF ? ERR_NONE : error;
}

/* Of records that `choose` has read. */
static void write_rest(const struct record_iterator *opened, const uint8_t *stays,
                       struct rest *rest) {
    struct record_iterator iterator = *opened;
    struct record record;
    for (size_t i = 0; record_iterator_next(&iterator, &record) == ERR_NONE; i++)
        if (stays[i / 8] & 1u << i % 8) add(rest, opened->batch, &record);
}

int record_filter_batch(const struct record_filter *filter, const struct record_batch *batch,
                        enum record_filter_result *result, uint8_t **out, size_t *out_len,
                        size_t *unfolded) {
    struct record_iterator iterator;
    int32_t stay = 0;
    *out = NULL;
    *result = RECORDS_ALL_STAY;
    int error = record_iterator_open(&iterator, batch, filter->unfolded_max);
    *unfolded = error == ERR_NONE ? iterator.len : filter->unfolded_max;
    if (error != ERR_NONE) return error;
    /* a record has a byte at least, whatever their count says, also one below zero */
    size_t most = (size_t)batch->record_count;
    uint8_t *stays = mem_zalloc((most < iterator.len ? most : iterator.len) / 8 + 1);
    error = choose(filter, &iterator, stays, &stay);
    if (error == ERR_NONE && stay == 0 && batch->record_count > 0) {
        *result = RECORDS_NONE_STAY;
    } else if (error == ERR_NONE && stay < batch->record_count) {
        struct rest rest = {0};
        kp_writer_init(&rest.records, iterator.len < INT32_MAX ? iterator.len : INT32_MAX);
        write_rest(&iterator, stays, &rest);
        error = finish(filter, batch, &rest, out, out_len);
        kp_writer_close(&rest.records);
        if (error == ERR_NONE) *result = RECORDS_SOME_STAY;
    }
    mem_free(stays);
    record_iterator_close(&iterator);
    return error;
}
