/* Reading records by a format: what each letter takes, what ends it, and what is refused. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/format/input_format.h"
#include "client/format/record_format.h"
#include "client/format/record_view.h"
#include "client/line/talk.h"
#include "tests/unit/unit.h"

static struct client_record record;

static int try_read(const char *format, const char *line, size_t len, struct error_text *why) {
    *why = (struct error_text){""};
    struct input_format *open = input_format_open(format, why);
    if (!open) fail_msg("%s: %s", format, why->text);
    int error = input_format_read(open, line, len, &record, why);
    input_format_free(open);
    return error;
}

static void read_line(const char *format, const char *line) {
    struct error_text why;
    if (try_read(format, line, strlen(line), &why) != ERR_NONE)
        fail_msg("%s with \"%s\": %s", format, line, why.text);
}

static void expect_bytes(struct record_bytes bytes, const char *text) {
    if (!text) {
        assert_null(bytes.data);
        return;
    }
    assert_non_null(bytes.data);
    assert_int_equal(bytes.len, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.len);
}

/* A field ends where the text behind it stands first; the last one takes the rest. */
static void test_keys_and_values(void **state) {
    (void)state;
    const struct {
        const char *format, *line, *key, *value;
    } rows[] = {
        {"%k %v\n", "a b c", "a", "b c"},
        {"%k %v\\n", "a ", "a", ""},
        {"%v\t%k", "v\tk\tk", "k\tk", "v"},
        {"%s", "", NULL, ""},
        {"%k", "k", "k", NULL},
        {"[%k]::%v", "[x]::y", "x", "y"},
        {"%k{hex},%v{base64}", "6b,dg==", "k", "v"},
        {"%%%k%%%v", "%k%v", "k", "v"},
        {"<%v>\n", "<v>", NULL, "v"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *line = rows[i].line;
        size_t len = strlen(line) - (i == 8); /* what ends a record is not part of it */
        struct error_text why;
        if (try_read(rows[i].format, line, len, &why) != ERR_NONE)
            fail_msg("%s: %s", rows[i].format, why.text);
        expect_bytes(record.key, rows[i].key);
        expect_bytes(record.value, rows[i].value);
        assert_false(record.has_partition || record.has_timestamp);
        assert_null(record.headers);
        record_close(&record);
    }
}

/* Bytes of every kind may stand in a field. */
static void test_zero_bytes(void **state) {
    (void)state;
    struct error_text why;
    assert_int_equal(try_read("%k:%v", "a\0b:\0", 5, &why), ERR_NONE);
    assert_int_equal(record.key.len, 3);
    assert_memory_equal(record.key.data, "a\0b", 3);
    assert_int_equal(record.value.len, 1);
    record_close(&record);
}

static void test_numbers_and_headers(void **state) {
    (void)state;
    read_line("%p %d %h{%k=%v,} %v", "12 1795860000123 a=1,b=,a=2, value");
    assert_true(record.has_partition && record.has_timestamp);
    assert_int_equal(record.partition, 12);
    assert_true(record.timestamp_ms == 1795860000123);
    expect_bytes(record.value, "value");
    struct record_view view = {.headers = record.headers};
    struct view_bytes name, value;
    static const char *const want[][2] = {{"a", "1"}, {"b", ""}, {"a", "2"}};
    assert_int_equal(record_view_header_count(&view), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(record_view_header(&view, i, &name, &value));
        assert_int_equal(name.len, strlen(want[i][0]));
        assert_memory_equal(name.data, want[i][0], name.len);
        assert_int_equal(value.len, strlen(want[i][1]));
        if (value.len > 0) assert_memory_equal(value.data, want[i][1], value.len);
    }
    record_close(&record);
    read_line("%h{%k=%v{hex},}|%v", "a=31|x"); /* the last comma may be missing */
    assert_int_equal(rd_kafka_header_cnt(record.headers), 1);
    record_close(&record);
    read_line("%h{%k=%v,}|%v", "|x");
    assert_null(record.headers);
    record_close(&record);
}

/* What consume -f prints by a format, produce -f reads by it: random bytes, as hex and base64, and
 * headers whose names are plain. */
static void test_printed_and_read(void **state) {
    (void)state;
    static const char format[] = "%p %d %k{hex} %h{%k=%v{base64},} %v{base64}\\n";
    const struct record_format_options plain = {.none = ""};
    struct error_text why = {""};
    struct record_format *printer = record_format_open(format, &plain, &why);
    struct input_format *reader = input_format_open(format, &why);
    assert_non_null(printer);
    assert_non_null(reader);
    srandom(48);
    for (int i = 0; i < 500; i++) {
        uint8_t key[40], value[80];
        for (size_t k = 0; k < sizeof(key); k++)
            key[k] = (uint8_t)random();
        for (size_t k = 0; k < sizeof(value); k++)
            value[k] = (uint8_t)random();
        rd_kafka_headers_t *headers = rd_kafka_headers_new(2);
        for (long h = random() % 3; h > 0; h--)
            rd_kafka_header_add(headers, h == 1 ? "a" : "bc", -1, value + h, random() % 20);
        struct record_view view = {.topic = "t",
                                   .partition = (int32_t)(random() % 1000),
                                   .timestamp_ms = random(),
                                   .key = {key, (size_t)random() % sizeof(key)},
                                   .value = {value, (size_t)random() % sizeof(value)},
                                   .headers = headers};
        struct held_talk talk;
        talk_hold();
        record_format_print(printer, &view);
        talk_held(&talk);
        if (input_format_read(reader, talk.printed, talk.printed_len - 1, &record, &why))
            fail_msg("%s: %.*s", why.text, (int)talk.printed_len, talk.printed);
        struct record_view back = {.headers = record.headers};
        assert_int_equal(record.partition, view.partition);
        assert_true(record.timestamp_ms == view.timestamp_ms);
        assert_int_equal(record.key.len, view.key.len);
        assert_memory_equal(record.key.data, key, view.key.len);
        assert_int_equal(record.value.len, view.value.len);
        assert_memory_equal(record.value.data, value, view.value.len);
        size_t count = record_view_header_count(&view);
        assert_int_equal(record_view_header_count(&back), count);
        for (size_t h = 0; h < count; h++) {
            struct view_bytes name, data, name_back, data_back;
            record_view_header(&view, h, &name, &data);
            record_view_header(&back, h, &name_back, &data_back);
            assert_string_equal(name_back.data, name.data);
            assert_int_equal(data_back.len, data.len);
            if (data.len > 0) assert_memory_equal(data_back.data, data.data, data.len);
        }
        record_close(&record);
        mem_free(talk.printed);
        rd_kafka_headers_destroy(headers);
    }
    record_format_free(printer);
    input_format_free(reader);
}

/* What stands behind the last field ends a record. */
static void test_delimiter(void **state) {
    (void)state;
    struct error_text why;
    size_t len;
    struct input_format *format = input_format_open("%k=%v;\\n", &why);
    assert_memory_equal(input_format_delimiter(format, &len), ";\n", 3);
    assert_int_equal(len, 2);
    input_format_free(format);
    format = input_format_open("%k=%v", &why);
    assert_null(input_format_delimiter(format, &len));
    input_format_free(format);
}

static void test_refused(void **state) {
    (void)state;
    const struct {
        const char *format, *said;
    } formats[] = {{"", "neither"},           {"x", "neither"},
                   {"%p", "neither"},         {"%k%v", "nothing stands between"},
                   {"%o %v", "%o cannot"},    {"%t %v", "%t cannot"},
                   {"%K%k", "%K cannot"},     {"%v{base64raw}", "%v cannot"},
                   {"%p{big32} %v", "%p ca"}, {"%d{strftime[%F]} %v", "%d cannot"},
                   {"%h %v", "%h cannot"},    {"%h{%v} %v", "must have a name"},
                   {"%q", "no letter"},       {"%h{%k%v} %v", "nothing stands between"}};
    const struct {
        const char *format, *line, *said;
    } lines[] = {{"%k:%v", "a", "does not stand behind %k"},
                 {"[%v] ", "v]", "does not stand where"},
                 {"[%v", "", "does not stand where"},
                 {"%p %v", "x y", "\"x\", which is no number of a partition"},
                 {"%p %v", "2147483648 y", "no number of a partition"},
                 {"%p %v", " y", "no number"},
                 {"%d %v", "-1 y", "no number of ms"},
                 {"%k{hex} %v", "zz y", "%k{hex} is none"},
                 {"%v{base64}", "AAA", "%v{base64} is none"},
                 {"%v %s", "a b", "twice"},
                 {"%h{%k=%v,} %v", "a b", "does not stand behind %k"}};
    struct error_text why = {""};
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        assert_null(input_format_open(formats[i].format, &why));
        if (!strstr(why.text, formats[i].said)) fail_msg("%s: %s", formats[i].format, why.text);
    }
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        size_t len = strlen(lines[i].line);
        assert_int_equal(try_read(lines[i].format, lines[i].line, len, &why), ERR_INVALID);
        if (!strstr(why.text, lines[i].said)) fail_msg("%s: %s", lines[i].line, why.text);
        assert_null(record.value.data);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_and_values),     cmocka_unit_test(test_zero_bytes),
        cmocka_unit_test(test_numbers_and_headers), cmocka_unit_test(test_printed_and_read),
        cmocka_unit_test(test_delimiter),           cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
