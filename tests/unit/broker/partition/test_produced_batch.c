/* What a leader demands of a batch that a client sent, and in which bytes it is stored. */
#include <string.h>

#include "broker/partition/produced_batch.h"
#include "protocol/kafka_error.h"
#include "protocol/record/record_batch_builder.h"
#include "protocol/record/record_batch_layout.h"
#include "tests/unit/unit.h"

enum { NOW = 1000000 };

static const struct partition_settings as_produced = {.max_message_bytes = 10000,
                                                      .timestamp_before_max_ms = INT64_MAX,
                                                      .timestamp_after_max_ms = 3600000,
                                                      .unfolded_max_bytes = 1 << 20};

/* Three records; for slice_unref. */
static struct slice build(struct record_batch_options options) {
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    for (int i = 0; i < 3; i++)
        record_batch_builder_append(builder, 100 + i, "k", 1, "some text, some text, some text", 31,
                                    NULL, 0);
    uint8_t *bytes;
    size_t len;
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    struct buffer *buffer = buffer_adopt(NULL, bytes, len);
    struct slice slice = slice_of(buffer, 0, len);
    buffer_unref(buffer);
    return slice;
}

static struct record_batch_options plain_lz4(void) {
    struct record_batch_options options = record_batch_plain();
    options.codec = RECORD_CODEC_LZ4;
    return options;
}

static struct produced_records records_of(struct slice slice, bool zstd_allowed) {
    return (struct produced_records){.frame = slice,
                                     .data = slice.data,
                                     .len = (int32_t)slice.len,
                                     .zstd_allowed = zstd_allowed,
                                     .transactional_id = KP_NULL_STRING};
}

/* Begin, all of the check, end. */
static int16_t check_records(const struct partition_settings *settings,
                             const struct produced_records *records, struct produced_batch *batch,
                             struct produce_refusal *refusal) {
    *refusal = (struct produce_refusal){.reject_count = 0};
    int16_t code = produced_batch_begin(settings, records, NOW, batch, &refusal->why);
    if (code != KAFKA_NONE) return code;
    return produced_batch_end(records, batch, record_check_step(batch->check, SIZE_MAX), refusal);
}

/* Checks the slice and lets go of it. */
static int16_t check(const struct partition_settings *settings, struct slice slice,
                     bool zstd_allowed) {
    struct produced_batch batch;
    struct produce_refusal refusal;
    struct produced_records records = records_of(slice, zstd_allowed);
    int16_t code = check_records(settings, &records, &batch, &refusal);
    assert_int_equal(batch.bytes.len > 0, code == KAFKA_NONE);
    produced_batch_release(&batch);
    slice_unref(&slice);
    return code;
}

/* A sound batch of any codec is taken, by reference to the bytes in which it came. */
static void test_produced_batch_sound(void **state) {
    (void)state;
    for (int codec = RECORD_CODEC_NONE; codec <= RECORD_CODEC_ZSTD; codec++) {
        struct record_batch_options options = record_batch_plain();
        options.codec = (enum record_codec)codec;
        struct slice slice = build(options);
        struct produced_records records = records_of(slice, true);
        struct produced_batch batch;
        struct produce_refusal refusal;
        assert_int_equal(check_records(&as_produced, &records, &batch, &refusal), KAFKA_NONE);
        assert_ptr_equal(batch.bytes.data, slice.data);
        assert_int_equal(batch.header.record_count, 3);
        produced_batch_release(&batch);
        slice_unref(&slice);
    }
}

/* Each rule has its error. */
static void test_produced_batch_refused(void **state) {
    (void)state;
    struct record_batch_options options = record_batch_plain();
    struct slice slice;
    struct partition_settings small = as_produced;
    small.max_message_bytes = 100;
    assert_int_equal(check(&small, build(options), true), KAFKA_MESSAGE_TOO_LARGE);

    options.codec = RECORD_CODEC_ZSTD;
    assert_int_equal(check(&as_produced, build(options), false),
                     KAFKA_UNSUPPORTED_COMPRESSION_TYPE);

    options = record_batch_plain();
    slice = build(options);
    ((uint8_t *)slice.data)[slice.len - 3] ^= 1;
    assert_int_equal(check(&as_produced, slice, true), KAFKA_CORRUPT_MESSAGE);

    slice = build(options);
    ((uint8_t *)slice.data)[16] = 1;
    assert_int_equal(check(&as_produced, slice, true), KAFKA_INVALID_RECORD);

    slice = build(options);
    ((uint8_t *)slice.data)[16] = 3;
    assert_int_equal(check(&as_produced, slice, true), KAFKA_CORRUPT_MESSAGE);

    slice = build(options);
    store_big_endian((uint8_t *)slice.data + AT_LENGTH, 40, 4);
    assert_int_equal(check(&as_produced, slice, true), KAFKA_CORRUPT_MESSAGE);

    options.log_append_time = true;
    assert_int_equal(check(&as_produced, build(options), true), KAFKA_INVALID_TIMESTAMP);

    options = record_batch_plain();
    options.producer_id = 1;
    options.producer_epoch = 0;
    options.base_sequence = 0;
    options.transactional = true;
    assert_int_equal(check(&as_produced, build(options), true),
                     KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);

    options.transactional = false;
    options.control = true;
    assert_int_equal(check(&as_produced, build(options), true), KAFKA_INVALID_RECORD);

    options = record_batch_plain();
    options.base_offset = 1;
    assert_int_equal(check(&as_produced, build(options), true), KAFKA_INVALID_RECORD);

    options = record_batch_plain();
    options.producer_id = 1;
    assert_int_equal(check(&as_produced, build(options), true), KAFKA_INVALID_RECORD);

    struct produced_records nothing = {.data = NULL, .len = -1};
    struct produced_batch batch;
    struct produce_refusal refusal;
    assert_int_equal(check_records(&as_produced, &nothing, &batch, &refusal), KAFKA_INVALID_RECORD);
}

/* Any bit of the header that the checksum covers, flipped on its way: damage, which a client
 * repeats. */
static void test_produced_batch_damaged_header(void **state) {
    (void)state;
    for (size_t at = AT_CRC; at < RECORD_BATCH_HEADER; at++) {
        for (int bit = 0; bit < 8; bit++) {
            struct slice slice = build(record_batch_plain());
            ((uint8_t *)slice.data)[at] ^= (uint8_t)(1 << bit);
            bool transactional = at == AT_ATTRIBUTES + 1 &&
                                 1 << bit ==
                                     ATTRIBUTE_TRANSACTIONAL; /* Kafka asks that first, too */
            assert_int_equal(check(&as_produced, slice, true),
                             transactional ? KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED
                                           : KAFKA_CORRUPT_MESSAGE);
        }
    }
}

/* Cut off at any byte, or with a second batch behind it, it is no single batch. */
static void test_produced_batch_exactly_one(void **state) {
    (void)state;
    struct slice slice = build(record_batch_plain());
    struct produced_batch batch;
    struct produce_refusal refusal;
    for (size_t len = 1; len < slice.len; len++) {
        struct produced_records records = records_of(slice, true);
        records.len = (int32_t)len;
        assert_int_equal(check_records(&as_produced, &records, &batch, &refusal),
                         KAFKA_INVALID_RECORD);
    }
    struct buffer *two = buffer_new(NULL, slice.len * 2);
    memcpy(two->data, slice.data, slice.len);
    memcpy(two->data + slice.len, slice.data, slice.len);
    struct slice twice = slice_of(two, 0, slice.len * 2);
    buffer_unref(two);
    assert_int_equal(check(&as_produced, twice, true), KAFKA_INVALID_RECORD);
    slice_unref(&slice);
}

/* A topic that wants another codec stores the same records in it; one that wants this codec leaves
 * the bytes alone. */
static void test_produced_batch_recompressed(void **state) {
    (void)state;
    struct slice slice = build(plain_lz4());
    struct produced_records records = records_of(slice, true);
    struct produced_batch batch;
    struct produce_refusal refusal;
    struct partition_settings settings = as_produced;
    settings.compression_type = 4; /* lz4 */
    assert_int_equal(check_records(&settings, &records, &batch, &refusal), KAFKA_NONE);
    assert_ptr_equal(batch.bytes.data, slice.data);
    produced_batch_release(&batch);
    for (int wanted = RECORD_CODEC_NONE; wanted <= RECORD_CODEC_ZSTD; wanted++) {
        settings.compression_type = (int8_t)(wanted + 1);
        assert_int_equal(check_records(&settings, &records, &batch, &refusal), KAFKA_NONE);
        assert_int_equal(record_batch_codec(&batch.header), wanted);
        assert_int_equal(record_batch_check_crc(&batch.header), ERR_NONE);
        struct record_iterator iterator;
        struct record record;
        assert_int_equal(record_iterator_open(&iterator, &batch.header, 10000), ERR_NONE);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(record_iterator_next(&iterator, &record), ERR_NONE);
            assert_int_equal(record.timestamp_ms, 100 + i);
            assert_int_equal(record.value_len, 31);
        }
        record_iterator_close(&iterator);
        produced_batch_release(&batch);
    }
    slice_unref(&slice);
}

/* Compressed records that do not decompress are refused by every topic, and so are those that
 * unfold to too much. */
static void test_produced_batch_bad_compression(void **state) {
    (void)state;
    struct slice slice = build(plain_lz4());
    struct partition_settings plain = as_produced;
    plain.compression_type = 1; /* uncompressed */
    struct partition_settings little = as_produced;
    little.unfolded_max_bytes = 100;
    assert_int_equal(check(&little, slice_ref(slice), true), KAFKA_MESSAGE_TOO_LARGE);
    little.max_message_bytes = (int32_t)slice.len;
    little.unfolded_max_bytes = 1 << 20;
    little.compression_type = 1;
    assert_int_equal(check(&little, slice_ref(slice), true), KAFKA_MESSAGE_TOO_LARGE);
    uint8_t *bytes = (uint8_t *)slice.data;
    memset(bytes + RECORD_BATCH_HEADER, 0x55, slice.len - RECORD_BATCH_HEADER);
    record_batch_seal(bytes, slice.len);
    assert_int_equal(check(&as_produced, slice_ref(slice), true), KAFKA_INVALID_RECORD);
    assert_int_equal(check(&plain, slice, true), KAFKA_INVALID_RECORD);
}

/* The largest timestamp is that of the records, whatever the header says, and is what is stored;
 * the checksum follows. */
static void test_produced_batch_max_timestamp(void **state) {
    (void)state;
    static const int64_t claims[] = {-1, 0, 50, 102, 5000};
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        for (int codec = RECORD_CODEC_NONE; codec <= RECORD_CODEC_ZSTD; codec++) {
            struct record_batch_options options = record_batch_plain();
            options.codec = (enum record_codec)codec;
            struct slice slice = build(options);
            uint8_t *bytes = (uint8_t *)slice.data;
            store_big_endian(bytes + AT_MAX_TIMESTAMP, (uint64_t)claims[i], 8);
            record_batch_seal(bytes, slice.len);
            struct produced_records records = records_of(slice, true);
            struct produced_batch batch;
            struct produce_refusal refusal;
            assert_int_equal(check_records(&as_produced, &records, &batch, &refusal), KAFKA_NONE);
            assert_int_equal(batch.max_timestamp, 102);
            produced_batch_place(bytes, slice.len, 70, 3, false, batch.max_timestamp);
            produced_batch_release(&batch);
            struct record_batch placed;
            assert_int_equal(record_batch_parse(bytes, slice.len, &placed, NULL), ERR_NONE);
            assert_int_equal(placed.max_timestamp, 102);
            assert_int_equal(placed.base_offset, 70);
            assert_int_equal(record_batch_check_crc(&placed), ERR_NONE);
            slice_unref(&slice);
        }
    }
}

/* Timestamps out of the topic's range are refused, record by record; with LogAppendTime nobody
 * looks at them. */
static void test_produced_batch_timestamp_range(void **state) {
    (void)state;
    struct slice slice = build(record_batch_plain());
    struct produced_records records = records_of(slice, true);
    struct produced_batch batch;
    struct produce_refusal refusal;
    struct partition_settings settings = as_produced;
    settings.timestamp_before_max_ms = NOW - 101;
    assert_int_equal(check_records(&settings, &records, &batch, &refusal), KAFKA_INVALID_TIMESTAMP);
    assert_int_equal(refusal.reject_count, 1);
    assert_int_equal(refusal.rejects[0].place, 0);
    assert_int_equal(refusal.rejects[0].timestamp_ms, 100);
    assert_int_equal(refusal.earliest_ms, 101);
    assert_int_equal(refusal.latest_ms, NOW + 3600000);
    settings.log_append_time = true;
    assert_int_equal(check_records(&settings, &records, &batch, &refusal), KAFKA_NONE);
    produced_batch_release(&batch);
    settings.log_append_time = false;
    settings.timestamp_before_max_ms = NOW - 100;
    assert_int_equal(check_records(&settings, &records, &batch, &refusal), KAFKA_NONE);
    produced_batch_release(&batch);
    slice_unref(&slice);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_produced_batch_sound),
        cmocka_unit_test(test_produced_batch_refused),
        cmocka_unit_test(test_produced_batch_exactly_one),
        cmocka_unit_test(test_produced_batch_recompressed),
        cmocka_unit_test(test_produced_batch_bad_compression),
        cmocka_unit_test(test_produced_batch_max_timestamp),
        cmocka_unit_test(test_produced_batch_timestamp_range),
        cmocka_unit_test(test_produced_batch_damaged_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
