/* Batches of which some records are left out: what is kept as it was, what is worked out again. */
#include <lz4frame.h>
#include <string.h>

#include "base/mem.h"
#include "protocol/record/record_batch_builder.h"
#include "protocol/record/record_batch_layout.h"
#include "protocol/record/record_filter.h"
#include "tests/unit/unit.h"

enum { RECORDS = 20, TIME = 5000, OFFSET = 1000, CODECS = RECORD_CODEC_ZSTD + 1 };

static struct record_batch build(struct record_batch_options options, uint8_t **bytes) {
    options.base_offset = OFFSET;
    options.leader_epoch = 7;
    options.producer_id = 42;
    options.producer_epoch = 3;
    options.base_sequence = 99;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    for (int i = 0; i < RECORDS; i++) {
        struct record_header header = {"h", 1, (const uint8_t *)"x", i % 3 - 1};
        record_batch_builder_append(builder, TIME + (i * 7) % RECORDS, "key", i % 4, "value",
                                    i % 5 - 1, &header, i % 2);
    }
    size_t len;
    struct record_batch batch;
    assert_int_equal(record_batch_builder_finish(builder, bytes, &len), ERR_NONE);
    assert_int_equal(record_batch_parse(*bytes, len, &batch, NULL), ERR_NONE);
    return batch;
}

/* The places that stay, as bits. */
static bool keeps(void *arg, const struct record *record) {
    return *(const uint32_t *)arg >> (record->offset - OFFSET) & 1;
}

static int filter(const struct record_batch *batch, uint32_t places, size_t unfolded_max,
                  enum record_filter_result *result, uint8_t **out, size_t *len) {
    struct record_filter of = {keeps, &places, unfolded_max, batch->size + 64};
    size_t unfolded;
    return record_filter_batch(&of, batch, result, out, len, &unfolded);
}

static bool same_record(const struct record *a, const struct record *b) {
    return a->offset == b->offset && a->timestamp_ms == b->timestamp_ms &&
           a->key_len == b->key_len && a->value_len == b->value_len &&
           (a->key_len <= 0 || memcmp(a->key, b->key, (size_t)a->key_len) == 0) &&
           (a->value_len <= 0 || memcmp(a->value, b->value, (size_t)a->value_len) == 0) &&
           a->header_count == b->header_count && a->headers_len == b->headers_len &&
           (a->headers_len == 0 || memcmp(a->headers, b->headers, a->headers_len) == 0);
}

static void check(const struct record_batch *batch, uint32_t places, const uint8_t *out,
                  size_t len) {
    struct record_batch made;
    assert_int_equal(record_batch_parse(out, len, &made, NULL), ERR_NONE);
    assert_int_equal(made.size, len);
    assert_int_equal(record_batch_check_crc(&made), ERR_NONE);
    assert_int_equal(made.base_offset, batch->base_offset);
    assert_int_equal(made.last_offset_delta, batch->last_offset_delta);
    assert_int_equal(made.leader_epoch, batch->leader_epoch);
    assert_int_equal(made.attributes, batch->attributes);
    assert_int_equal(made.producer_id, batch->producer_id);
    assert_int_equal(made.producer_epoch, batch->producer_epoch);
    assert_int_equal(made.base_sequence, batch->base_sequence);
    struct record_iterator was, is;
    struct record old, new;
    assert_int_equal(record_iterator_open(&was, batch, 1 << 20), ERR_NONE);
    assert_int_equal(record_iterator_open(&is, &made, 1 << 20), ERR_NONE);
    int64_t first = -1, largest = -1;
    int32_t count = 0;
    while (record_iterator_next(&was, &old) == ERR_NONE) {
        if (!(places >> (old.offset - OFFSET) & 1)) continue;
        assert_int_equal(record_iterator_next(&is, &new), ERR_NONE);
        assert_true(same_record(&old, &new));
        if (count++ == 0) first = old.timestamp_ms;
        if (old.timestamp_ms > largest) largest = old.timestamp_ms;
    }
    assert_int_equal(record_iterator_next(&is, &new), ERR_EOF);
    assert_int_equal(made.record_count, count);
    assert_int_equal(made.base_timestamp, first);
    assert_int_equal(made.max_timestamp,
                     record_batch_has_log_append_time(batch) ? batch->max_timestamp : largest);
    record_iterator_close(&was);
    record_iterator_close(&is);
}

/* In every codec, with the producer's times and with the broker's. */
static void test_record_filter_some(void **state) {
    (void)state;
    static const uint32_t places[] = {1, 1 << (RECORDS - 1), 0x5a5a5, 0xffffe, 0x7ffff, 0x00300};
    for (int codec = 0; codec < CODECS; codec++) {
        for (int append_time = 0; append_time < 2; append_time++) {
            struct record_batch_options options = record_batch_plain();
            options.codec = (enum record_codec)codec;
            options.log_append_time = append_time;
            uint8_t *bytes, *out;
            struct record_batch batch = build(options, &bytes);
            for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
                enum record_filter_result result;
                size_t len;
                assert_int_equal(filter(&batch, places[i], 1 << 20, &result, &out, &len), 0);
                assert_int_equal(result, RECORDS_SOME_STAY);
                check(&batch, places[i], out, len);
                mem_free(out);
            }
            mem_free(bytes);
        }
    }
}

static void test_record_filter_all_or_none(void **state) {
    (void)state;
    uint8_t *bytes, *out;
    size_t len;
    enum record_filter_result result;
    struct record_batch batch = build(record_batch_plain(), &bytes);
    assert_int_equal(filter(&batch, UINT32_MAX, 1 << 20, &result, &out, &len), 0);
    assert_int_equal(result, RECORDS_ALL_STAY);
    assert_null(out);
    assert_int_equal(filter(&batch, 0, 1 << 20, &result, &out, &len), 0);
    assert_int_equal(result, RECORDS_NONE_STAY);
    assert_null(out);
    mem_free(bytes);
}

/* Records that unfold too far, or are not sound. */
static void test_record_filter_refused(void **state) {
    (void)state;
    struct record_batch_options options = record_batch_plain();
    options.codec = RECORD_CODEC_GZIP;
    uint8_t *bytes, *out;
    size_t len;
    enum record_filter_result result;
    struct record_batch batch = build(options, &bytes);
    assert_int_equal(filter(&batch, 1, 10, &result, &out, &len), ERR_TOO_LARGE);
    assert_null(out);
    bytes[RECORD_BATCH_HEADER + 12] ^= 0xff;
    assert_int_equal(filter(&batch, 1, 1 << 20, &result, &out, &len), ERR_CORRUPT);
    assert_null(out);
    mem_free(bytes);
    batch = build(record_batch_plain(), &bytes);
    bytes[RECORD_BATCH_HEADER] = 0xff;
    assert_int_not_equal(filter(&batch, 1, 1 << 20, &result, &out, &len), 0);
    assert_null(out);
    mem_free(bytes);
}

/* A batch of records at these times, without a codec. */
static struct record_batch build_at(const int64_t *times, int count, uint8_t **bytes) {
    struct record_batch_options options = record_batch_plain();
    options.base_offset = OFFSET;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    for (int i = 0; i < count; i++)
        record_batch_builder_append(builder, times[i], "key", 3, "v", 1, NULL, 0);
    size_t len;
    struct record_batch batch;
    assert_int_equal(record_batch_builder_finish(builder, bytes, &len), ERR_NONE);
    assert_int_equal(record_batch_parse(*bytes, len, &batch, NULL), ERR_NONE);
    return batch;
}

/* The first one that is left becomes the base of the others' times: which they may be too far from,
 * or so far that the rest is larger than the batch was. */
static void test_record_filter_times(void **state) {
    (void)state;
    int64_t apart[] = {0, INT64_MIN, INT64_MAX}, wide[RECORDS] = {0, INT64_MAX / 2};
    uint8_t *bytes, *out;
    size_t len;
    enum record_filter_result result;
    struct record_batch batch = build_at(apart, 3, &bytes);
    assert_int_equal(filter(&batch, 6, 1 << 20, &result, &out, &len), ERR_TOO_LARGE);
    assert_int_equal(result, RECORDS_ALL_STAY);
    assert_null(out);
    mem_free(bytes);
    batch = build_at(wide, RECORDS, &bytes);
    assert_int_equal(filter(&batch, 0xffffe, 1 << 20, &result, &out, &len), ERR_TOO_LARGE);
    assert_int_equal(result, RECORDS_ALL_STAY);
    assert_null(out);
    mem_free(bytes);
}

/* In one block, larger than those that we write: a record that is there again and again costs its
 * bytes once. */
static struct record_batch build_packed(uint8_t **bytes) {
    enum { VALUE = 40000 };
    static uint8_t value[VALUE];
    LZ4F_preferences_t large = {
        .frameInfo = {.blockSizeID = LZ4F_max4MB, .blockMode = LZ4F_blockIndependent}};
    struct record_batch_options options = record_batch_plain();
    options.base_offset = OFFSET;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    uint32_t dice = 7;
    for (size_t i = 0; i < VALUE; i++)
        value[i] = (uint8_t)((dice = dice * 1664525 + 1013904223) >> 24);
    for (int i = 0; i < RECORDS; i++)
        record_batch_builder_append(builder, TIME, "key", i % 4, value, VALUE, NULL, 0);
    uint8_t *plain;
    size_t len;
    assert_int_equal(record_batch_builder_finish(builder, &plain, &len), ERR_NONE);
    size_t room = LZ4F_compressFrameBound(len, &large);
    uint8_t *packed = mem_alloc(room);
    size_t records = LZ4F_compressFrame(packed, room, plain + RECORD_BATCH_HEADER,
                                        len - RECORD_BATCH_HEADER, &large);
    assert_false(LZ4F_isError(records));
    len = RECORD_BATCH_HEADER + records;
    *bytes = mem_alloc(len);
    memcpy(*bytes, plain, RECORD_BATCH_HEADER);
    memcpy(*bytes + RECORD_BATCH_HEADER, packed, records);
    mem_free(plain);
    mem_free(packed);
    store_big_endian(*bytes + AT_LENGTH, len - RECORD_BATCH_LENGTH_PREFIX, 4);
    store_big_endian(*bytes + AT_ATTRIBUTES, RECORD_CODEC_LZ4, 2);
    record_batch_seal(*bytes, len);
    struct record_batch batch;
    assert_int_equal(record_batch_parse(*bytes, len, &batch, NULL), ERR_NONE);
    return batch;
}

/* What others have compressed better than we can does not become larger. */
static void test_record_filter_never_larger(void **state) {
    (void)state;
    uint8_t *bytes, *out;
    size_t len;
    enum record_filter_result result;
    struct record_batch batch = build_packed(&bytes);
    assert_int_equal(filter(&batch, 0xffffe, 1 << 20, &result, &out, &len), ERR_TOO_LARGE);
    assert_int_equal(result, RECORDS_ALL_STAY);
    assert_null(out);
    assert_int_equal(filter(&batch, 2, 1 << 20, &result, &out, &len), ERR_NONE);
    assert_int_equal(result, RECORDS_SOME_STAY);
    assert_true(len <= batch.size + 64);
    mem_free(out);
    mem_free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_record_filter_some),
                                       cmocka_unit_test(test_record_filter_all_or_none),
                                       cmocka_unit_test(test_record_filter_times),
                                       cmocka_unit_test(test_record_filter_never_larger),
                                       cmocka_unit_test(test_record_filter_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
