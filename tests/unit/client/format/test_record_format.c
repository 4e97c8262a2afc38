/* Formats of kcat and rpk: what each letter and each of its styles prints, and what is refused. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client/format/batch_lookup.h"
#include "client/format/record_format.h"
#include "client/line/talk.h"
#include "tests/unit/unit.h"

static const uint8_t binary[] = {0x00, 0x00, 0x00, 0x07, 0xff};
static rd_kafka_headers_t *headers;

static const struct batch_facts batch = {.batch = {.producer_id = 4000,
                                                   .producer_epoch = 3,
                                                   .leader_epoch = 17,
                                                   .attributes = 0x13}, /* LZ4, transactional */
                                         .log_start = 5,
                                         .last_stable = 600,
                                         .high_watermark = 700};

static struct record_view sample(void) {
    return (struct record_view){.topic = "orders",
                                .partition = 3,
                                .offset = 258,
                                .timestamp_ms = 1795860000123,
                                .time_type = VIEW_TIME_CREATED,
                                .key = {"k7", 2},
                                .value = {binary, sizeof(binary)},
                                .headers = headers,
                                .batch = &batch};
}

static int open_headers(void **state) {
    (void)state;
    headers = rd_kafka_headers_new(2);
    rd_kafka_header_add(headers, "a", 1, "1", 1);
    rd_kafka_header_add(headers, "b", 1, NULL, 0);
    return 0;
}

static int close_headers(void **state) {
    (void)state;
    rd_kafka_headers_destroy(headers);
    return 0;
}

/* What one record prints. */
static void expect_printed(const char *text, const struct record_format_options *options,
                           const struct record_view *record, const void *bytes, size_t len) {
    struct error_text why = {""};
    struct held_talk talk;
    struct record_format *format = record_format_open(text, options, &why);
    if (!format) fail_msg("%s: %s", text, why.text);
    talk_hold();
    record_format_print(format, record);
    talk_held(&talk);
    record_format_free(format);
    if (talk.printed_len != len || (len > 0 && memcmp(talk.printed, bytes, len) != 0))
        fail_msg("%s printed \"%.*s\", not \"%.*s\"", text, (int)talk.printed_len, talk.printed,
                 (int)len, (const char *)bytes);
    mem_free(talk.printed);
}

/* Each letter by itself, with each of its styles. */
static void test_letters(void **state) {
    (void)state;
    const struct record_format_options plain = {.none = "NULL"};
    const struct {
        const char *format, *printed;
    } rows[] = {
        {"%t %p %o %k", "orders 3 258 k7"},
        {"%S %V %K %H %i", "5 5 2 2 1"},
        {"%T %d", "1795860000123 1795860000123"},
        {"%s{hex}|%v{hex}|%k{hex}|%t{hex}", "00000007ff|00000007ff|6b37|6f7264657273"},
        {"%v{base64}|%v{base64raw}|%k{base64}", "AAAAB/8=|AAAAB/8|azc="},
        {"%v{unpack[>iB$]}", "7255"},
        {"%v{unpack{>ixb}} %v{unpack##<I##}", "7 -1 117440512"},
        {"%v{unpack[q]}", "(unpack: 5 bytes left, q takes 8)"},
        {"%v{unpack[h$]}", "0(unpack: 3 bytes behind the end)"},
        {"%o{ascii} %o{number} %o{hex} %o{hex64} %o{hex32} %o{hex16} %o{hex8} %o{hex4}",
         "258 258 102 0000000000000102 00000102 0102 02 2"},
        {"%o{bool}", "true"},
        {"%d{strftime[%F %T]}", "2026-11-28 10:00:00"},
        {"%T{strftime##[%H]##}|%T{strftime[[[%H]]]}", "[10]|10"},
        {"%d{strftime{{%j}}}", "332"},
        {"%d{hex}", "1a22198ed7b"},
        {"%h", "a=1,b=NULL"},
        {"%h{%k=%v{hex} }", "a=31 b=NULL "},
        {"%h{%K:%V,}", "1:1,1:-1,"},
        {"%e %x %y", "17 4000 3"},
        {"%[ %| %] %]{hex}", "5 600 700 2bc"},
        {"%a{compression} %a{compression;number} %a{compression;hex8}", "lz4 3 03"},
        {"%a{timestamp-type} %a{transactional-bit} %a{control-bit;bool}", "0 1 false"},
        {"%%%{%}", "%{}"},
        {"\\t\\n\\r\\\\\\x41", "\t\n\r\\A"},
        {"{%p}", "{3}"},
        {"", ""},
    };
    struct record_view record = sample();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect_printed(rows[i].format, &plain, &record, rows[i].printed, strlen(rows[i].printed));
}

/* Styles whose bytes are no text. */
static void test_bytes(void **state) {
    (void)state;
    const struct record_format_options plain = {.none = ""};
    struct record_view record = sample();
    expect_printed("%R", &plain, &record, "\0\0\0\5", 4);
    expect_printed("%o{big64}%o{big32}%o{big16}%o{big8}", &plain, &record,
                   "\0\0\0\0\0\0\1\2\0\0\1\2\1\2\2", 15);
    expect_printed("%o{little64}%o{little32}%o{little16}%o{little8}%o{byte}", &plain, &record,
                   "\2\1\0\0\0\0\0\0\2\1\0\0\2\1\2\2", 16);
    expect_printed("%v\\0%s", &plain, &record, "\0\0\0\7\xff\0\0\0\0\7\xff", 11);
    expect_printed("%v{unpack[.c<h>hs]}", &plain, &record,
                   "\0\0"
                   "1792"
                   "(unpack: 1 bytes left, h takes 2)",
                   39);
    record.value = (struct view_bytes){NULL, 0};
    expect_printed("%R", &plain, &record, "\xff\xff\xff\xff", 4);
}

/* None is not empty; a number of none is -1. */
static void test_none(void **state) {
    (void)state;
    const struct record_format_options null = {.none = "NULL"}, plain = {.none = ""};
    struct record_view record = {.topic = "t", .timestamp_ms = -1, .key = {"", 0}};
    expect_printed("[%k][%s][%v{hex}]%K %S", &null, &record, "[][NULL][NULL]0 -1", 18);
    expect_printed("[%k][%s]%h%h{%k}%H", &plain, &record, "[][]0", 5);
    expect_printed("%d{strftime[%F]}", &plain, &record, "-1", 2);
    record.timestamp_ms = INT64_MAX; /* as far as a timestamp goes */
    expect_printed("%d{strftime[%F]}", &plain, &record, "292278994-08-17", 15);
}

/* -s holds where the format says nothing else, and not for headers. */
static void test_unpack_of_everything(void **state) {
    (void)state;
    const struct record_format_options both = {
        .none = "", .key_unpack = ">h", .value_unpack = ">i"};
    struct record_view record = sample();
    expect_printed("%k %s %v %v{hex} %t %h", &both, &record,
                   "27447 7 7 00000007ff orders a=1,b=NULL", 38);
    expect_printed("%h{%k%v}", &both, &record, "a1b", 3);
}

/* Only what the batch alone knows costs a second fetch. */
static void test_wants_batch(void **state) {
    (void)state;
    const struct record_format_options plain = {.none = ""};
    const struct {
        const char *format;
        bool wants;
    } rows[] = {{"%t %k %v %d %i exy[]", false},
                {"%a{timestamp-type}", false},
                {"%e", true},
                {"%v %]", true},
                {"%a{compression}", true},
                {"%a{control-bit}", true}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error_text why = {""};
        struct record_format *format = record_format_open(rows[i].format, &plain, &why);
        assert_non_null(format);
        assert_int_equal(record_format_wants_batch(format), rows[i].wants);
        record_format_free(format);
    }
}

/* %i counts what a format has printed. */
static void test_count(void **state) {
    (void)state;
    const struct record_format_options plain = {.none = ""};
    struct error_text why = {""};
    struct held_talk talk;
    struct record_view record = sample();
    struct record_format *format = record_format_open("%i ", &plain, &why);
    talk_hold();
    for (int i = 0; i < 3; i++)
        record_format_print(format, &record);
    talk_held(&talk);
    assert_int_equal(talk.printed_len, 6);
    assert_memory_equal(talk.printed, "1 2 3 ", 6);
    mem_free(talk.printed);
    record_format_free(format);
}

/* What makes no sense is refused with a sentence that has it, before anything is read. */
static void test_refused(void **state) {
    (void)state;
    const struct record_format_options plain = {.none = ""};
    const struct {
        const char *format, *said;
    } rows[] = {
        {"%q", "%q is no letter"},
        {"%", "is no letter"},
        {"x %", "is no letter"},
        {"\\q", "\\q is none of"},
        {"\\x4", "\\x is none of"},
        {"\\", "is none of"},
        {"%v{", "%v{ is not closed"},
        {"%v{hex", "%v{ is not closed"},
        {"%v{}", "texts are written as"},
        {"%v{hex64}", "%v{hex64}: texts are written as"},
        {"%o{base64}", "%o{base64}: numbers are written as"},
        {"%o{hex7}", "numbers are written as"},
        {"%o{strftime[%F]}", "numbers are written as"},
        {"%d{go[2006]}", "strftime"},
        {"%d{strftime[]}", "0 bytes"},
        {"%d{strftime[%F}", "numbers are written as"},
        {"%v{unpack[z]}", "unpack[z] has a letter"},
        {"%v{unpack[]}", "has a letter"},
        {"%v{unpack}", "texts are written as"},
        {"%v{unpack#}", "texts are written as"},
        {"%a", "there are compression"},
        {"%a{codec}", "%a{codec}: there are compression"},
        {"%a{compression;x}", "%a{x}: numbers are written as"},
        {"%h{%o}", "%o is no letter of a header"},
        {"%h{%h}", "%h is no letter of a header"},
        {"%h{%k", "%h{ is not closed"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error_text why = {""};
        assert_null(record_format_open(rows[i].format, &plain, &why));
        if (!strstr(why.text, rows[i].said)) fail_msg("%s: %s", rows[i].format, why.text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letters),     cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_none),        cmocka_unit_test(test_unpack_of_everything),
        cmocka_unit_test(test_wants_batch), cmocka_unit_test(test_count),
        cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, open_headers, close_headers);
}
