/* Where to begin and end reading, and the moments and partitions that people write. */
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "client/line/moment.h"
#include "client/records/partition_choice.h"
#include "client/records/where.h"
#include "tests/unit/unit.h"

enum { HOUR = 3600000 };
static const int64_t now = 1795860000123; /* 2026-11-28T10:00:00.123Z */

static int64_t moment(const char *text) {
    int64_t ms = -1;
    return moment_parse(text, strlen(text), now, &ms) ? -1 : ms;
}

/* Every form names the moment that it should. */
static void test_moments(void **state) {
    (void)state;
    const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"0", 0},
        {"1795860000123", now},
        {"now", now},
        {"-1h", now - HOUR},
        {"-30m", now - HOUR / 2},
        {"-90s", now - 90000},
        {"-250ms", now - 250},
        {"-2d", now - 48 * (int64_t)HOUR},
        {"-1w", now - 168 * (int64_t)HOUR},
        {"-999999999d", 0},
        {"1970-01-01", 0},
        {"2026-11-28", 1795824000000},
        {"2026-11-28T10:00", 1795860000000},
        {"2026-11-28 10:00", 1795860000000},
        {"2026-11-28T10:00:07", 1795860007000},
        {"2026-11-28T10:00:00.123", now},
        {"2026-11-28T10:00:00.123456789Z", now},
        {"2026-11-28T10:00:00Z", 1795860000000},
        {"2026-11-28T10:00Z", 1795860000000},
        {"2026-11-28T12:00:00+02:00", 1795860000000},
        {"2026-11-28T04:30:00-0530", 1795860000000},
        {"2000-02-29", 951782400000},
        {"2100-03-01T00:00", 4107542400000},
        {"9999-12-31T23:59:59.999Z", 253402300799999},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(moment(rows[i].text), rows[i].ms);
    }
}

/* The calendar is the C library's, over four centuries. */
static void test_days_are_those_of_timegm(void **state) {
    (void)state;
    for (int64_t day = 0; day < 366 * 400; day += 13) {
        time_t at = (time_t)(day * 86400);
        struct tm parts;
        char text[32];
        gmtime_r(&at, &parts);
        strftime(text, sizeof(text), "%Y-%m-%d", &parts);
        assert_int_equal(moment(text), (int64_t)at * 1000);
    }
}

/* What is no moment is refused: it never becomes a default. */
static void test_what_is_no_moment(void **state) {
    (void)state;
    const char *const rows[] = {"",
                                "tomorrow",
                                "-",
                                "-h",
                                "-1",
                                "-1y",
                                "1h",
                                "2026-13-01",
                                "2026-02-29",
                                "2026-00-10",
                                "2026-11-31",
                                "2026-11-28T",
                                "2026-11-28T24:00",
                                "2026-11-28T10",
                                "2026-11-28T10:60",
                                "2026-11-28T10:00:00.",
                                "2026-11-28T10:00:00+2",
                                "2026-11-28T10:00x",
                                "1969-12-31",
                                "1970-01-01T00:00+01:00",
                                "12345678901234567890123",
                                "-9999999999999h",
                                "now "};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(moment(rows[i]), -1);
    }
    assert_int_equal(moment("20261128"), 20261128); /* digits are ms, whatever they look like, */
    assert_int_equal(moment("12345678901"), 12345678901);
    assert_int_equal(moment("1795860000"), 1795860000000); /* but 9 or 10 of them are seconds */
    assert_int_equal(moment("100000000"), 100000000000);
}

static void expect_span(const char *text, enum where_kind kind, int64_t value,
                        enum where_until until, int64_t until_value) {
    struct where where;
    bool early;
    if (where_parse(text, now, &where, &early) != ERR_NONE) fail_msg("%s is refused", text);
    assert_int_equal(where.kind, kind);
    assert_int_equal(where.value, value);
    assert_int_equal(where.until, until);
    assert_int_equal(where.until_value, until_value);
}

/* until_ms -1: never. */
static void expect_where(const char *text, enum where_kind kind, int64_t value, int64_t until_ms) {
    expect_span(text, kind, value, until_ms < 0 ? UNTIL_NEVER : UNTIL_TIME,
                until_ms < 0 ? 0 : until_ms);
}

/* Each form of -o; the two moments of a span may hold colons. */
static void test_where(void **state) {
    (void)state;
    expect_where("beginning", WHERE_BEGINNING, 0, -1);
    expect_where("end", WHERE_END, 0, -1);
    expect_where("0", WHERE_OFFSET, 0, -1);
    expect_where("9007199254740993", WHERE_OFFSET, 9007199254740993, -1); /* no double holds it */
    expect_where("-10", WHERE_LAST, 10, -1);
    expect_where("-0", WHERE_LAST, 0, -1);
    expect_where("@0", WHERE_TIME, 0, -1);
    expect_where("@2026-11-28T10:00:30", WHERE_TIME, 1795860030000, -1);
    expect_where("@-1h", WHERE_TIME, now - HOUR, -1);
    expect_where("@-1h:now", WHERE_TIME, now - HOUR, now);
    expect_where("@-1h:@-30m", WHERE_TIME, now - HOUR, now - HOUR / 2);
    expect_where("@1:2", WHERE_TIME, 1, 2);
    expect_where("@2026-11-28T09:00:2026-11-28T10:00", WHERE_TIME, 1795856400000, 1795860000000);
    expect_where("@2026-11-28T09:00:00Z:@2026-11-28T10:00+00:00", WHERE_TIME, 1795856400000,
                 1795860000000);
    expect_where("@2026-11-28:2026-11-29", WHERE_TIME, 1795824000000, 1795910400000);
    expect_where("start", WHERE_BEGINNING, 0, -1);
    expect_where("earliest", WHERE_BEGINNING, 0, -1);
    expect_where("latest", WHERE_END, 0, -1);
    expect_where("stored", WHERE_STORED, 0, -1);
    expect_where("+5", WHERE_BEGINNING, 5, -1);
    expect_where("@1:", WHERE_TIME, 1, -1);
    expect_where("@2026-11-28T10:00:", WHERE_TIME, 1795860000000, -1);
    expect_where("@2026-11-28T10:00:30:", WHERE_TIME, 1795860030000, -1);
    expect_where("@:1", WHERE_BEGINNING, 0, 1);
    expect_where("@:@-1h", WHERE_BEGINNING, 0, now - HOUR);
    expect_where("@2026-11-28:1h", WHERE_TIME, 1795824000000, 1795827600000);
    expect_where("@1795860000", WHERE_TIME, 1795860000000, -1); /* ten digits: seconds */
    expect_where("s@-1h", WHERE_TIME, now - HOUR, -1);
    expect_where("e@7", WHERE_BEGINNING, 0, 7);
    expect_span(":end", WHERE_BEGINNING, 0, UNTIL_END, 0);
    expect_span("5:end", WHERE_OFFSET, 5, UNTIL_END, 0);
    expect_span(":10", WHERE_BEGINNING, 0, UNTIL_OFFSET, 10);
    expect_span("5:10", WHERE_OFFSET, 5, UNTIL_OFFSET, 10);
    expect_span("+2:10", WHERE_BEGINNING, 2, UNTIL_OFFSET, 10);
    expect_span("-2:end", WHERE_LAST, 2, UNTIL_END, 0);
    expect_span("beginning:end", WHERE_BEGINNING, 0, UNTIL_END, 0);
    expect_span("@1:end", WHERE_TIME, 1, UNTIL_END, 0);
    expect_span("@-1h:@end", WHERE_TIME, now - HOUR, UNTIL_END, 0);
    struct where where;
    bool early;
    const char *const wrong[] = {"",
                                 "tomorrow",
                                 "-",
                                 "--1",
                                 "+",
                                 "++1",
                                 "+-1",
                                 "@",
                                 "@x",
                                 "@:",
                                 "@1:x",
                                 ":",
                                 "1:",
                                 "1:x",
                                 "1:2:3",
                                 "1:-2",
                                 "s@",
                                 "e@x",
                                 "s1",
                                 "1x",
                                 "9223372036854775808",
                                 "@2026-11-28T10:99",
                                 " 1"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(where_parse(wrong[i], now, &where, &early), ERR_INVALID);
        assert_false(early);
    }
    const char *const backwards[] = {"@now:-1h", "10:5", "@1:@0"};
    for (size_t i = 0; i < sizeof(backwards) / sizeof(backwards[0]); i++) {
        assert_int_equal(where_parse(backwards[i], now, &where, &early), ERR_INVALID);
        assert_true(early);
    }
}

/* kcat gives the two sides of a span of time one by one. */
static void test_two_sides(void **state) {
    (void)state;
    struct where where;
    bool early;
    const char *const pairs[][2] = {{"s@5", "e@9"}, {"e@9", "s@5"}};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(where_parse(pairs[i][0], now, &where, &early), ERR_NONE);
        assert_int_equal(where_add(pairs[i][1], now, &where, &early), ERR_NONE);
        assert_int_equal(where.kind, WHERE_TIME);
        assert_int_equal(where.value, 5);
        assert_int_equal(where.until, UNTIL_TIME);
        assert_int_equal(where.until_value, 9);
    }
    const char *const wrong[][2] = {
        {"s@5", "s@6"}, {"e@5", "e@6"}, {"5", "s@6"}, {":end", "e@6"}, {"s@5", "end"}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(where_parse(wrong[i][0], now, &where, &early), ERR_NONE);
        assert_int_equal(where_add(wrong[i][1], now, &where, &early), ERR_INVALID);
        assert_false(early);
    }
    assert_int_equal(where_parse("s@9", now, &where, &early), ERR_NONE);
    assert_int_equal(where_add("e@5", now, &where, &early), ERR_INVALID);
    assert_true(early);
}

/* Lists and ranges of partitions. */
static void test_partition_set(void **state) {
    (void)state;
    struct partition_set set;
    assert_int_equal(partition_set_parse("0,2,5-7", &set), ERR_NONE);
    const bool in[] = {true, false, true, false, false, true, true, true, false};
    for (int32_t p = 0; p < 9; p++) {
        assert_int_equal(partition_set_has(&set, p), in[p]);
    }
    assert_int_equal(partition_set_highest(&set), 7);
    assert_int_equal(partition_set_parse(NULL, &set), ERR_NONE);
    assert_true(partition_set_has(&set, 123));
    assert_int_equal(partition_set_highest(&set), -1);
    const char *const wrong[] = {"",   ",", "1,",  "-1",         "3-1",
                                 "1-", "x", "1 2", "2147483648", "99999999999999999999"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(partition_set_parse(wrong[i], &set), ERR_INVALID);
    }
    char many[4 * PARTITION_SPANS_MAX];
    for (int i = 0; i < PARTITION_SPANS_MAX + 1; i++) {
        memcpy(many + 2 * i, "1,", 2);
    }
    many[2 * PARTITION_SPANS_MAX + 1] = 0;
    assert_int_equal(partition_set_parse(many, &set), ERR_LIMIT);
    many[2 * PARTITION_SPANS_MAX - 1] = 0;
    assert_int_equal(partition_set_parse(many, &set), ERR_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments),           cmocka_unit_test(test_days_are_those_of_timegm),
        cmocka_unit_test(test_what_is_no_moment), cmocka_unit_test(test_where),
        cmocka_unit_test(test_two_sides),         cmocka_unit_test(test_partition_set)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
