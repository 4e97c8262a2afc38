/* When the time of records is over, beside what was put into them. */
#include "broker/share/record_sight.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/unit/unit.h"

enum { MOST = 20, ROUNDS = 2000 };

static uint64_t seed = 1;

static uint64_t draw(uint64_t below) {
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 33) % below;
}

static const char *const said[] = {"",   "0", "70", "123456789012345678", "1234567890123456789",
                                   "-1", "7x"};
static const int64_t meant[] = {-1, 0, 70, INT64_C(123456789012345678), -1, -1, -1};
enum { SAID = sizeof said / sizeof *said };

static int64_t until(int64_t timestamp_ms, int64_t said_ms, int64_t ttl_ms) {
    if (timestamp_ms < 0) return INT64_MAX;
    if (said_ms >= 0) return timestamp_ms + said_ms;
    return ttl_ms > 0 ? timestamp_ms + ttl_ms : INT64_MAX;
}

static void add(struct record_batch_builder *builder, int64_t timestamp_ms, size_t what) {
    struct record_header headers[] = {
        {"x", 1, (const uint8_t *)"1", 1},
        {"ttl-ms", 6, (const uint8_t *)said[what], (int32_t)strlen(said[what])},
        {"ttl-ms", 6, (const uint8_t *)"5", 1}};
    record_batch_builder_append(builder, timestamp_ms, NULL, -1, "v", 1, headers,
                                what == 0 ? 1 : 3);
}

static void test_lives(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t times[MOST], ttl_ms = draw(3) == 0 ? 0 : (int64_t)draw(1000) + 1;
        size_t whats[MOST], count = draw(MOST) + 1, len;
        struct record_batch_options options = record_batch_plain();
        options.codec = draw(2) == 0 ? RECORD_CODEC_NONE : RECORD_CODEC_LZ4;
        options.base_offset = (int64_t)draw(1000);
        struct record_batch_builder *builder = record_batch_builder_new(&options);
        for (size_t i = 0; i < count; i++) {
            times[i] = (int64_t)draw(100000);
            whats[i] = draw(SAID);
            add(builder, times[i], whats[i]);
        }
        uint8_t *bytes;
        assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
        struct record_batch batch;
        struct record_sights sights;
        struct record_sight sight;
        size_t at = 0;
        assert_int_equal(record_batch_next(bytes, len, &at, &batch, NULL), ERR_NONE);
        record_sights_open(&sights, &batch, ttl_ms);
        for (size_t i = 0; i < count; i++) {
            assert_true(record_sights_next(&sights, &sight));
            assert_int_equal(sight.at.first, options.base_offset + (int64_t)i);
            assert_int_equal(sight.at.last, sight.at.first);
            assert_false(sight.none);
            assert_int_equal(sight.until_ms, until(times[i], meant[whats[i]], ttl_ms));
        }
        assert_false(record_sights_next(&sights, &sight));
        record_sights_close(&sights);
        mem_free(bytes);
    }
}

/* What cannot be read is one sight, which lives as long as its newest record may. */
static void test_blind(void **state) {
    (void)state;
    struct record_batch_options options = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    struct record_batch batch;
    struct record_sights sights;
    struct record_sight sight;
    uint8_t *bytes;
    size_t len, at = 0;
    options.codec = RECORD_CODEC_LZ4;
    record_batch_builder_free(builder);
    builder = record_batch_builder_new(&options);
    for (int i = 0; i < 3; i++)
        add(builder, 100 + i, 2);
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    memset(bytes + 61, 0xff, len - 61);
    assert_int_equal(record_batch_next(bytes, len, &at, &batch, NULL), ERR_NONE);
    record_sights_open(&sights, &batch, 50);
    assert_true(record_sights_next(&sights, &sight));
    assert_int_equal(sight.at.last, 2);
    assert_int_equal(sight.until_ms, 152);
    assert_false(record_sights_next(&sights, &sight));
    record_sights_close(&sights);
    record_sights_open(&sights, &batch, 0);
    assert_true(record_sights_next(&sights, &sight));
    assert_int_equal(sight.until_ms, INT64_MAX);
    record_sights_close(&sights);
    mem_free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lives),
        cmocka_unit_test(test_blind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
