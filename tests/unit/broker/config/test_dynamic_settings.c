/* Settings that change while a broker runs: which, and what holds of what is set. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "broker/config/dynamic_settings.h"
#include "tests/unit/unit.h"

struct fixture {
    struct settings *values;
    struct broker_settings settings;
    struct dynamic_settings *dynamic;
    char said[1000]; /* all that was warned of, with blanks */
};

static int setup(void **state) {
    struct fixture *fixture = mem_zalloc(sizeof *fixture);
    size_t count;
    const struct setting *table = broker_settings_table(&count);
    struct error_text why;
    fixture->values = settings_new(table, count);
    assert_int_equal(settings_set_pair(fixture->values, "num.partitions=4", &why), ERR_NONE);
    assert_int_equal(broker_settings_from(fixture->values, &fixture->settings, &why), ERR_NONE);
    fixture->settings.segment_files = 77;
    fixture->settings.open_files = 1000;
    fixture->settings.connections_most = 20000;
    fixture->dynamic = dynamic_settings_new(&fixture->settings);
    *state = fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    dynamic_settings_free(fixture->dynamic);
    settings_free(fixture->values);
    mem_free(fixture);
    return 0;
}

static void warn(void *arg, const char *sentence) {
    struct fixture *fixture = arg;
    size_t used = strlen(fixture->said);
    snprintf(fixture->said + used, sizeof fixture->said - used, "%s ", sentence);
}

/* With so many pairs for all, and for one, in this order. */
static bool follow(struct fixture *fixture, const struct config_pair *pairs, size_t of_all,
                   size_t of_broker) {
    struct config_set all = {pairs, of_all}, own = {pairs + of_all, of_broker};
    fixture->said[0] = '\0';
    return dynamic_settings_follow(fixture->dynamic, of_all == 0 ? NULL : &all,
                                   of_broker == 0 ? NULL : &own, warn, fixture);
}

/* Each is a setting of brokers, is there once, and what identifies a broker is not among them. */
static void test_dynamic_settings_table(void **state) {
    (void)state;
    size_t n;
    const struct dynamic_setting *table = dynamic_settings_table(&n);
    static const char *const never[] = {"node.id", "data.dir", "broker.rack", "cluster.nodes",
                                        "listeners"};
    for (size_t i = 0; i < n; i++) {
        assert_true(setting_table_find(broker_settings_rows(), table[i].name) >= 0);
        assert_ptr_equal(dynamic_settings_find(table[i].name), &table[i]);
    }
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        assert_null(dynamic_settings_find(never[i]));
}

/* Kafka's that need a restart here. */
static const char *const later[] = {"listeners",
                                    "listener.security.protocol.map",
                                    "ssl.client.auth",
                                    "log.index.interval.bytes",
                                    "sasl.enabled.mechanisms",
                                    "ssl.cipher.suites",
                                    "ssl.enabled.protocols",
                                    "ssl.endpoint.identification.algorithm",
                                    "ssl.key.password",
                                    "ssl.keystore.location",
                                    "ssl.keystore.password",
                                    "ssl.keystore.type",
                                    "ssl.truststore.location",
                                    "ssl.truststore.password",
                                    "ssl.truststore.type"};

static bool is_later(const char *name) {
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
        if (strcmp(later[i], name) == 0) return true;
    return false;
}

/* From wherever this is run: this program is build/PRESET/bin/NAME. */
static FILE *open_kafka_settings(void) {
    char path[4096], golden[4200];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    assert_true(len > 0);
    path[len] = '\0';
    for (int up = 0; up < 4; up++)
        *strrchr(path, '/') = '\0';
    snprintf(golden, sizeof golden, "%s/tests/golden/kafka_settings.txt", path);
    return fopen(golden, "re");
}

/* What Kafka may change while it runs (tests/golden/kafka_settings.txt) may change here, has the
 * sentence that says why it is not there, or is one of the few above. */
static void test_dynamic_settings_are_all_of_kafkas(void **state) {
    (void)state;
    size_t absent_count, seen = 0, found_later = 0;
    const struct setting_absent *absent = broker_settings_absent(&absent_count);
    FILE *file = open_kafka_settings();
    assert_non_null(file);
    char kind[16], name[128];
    while (fscanf(file, "%15s %127s%*[^\n]", kind, name) == 2) {
        if (strcmp(kind, "dynamic") != 0) continue;
        bool absent_here = setting_absent_why(absent, absent_count, name) != NULL;
        bool dynamic = dynamic_settings_find(name) != NULL;
        seen++;
        found_later += is_later(name);
        if (absent_here + dynamic + is_later(name) != 1)
            fail_msg("Kafka may change %s while it runs, and here it %s", name,
                     dynamic ? "is told of twice" : "needs a restart");
    }
    fclose(file);
    assert_true(seen > 90);
    assert_int_equal(found_later, sizeof later / sizeof later[0]);
}

/* The typed values follow in place; what is taken back is the file's again; what a start found out
 * is carried over. */
static void test_dynamic_settings_follow(void **state) {
    struct fixture *fixture = *state;
    const struct broker_settings *now = dynamic_settings_now(fixture->dynamic);
    const char *dir = now->data_dir;
    static const struct config_pair pairs[] = {
        {"num.partitions", "5"}, {"max.connections", "15000"}, {"num.partitions", "6"}};
    assert_false(follow(fixture, pairs, 0, 0));
    assert_true(follow(fixture, pairs, 2, 1));
    assert_int_equal(now->num_partitions, 6);
    assert_int_equal(now->max_connections, 15000);
    assert_int_equal(now->few_files, 0);
    assert_int_equal(now->segment_files, 77);
    assert_ptr_equal(now->data_dir, dir);
    assert_false(follow(fixture, pairs, 2, 1));
    assert_true(follow(fixture, pairs, 2, 0));
    assert_int_equal(now->num_partitions, 5);
    assert_true(follow(fixture, pairs, 0, 0));
    assert_int_equal(now->num_partitions, 4);
    assert_string_equal(settings_text(now->values, "num.partitions"), "4");
    assert_string_equal(fixture->said, "");
    assert_int_equal(fixture->settings.num_partitions, 4);
}

/* More connections than the open files leave room for are not promised. */
static void test_dynamic_settings_within_the_files(void **state) {
    struct fixture *fixture = *state;
    const struct broker_settings *now = dynamic_settings_now(fixture->dynamic);
    static const struct config_pair pairs[] = {{"max.connections", "30000"}};
    assert_true(follow(fixture, pairs, 1, 0));
    assert_int_equal(now->max_connections, 20000);
    assert_int_equal(now->few_files, 1000);
}

/* What this version does not know, or cannot have, is left out, each by itself, and said. */
static void test_dynamic_settings_of_other_versions(void **state) {
    struct fixture *fixture = *state;
    const struct broker_settings *now = dynamic_settings_now(fixture->dynamic);
    static const struct config_pair pairs[] = {{"of.tomorrow", "1"},
                                               {"num.partitions", "many"},
                                               {"node.id", "9"},
                                               {"fetch.max.bytes", "2048"}};
    assert_true(follow(fixture, pairs, 4, 0));
    assert_int_equal(now->fetch_max_bytes, 2048);
    assert_int_equal(now->num_partitions, 4);
    assert_int_equal(now->node_id, 1);
    assert_non_null(
        strstr(fixture->said, "of.tomorrow=1, set for all brokers, does not hold here"));
    assert_non_null(strstr(fixture->said, "num.partitions=many"));
    assert_non_null(strstr(fixture->said, "node.id=9"));
}

/* What contradicts the file is left out as a whole; the other set holds. The outcome does not
 * depend on what held before. */
static void test_dynamic_settings_that_contradict(void **state) {
    struct fixture *fixture = *state;
    const struct broker_settings *now = dynamic_settings_now(fixture->dynamic);
    static const struct config_pair bad_for_all[] = {{"group.min.session.timeout.ms", "2000000"},
                                                     {"num.partitions", "5"},
                                                     {"fetch.max.bytes", "2048"}},
                                    bad_for_one[] = {{"fetch.max.bytes", "2048"},
                                                     {"num.partitions", "5"},
                                                     {"group.max.session.timeout.ms", "2"}},
                                    bad_for_both[] = {{"group.min.session.timeout.ms", "2000000"},
                                                      {"group.max.session.timeout.ms", "2"}};
    assert_true(follow(fixture, bad_for_all, 2, 1));
    assert_int_equal(now->num_partitions, 4);
    assert_int_equal(now->fetch_max_bytes, 2048);
    assert_non_null(strstr(fixture->said, "what is set for all brokers does not fit"));
    assert_true(follow(fixture, bad_for_one, 1, 2));
    assert_int_equal(now->num_partitions, 4);
    assert_int_equal(now->fetch_max_bytes, 2048);
    assert_non_null(strstr(fixture->said, "what is set for this broker does not fit"));
    assert_true(follow(fixture, bad_for_both, 1, 1));
    assert_int_equal(now->group_max_session_timeout_ms, 1800000);
    assert_non_null(strstr(fixture->said, "for all brokers and for this one does not fit"));
    assert_false(follow(fixture, bad_for_both, 0, 0));
}

/* The same sentences are found before anything is set. */
static void test_dynamic_settings_checks(void **state) {
    struct fixture *fixture = *state;
    struct error_text why;
    static const struct config_pair bad[] = {{"group.min.session.timeout.ms", "2000000"}},
                                    good[] = {{"group.min.session.timeout.ms", "7000"}};
    assert_int_equal(dynamic_settings_check(LAYER_BROKER, "num.partitions", "5", &why), ERR_NONE);
    assert_int_equal(dynamic_settings_check(LAYER_BROKER, "num.partitions", "0", &why),
                     ERR_INVALID);
    assert_int_equal(dynamic_settings_check(LAYER_BROKER, "node.id", "5", &why), ERR_DENIED);
    assert_int_equal(dynamic_settings_check(LAYER_BROKER, "num.io.threads", "5", &why),
                     ERR_NOT_FOUND);
    assert_int_equal(dynamic_settings_check_set(&fixture->settings, LAYER_ALL_BROKERS,
                                                &(struct config_set){bad, 1}, &why),
                     ERR_INVALID);
    assert_non_null(strstr(why.text, "more than group.max.session.timeout.ms"));
    assert_int_equal(dynamic_settings_check_set(&fixture->settings, LAYER_BROKER,
                                                &(struct config_set){good, 1}, &why),
                     ERR_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_dynamic_settings_table),
        TEST(test_dynamic_settings_are_all_of_kafkas),
        TEST(test_dynamic_settings_follow),
        TEST(test_dynamic_settings_within_the_files),
        TEST(test_dynamic_settings_of_other_versions),
        TEST(test_dynamic_settings_that_contradict),
        TEST(test_dynamic_settings_checks),
    };
    return cmocka_run_group_tests_name("dynamic_settings", tests, NULL, NULL);
}
