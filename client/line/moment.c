/* Parsing numbers and spans; dates are base/measure/calendar_time.h. */
#include "client/line/moment.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
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

/* A number and its unit. */
static int64_t span(struct reader *r) {
    int64_t count = digits(r, 1, 9);
    if (next_is(r, 'm')) {
        return count * (next_is(r, 's') ? 1 : MS_PER_MINUTE);
    }
    int64_t unit = next_is(r, 's')   ? MS_PER_SECOND
                   : next_is(r, 'h') ? MS_PER_HOUR
                   : next_is(r, 'd') ? ms_per_day
                   : next_is(r, 'w') ? 7 * ms_per_day
                                     : 0;
    r->wrong = r->wrong || unit == 0;
    return count * unit;
}

static bool all_digits(const char *text, size_t len) {
    size_t i = 0;
    while (i < len && text[i] >= '0' && text[i] <= '9') {
        i++;
    }
    return len > 0 && i == len;
}

int64_t moment_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int moment_parse(const char *text, size_t len, int64_t now_ms, int64_t *ms) {
    struct reader reader = {text, text + len, false};
    if (len == 3 && memcmp(text, "now", 3) == 0) {
        *ms = now_ms;
        return ERR_NONE;
    }
    if (all_digits(text, len)) {
        bool seconds = len == 9 || len == 10; /* from 1973 on; as ms they would be days of 1970 */
        *ms = digits(&reader, 1, 18) * (seconds ? MS_PER_SECOND : 1);
    } else if (next_is(&reader, '-')) {
        int64_t back = span(&reader);
        *ms = back > now_ms ? 0 : now_ms - back;
    } else {
        return calendar_time_read(text, len, ms) ? ERR_NONE : ERR_INVALID;
    }
    return reader.wrong || reader.at != reader.end || *ms < 0 ? ERR_INVALID : ERR_NONE;
}

int moment_span(const char *text, size_t len, int64_t *ms) {
    struct reader reader = {text, text + len, false};
    *ms = span(&reader);
    return reader.wrong || reader.at != reader.end ? ERR_INVALID : ERR_NONE;
}
