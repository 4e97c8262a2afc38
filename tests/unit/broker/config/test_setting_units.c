/* Times that may be set in minutes or hours. */
#include <string.h>

#include "broker/config/broker_settings.h"
#include "broker/config/setting_units.h"
#include "tests/unit/unit.h"

struct given {
    const char *sets[3];
    const char *name, *value, *source; /* NULL: the default */
};

/* What is set in milliseconds holds; else minutes, else hours; -1 is no limit in each of them, and
 * the largest values fit. */
static void test_setting_units_precedence(void **state) {
    (void)state;
    static const struct given cases[] = {
        {{NULL}, "log.retention.ms", "604800000", NULL},
        {{"log.retention.hours=2"}, "log.retention.ms", "7200000", "log.retention.hours, --set"},
        {{"log.retention.hours=2", "log.retention.minutes=3"},
         "log.retention.ms",
         "180000",
         "log.retention.minutes, --set"},
        {{"log.retention.hours=2", "log.retention.minutes=3", "log.retention.ms=4"},
         "log.retention.ms",
         "4",
         "--set"},
        {{"log.retention.hours=-1"}, "log.retention.ms", "-1", "log.retention.hours, --set"},
        {{"log.retention.minutes=-1", "log.retention.hours=5"},
         "log.retention.ms",
         "-1",
         "log.retention.minutes, --set"},
        {{"log.retention.hours=2147483647"},
         "log.retention.ms",
         "7730941129200000",
         "log.retention.hours, --set"},
        {{"log.roll.hours=1"}, "log.roll.ms", "3600000", "log.roll.hours, --set"},
        {{"log.roll.jitter.hours=0"}, "log.roll.jitter.ms", "0", "log.roll.jitter.hours, --set"},
        {{"log.roll.hours=2147483647"}, "log.roll.ms", "7730941129200000", "log.roll.hours, --set"},
    };
    size_t count;
    const struct setting *table = broker_settings_table(&count);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings *values = settings_new(table, count);
        struct error_text why;
        for (size_t k = 0; k < 3 && cases[i].sets[k] != NULL; k++)
            assert_int_equal(settings_set_pair(values, cases[i].sets[k], &why), ERR_NONE);
        setting_units_resolve(values);
        assert_string_equal(settings_text(values, cases[i].name), cases[i].value);
        const char *source = settings_source(values, cases[i].name);
        assert_int_equal(source == NULL, cases[i].source == NULL);
        if (source != NULL) assert_string_equal(source, cases[i].source);
        settings_free(values);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_setting_units_precedence)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
