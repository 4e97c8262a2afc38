/* Sessions of brokers: who renews, and is fenced all the same. */
#include <string.h>

#include "broker/metadata/metadata_features.h"
#include "broker/metadata/metadata_group.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/unit.h"

enum { HEARTBEAT_MS = 50 };

/* One command, and what came of it. */
struct told {
    struct metadata_submit submit; /* first */
    bool done;
    int16_t error;
};

static struct told told;
static struct broker_node *leader, *other;
static uint64_t until_ms;

static void on_done(struct metadata_submit *submit, const struct metadata_result *result) {
    (void)submit;
    told.done = true;
    told.error = result->error;
}

static bool is_told(struct brokers *brokers) {
    (void)brokers;
    return told.done;
}

static const struct metadata_broker *row_of_other(void) {
    return metadata_broker_of(broker_services(leader->broker)->metadata, other->id);
}

static bool other_is_fenced(struct brokers *brokers) {
    (void)brokers;
    return row_of_other()->fenced;
}

static bool time_is_over(struct brokers *brokers) {
    assert_true(other_is_fenced(brokers));
    return env_now_ms(brokers->env) >= until_ms;
}

/* As a broker of some version would: `level` is what it knows of what is set. */
static int16_t registers(struct brokers *brokers, int16_t level) {
    const struct metadata_broker *row = row_of_other();
    struct command_feature features[16];
    struct metadata_change change = {.validate_only = false};
    size_t count;
    const struct metadata_feature *known = metadata_features_known(&count);
    assert_in_range(count, 1, sizeof features / sizeof features[0]);
    metadata_command_init(&change.command, COMMAND_REGISTER_BROKER);
    struct command_register_broker *command = &change.command.register_broker;
    command->node = other->id;
    memcpy(command->directory.bytes, row->directory, sizeof row->directory);
    command->rack = kp_string_of("");
    command->features.items = features;
    for (size_t i = 0; i < count; i++)
        features[command->features.count++] = (struct command_feature){
            .name = kp_string_of(known[i].name),
            .max = level < known[i].max ? level : known[i].max};
    told = (struct told){.submit.done = on_done};
    told.submit.group = broker_services(leader->broker)->metadata_group;
    metadata_group_submit(told.submit.group, &told.submit, &change, 10000);
    brokers_until(brokers, is_told);
    return told.error;
}

/* A broker that was put back to a version that cannot register is fenced, although its process
 * renews the session; so it gets no replicas. One that registers is not. */
static void test_session_of_an_older_version(void **state) {
    struct brokers *brokers = *state;
    static const char *const pairs[] = {"broker.heartbeat.interval.ms=50",
                                        "broker.session.timeout.ms=5000", NULL};
    brokers_start(brokers, 3, pairs);
    brokers_until(brokers, brokers_are_settled);
    leader = brokers_metadata_leader(brokers);
    other = &brokers->nodes[leader->id % 3];
    assert_int_equal(registers(brokers, 0), KAFKA_UNSUPPORTED_VERSION);
    brokers_until(brokers, other_is_fenced);
    until_ms = env_now_ms(brokers->env) + (uint64_t)10 * HEARTBEAT_MS; /* it renews, and renews */
    brokers_until(brokers, time_is_over);
    assert_int_equal(brokers_create_topic(leader, "three", 1, 3, NULL),
                     KAFKA_INVALID_REPLICATION_FACTOR);
    assert_int_equal(registers(brokers, INT16_MAX), KAFKA_NONE);
    assert_false(row_of_other()->fenced);
    assert_int_equal(brokers_create_topic(leader, "three", 1, 3, NULL), KAFKA_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
        test_session_of_an_older_version, brokers_setup, brokers_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
