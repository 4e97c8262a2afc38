/* Records out of batches: which are wanted, where it goes on, and batches that cannot be read. */

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/console/record_scan.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/unit/unit.h"

enum { ROOM = 1 << 16 };

struct fetched {
    uint8_t data[ROOM];
    size_t len;
};

/* Records "k0".."k<count-1>", from that offset on. */
static void add_batch(struct fetched *fetched, int64_t offset, int count, enum record_codec codec) {
    struct record_batch_options options = record_batch_plain();
    options.base_offset = offset;
    options.codec = codec;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    struct record_header header = {"trace", 5, (const uint8_t *)"abc", 3};
    uint8_t *bytes;
    size_t len;
    for (int i = 0; i < count; i++) {
        char key[16], value[32];
        snprintf(key, sizeof key, "k%d", i);
        snprintf(value, sizeof value, "{\"n\":%d}", i);
        record_batch_builder_append(builder, 1000 + i, key, (int32_t)strlen(key), value,
                                    (int32_t)strlen(value), &header, i == 2);
    }
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    assert_true(fetched->len + len <= ROOM);
    memcpy(fetched->data + fetched->len, bytes, len);
    fetched->len += len;
    mem_free(bytes);
}

/* What was found, as JSON without the line end; mem_free. */
static char *scan(const struct fetched *fetched, const struct record_wish *wish, size_t limit,
                  int64_t offset, int64_t *next, size_t *found) {
    struct json json = {0};
    struct record_scan scan = {.wish = wish, .json = &json, .until = limit};
    struct kp_records records = {.data = fetched->data, .len = (int32_t)fetched->len};
    json_array(&json, NULL);
    *next = offset;
    do {
        scan.unpacked = 0;
        *next = record_scan_batches(&scan, 3, &records, *next);
    } while (scan.paused);
    json_end(&json);
    *found = scan.found;
    struct slice text = json_take(&json);
    char *copy = mem_strndup((const char *)text.data, text.len - 1);
    slice_unref(&text);
    return copy;
}

static void assert_limited(const struct fetched *fetched, size_t limit, int64_t offset,
                           size_t found, int64_t next) {
    struct record_wish wish = {.any = NULL};
    int64_t went_to;
    size_t count;
    mem_free(scan(fetched, &wish, limit, offset, &went_to, &count));
    assert_int_equal(count, found);
    assert_int_equal(went_to, next);
}

/* From the first one on. */
static void assert_wanted(const struct fetched *fetched, struct record_wish wish, size_t found) {
    int64_t went_to;
    size_t count;
    mem_free(scan(fetched, &wish, 100, 0, &went_to, &count));
    assert_int_equal(count, found);
    assert_int_equal(went_to, 12);
}

static void test_record_scan_limits(void **state) {
    (void)state;
    struct fetched fetched = {.len = 0};
    add_batch(&fetched, 10, 5, RECORD_CODEC_NONE);
    add_batch(&fetched, 15, 5, RECORD_CODEC_ZSTD);
    assert_limited(&fetched, 100, 10, 10, 20);
    assert_limited(&fetched, 100, 12, 8, 20);
    assert_limited(&fetched, 3, 10, 3, 13);
    assert_limited(&fetched, 5, 10, 5, 15);
    assert_limited(&fetched, 7, 12, 7, 19);
    /* A batch whose end was cut off waits for the next fetch. */
    fetched.len -= 1;
    assert_limited(&fetched, 100, 10, 5, 15);
}

static void test_record_scan_filters(void **state) {
    (void)state;
    struct fetched fetched = {.len = 0};
    add_batch(&fetched, 0, 12, RECORD_CODEC_LZ4);
    assert_wanted(&fetched, (struct record_wish){.key = "k1"}, 3); /* k1, k10, k11 */
    assert_wanted(&fetched, (struct record_wish){.value = ":7"}, 1);
    assert_wanted(&fetched, (struct record_wish){.header = "trac"}, 1);
    assert_wanted(&fetched, (struct record_wish){.header = "abc"}, 1);
    assert_wanted(&fetched, (struct record_wish){.any = "abc"}, 1);
    assert_wanted(&fetched, (struct record_wish){.any = "k11"}, 1);
    assert_wanted(&fetched, (struct record_wish){.key = "k1", .value = "7"}, 0);
    assert_wanted(&fetched, (struct record_wish){.any = "nowhere"}, 0);
}

static void test_record_scan_shows(void **state) {
    (void)state;
    struct fetched fetched = {.len = 0};
    add_batch(&fetched, 9223372036854775000, 3, RECORD_CODEC_NONE);
    struct record_wish wish = {.header = "trace", .shown_most = 4};
    int64_t next;
    size_t found;
    char *text = scan(&fetched, &wish, 1, 9223372036854775000, &next, &found);
    assert_string_equal(text,
                        "[{\"partition\":3,\"offset\":\"9223372036854775002\",\"time_ms\":\"1002\","
                        "\"time_is\":\"create\",\"key\":{\"text\":\"k2\"},"
                        "\"value\":{\"text\":\"{\\\"n\\\"\",\"left_out\":3},\"key_bytes\":2,"
                        "\"value_bytes\":7,\"headers\":[{\"key\":{\"text\":\"trace\"},"
                        "\"value\":{\"text\":\"abc\"}}],\"codec\":\"none\",\"transactional\":false,"
                        "\"producer_id\":\"-1\"}]");
    mem_free(text);
}

/* It is said, and passed over. */
static void test_record_scan_damage(void **state) {
    (void)state;
    struct fetched fetched = {.len = 0};
    add_batch(&fetched, 0, 50, RECORD_CODEC_ZSTD);
    memset(fetched.data + RECORD_BATCH_HEADER, 0x55, 40);
    add_batch(&fetched, 50, 2, RECORD_CODEC_NONE);
    struct record_wish wish = {.any = NULL};
    int64_t next;
    size_t found;
    char *text = scan(&fetched, &wish, 10, 0, &next, &found);
    assert_int_equal(next, 52);
    assert_int_equal(found, 3);
    assert_non_null(strstr(text, "\"trouble\":\"these records cannot be unpacked\""));
    mem_free(text);
}

/* One record of that many zeros: a few hundred bytes. */
static void add_bomb(struct fetched *fetched, int64_t offset, int32_t unpacked) {
    struct record_batch_options options = record_batch_plain();
    options.base_offset = offset;
    options.codec = RECORD_CODEC_ZSTD;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    char *zeros = mem_zalloc((size_t)unpacked);
    uint8_t *bytes;
    size_t len;
    record_batch_builder_append(builder, 1000, NULL, -1, zeros, unpacked, NULL, 0);
    mem_free(zeros);
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    assert_true(fetched->len + len <= ROOM);
    memcpy(fetched->data + fetched->len, bytes, len);
    fetched->len += len;
    mem_free(bytes);
}

/* Batch by batch when they are large once unpacked, whether they can be or not; and all is seen. */
static void test_record_scan_pauses(void **state) {
    (void)state;
    struct fetched fetched = {.len = 0};
    add_bomb(&fetched, 0, SCAN_PIECE / 2);
    add_bomb(&fetched, 1, SCAN_PIECE);
    add_bomb(&fetched, 2, SCAN_UNPACKED + 1);
    add_bomb(&fetched, 3, SCAN_PIECE);
    struct record_wish wish = {.shown_most = 1};
    struct json json = {0};
    struct record_scan scan = {.wish = &wish, .json = &json, .until = 100};
    struct kp_records records = {.data = fetched.data, .len = (int32_t)fetched.len};
    static const int64_t stops[] = {2, 3, 4};
    int64_t offset = 0;
    json_array(&json, NULL);
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        scan.unpacked = 0;
        offset = record_scan_batches(&scan, 3, &records, offset);
        assert_int_equal(offset, stops[i]);
        assert_int_equal(scan.paused, i < 2);
    }
    assert_int_equal(scan.found, 4);
    json_drop(&json);
}

/* All that is escaped, in key, value and headers: the answer has room for it, and goes on. */
static void test_record_scan_escapes(void **state) {
    (void)state;
    enum { LARGE = 3 << 20, NAME = 4096, HEADERS = 100 };
    struct record_batch_options options = record_batch_plain();
    options.codec = RECORD_CODEC_ZSTD;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    char *control = mem_alloc(LARGE);
    struct record_header headers[HEADERS];
    uint8_t *bytes;
    size_t len;
    memset(control, 1, LARGE);
    for (int i = 0; i < HEADERS; i++)
        headers[i] = (struct record_header){control, NAME, (const uint8_t *)control, NAME};
    record_batch_builder_append(builder, 1, NULL, -1, control, 690000, NULL, 0);
    record_batch_builder_append(builder, 2, control, LARGE, control, LARGE, headers, HEADERS);
    record_batch_builder_append(builder, 3, NULL, -1, "behind", 6, NULL, 0);
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    mem_free(control);
    struct record_wish wish = {.shown_most = 2 << 20};
    struct json json = {0};
    struct record_scan scan = {.wish = &wish, .json = &json, .until = 100};
    struct kp_records records = {.data = bytes, .len = (int32_t)len};
    json_array(&json, NULL);
    int64_t next = record_scan_batches(&scan, 3, &records, 0);
    assert_int_equal(next, 2);
    assert_false(json.dropped);
    assert_true(json.len > SCAN_ANSWER && json.len < JSON_MOST);
    json_drop(&json);
    json = (struct json){0};
    json_array(&json, NULL);
    scan.unpacked = 0;
    assert_int_equal(record_scan_batches(&scan, 3, &records, next), 3);
    json_drop(&json);
    mem_free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_scan_limits), cmocka_unit_test(test_record_scan_filters),
        cmocka_unit_test(test_record_scan_shows),  cmocka_unit_test(test_record_scan_damage),
        cmocka_unit_test(test_record_scan_pauses), cmocka_unit_test(test_record_scan_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
