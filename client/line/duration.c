/* Parsing a number and its unit. */
#include "client/line/duration.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

uint64_t duration_parse(const char *text) {
    enum { TEN_YEARS_S = 315360000 };
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"ms", 1}, {"s", 1e3}, {"", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}};
    size_t digits = strspn(text, "0123456789."), i = 0;
    char *end;
    double value = strtod(text, &end);
    if (digits == 0 || end != text + digits) {
        return 0; /* no sign, exponent, "inf" or hexadecimal */
    }
    while (i < COUNT(units) && strcmp(units[i].name, end) != 0) {
        i++;
    }
    double ms = i < COUNT(units) ? value * units[i].ms : 0;
    return ms >= 1 && ms <= TEN_YEARS_S * 1e3 ? (uint64_t)ms : 0;
}
