/* A record to its JSON and back, byte for byte; what every form means, and what is refused. Through
 * a cluster: tests/integration/cli_records.py. */
#include <string.h>

#include "base/mem.h"
#include "client/line/talk.h"
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

/* ---- There and back ---- */

static uint64_t dice;

/* xorshift64*: the same records in every run. */
static uint32_t roll(uint32_t sides) {
    dice ^= dice >> 12;
    dice ^= dice << 25;
    dice ^= dice >> 27;
    return (uint32_t)((dice * 2685821657736338717ULL) >> 32) % sides;
}

/* None, empty, text, text with what JSON and terminals mind, or any bytes; never a zero in a
 * `name`, which librdkafka would cut there. */
static struct view_bytes roll_bytes(uint8_t *room, size_t max, bool name) {
    static const char *const odd[] = {
        "\"",   "\\",   "\n",           "\x1b[31m",     "\u2028", "\U0001f600", "{\"hex\":\"00\"}",
        "null", "\xc3", "\xed\xa0\x80", "\xef\xbb\xbf", "\x7f"};
    uint32_t kind = roll(name ? 3 : 5);
    size_t len = 0, wanted = roll((uint32_t)max - 16);
    while (kind < 3 && len < wanted) {
        const char *piece = odd[roll(sizeof(odd) / sizeof(odd[0]))];
        size_t size = kind == 0 ? strlen(piece) : 1;
        uint8_t any = (uint8_t)(kind == 1 ? 'a' + roll(26) : name + roll(256 - name));
        memcpy(room + len, kind == 0 ? piece : (const char *)&any, size);
        len += size;
    }
    return (struct view_bytes){kind == 4 ? NULL : room, len};
}

static void expect_same(struct record_bytes got, struct view_bytes want) {
    assert_int_equal(got.data == NULL, want.data == NULL);
    assert_int_equal(got.len, want.data ? want.len : 0);
    if (got.len > 0) assert_memory_equal(got.data, want.data, got.len);
}

static void expect_same_headers(const struct client_record *got, const struct record_view *want) {
    struct record_view read = {.headers = got->headers};
    struct view_bytes name, value, read_name, read_value;
    size_t count = record_view_header_count(want);
    assert_int_equal(record_view_header_count(&read), count);
    for (size_t i = 0; i < count; i++) {
        assert_true(record_view_header(want, i, &name, &value));
        assert_true(record_view_header(&read, i, &read_name, &read_value));
        assert_int_equal(read_name.len, name.len);
        assert_memory_equal(read_name.data, name.data, name.len);
        expect_same((struct record_bytes){(uint8_t *)(uintptr_t)read_value.data, read_value.len},
                    value);
    }
}

/* The line as `consume --json` prints it, read as `produce --json` reads it. */
static void there_and_back(const struct record_view *record) {
    struct held_talk talk;
    struct client_record read;
    struct error_text why = {""};
    talk_hold();
    print_json(record_to_json(record, true));
    talk_held(&talk);
    assert_true(talk.printed_len > 0 && talk.printed[talk.printed_len - 1] == '\n');
    assert_null(memchr(talk.printed, '\n', talk.printed_len - 1)); /* one line each */
    if (record_from_json(talk.printed, talk.printed_len - 1, &read, &why) != ERR_NONE)
        fail_msg("%s: %.*s", why.text, (int)talk.printed_len, talk.printed);
    expect_same(read.key, record->key);
    expect_same(read.value, record->value);
    expect_same_headers(&read, record);
    assert_true(read.has_partition && read.has_timestamp);
    assert_int_equal(read.partition, record->partition);
    assert_true(read.timestamp_ms == record->timestamp_ms);
    record_close(&read);
    mem_free(talk.printed);
}

/* Whatever a record holds, its line makes the same record again, byte for byte: random records. */
static void test_every_record_comes_back(void **state) {
    (void)state;
    enum { MAX = 96 };
    static const int64_t times[] = {-1, 0, 1, 9007199254740993, INT64_MAX};
    uint8_t key[MAX], value[MAX], part[MAX], name[MAX];
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        dice = seed * 0x9e3779b97f4a7c15ULL;
        struct record_view record = {.topic = "t",
                                     .partition = (int32_t)roll(INT32_MAX),
                                     .offset = (int64_t)seed,
                                     .timestamp_ms = times[roll(5)],
                                     .key = roll_bytes(key, MAX, false),
                                     .value = roll_bytes(value, MAX, false)};
        rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
        for (uint32_t i = roll(4); i > 0; i--) {
            struct view_bytes one = roll_bytes(part, MAX, false), of = roll_bytes(name, MAX, true);
            rd_kafka_header_add(headers, of.data, (ssize_t)of.len, one.data, (ssize_t)one.len);
        }
        record.headers = headers;
        there_and_back(&record);
        rd_kafka_headers_destroy(headers);
    }
}

/* Without its value it is no record that could be sent by mistake. */
static void test_without_value(void **state) {
    (void)state;
    struct record_view record = {.topic = "t", .key = {"k", 1}, .value = {"12345", 5}};
    struct held_talk talk;
    struct client_record read;
    struct error_text why = {""};
    talk_hold();
    print_json(record_to_json(&record, false));
    record.value.data = NULL;
    print_json(record_to_json(&record, false));
    talk_held(&talk);
    char *end = memchr(talk.printed, '\n', talk.printed_len);
    assert_non_null(memmem(talk.printed, (size_t)(end - talk.printed), "\"value_size\":5", 14));
    assert_non_null(
        memmem(end, talk.printed_len - (size_t)(end - talk.printed), "\"value_size\":-1", 15));
    assert_int_equal(record_from_json(talk.printed, (size_t)(end - talk.printed), &read, &why),
                     ERR_INVALID);
    mem_free(talk.printed);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_record_comes_back),
                                       cmocka_unit_test(test_without_value),
                                       cmocka_unit_test(test_fields), cmocka_unit_test(test_base64),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
