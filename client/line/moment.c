/* Parsing numbers and spans; dates are base/measure/calendar_time.h. */
#include "client/line/moment.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/measure/calendar_time.h"
#include "base/measure/time_reader.h"

/* A number and its unit. */
static int64_t span(struct time_reader *r) {
    int64_t count = time_reader_digits(r, 1, 9);
    if (time_reader_is(r, 'm')) {
        return count * (time_reader_is(r, 's') ? 1 : MS_PER_MINUTE);
    }
    int64_t unit = time_reader_is(r, 's')   ? MS_PER_SECOND
                   : time_reader_is(r, 'h') ? MS_PER_HOUR
                   : time_reader_is(r, 'd') ? MS_PER_DAY
                   : time_reader_is(r, 'w') ? 7 * MS_PER_DAY
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
    struct time_reader reader = {text, text + len, false};
    if (len == 3 && memcmp(text, "now", 3) == 0) {
        *ms = now_ms;
        return ERR_NONE;
    }
    if (all_digits(text, len)) {
        bool seconds = len == 9 || len == 10; /* from 1973 on; as ms they would be days of 1970 */
        *ms = time_reader_digits(&reader, 1, 18) * (seconds ? MS_PER_SECOND : 1);
    } else if (time_reader_is(&reader, '-')) {
        int64_t back = span(&reader);
        *ms = back > now_ms ? 0 : now_ms - back;
    } else {
        return calendar_time_read(text, len, ms) ? ERR_NONE : ERR_INVALID;
    }
    return time_reader_is_through(&reader) && *ms >= 0 ? ERR_NONE : ERR_INVALID;
}

int moment_span(const char *text, size_t len, int64_t *ms) {
    struct time_reader reader = {text, text + len, false};
    *ms = span(&reader);
    return time_reader_is_through(&reader) ? ERR_NONE : ERR_INVALID;
}
