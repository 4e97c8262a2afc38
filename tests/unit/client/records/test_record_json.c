/* A record from its JSON: what every form means, and what is refused. The way out and back is
 * tests/integration/cli_records.py. */
#include <string.h>

#include "client/records/record_json.h"
#include "tests/unit/unit.h"

static void expect_bytes(struct record_bytes bytes, const char *data, size_t len) {
    assert_non_null(bytes.data);
    assert_int_equal(bytes.len, len);
    assert_memory_equal(bytes.data, data, len);
}

static int read_text(const char *line, struct client_record *record, struct error_text *why) {
    *why = (struct error_text){""};
    return record_from_json(line, strlen(line), record, why);
}

/* All fields, with bytes in every form; an empty key is not the same as none. */
static void test_fields(void **state) {
    (void)state;
    struct client_record r;
    struct error_text why;
    assert_int_equal(
        read_text(
            "{\"topic\":\"t\",\"offset\":7,\"partition\":3,\"timestamp\":9007199254740993,\"key\":\"\","
            "\"value\":\"a\\u0000b\",\"headers\":[{\"key\":\"h\",\"value\":{\"hex\":\"00fF\"}},"
            "{\"key\":\"h\",\"value\":null}]}",
            &r, &why),
        ERR_NONE);
    expect_bytes(r.key, "", 0);
    expect_bytes(r.value, "a\0b", 3);
    assert_true(r.has_partition && r.has_timestamp);
    assert_int_equal(r.partition, 3);
    assert_true(r.timestamp_ms == 9007199254740993);
    const char *name;
    const void *value;
    size_t len;
    assert_int_equal(rd_kafka_header_get_all(r.headers, 0, &name, &value, &len),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_string_equal(name, "h");
    assert_int_equal(len, 2);
    assert_memory_equal(value, "\x00\xff", 2);
    assert_int_equal(rd_kafka_header_get_all(r.headers, 1, &name, &value, &len),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_null(value);
    record_close(&r);
    assert_int_equal(read_text("{\"value\":null}", &r, &why), ERR_NONE);
    assert_null(r.value.data);
    assert_null(r.key.data);
    assert_null(r.headers);
    assert_false(r.has_partition || r.has_timestamp);
    record_close(&r);
}

/* Base64 of every length of padding. */
static void test_base64(void **state) {
    (void)state;
    const struct {
        const char *json, *bytes;
        size_t len;
    } rows[] = {{"{\"value\":{\"base64\":\"\"}}", "", 0},
                {"{\"value\":{\"base64\":\"AA==\"}}", "\0", 1},
                {"{\"value\":{\"base64\":\"AP8=\"}}", "\0\xff", 2},
                {"{\"value\":{\"base64\":\"+/+/\"}}", "\xfb\xff\xbf", 3},
                {"{\"value\":{\"base64\":\"Zm9vYmE=\"}}", "fooba", 5}};
    struct client_record r;
    struct error_text why;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(read_text(rows[i].json, &r, &why), ERR_NONE);
        expect_bytes(r.value, rows[i].bytes, rows[i].len);
        record_close(&r);
    }
}

/* What is no record is refused with a sentence, and leaves nothing behind. */
static void test_refused(void **state) {
    (void)state;
    const char *const rows[] = {
        "",
        "x",
        "{\"value\":\"x\"} y",
        "[]",
        "\"x\"",
        "{}",
        "{\"key\":\"x\"}",
        "{\"value\":1}",
        "{\"value\":true}",
        "{\"value\":[]}",
        "{\"value\":{}}",
        "{\"value\":{\"hex\":\"0\"}}",
        "{\"value\":{\"hex\":\"0g\"}}",
        "{\"value\":{\"hex\":1}}",
        "{\"value\":{\"hex\":\"00\",\"base64\":\"AA==\"}}",
        "{\"value\":{\"base64\":\"AAA\"}}",
        "{\"value\":{\"base64\":\"=AAA\"}}",
        "{\"value\":{\"base64\":\"A===\"}}",
        "{\"value\":{\"base64\":\"AA=A\"}}",
        "{\"value\":\"x\",\"value\":\"y\"}",
        "{\"value\":\"x\",\"timestamp\":\"1\"}",
        "{\"value\":\"x\",\"timestamp\":1e3}",
        "{\"value\":\"x\",\"timestamp\":-2}",
        "{\"value\":\"x\",\"timestamp\":9223372036854775808}",
        "{\"value\":\"x\",\"partition\":2147483648}",
        "{\"value\":\"x\",\"partition\":-1}",
        "{\"value\":\"x\",\"headers\":null}",
        "{\"value\":\"x\",\"headers\":[1]}",
        "{\"value\":\"x\",\"headers\":[{\"key\":\"a\",\"value\":\"b\",\"more\":1}]}",
        "{\"value\":\"x\",\"headers\":[{\"key\":\"a\",\"value\":\"b\"},{\"key\":\"a\\u0000\",\"value\":\"b\"}]}",
        "{\"value\":\"x\",\"payload\":\"y\"}",
        "{\"value\":\"\xff\"}",
    };
    struct client_record r;
    struct error_text why;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(read_text(rows[i], &r, &why), ERR_INVALID);
        assert_true(why.text[0] != 0);
        assert_null(r.value.data);
        assert_null(r.headers);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fields), cmocka_unit_test(test_base64),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
