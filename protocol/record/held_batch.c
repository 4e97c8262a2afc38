/* A bit of the attributes that Kafka does not use, and what is made of it. */
#include "protocol/record/held_batch.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "protocol/record/record_batch_builder.h"
#include "protocol/record/record_batch_layout.h"
#include "protocol/record/record_filter.h"
#include "protocol/record/transaction_marker.h"
#include "protocol/wire.h"

enum { RELEASE_SEQUENCE = -2 };

bool record_batch_is_release(const struct record_batch *batch) {
    return batch->producer_id < 0 && batch->base_sequence == RELEASE_SEQUENCE;
}

void release_mark(uint8_t *bytes, size_t size) {
    store_big_endian(bytes + AT_BASE_SEQUENCE, (uint64_t)RELEASE_SEQUENCE, 4);
    record_batch_seal(bytes, size);
}

bool record_batch_is_held(const struct record_batch *batch) {
    return record_batch_says_held(batch) && record_batch_codec(batch) == RECORD_CODEC_NONE &&
           batch->size <= HELD_BATCH_MOST + RECORD_BATCH_HEADER;
}

bool record_batch_says_held(const struct record_batch *batch) {
    return (batch->attributes & ATTRIBUTE_HELD) != 0;
}

int held_record(const struct record_batch *batch, const struct record *record,
                struct record_delivery *delivery) {
    return record_delivery_read(record, batch->max_timestamp, delivery, NULL);
}

void held_batch_make(uint8_t *bytes, size_t size, int64_t now_ms) {
    uint64_t attributes = load_big_endian(bytes + AT_ATTRIBUTES, 2) | ATTRIBUTE_HELD;
    store_big_endian(bytes + AT_ATTRIBUTES, attributes, 2);
    store_big_endian(bytes + AT_MAX_TIMESTAMP, (uint64_t)now_ms, 8);
    record_batch_seal(bytes, size);
}

static bool is_visible(void *arg, const struct record *record) {
    struct record_delivery delivery;
    return held_record(arg, record, &delivery) != ERR_NONE || delivery.kind == DELIVERY_NOW;
}

int held_batch_visible(const struct record_batch *held, uint8_t **out, size_t *out_len) {
    struct record_batch batch = *held;
    struct record_filter filter = {.keeps = is_visible,
                                   .arg = &batch,
                                   .unfolded_max = HELD_BATCH_MOST,
                                   .result_max = HELD_BATCH_MOST + RECORD_BATCH_HEADER};
    enum record_filter_result result;
    size_t unfolded;
    int error = record_filter_batch(&filter, held, &result, out, out_len, &unfolded);
    if (error != ERR_NONE) return error;
    if (result == RECORDS_ALL_STAY) { /* from before there were delays */
        *out = mem_alloc(held->size);
        *out_len = held->size;
        memcpy(*out, held->data, held->size);
        return ERR_NONE;
    }
    if (*out == NULL) return ERR_NONE;
    int attributes = held->attributes & ~ATTRIBUTE_HELD;
    store_big_endian(*out + AT_ATTRIBUTES, (uint64_t)attributes, 2);
    record_batch_seal(*out, *out_len);
    return ERR_NONE;
}

/* ---- Holes ---- */

/* The body of the marker's only record, at another place of the batch. */
static void write_marker(struct kp_writer *writer, const struct record *marker, int32_t delta) {
    kp_write_int8(writer, 0);
    kp_write_varlong(writer, 0);
    kp_write_varint(writer, delta);
    kp_write_varint(writer, marker->key_len);
    kp_write_raw(writer, marker->key, (size_t)marker->key_len);
    kp_write_varint(writer, marker->value_len);
    kp_write_raw(writer, marker->value, (size_t)marker->value_len);
    kp_write_varint(writer, 0);
}

struct slice hole_batch(int64_t first, int64_t last, int32_t leader_epoch, int64_t timestamp_ms) {
    enum { BODY_MOST = 64 };
    static const struct transaction_marker nobodys = {
        .producer_id = -1, .producer_epoch = -1, .commit = true};
    struct slice marker = transaction_marker_batch(&nobodys, timestamp_ms);
    struct record_batch batch;
    struct record_iterator records;
    struct record record;
    struct kp_writer body, whole;
    uint8_t *bytes;
    size_t len;
    int error = record_batch_parse(marker.data, marker.len, &batch, NULL);
    if (error == ERR_NONE) error = record_iterator_open(&records, &batch, marker.len);
    if (error == ERR_NONE) error = record_iterator_next(&records, &record);
    CHECK(error == ERR_NONE); /* the builder made it */
    kp_writer_init(&body, BODY_MOST);
    write_marker(&body, &record, (int32_t)(last - first));
    kp_writer_init(&whole, RECORD_BATCH_HEADER + 2 * BODY_MOST);
    kp_write_raw(&whole, marker.data, RECORD_BATCH_HEADER);
    kp_write_varint(&whole, (int32_t)kp_writer_size(&body));
    write_marker(&whole, &record, (int32_t)(last - first));
    error = kp_writer_take(&whole, &bytes, &len);
    CHECK(error == ERR_NONE); /* a few dozen bytes */
    kp_writer_close(&body);
    kp_writer_close(&whole);
    record_iterator_close(&records);
    slice_unref(&marker);
    record_batch_set_base_offset(bytes, first);
    record_batch_set_leader_epoch(bytes, leader_epoch);
    store_big_endian(bytes + AT_LENGTH, len - RECORD_BATCH_LENGTH_PREFIX, 4);
    store_big_endian(bytes + AT_LAST_OFFSET_DELTA, (uint64_t)(last - first), 4);
    record_batch_seal(bytes, len);
    return slice_adopt(NULL, bytes, len);
}
