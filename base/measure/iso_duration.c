/* Parts in their order, each at most once, days before the T and the others behind it. */
#include "base/measure/iso_duration.h"

#include <ctype.h>
#include <stddef.h>

enum { MS_MAX_DIGITS = 3 };
#define MS_MOST (INT64_MAX / 1000000) /* as many nanoseconds as Java's fit into a long */

static bool is_letter(char c, char wanted) {
    return toupper((unsigned char)c) == wanted;
}

/* Digits: a number that is small enough. */
static bool read_number(const char **at, int64_t *number) {
    if (!isdigit((unsigned char)**at)) return false;
    for (*number = 0; isdigit((unsigned char)**at); (*at)++) {
        *number = *number * 10 + (**at - '0');
        if (*number > MS_MOST) return false;
    }
    return true;
}

/* Of seconds, behind the point: up to nine digits, of which milliseconds count. */
static bool read_fraction(const char **at, int64_t *ms) {
    int digits = 0;
    *ms = 0;
    if (**at != '.' && **at != ',') return true;
    for ((*at)++; isdigit((unsigned char)**at); (*at)++, digits++)
        if (digits < MS_MAX_DIGITS) *ms = *ms * 10 + (**at - '0');
    for (int i = digits; i < MS_MAX_DIGITS; i++)
        *ms *= 10;
    return digits <= 9;
}

bool iso_duration_read(const char *text, int64_t *ms) {
    static const struct {
        char letter;
        int64_t ms;
    } units[] = {{'D', 86400000}, {'H', 3600000}, {'M', 60000}, {'S', 1000}};
    const char *at = text;
    bool timed = false;
    int64_t sum = 0;
    size_t unit = 0, parts = 0;
    if (!is_letter(*at++, 'P')) return false;
    while (*at != 0) {
        int64_t number, fraction;
        if (is_letter(*at, 'T') && !timed) {
            timed = true;
            if (unit == 0) unit = 1;
            at++;
            if (*at == 0) return false;
        }
        if (!read_number(&at, &number)) return false;
        bool pointed = *at == '.' || *at == ',';
        if (!read_fraction(&at, &fraction)) return false;
        while (unit < 4 && !is_letter(*at, units[unit].letter))
            unit++;
        if (unit == 4 || (unit > 0) != timed || (pointed && unit != 3)) return false;
        if (number > (MS_MOST - sum) / units[unit].ms) return false;
        sum += number * units[unit++].ms + fraction;
        parts++;
        at++;
    }
    *ms = sum;
    return parts > 0;
}
