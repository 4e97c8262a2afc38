/* One whole broker that looks again and again for records that are too old. */
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "tests/unit/broker/fixture_data_asks.h"
#include "tests/unit/unit.h"

#define OFTEN "log.retention.check.interval.ms=5"

enum { PARTITIONS = 3, RECORDS = 5, TURN_MS = 5 };

static struct one_broker *start(void **state, const char *retention, const char *interval) {
    struct one_broker *one = *state;
    struct error_text why;
    assert_int_equal(settings_set_pair(one->values, interval, &why), 0);
    assert_int_equal(settings_set_pair(one->values, retention, &why), 0);
    one_broker_start(one);
    one_broker_create(one, "t", PARTITIONS);
    for (int32_t p = 0; p < PARTITIONS; p++)
        produce_one(one, "t", p, RECORDS, 100);
    return one;
}

static int64_t earliest(struct one_broker *one, int32_t partition) {
    return offset_at(one, -2, 1, partition).offset;
}

static void delete_topic(struct one_broker *one, const char *name) {
    struct kp_delete_topics_request request;
    struct kp_delete_topics_response response;
    struct kp_string names = kp_string_of(name);
    kp_set_fallbacks(&kp_delete_topics_request_schema, &request);
    request.topic_names.items = &names;
    request.topic_names.count = 1;
    request.timeout_ms = 5000;
    assert_true(one_broker_ask(one, KP_DELETE_TOPICS, 3, &request, &response));
    assert_int_equal(response.responses.items[0].error_code, 0);
}

static void all_goes(struct one_broker *one) {
    for (int32_t p = 0; p < PARTITIONS; p++) {
        for (int turns = 0; turns < 1000 && earliest(one, p) < RECORDS; turns++)
            one_broker_has_answer(one, TURN_MS);
        assert_int_equal(earliest(one, p), RECORDS);
        assert_int_equal(offset_at(one, -1, 1, p).offset, RECORDS);
    }
}

/* All partitions are looked at, while others come and go; what they took is given back. */
static void test_retention_walks(void **state) {
    struct one_broker *one = start(state, "log.retention.ms=1000", OFTEN);
    for (int round = 0; round < 5; round++) {
        one_broker_create(one, "comes-and-goes", PARTITIONS);
        one_broker_has_answer(one, TURN_MS);
        delete_topic(one, "comes-and-goes");
    }
    all_goes(one);
}

static void set_retention(struct one_broker *one, const char *ms) {
    struct kp_incremental_alter_configs_request request;
    struct kp_incremental_alter_configs_response response;
    struct kp_incremental_alter_configs_request_resource topic;
    struct kp_incremental_alter_configs_request_config config;
    kp_set_fallbacks(&kp_incremental_alter_configs_request_schema, &request);
    kp_set_fallbacks(&kp_incremental_alter_configs_request_resource_schema, &topic);
    kp_set_fallbacks(&kp_incremental_alter_configs_request_config_schema, &config);
    config.name = kp_string_of("retention.ms");
    config.value = kp_string_of(ms);
    topic.resource_type = 2;
    topic.resource_name = kp_string_of("t");
    topic.configs.items = &config;
    topic.configs.count = 1;
    request.resources.items = &topic;
    request.resources.count = 1;
    assert_true(one_broker_ask(one, KP_INCREMENTAL_ALTER_CONFIGS, 1, &request, &response));
    assert_int_equal(response.responses.items[0].error_code, 0);
}

/* When less may stay it is looked at once, not when it is time. */
static void test_retention_that_is_lowered(void **state) {
    struct one_broker *one = start(state, "log.retention.ms=-1",
                                   "log.retention.check.interval.ms=3600000");
    one_broker_has_answer(one, TURN_MS);
    for (int32_t p = 0; p < PARTITIONS; p++)
        assert_int_equal(earliest(one, p), 0);
    set_retention(one, "1000");
    all_goes(one);
}

/* Without a limit all stays, however often it is looked. */
static void test_retention_without_a_limit(void **state) {
    struct one_broker *one = start(state, "log.retention.ms=-1", OFTEN);
    one_broker_has_answer(one, 20 * TURN_MS);
    for (int32_t p = 0; p < PARTITIONS; p++)
        assert_int_equal(earliest(one, p), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_retention_walks),
        TEST(test_retention_that_is_lowered),
        TEST(test_retention_without_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
