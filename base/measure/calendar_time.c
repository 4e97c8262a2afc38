/* Parsing dates, times and zones from left to right. The calendar is the proleptic Gregorian one,
 * without leap seconds. */
#include "base/measure/calendar_time.h"

enum { MS_PER_SECOND = 1000, MS_PER_MINUTE = 60 * MS_PER_SECOND, MS_PER_HOUR = 60 * MS_PER_MINUTE };
static const int64_t ms_per_day = 24 * (int64_t)MS_PER_HOUR;

/* What is left of the text; whatever does not fit sets `wrong`, which is looked at once. */
struct reader {
    const char *at, *end;
    bool wrong;
};

static bool next_is(struct reader *r, char c) {
    if (r->at < r->end && *r->at == c) {
        r->at++;
        return true;
    }
    return false;
}

static void demand(struct reader *r, char c) {
    r->wrong = r->wrong || !next_is(r, c);
}

static bool is_digit(const struct reader *r) {
    return r->at < r->end && *r->at >= '0' && *r->at <= '9';
}

/* A number of `min` to `max` digits; at most 18, so that it fits. */
static int64_t digits(struct reader *r, int min, int max) {
    int64_t value = 0;
    int count = 0;
    for (; count < max && is_digit(r); count++) {
        value = value * 10 + (*r->at++ - '0');
    }
    r->wrong = r->wrong || count < min;
    return value;
}

static int64_t within(struct reader *r, int64_t value, int64_t min, int64_t max) {
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
static int64_t zone(struct reader *r) {
    if (r->at == r->end || next_is(r, 'Z') || next_is(r, 'z')) {
        return 0;
    }
    int64_t sign = next_is(r, '-') ? -1 : 1;
    if (sign > 0) {
        demand(r, '+');
    }
    int64_t hours = within(r, digits(r, 2, 2), 0, 23);
    next_is(r, ':');
    int64_t minutes = within(r, digits(r, 2, 2), 0, 59);
    return sign * (hours * MS_PER_HOUR + minutes * MS_PER_MINUTE);
}

/* ".25" in ms; digits beyond the third are cut off. */
static int64_t fraction(struct reader *r) {
    int64_t ms = 0, unit = 100;
    r->wrong = r->wrong || !is_digit(r);
    for (; is_digit(r); r->at++, unit /= 10) {
        ms += (*r->at - '0') * unit;
    }
    return ms;
}

static int64_t time_of_day(struct reader *r) {
    int64_t ms = within(r, digits(r, 2, 2), 0, 23) * MS_PER_HOUR;
    demand(r, ':');
    ms += within(r, digits(r, 2, 2), 0, 59) * MS_PER_MINUTE;
    if (next_is(r, ':')) {
        ms += within(r, digits(r, 2, 2), 0, 59) * MS_PER_SECOND;
        if (next_is(r, '.')) {
            ms += fraction(r);
        }
    }
    return ms - zone(r);
}

static int64_t calendar(struct reader *r) {
    int64_t year = within(r, digits(r, 4, 4), 1970, 9999);
    demand(r, '-');
    int64_t month = within(r, digits(r, 2, 2), 1, 12);
    demand(r, '-');
    int64_t day = within(r, digits(r, 2, 2), 1, days_of_month(year, month));
    int64_t ms = r->wrong ? 0 : days_until(year, month, day) * ms_per_day;
    if (next_is(r, 'T') || next_is(r, 't') || next_is(r, ' ')) {
        ms += time_of_day(r);
    }
    return ms;
}

bool calendar_time_read(const char *text, size_t len, int64_t *ms) {
    struct reader reader = {text, text + len, false};
    *ms = calendar(&reader);
    return !reader.wrong && reader.at == reader.end && *ms >= 0;
}
