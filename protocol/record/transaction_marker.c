/* Two integers as key, two as value. */
#include "protocol/record/transaction_marker.h"

#include "base/check.h"
#include "protocol/record/record_batch_builder.h"
#include "protocol/record/record_batch_layout.h"

enum {
    KEY_SIZE = 4,
    VALUE_SIZE = 6,
    VERSION = 0, /* a later one begins with the same fields, as in Kafka */
    TYPE_ABORT = 0,
    TYPE_COMMIT = 1,
    UNFOLDED_MOST = 4096, /* of a marker's batch; a few dozen bytes */
};

struct slice transaction_marker_batch(const struct transaction_marker *marker,
                                      int64_t timestamp_ms) {
    struct record_batch_options options = record_batch_plain();
    options.producer_id = marker->producer_id;
    options.producer_epoch = marker->producer_epoch;
    options.transactional = marker->producer_id >= 0;
    options.control = true;
    uint8_t key[KEY_SIZE], value[VALUE_SIZE], *bytes;
    store_big_endian(key, VERSION, 2);
    store_big_endian(key + 2, marker->commit ? TYPE_COMMIT : TYPE_ABORT, 2);
    store_big_endian(value, VERSION, 2);
    store_big_endian(value + 2, (uint64_t)marker->coordinator_epoch, 4);
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    record_batch_builder_append(builder, timestamp_ms, key, KEY_SIZE, value, VALUE_SIZE, NULL, 0);
    size_t size;
    int error = record_batch_builder_finish(builder, &bytes, &size);
    CHECK(error == ERR_NONE); /* one small record */
    return slice_adopt(NULL, bytes, size);
}

static int read_record(const struct record *record, struct transaction_marker *marker) {
    if (record->key_len < KEY_SIZE || (int16_t)load_big_endian(record->key, 2) < VERSION)
        return ERR_MALFORMED;
    uint64_t type = load_big_endian(record->key + 2, 2);
    if (type != TYPE_ABORT && type != TYPE_COMMIT) return ERR_NOT_FOUND;
    if (record->value_len < VALUE_SIZE || (int16_t)load_big_endian(record->value, 2) < VERSION)
        return ERR_MALFORMED;
    marker->commit = type == TYPE_COMMIT;
    marker->coordinator_epoch = (int32_t)load_big_endian(record->value + 2, 4);
    return ERR_NONE;
}

int transaction_marker_read(const struct record_batch *batch, struct transaction_marker *marker) {
    struct record_iterator iterator;
    struct record record;
    CHECK(record_batch_is_control(batch)); /* the callers look at it */
    int error = record_iterator_open(&iterator, batch, UNFOLDED_MOST);
    if (error != ERR_NONE) return error;
    error = record_iterator_next(&iterator, &record);
    if (error == ERR_NONE) error = read_record(&record, marker);
    record_iterator_close(&iterator);
    marker->producer_id = batch->producer_id;
    marker->producer_epoch = batch->producer_epoch;
    return error == ERR_EOF ? ERR_MALFORMED : error;
}
