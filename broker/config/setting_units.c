/* The names, and what one of each is in milliseconds. */
#include "broker/config/setting_units.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };

/* In the order in which they hold. */
static const struct unit {
    const char *name, *of;
    int64_t ms;
} units[] = {
    {"log.retention.minutes", "log.retention.ms", MINUTE_MS},
    {"log.retention.hours", "log.retention.ms", HOUR_MS},
    {"log.roll.hours", "log.roll.ms", HOUR_MS},
    {"log.roll.jitter.hours", "log.roll.jitter.ms", HOUR_MS},
};

void setting_units_resolve(struct settings *values) {
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        const struct unit *unit = &units[i];
        struct error_text why;
        char ms[24], source[300];
        if (settings_is_default(values, unit->name) || !settings_is_default(values, unit->of))
            continue;
        int64_t count = settings_int(values, unit->name);
        snprintf(ms, sizeof ms, "%" PRId64, count < 0 ? -1 : count * unit->ms);
        snprintf(source, sizeof source, "%s, %s", unit->name, settings_source(values, unit->name));
        int error = settings_set(values, unit->of, ms, source, &why);
        CHECK(error == ERR_NONE); /* within the limits of the rows (test_setting_units) */
    }
}
