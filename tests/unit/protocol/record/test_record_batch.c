/* Batches: what is refused and why, what is set in place, finding timestamps, other codecs. */
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "protocol/record/record_batch_builder.h"
#include "protocol/record/record_batch_layout.h"
#include "tests/batches/record_batch_check.h"
#include "tests/unit/unit.h"

enum { LIMIT = 1 << 20, TIME = 1000 };

/* Three records at TIME, TIME + 20, TIME + 10. */
static uint8_t *build(struct record_batch_options options, size_t *len) {
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    struct record_header header = {
        .key = "h", .key_len = 1, .value = (const uint8_t *)"x", .value_len = 1};
    record_batch_builder_append(builder, TIME, "k", 1, "value", 5, &header, 1);
    record_batch_builder_append(builder, TIME + 20, NULL, -1, "value", 5, NULL, 0);
    record_batch_builder_append(builder, TIME + 10, "k", 1, NULL, -1, NULL, 0);
    uint8_t *bytes;
    assert_int_equal(record_batch_builder_finish(builder, &bytes, len), ERR_NONE);
    return bytes;
}

static uint8_t *build_plain(size_t *len) {
    return build(record_batch_plain(), len);
}

/* Validates after a change of the header, with a right checksum. ERR_NONE if parse and validation
 * like it. */
static int validate_with(size_t at, uint64_t value, size_t size) {
    size_t len;
    uint8_t *bytes = build_plain(&len);
    store_big_endian(bytes + at, value, size);
    record_batch_seal(bytes, len);
    struct record_batch batch;
    struct error_text why = {""};
    int error = record_batch_parse(bytes, len, &batch, &why);
    if (error == ERR_NONE) error = record_batch_check(&batch, &why);
    assert_int_equal(error != ERR_NONE, why.text[0] != '\0');
    mem_free(bytes);
    return error;
}

/* A batch that is whole is read as it was built, and is valid. */
static void test_record_batch_parse(void **state) {
    (void)state;
    size_t len;
    struct record_batch_options options = record_batch_plain();
    options.base_offset = 70;
    options.leader_epoch = 3;
    options.producer_id = 9;
    options.producer_epoch = 2;
    options.base_sequence = 11;
    uint8_t *bytes = build(options, &len);
    struct record_batch batch;
    assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_NONE);
    assert_int_equal(batch.size, len);
    assert_int_equal(batch.base_offset, 70);
    assert_int_equal(record_batch_last_offset(&batch), 72);
    assert_int_equal(batch.leader_epoch, 3);
    assert_int_equal(batch.producer_id, 9);
    assert_int_equal(batch.producer_epoch, 2);
    assert_int_equal(batch.base_sequence, 11);
    assert_int_equal(record_batch_last_sequence(&batch), 13);
    assert_int_equal(batch.base_timestamp, TIME);
    assert_int_equal(batch.max_timestamp, TIME + 20);
    assert_int_equal(batch.record_count, 3);
    assert_int_equal(record_batch_check(&batch, NULL), ERR_NONE);
    mem_free(bytes);
}

/* Cut off anywhere: the size that is needed is told as soon as it can be known. */
static void test_record_batch_cut_off(void **state) {
    (void)state;
    size_t len;
    uint8_t *bytes = build_plain(&len);
    struct record_batch batch;
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *part = mem_alloc(cut);
        memcpy(part, bytes, cut);
        assert_int_equal(record_batch_parse(part, cut, &batch, NULL), ERR_EOF);
        assert_int_equal(batch.size, cut < RECORD_BATCH_LENGTH_PREFIX ? 0 : len);
        mem_free(part);
    }
    mem_free(bytes);
}

/* Lengths, counts and flags that cannot be, each by itself. */
static void test_record_batch_refuses_headers(void **state) {
    (void)state;
    assert_int_equal(validate_with(AT_BASE_OFFSET, 0, 8), ERR_NONE);
    assert_int_equal(validate_with(AT_MAGIC, 1, 1), ERR_VERSION);
    assert_int_equal(validate_with(AT_MAGIC, 3, 1), ERR_VERSION);
    assert_int_equal(validate_with(AT_LENGTH, (uint64_t)-1, 4), ERR_MALFORMED);
    assert_int_equal(validate_with(AT_LENGTH, 0, 4), ERR_MALFORMED);
    assert_int_equal(validate_with(AT_LENGTH, 48, 4), ERR_MALFORMED);
    assert_int_equal(validate_with(AT_LENGTH, INT32_MAX, 4), ERR_EOF);
    assert_int_equal(validate_with(AT_ATTRIBUTES, 5, 2), ERR_MALFORMED);
    assert_int_equal(validate_with(AT_ATTRIBUTES, ATTRIBUTE_CONTROL, 2), ERR_MALFORMED);
    assert_int_equal(validate_with(AT_ATTRIBUTES, ATTRIBUTE_TRANSACTIONAL, 2),
                     ERR_MALFORMED); /* without a producer */
    assert_int_equal(validate_with(AT_ATTRIBUTES, ATTRIBUTE_LOG_APPEND_TIME, 2), ERR_INVALID);
    assert_int_equal(validate_with(AT_LAST_OFFSET_DELTA, 3, 4), ERR_MALFORMED);
    assert_int_equal(validate_with(AT_LAST_OFFSET_DELTA, 1, 4), ERR_MALFORMED);
    assert_int_equal(validate_with(AT_LAST_OFFSET_DELTA, (uint64_t)-1, 4), ERR_MALFORMED);
    assert_int_equal(validate_with(AT_RECORD_COUNT, 0, 4), ERR_MALFORMED);
    assert_int_equal(validate_with(AT_RECORD_COUNT, (uint64_t)-1, 4), ERR_MALFORMED);
    assert_int_equal(validate_with(AT_RECORD_COUNT, 2, 4), ERR_MALFORMED);
    assert_int_equal(validate_with(AT_BASE_OFFSET, INT64_MAX, 8), ERR_MALFORMED);
    assert_int_equal(validate_with(AT_PRODUCER_ID, 1, 8),
                     ERR_MALFORMED); /* epoch and sequence are missing */
}

/* Two billion records in a hundred bytes are refused before anybody walks them. */
static void test_record_batch_refuses_a_hostile_count(void **state) {
    (void)state;
    size_t len;
    uint8_t *bytes = build_plain(&len);
    store_big_endian(bytes + AT_RECORD_COUNT, INT32_MAX, 4);
    store_big_endian(bytes + AT_LAST_OFFSET_DELTA, INT32_MAX - 1, 4);
    struct record_batch batch;
    assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_MALFORMED);
    mem_free(bytes);
}

/* Any byte that the checksum covers, flipped. */
static void test_record_batch_checksum(void **state) {
    (void)state;
    size_t len;
    uint8_t *bytes = build_plain(&len);
    struct record_batch batch;
    assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_NONE);
    for (size_t at = AT_CRC; at < len; at++) {
        bytes[at] ^= 0x10;
        batch.crc = (uint32_t)load_big_endian(bytes + AT_CRC, 4);
        assert_int_equal(record_batch_check_crc(&batch), ERR_CORRUPT);
        assert_int_equal(record_batch_check(&batch, NULL), ERR_CORRUPT);
        bytes[at] ^= 0x10;
    }
    mem_free(bytes);
}

/* Each byte of the records replaced by each nasty value, with a right checksum: never a crash, and
 * what is valid can be read. */
static void test_record_batch_refuses_records(void **state) {
    (void)state;
    size_t len;
    uint8_t *bytes = build_plain(&len);
    static const uint8_t nasty[] = {0x00, 0x01, 0x02, 0x03, 0x7f, 0x80, 0xff};
    int refused = 0;
    for (size_t at = RECORD_BATCH_HEADER; at < len; at++)
        for (size_t i = 0; i < sizeof(nasty); i++) {
            uint8_t kept = bytes[at];
            bytes[at] = nasty[i];
            record_batch_seal(bytes, len);
            struct record_batch batch;
            assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_NONE);
            int error = record_batch_check(&batch, NULL);
            if (error != ERR_NONE) assert_int_equal(error, ERR_MALFORMED);
            refused += error != ERR_NONE ? 1 : 0;
            bytes[at] = kept;
        }
    assert_in_range(refused, 100, 400);
    mem_free(bytes);
}

/* Each rule for records by itself: the byte that breaks it, at its place in the first record. */
static void test_record_batch_record_rules(void **state) {
    (void)state;
    size_t len;
    /* First record: length 16 (zigzag: 32), attributes, timestamp delta, offset delta, key length,
     * 'k', value length, 5 bytes, header count, header key length, 'h', header value length, 'x'.
     */
    uint8_t *bytes = build_plain(&len), *record = bytes + RECORD_BATCH_HEADER;
    assert_int_equal(record[0], 2 * 16);
    static const struct {
        size_t at;
        uint8_t value;
    } broken[] = {
        {0, 2 * 15}, {0, 2 * 17}, {0, 1},  /* length: shorter, longer, negative */
        {3, 2},                            /* offset delta 1 for the first */
        {3, 1},                            /* offset delta -1 */
        {4, 3},                            /* key length -2 */
        {4, 126},                          /* key beyond the record */
        {6, 3},      {6, 126},             /* value likewise */
        {12, 1},     {12, 4},     {12, 0}, /* header count -1, 2, 0 where there is one */
        {13, 1},                           /* header key null */
        {15, 3},     {15, 126},            /* header value */
    };
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        uint8_t kept = record[broken[i].at];
        record[broken[i].at] = broken[i].value;
        record_batch_seal(bytes, len);
        struct record_batch batch;
        assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_NONE);
        if (record_batch_check(&batch, NULL) != ERR_MALFORMED) print_error("rule %zu\n", i);
        assert_int_equal(record_batch_check(&batch, NULL), ERR_MALFORMED);
        record[broken[i].at] = kept;
    }
    mem_free(bytes);
}

/* Bytes behind the last record: one that the count leaves out. */
static void test_record_batch_bytes_left_over(void **state) {
    (void)state;
    size_t len;
    uint8_t *bytes = build_plain(&len);
    store_big_endian(bytes + AT_RECORD_COUNT, 2, 4);
    store_big_endian(bytes + AT_LAST_OFFSET_DELTA, 1, 4);
    record_batch_seal(bytes, len);
    struct record_batch batch;
    assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_NONE);
    assert_int_equal(record_batch_check(&batch, NULL), ERR_MALFORMED);
    mem_free(bytes);
}

/* What the leader sets does not touch the checksum; timestamps make a new one. */
static void test_record_batch_set_in_place(void **state) {
    (void)state;
    size_t len;
    uint8_t *bytes = build_plain(&len);
    record_batch_set_base_offset(bytes, 1LL << 40);
    record_batch_set_leader_epoch(bytes, 77);
    struct record_batch batch;
    assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_NONE);
    assert_true(batch.base_offset == 1LL << 40);
    assert_int_equal(batch.leader_epoch, 77);
    assert_int_equal(record_batch_check(&batch, NULL), ERR_NONE);

    record_batch_set_max_timestamp(bytes, len, 4444, false);
    assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_NONE);
    assert_int_equal(record_batch_check_crc(&batch), ERR_NONE);
    assert_false(record_batch_has_log_append_time(&batch));
    assert_int_equal(batch.max_timestamp, 4444);

    record_batch_set_max_timestamp(bytes, len, 5555, true);
    assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_NONE);
    assert_int_equal(record_batch_check_crc(&batch), ERR_NONE);
    assert_true(record_batch_has_log_append_time(&batch));
    assert_int_equal(batch.max_timestamp, 5555);
    struct record_iterator iterator;
    struct record record;
    assert_int_equal(record_iterator_open(&iterator, &batch, LIMIT), ERR_NONE);
    while (record_iterator_next(&iterator, &record) == ERR_NONE)
        assert_int_equal(record.timestamp_ms, 5555);
    record_iterator_close(&iterator);
    mem_free(bytes);
}

/* Several batches in one field, one after the other; a cut one at the end is malformed. */
static void test_record_batch_next_walks(void **state) {
    (void)state;
    size_t len, at = 0;
    uint8_t *one = build_plain(&len), *two = mem_alloc(2 * len);
    memcpy(two, one, len);
    memcpy(two + len, one, len);
    record_batch_set_base_offset(two + len, 3);
    struct record_batch batch;
    assert_int_equal(record_batch_next(two, 2 * len, &at, &batch, NULL), ERR_NONE);
    assert_int_equal(batch.base_offset, 0);
    assert_int_equal(record_batch_next(two, 2 * len, &at, &batch, NULL), ERR_NONE);
    assert_int_equal(batch.base_offset, 3);
    assert_int_equal(record_batch_next(two, 2 * len, &at, &batch, NULL), ERR_EOF);
    at = len;
    assert_int_equal(record_batch_next(two, 2 * len - 1, &at, &batch, NULL), ERR_MALFORMED);
    assert_int_equal(at, len);
    mem_free(one);
    mem_free(two);
}

/* The first record at or after a time, in every codec. */
static void test_record_batch_finds_timestamps(void **state) {
    (void)state;
    for (int codec = RECORD_CODEC_NONE; codec <= RECORD_CODEC_ZSTD; codec++) {
        struct record_batch_options options = record_batch_plain();
        options.codec = (enum record_codec)codec;
        options.base_offset = 100;
        size_t len = 0;
        uint8_t *bytes = build(options, &len);
        struct record_batch batch;
        int64_t offset, found;
        assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_NONE);
        assert_int_equal(record_batch_find_timestamp(&batch, TIME - 5, 0, LIMIT, &offset, &found),
                         ERR_NONE);
        assert_int_equal(offset, 100);
        assert_int_equal(record_batch_find_timestamp(&batch, TIME + 1, 0, LIMIT, &offset, &found),
                         ERR_NONE);
        assert_int_equal(offset, 101);
        assert_int_equal(found, TIME + 20);
        assert_int_equal(record_batch_find_timestamp(&batch, TIME + 21, 0, LIMIT, &offset, &found),
                         ERR_NOT_FOUND);
        /* What lies before the log's start does not count. */
        assert_int_equal(record_batch_find_timestamp(&batch, TIME - 5, 101, LIMIT, &offset, &found),
                         ERR_NONE);
        assert_int_equal(offset, 101);
        assert_int_equal(record_batch_find_timestamp(&batch, TIME - 5, 200, LIMIT, &offset, &found),
                         ERR_NOT_FOUND);
        assert_int_equal(record_batch_largest_timestamp(&batch, 0, LIMIT, &found), ERR_NONE);
        assert_int_equal(found, TIME + 20);
        assert_int_equal(record_batch_largest_timestamp(&batch, 102, LIMIT, &found), ERR_NONE);
        assert_int_equal(found, TIME + 10);
        assert_int_equal(record_batch_largest_timestamp(&batch, 200, LIMIT, &found), ERR_NOT_FOUND);
        if (codec != RECORD_CODEC_NONE)
            assert_int_equal(record_batch_find_timestamp(&batch, TIME, 0, 10, &offset, &found),
                             ERR_TOO_LARGE);
        mem_free(bytes);
    }
}

/* Sequences go on at 0 after the largest (the builder's three records from there: 2^31-1, 0, 1). */
static void test_record_batch_sequence_wraps(void **state) {
    (void)state;
    struct record_batch_options options = record_batch_plain();
    options.producer_id = 1;
    options.producer_epoch = 0;
    options.base_sequence = INT32_MAX;
    size_t len;
    uint8_t *bytes = build(options, &len);
    struct record_batch batch;
    assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_NONE);
    assert_int_equal(record_batch_last_sequence(&batch), 1);
    mem_free(bytes);
    bytes = build_plain(&len);
    assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_NONE);
    assert_int_equal(record_batch_last_sequence(&batch), -1);
    mem_free(bytes);
}

/* A builder without a record has nothing to finish. */
static void test_record_batch_builder_empty(void **state) {
    (void)state;
    struct record_batch_options options = record_batch_plain();
    uint8_t *bytes;
    size_t len;
    assert_int_equal(record_batch_builder_finish(record_batch_builder_new(&options), &bytes, &len),
                     ERR_INVALID);
    assert_null(bytes);
    record_batch_builder_free(record_batch_builder_new(&options));
    record_batch_builder_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_batch_parse),
        cmocka_unit_test(test_record_batch_cut_off),
        cmocka_unit_test(test_record_batch_refuses_headers),
        cmocka_unit_test(test_record_batch_refuses_a_hostile_count),
        cmocka_unit_test(test_record_batch_checksum),
        cmocka_unit_test(test_record_batch_refuses_records),
        cmocka_unit_test(test_record_batch_record_rules),
        cmocka_unit_test(test_record_batch_bytes_left_over),
        cmocka_unit_test(test_record_batch_set_in_place),
        cmocka_unit_test(test_record_batch_next_walks),
        cmocka_unit_test(test_record_batch_finds_timestamps),
        cmocka_unit_test(test_record_batch_sequence_wraps),
        cmocka_unit_test(test_record_batch_builder_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
