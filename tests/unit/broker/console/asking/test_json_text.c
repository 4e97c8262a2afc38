/* JSON that is right whatever goes in: hostile texts, bytes, numbers of 64 bits. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "broker/console/asking/json_text.h"
#include "tests/unit/unit.h"

static void assert_json(struct json *json, const char *wanted) {
    struct slice text = json_take(json);
    assert_int_equal(text.len, strlen(wanted) + 1); /* a line end */
    assert_memory_equal(text.data, wanted, strlen(wanted));
    slice_unref(&text);
}

static void test_json_levels(void **state) {
    (void)state;
    struct json json = {0};
    json_object(&json, NULL);
    json_int(&json, "a", -7);
    json_array(&json, "b");
    json_object(&json, NULL);
    json_end(&json);
    json_bool(&json, NULL, true);
    json_array(&json, NULL);
    json_end(&json);
    json_null(&json, NULL);
    json_end(&json);
    json_words(&json, "c", NULL);
    json_end(&json);
    assert_json(&json, "{\"a\":-7,\"b\":[{},true,[],null],\"c\":null}");
}

/* A browser rounds what is above 2^53: these are texts. */
static void test_json_numbers(void **state) {
    (void)state;
    struct json json = {0};
    json_array(&json, NULL);
    json_long(&json, NULL, INT64_MAX);
    json_long(&json, NULL, INT64_MIN);
    json_real(&json, NULL, 0.25);
    json_real(&json, NULL, NAN);
    json_real(&json, NULL, INFINITY);
    json_size(&json, NULL, 12);
    json_end(&json);
    assert_json(&json, "[\"9223372036854775807\",\"-9223372036854775808\",0.25,null,null,12]");
}

/* Quotes, control characters, a zero, turned writing, and what is no UTF-8. */
static void test_json_texts(void **state) {
    (void)state;
    static const char odd[] = "a\"\\\n\0\x7f</script>\xe2\x80\xae\xff\xc3\xa9";
    struct json json = {0};
    json_text(&json, NULL, odd, sizeof odd - 1);
    assert_json(&json, "\"a\\\"\\\\\\u000a\\u0000\\u007f</script>\\u202e\\ufffd\xc3\xa9\"");
}

static void assert_bytes(const char *data, size_t len, size_t most, const char *wanted) {
    struct json json = {0};
    json_bytes(&json, NULL, (const uint8_t *)data, len, most, SIZE_MAX);
    assert_json(&json, wanted);
}

static void test_json_bytes(void **state) {
    (void)state;
    assert_bytes(NULL, 0, 10, "null");
    assert_bytes("", 0, 10, "{\"text\":\"\"}");
    assert_bytes("ab\x01", 3, 10, "{\"text\":\"ab\\u0001\"}");
    assert_bytes("\xff", 1, 10, "{\"base64\":\"/w==\"}");
    assert_bytes("\xff\x00", 2, 10, "{\"base64\":\"/wA=\"}");
    assert_bytes("\xff\x00\x10\x83", 4, 10, "{\"base64\":\"/wAQgw==\"}");
    assert_bytes("\xff\x00\x10\x83", 4, 3, "{\"base64\":\"/wAQ\",\"left_out\":1}");
    /* A character is not cut in two. */
    assert_bytes("a\xc3\xa9", 3, 2, "{\"text\":\"a\",\"left_out\":2}");
    assert_bytes("abcdef", 6, 2, "{\"text\":\"ab\",\"left_out\":4}");
}

static void assert_room(const char *data, size_t text_most, const char *wanted) {
    struct json json = {0};
    json_bytes(&json, NULL, (const uint8_t *)data, strlen(data), 100, text_most);
    assert_json(&json, wanted);
}

/* What is escaped takes more room than it has bytes: it is cut by what it becomes. */
static void test_json_bytes_by_text(void **state) {
    (void)state;
    assert_room("\x01\x01\x01", 12, "{\"text\":\"\\u0001\\u0001\",\"left_out\":1}");
    assert_room("\"\"\"", 5, "{\"text\":\"\\\"\\\"\",\"left_out\":1}");
    assert_room("abc", 3, "{\"text\":\"abc\"}");
    assert_room("abc", 2, "{\"text\":\"ab\",\"left_out\":1}");
    assert_room("\xff\xff\xff\xff", 4, "{\"base64\":\"////\",\"left_out\":1}");
}

/* It does not grow without end, whoever writes on. */
static void test_json_has_a_limit(void **state) {
    (void)state;
    struct json json = {0};
    static const char piece[1 << 16] = "";
    json_array(&json, NULL);
    while (!json.dropped) {
        json_text(&json, NULL, piece, sizeof piece);
        assert_true(json.len <= JSON_MOST);
    }
    json_end(&json);
    assert_null(json.data);
}

/* Whoever is in the middle of it when it is given up writes on, and nothing comes of it. */
static void test_json_dropped(void **state) {
    (void)state;
    struct json json = {0};
    json_object(&json, NULL);
    json_array(&json, "a");
    json_drop(&json);
    json_words(&json, NULL, "lost");
    json_end(&json);
    json_array(&json, "b");
    for (int i = 0; i < 100; i++)
        json_end(&json);
    assert_null(json.data);
    json = (struct json){0};
    json_object(&json, NULL);
    json_end(&json);
    assert_json(&json, "{}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_levels),      cmocka_unit_test(test_json_numbers),
        cmocka_unit_test(test_json_texts),       cmocka_unit_test(test_json_bytes),
        cmocka_unit_test(test_json_dropped),     cmocka_unit_test(test_json_bytes_by_text),
        cmocka_unit_test(test_json_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
