/* Parsing dates, times and zones from left to right. The calendar is the proleptic Gregorian one,
 * without leap seconds. */
#include "base/measure/calendar_time.h"

#include "base/measure/time_reader.h"

static void demand(struct time_reader *r, char c) {
    r->wrong = r->wrong || !time_reader_is(r, c);
}

static int64_t within(struct time_reader *r, int64_t value, int64_t min, int64_t max) {
    r->wrong = r->wrong || value < min || value > max;
    return value;
}

static int64_t days_of_month(int64_t year, int64_t month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month < 1 || month > 12 ? 0 : days[month - 1] + (month == 2 && leap);
}

/* Days from 1970-01-01 to a date of the years 1970 to 9999. */
static int64_t days_until(int64_t year, int64_t month, int64_t day) {
    int64_t before = year - 1;
    int64_t days = before * 365 + before / 4 - before / 100 + before / 400 - 719162;
    for (int64_t m = 1; m < month; m++) {
        days += days_of_month(year, m);
    }
    return days + day - 1;
}

/* Behind a time: nothing, Z, +02:00 or -0530; ms to subtract. */
static int64_t zone(struct time_reader *r) {
    if (r->at == r->end || time_reader_is(r, 'Z') || time_reader_is(r, 'z')) {
        return 0;
    }
    int64_t sign = time_reader_is(r, '-') ? -1 : 1;
    if (sign > 0) {
        demand(r, '+');
    }
    int64_t hours = within(r, time_reader_digits(r, 2, 2), 0, 23);
    time_reader_is(r, ':');
    int64_t minutes = within(r, time_reader_digits(r, 2, 2), 0, 59);
    return sign * (hours * MS_PER_HOUR + minutes * MS_PER_MINUTE);
}

/* ".25" in ms; digits beyond the third are cut off. */
static int64_t fraction(struct time_reader *r) {
    int64_t ms = 0, unit = 100;
    r->wrong = r->wrong || !time_reader_at_digit(r);
    for (; time_reader_at_digit(r); r->at++, unit /= 10) {
        ms += (*r->at - '0') * unit;
    }
    return ms;
}

static int64_t time_of_day(struct time_reader *r) {
    int64_t ms = within(r, time_reader_digits(r, 2, 2), 0, 23) * MS_PER_HOUR;
    demand(r, ':');
    ms += within(r, time_reader_digits(r, 2, 2), 0, 59) * MS_PER_MINUTE;
    if (time_reader_is(r, ':')) {
        ms += within(r, time_reader_digits(r, 2, 2), 0, 59) * MS_PER_SECOND;
        if (time_reader_is(r, '.')) {
            ms += fraction(r);
        }
    }
    return ms - zone(r);
}

static int64_t calendar(struct time_reader *r) {
    int64_t year = within(r, time_reader_digits(r, 4, 4), 1970, 9999);
    demand(r, '-');
    int64_t month = within(r, time_reader_digits(r, 2, 2), 1, 12);
    demand(r, '-');
    int64_t day = within(r, time_reader_digits(r, 2, 2), 1, days_of_month(year, month));
    int64_t ms = r->wrong ? 0 : days_until(year, month, day) * MS_PER_DAY;
    if (time_reader_is(r, 'T') || time_reader_is(r, 't') || time_reader_is(r, ' ')) {
        ms += time_of_day(r);
    }
    return ms;
}

bool calendar_time_read(const char *text, size_t len, int64_t *ms) {
    struct time_reader reader = {text, text + len, false};
    *ms = calendar(&reader);
    return time_reader_is_through(&reader) && *ms >= 0;
}
