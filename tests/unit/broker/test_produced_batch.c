/* What a leader demands of a batch that a client sent, and in which bytes it is stored. */
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/crc32c.h"
#include "broker/produced_batch.h"
#include "protocol/kafka_error.h"
#include "tests/batches/record_batch_builder.h"

static const struct partition_settings as_produced = {.max_message_bytes = 10000};

/* Three records; for slice_unref. */
static struct slice build(struct record_batch_options options) {
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    for (int i = 0; i < 3; i++)
        record_batch_builder_append(builder, 100 + i, "k", 1, "some text, some text, some text", 31, NULL, 0);
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
    return (struct produced_records){
        .frame = slice, .data = slice.data, .len = (int32_t)slice.len, .zstd_allowed = zstd_allowed};
}

/* Checks the slice and lets go of it. */
static int16_t check(const struct partition_settings *settings, struct slice slice, bool zstd_allowed) {
    struct produced_batch batch;
    struct error_text why = {""};
    struct produced_records records = records_of(slice, zstd_allowed);
    int16_t code = produced_batch_check(settings, &records, &batch, &why);
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
        struct error_text why;
        assert_int_equal(produced_batch_check(&as_produced, &records, &batch, &why), KAFKA_NONE);
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
    struct partition_settings small = {.max_message_bytes = 100};
    assert_int_equal(check(&small, build(options), true), KAFKA_MESSAGE_TOO_LARGE);

    options.codec = RECORD_CODEC_ZSTD;
    assert_int_equal(check(&as_produced, build(options), false), KAFKA_UNSUPPORTED_COMPRESSION_TYPE);

    options = record_batch_plain();
    slice = build(options);
    ((uint8_t *)slice.data)[slice.len - 3] ^= 1;
    assert_int_equal(check(&as_produced, slice, true), KAFKA_CORRUPT_MESSAGE);

    slice = build(options);
    ((uint8_t *)slice.data)[16] = 1;
    assert_int_equal(check(&as_produced, slice, true), KAFKA_INVALID_RECORD);

    options.log_append_time = true;
    assert_int_equal(check(&as_produced, build(options), true), KAFKA_INVALID_TIMESTAMP);

    options = record_batch_plain();
    options.producer_id = 1;
    options.producer_epoch = 0;
    options.base_sequence = 0;
    options.transactional = true;
    assert_int_equal(check(&as_produced, build(options), true), KAFKA_INVALID_TXN_STATE);

    options.transactional = false;
    options.control = true;
    assert_int_equal(check(&as_produced, build(options), true), KAFKA_INVALID_RECORD);

    struct produced_records nothing = {.data = NULL, .len = -1};
    struct produced_batch batch;
    struct error_text why;
    assert_int_equal(produced_batch_check(&as_produced, &nothing, &batch, &why), KAFKA_INVALID_RECORD);
}

/* Cut off at any byte, or with a second batch behind it, it is no single batch. */
static void test_produced_batch_exactly_one(void **state) {
    (void)state;
    struct slice slice = build(record_batch_plain());
    struct produced_batch batch;
    struct error_text why;
    for (size_t len = 1; len < slice.len; len++) {
        struct produced_records records = records_of(slice, true);
        records.len = (int32_t)len;
        assert_int_equal(produced_batch_check(&as_produced, &records, &batch, &why), KAFKA_INVALID_RECORD);
    }
    struct buffer *two = buffer_new(NULL, slice.len * 2);
    memcpy(two->data, slice.data, slice.len);
    memcpy(two->data + slice.len, slice.data, slice.len);
    struct slice twice = slice_of(two, 0, slice.len * 2);
    buffer_unref(two);
    assert_int_equal(check(&as_produced, twice, true), KAFKA_INVALID_RECORD);
    slice_unref(&slice);
}

/* A topic that wants another codec stores the same records in it; one that wants this codec leaves the bytes alone. */
static void test_produced_batch_recompressed(void **state) {
    (void)state;
    struct slice slice = build(plain_lz4());
    struct produced_records records = records_of(slice, true);
    struct produced_batch batch;
    struct error_text why;
    struct partition_settings settings = as_produced;
    settings.compression_type = 4; /* lz4 */
    assert_int_equal(produced_batch_check(&settings, &records, &batch, &why), KAFKA_NONE);
    assert_ptr_equal(batch.bytes.data, slice.data);
    produced_batch_release(&batch);
    for (int wanted = RECORD_CODEC_NONE; wanted <= RECORD_CODEC_ZSTD; wanted++) {
        settings.compression_type = (int8_t)(wanted + 1);
        assert_int_equal(produced_batch_check(&settings, &records, &batch, &why), KAFKA_NONE);
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

/* Compressed records that do not decompress are refused by a topic that wants another codec; others store them unread. */
static void test_produced_batch_bad_compression(void **state) {
    (void)state;
    struct slice slice = build(plain_lz4());
    uint8_t *bytes = (uint8_t *)slice.data;
    memset(bytes + RECORD_BATCH_HEADER, 0x55, slice.len - RECORD_BATCH_HEADER);
    uint32_t crc = htobe32(crc32c(0, bytes + 21, slice.len - 21));
    memcpy(bytes + 17, &crc, sizeof crc);
    struct partition_settings plain = as_produced;
    plain.compression_type = 1; /* uncompressed */
    assert_int_equal(check(&as_produced, slice_ref(slice), true), KAFKA_NONE);
    assert_int_equal(check(&plain, slice, true), KAFKA_INVALID_RECORD);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_produced_batch_sound),           cmocka_unit_test(test_produced_batch_refused),
        cmocka_unit_test(test_produced_batch_exactly_one),     cmocka_unit_test(test_produced_batch_recompressed),
        cmocka_unit_test(test_produced_batch_bad_compression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
