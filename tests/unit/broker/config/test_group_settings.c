/* The settings of groups: all of Kafka's, their limits, and what holds when these move. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/config/group_settings.h"
#include "tests/unit/unit.h"

struct fixture {
    struct settings *values;
    struct broker_settings settings;
    struct error_text why;
};

static int setup(void **state) {
    static struct fixture fixture;
    size_t count;
    const struct setting *table = broker_settings_table(&count);
    fixture.values = settings_new(table, count);
    *state = &fixture;
    return broker_settings_from(fixture.values, &fixture.settings, &fixture.why);
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    settings_free(fixture->values);
    return 0;
}

static void with(struct fixture *f, const char *pair) {
    assert_int_equal(settings_set_pair(f->values, pair, &f->why), ERR_NONE);
    assert_int_equal(broker_settings_from(f->values, &f->settings, &f->why), ERR_NONE);
}

static void refused(struct fixture *f, const char *name, const char *value, const char *part) {
    assert_int_not_equal(group_settings_check(&f->settings, name, value, &f->why), ERR_NONE);
    if (strstr(f->why.text, part) == NULL) fail_msg("\"%s\" is not in: %s", part, f->why.text);
}

/* The limits are the broker's; what belongs to kinds of groups that are not there is what it is. */
static void test_group_settings_check(void **state) {
    struct fixture *f = *state;
    assert_int_equal(
        group_settings_check(&f->settings, "consumer.session.timeout.ms", "60000", &f->why),
        ERR_NONE);
    refused(f, "consumer.session.timeout.ms", "60001",
            "45000 to 60000 (group.consumer.min.session.timeout.ms, "
            "group.consumer.max.session.timeout.ms)");
    refused(f, "consumer.session.timeout.ms", "44999", "44999 is not possible");
    refused(f, "consumer.heartbeat.interval.ms", "soon", "soon");
    refused(f, "consumer.assignment.interval.ms", "15001", "0 to 15000");
    refused(f, "consumer.session.timeout", "50000", "did you mean consumer.session.timeout.ms?");
    refused(f, "share.isolation.level", "sometimes", "read_committed");
    refused(f, "share.auto.offset.reset", "by_duration:PT-1H", "by_duration:PT24H");
    refused(f, "share.auto.offset.reset", "none", "latest, earliest");
    assert_int_equal(
        group_settings_check(&f->settings, "share.auto.offset.reset", "by_duration:P7D", &f->why),
        ERR_NONE);
    refused(f, "streams.num.standby.replicas", "1", "Kafka Streams works with its classic one");
    assert_int_equal(
        group_settings_check(&f->settings, "share.auto.offset.reset", "latest", &f->why), ERR_NONE);
    with(f, "group.consumer.max.session.timeout.ms=100000");
    assert_int_equal(
        group_settings_check(&f->settings, "consumer.session.timeout.ms", "60001", &f->why),
        ERR_NONE);
}

/* What is set, between the limits of today; else the broker's. */
static void test_group_settings_timing(void **state) {
    struct fixture *f = *state;
    struct config_pair pairs[] = {{"consumer.session.timeout.ms", "60000"},
                                  {"consumer.assignment.interval.ms", "0"}};
    struct config_set set = {pairs, 2};
    struct group_timing timing = group_settings_timing(&f->settings, NULL);
    assert_int_equal(timing.session_timeout_ms, 45000);
    assert_int_equal(timing.heartbeat_interval_ms, 5000);
    assert_int_equal(timing.assignment_interval_ms, 1000);
    timing = group_settings_timing(&f->settings, &set);
    assert_int_equal(timing.session_timeout_ms, 60000);
    assert_int_equal(timing.heartbeat_interval_ms, 5000);
    assert_int_equal(timing.assignment_interval_ms, 0);
    with(f, "group.consumer.max.session.timeout.ms=50000");
    with(f, "group.consumer.min.assignment.interval.ms=10");
    timing = group_settings_timing(&f->settings, &set);
    assert_int_equal(timing.session_timeout_ms, 50000);
    assert_int_equal(timing.assignment_interval_ms, 10);
}

/* A session has room for a heartbeat, also if only one of the two is set. */
static void test_group_settings_go_together(void **state) {
    struct fixture *f = *state;
    with(f, "group.consumer.min.session.timeout.ms=1000");
    with(f, "group.consumer.max.heartbeat.interval.ms=45000");
    struct config_pair pairs[] = {{"consumer.session.timeout.ms", "5000"},
                                  {"consumer.heartbeat.interval.ms", "5000"}};
    struct config_set both = {pairs, 2}, session = {pairs, 1}, heartbeat = {pairs + 1, 1};
    assert_int_equal(group_settings_check_set(&f->settings, &both, &f->why), ERR_INVALID);
    assert_non_null(strstr(f->why.text, "consumer.heartbeat.interval.ms=5000 is not less than "
                                        "consumer.session.timeout.ms=5000"));
    assert_int_equal(group_settings_check_set(&f->settings, &session, &f->why), ERR_INVALID);
    assert_int_equal(group_settings_check_set(&f->settings, &heartbeat, &f->why), ERR_NONE);
    pairs[0].value = "5001";
    assert_int_equal(group_settings_check_set(&f->settings, &both, &f->why), ERR_NONE);
}

/* The longest wait of a record is not below its first, also where only one of them is set. */
static void test_group_settings_longest_wait(void **state) {
    static const struct {
        const char *base_ms, *max_ms, *part; /* NULL: not set; it is possible */
    } cases[] = {
        {"1000", "999", "share.retry.backoff.ms=1000 is more than share.retry.backoff.max.ms=999:"},
        {"1000", "1000", NULL},
        {"600001", NULL, "share.retry.backoff.max.ms=600000, the default:"},
        {"600000", NULL, NULL},
        {NULL, "0", NULL},
        {"0", "0", NULL},
        {"1", "0", "share.retry.backoff.max.ms=0:"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct config_pair pairs[2];
        struct config_set set = {pairs, 0};
        if (cases[i].base_ms != NULL)
            pairs[set.count++] = (struct config_pair){"share.retry.backoff.ms", cases[i].base_ms};
        if (cases[i].max_ms != NULL)
            pairs[set.count++] = (struct config_pair){"share.retry.backoff.max.ms",
                                                      cases[i].max_ms};
        assert_int_equal(group_settings_check_set(&f->settings, &set, &f->why),
                         cases[i].part == NULL ? ERR_NONE : ERR_INVALID);
        if (cases[i].part != NULL) assert_non_null(strstr(f->why.text, cases[i].part));
    }
}

/* share.order, share.retry.*, and the two of dead letters, which Kafka has from 4.4 on. */
enum { OURS = 6 };

static void check_kafka_setting(const struct group_setting *found, const char *type,
                                const char *synonym, const char *fallback) {
    bool is_number = strcmp(type, "INT") == 0, is_switch = strcmp(type, "BOOLEAN") == 0;
    assert_int_equal(found->row.type == SETTING_INT, is_number);
    assert_int_equal(found->row.type == SETTING_BOOL, is_switch);
    if (is_number) assert_true(found->row.max <= INT32_MAX);
    assert_string_equal(found->row.fallback, fallback);
    const char *ours = found->broker_setting != NULL ? found->broker_setting : found->synonym;
    assert_string_equal(ours == NULL ? "-" : ours, synonym);
}

/* Of the repository: DRAVE_ROOT, or the folder that the test runs in. */
static FILE *open_file(const char *name) {
    const char *root = getenv("DRAVE_ROOT");
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root == NULL ? "." : root, name);
    return fopen(path, "re");
}

/* The table has each group setting of Kafka with its type, default and broker's name, and no
 * other. */
static void test_group_settings_are_all_of_kafkas(void **state) {
    (void)state;
    size_t rows, found = 0;
    const struct group_setting *table = group_settings_table(&rows);
    FILE *file = open_file("tests/golden/kafka_settings.txt");
    assert_non_null(file);
    char kind[16], name[128], type[16], synonym[256], fallback[256];
    while (fscanf(file, "%15s %127s %15s %255s %255[^\n]", kind, name, type, synonym, fallback) ==
           5) {
        if (strcmp(kind, "group") != 0) continue;
        int place = setting_table_find(group_settings_rows(), name);
        if (place < 0) fail_msg("Kafka's group setting %s is not in group_settings.c", name);
        check_kafka_setting(&table[place], type, synonym, fallback);
        found++;
    }
    fclose(file);
    assert_int_equal(found + OURS, rows);
}

/* Each is bounded by settings that the broker has, and has the broker's default, but for those of
 * share groups, of which brokers have none. */
static void test_group_settings_and_the_brokers(void **state) {
    struct fixture *f = *state;
    size_t rows;
    const struct group_setting *table = group_settings_table(&rows);
    for (size_t i = 0; i < rows; i++) {
        if (table[i].broker_setting == NULL) {
            assert_true(table[i].row.fixed || strncmp(table[i].row.name, "share.", 6) == 0 ||
                        strncmp(table[i].row.name, "errors.deadletterqueue.", 23) == 0);
            continue;
        }
        assert_string_equal(settings_text(f->values, table[i].broker_setting),
                            table[i].row.fallback);
        assert_true(settings_int(f->values, table[i].least) <=
                    settings_int(f->values, table[i].most));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_group_settings_check),           TEST(test_group_settings_timing),
        TEST(test_group_settings_go_together),     TEST(test_group_settings_are_all_of_kafkas),
        TEST(test_group_settings_and_the_brokers), TEST(test_group_settings_longest_wait),
    };
    return cmocka_run_group_tests_name("group_settings", tests, NULL, NULL);
}
