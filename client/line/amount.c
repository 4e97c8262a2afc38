/* Three digits and a unit. */
#include "client/line/amount.h"

#include <math.h>
#include <stdio.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

static const char *scaled(double value, double step, const char *const *units, int count,
                          char into[AMOUNT_ROOM]) {
    int unit = 0;
    if (isnan(value) || value < 0) {
        return snprintf(into, AMOUNT_ROOM, "-"), into;
    }
    /* what would be rounded to the next unit is told in that */
    while (unit + 1 < count && value >= step - 0.5) {
        value /= step;
        unit++;
    }
    snprintf(into, AMOUNT_ROOM, "%.*f%s%s", unit > 0 && value < 100 ? 1 : 0, value,
             *units[unit] ? " " : "", units[unit]);
    return into;
}

const char *amount_bytes(double bytes, char into[AMOUNT_ROOM]) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    return scaled(bytes, 1024, units, 6, into);
}

const char *amount_count(double count, char into[AMOUNT_ROOM]) {
    static const char *const units[] = {"", "k", "M", "G", "T"};
    return scaled(count, 1000, units, 5, into);
}

const char *amount_time(double seconds, char into[AMOUNT_ROOM]) {
    static const struct {
        double above;
        int large, small;
        const char *large_unit, *small_unit;
    } forms[] = {
        {DAY, DAY, HOUR, "d", "h"}, {HOUR, HOUR, MINUTE, "h", "m"}, {MINUTE, MINUTE, 1, "m", "s"}};
    if (isnan(seconds) || seconds < 0) {
        return snprintf(into, AMOUNT_ROOM, "-"), into;
    }
    for (int i = 0; i < 3; i++) {
        long whole = (long)seconds;
        if (seconds >= forms[i].above) {
            snprintf(into, AMOUNT_ROOM, "%ld %s %ld %s", whole / forms[i].large,
                     forms[i].large_unit, whole % forms[i].large / forms[i].small,
                     forms[i].small_unit);
            return into;
        }
    }
    if (seconds == 0 || seconds >= 1) {
        snprintf(into, AMOUNT_ROOM, "%.0f s", seconds);
    } else {
        snprintf(into, AMOUNT_ROOM, "%.*f ms", seconds < 0.0995 ? 1 : 0, seconds * 1000);
    }
    return into;
}

double amount_most(double one, double other) {
    return isnan(one) || other > one ? other : one;
}
