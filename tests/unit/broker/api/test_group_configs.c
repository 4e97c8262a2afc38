/* Settings of groups: set, deleted and replaced at any broker, shown by all, listed; what is
 * refused; and two changes at once, of which none is lost. */
#include <stdio.h>
#include <string.h>

#include "protocol/kafka_error.h"
#include "protocol/messages/alter_configs.h"
#include "protocol/messages/list_config_resources.h"
#include "tests/unit/broker/fixture_configs.h"
#include "tests/unit/unit.h"

enum { GROUP = CONFIG_RESOURCE_GROUP, OWN = 8, FALLBACK = 5, SET = 0, DELETE = 1, APPEND = 2 };

#define SESSION "consumer.session.timeout.ms"
#define BEAT "consumer.heartbeat.interval.ms"
#define RETRY "share.retry.backoff.ms"
#define RETRY_MAX "share.retry.backoff.max.ms"

static struct broker_node *start(void **state, int count) {
    struct brokers *brokers = *state;
    brokers_start(brokers, count, NULL);
    return &brokers->nodes[0];
}

/* The names of the groups for which something is set, with blanks. */
static void assert_listed(struct broker_node *node, const char *names) {
    int8_t type = GROUP;
    char found[256] = "";
    struct kp_list_config_resources_request request = {.resource_types = {&type, 1}};
    struct kp_list_config_resources_response response;
    brokers_ask(node, KP_LIST_CONFIG_RESOURCES, 1, &request, &response);
    for (int32_t i = 0; i < response.config_resources.count; i++) {
        const struct kp_list_config_resources_response_resource *row =
            &response.config_resources.items[i];
        assert_int_equal(row->resource_type, GROUP);
        snprintf(found + strlen(found), sizeof found - strlen(found), "%.*s ",
                 (int)row->resource_name.len, row->resource_name.data);
    }
    assert_string_equal(found, names);
}

/* Set at one broker, shown by all when it is answered; the group need not exist. */
static void test_group_configs_anywhere(void **state) {
    struct broker_node *nodes = start(state, 3);
    assert_config_is(&nodes[0], GROUP, "g", SESSION, "45000", FALLBACK);
    assert_listed(&nodes[0], "");
    config_set(&nodes[1], GROUP, "g", SESSION, "50000");
    config_set(&nodes[1], GROUP, "other group", BEAT, "6000");
    assert_config_is(&nodes[1], GROUP, "g", SESSION, "50000", OWN);
    assert_config_is(&nodes[1], GROUP, "g", BEAT, "5000", FALLBACK);
    assert_listed(&nodes[1], "g other group ");
    assert_int_equal(config_alter(&nodes[2], GROUP, "g", SESSION, DELETE, NULL, false).error_code,
                     0);
    assert_config_is(&nodes[2], GROUP, "g", SESSION, "45000", FALLBACK);
    assert_listed(&nodes[2], "other group ");
    assert_int_equal(config_alter(&nodes[0], GROUP, "g", BEAT, SET, "6000", true).error_code, 0);
    assert_listed(&nodes[0], "other group ");
}

/* The value that holds, and those behind it: Kafka's names, sources and types. */
static void test_group_configs_synonyms(void **state) {
    struct broker_node *node = start(state, 1);
    config_set(node, GROUP, "g", SESSION, "50000");
    struct kp_describe_configs_response_config config = config_describe(node, GROUP, "g", SESSION);
    assert_int_equal(config.config_type, 3);
    assert_false(config.read_only);
    assert_int_equal(config.synonyms.count, 2);
    assert_true(kp_string_is(config.synonyms.items[0].name, SESSION));
    assert_int_equal(config.synonyms.items[0].source, OWN);
    assert_true(kp_string_is(config.synonyms.items[1].name, "group." SESSION));
    assert_true(kp_string_is(config.synonyms.items[1].value, "45000"));
    assert_int_equal(config.synonyms.items[1].source, FALLBACK);
    config = config_describe(node, GROUP, "g", "share.session.timeout.ms");
    assert_true(kp_string_is(config.synonyms.items[0].name, "group.share.session.timeout.ms"));
    config = config_describe(node, GROUP, "g", "share.isolation.level");
    assert_int_equal(config.config_type, 2);
    assert_true(kp_string_is(config.synonyms.items[0].name, "share.isolation.level"));
}

/* What is not possible changes nothing. */
static void test_group_configs_refused(void **state) {
    struct broker_node *node = start(state, 1);
    static const struct {
        const char *group, *name, *value;
        int8_t op;
        int16_t error;
        const char *part;
    } cases[] = {
        {"", SESSION, "50000", SET, KAFKA_INVALID_REQUEST, "Default group resources"},
        {"g", SESSION, "70000", SET, KAFKA_INVALID_CONFIG, "45000 to 60000"},
        {"g", SESSION, "x", SET, KAFKA_INVALID_CONFIG, "x"},
        {"g", SESSION, NULL, SET, KAFKA_INVALID_REQUEST, "no value"},
        {"g", SESSION, "50000", APPEND, KAFKA_INVALID_CONFIG, "no list"},
        {"g", SESSION, "50000", 9, KAFKA_INVALID_REQUEST, "operation 9"},
        {"g", "session.timeout.ms", "50000", SET, KAFKA_INVALID_CONFIG, "Unknown group config"},
        {"g", "share.isolation.level", "sometimes", SET, KAFKA_INVALID_CONFIG, "read_committed"},
        {"g", "share.auto.offset.reset", "by_duration:1h", SET, KAFKA_INVALID_CONFIG, "P7D"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kp_incremental_alter_configs_response_resource result = config_alter(
            node, GROUP, cases[i].group, cases[i].name, cases[i].op, cases[i].value, false);
        assert_int_equal(result.error_code, cases[i].error);
        assert_non_null(strstr(result.error_message.data, cases[i].part));
    }
    assert_listed(node, "");
}

static bool all_answered(struct brokers *brokers) {
    return brokers_missing(brokers) == 0;
}

/* Each is possible by itself, and both are not: the second of two that come at once starts from
 * what the first leaves. */
static void test_group_configs_go_together(void **state) {
    struct brokers *brokers = *state;
    static struct config_ask session, beat;
    brokers_start(brokers, 3,
                  (const char *const[]){"group.consumer.min.session.timeout.ms=1000",
                                        "group.consumer.max.heartbeat.interval.ms=45000", NULL});
    for (int round = 0; round < 10; round++) {
        char group[16];
        snprintf(group, sizeof group, "g%d", round);
        struct broker_node *node = &brokers->nodes[round % 3];
        config_ask_later(&session, node, GROUP, group, SESSION, SET, "7000");
        config_ask_later(&beat, node, GROUP, group, BEAT, SET, "7000");
        brokers_until(brokers, all_answered);
        const struct kp_incremental_alter_configs_response_resource
            *one = &session.response.responses.items[0],
            *other = &beat.response.responses.items[0];
        assert_int_equal(one->error_code + other->error_code, KAFKA_INVALID_CONFIG);
        assert_non_null(
            strstr((one->error_code != 0 ? one : other)->error_message.data, "not less than"));
    }
}

/* Many changes of one group at three brokers at once: each is there in the end. */
static void test_group_configs_at_once(void **state) {
    struct broker_node *nodes = start(state, 3);
    static const char *const names[] = {SESSION, BEAT, "consumer.assignment.interval.ms"};
    static const char *const values[] = {"51000", "6000", "2000"};
    static struct config_ask asks[3];
    for (int i = 0; i < 3; i++)
        config_ask_later(&asks[i], &nodes[i], GROUP, "g", names[i], SET, values[i]);
    brokers_until(nodes[0].brokers, all_answered);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(asks[i].response.responses.items[0].error_code, 0);
        config_set(&nodes[0], GROUP, "h", names[i], values[i]); /* this broker has them all now */
    }
    for (int i = 0; i < 3; i++)
        assert_config_is(&nodes[0], GROUP, "g", names[i], values[i], OWN);
}

/* AlterConfigs: what is left out is the broker's again. */
static void test_group_configs_replaced(void **state) {
    struct broker_node *node = start(state, 1);
    config_set(node, GROUP, "g", SESSION, "50000");
    struct kp_alter_configs_request_config config = {kp_string_of(BEAT), kp_string_of("6000")};
    struct kp_alter_configs_request_resource row = {.resource_type = GROUP,
                                                    .resource_name = kp_string_of("g")};
    struct kp_alter_configs_request request = {0};
    struct kp_alter_configs_response response;
    row.configs.items = &config;
    row.configs.count = 1;
    request.resources.items = &row;
    request.resources.count = 1;
    brokers_ask(node, KP_ALTER_CONFIGS, 2, &request, &response);
    assert_int_equal(response.responses.items[0].error_code, 0);
    assert_config_is(node, GROUP, "g", SESSION, "45000", FALLBACK);
    assert_config_is(node, GROUP, "g", BEAT, "6000", OWN);
    row.configs.count = 0;
    brokers_ask(node, KP_ALTER_CONFIGS, 2, &request, &response);
    assert_int_equal(response.responses.items[0].error_code, 0);
    assert_listed(node, "");
}

/* Both at once, by either request. `replaces`: AlterConfigs. */
static int16_t set_waits(struct broker_node *node, bool replaces, const char *base,
                         const char *most, bool validate_only) {
    struct kp_incremental_alter_configs_request_config each[] = {
        {kp_string_of(RETRY), SET, kp_string_of(base)},
        {kp_string_of(RETRY_MAX), SET, kp_string_of(most)}};
    struct kp_incremental_alter_configs_request_resource row = {
        .resource_type = GROUP, .resource_name = kp_string_of("g"), .configs = {each, 2}};
    struct kp_incremental_alter_configs_request request = {.validate_only = validate_only,
                                                           .resources = {&row, 1}};
    struct kp_incremental_alter_configs_response response;
    struct kp_alter_configs_request_config both[] = {{kp_string_of(RETRY), kp_string_of(base)},
                                                     {kp_string_of(RETRY_MAX), kp_string_of(most)}};
    struct kp_alter_configs_request_resource all = {
        .resource_type = GROUP, .resource_name = kp_string_of("g"), .configs = {both, 2}};
    struct kp_alter_configs_request replace = {.validate_only = validate_only,
                                               .resources = {&all, 1}};
    struct kp_alter_configs_response replaced;
    if (!replaces) {
        brokers_ask(node, KP_INCREMENTAL_ALTER_CONFIGS, 1, &request, &response);
        return response.responses.items[0].error_code;
    }
    brokers_ask(node, KP_ALTER_CONFIGS, 2, &replace, &replaced);
    return replaced.responses.items[0].error_code;
}

/* First as a question. `part` of the sentence; NULL: it is possible. */
static void set_wait(struct broker_node *node, const char *name, int8_t op, const char *value,
                     const char *part) {
    for (int validate_only = 1; validate_only >= 0; validate_only--) {
        struct kp_incremental_alter_configs_response_resource result = config_alter(
            node, GROUP, "g", name, op, value, validate_only == 1);
        if (part == NULL) {
            assert_int_equal(result.error_code, 0);
            continue;
        }
        assert_int_equal(result.error_code, KAFKA_INVALID_CONFIG);
        assert_non_null(strstr(result.error_message.data, part));
    }
}

/* The longest wait is not below the first: in one request, one after the other, and with what the
 * group does not say itself; as a question, too. */
static void test_group_configs_waits(void **state) {
    struct broker_node *node = start(state, 1);
    brokers_until(node->brokers, brokers_are_settled);
    for (int way = 0; way < 4; way++) {
        bool replaces = way / 2, asks = way % 2;
        assert_int_equal(set_waits(node, replaces, "2000", "1999", asks), KAFKA_INVALID_CONFIG);
        assert_int_equal(set_waits(node, replaces, "2000", "2000", true), 0);
    }
    assert_listed(node, "");
    set_wait(node, RETRY, SET, "600001", RETRY_MAX "=600000, the default");
    set_wait(node, RETRY_MAX, SET, "1000", NULL);
    set_wait(node, RETRY, SET, "1001", RETRY_MAX "=1000:");
    set_wait(node, RETRY, SET, "1000", NULL);
    set_wait(node, RETRY_MAX, SET, "999", RETRY "=1000 is more than");
    assert_int_equal(set_waits(node, false, "700000", "800000", false), 0);
    set_wait(node, RETRY_MAX, DELETE, NULL, RETRY_MAX "=600000, the default");
    set_wait(node, RETRY, DELETE, NULL, NULL);
    set_wait(node, RETRY_MAX, DELETE, NULL, NULL);
    assert_listed(node, "");
}

static bool is_set_again(struct brokers *brokers) {
    const struct broker_services *services = broker_services(brokers->nodes[0].broker);
    return services->metadata != NULL &&
           metadata_resource_named(services->metadata, CONFIG_RESOURCE_GROUP, "g", 1) != NULL;
}

/* What was set is there after a restart; what is so already costs no entry. */
static void test_group_configs_last(void **state) {
    struct broker_node *node = start(state, 1);
    brokers_until(node->brokers, brokers_are_settled);
    config_set(node, GROUP, "g", SESSION, "50000");
    uint64_t version = metadata_version(broker_services(node->broker)->metadata);
    config_set(node, GROUP, "g", SESSION, "50000");
    config_set(node, GROUP, "g", SESSION, " 50000 ");
    assert_int_equal(config_alter(node, GROUP, "h", BEAT, DELETE, NULL, false).error_code, 0);
    assert_int_equal(
        config_alter(node, GROUP, "g", "session.timeout.ms", DELETE, NULL, false).error_code, 0);
    assert_int_equal(metadata_version(broker_services(node->broker)->metadata), version);
    brokers_kill(node);
    assert_int_equal(brokers_start_one(node), ERR_NONE);
    brokers_until(node->brokers, brokers_all_ready);
    brokers_until(node->brokers, is_set_again);
    assert_config_is(node, GROUP, "g", SESSION, "50000", OWN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_group_configs_anywhere), TEST(test_group_configs_synonyms),
        TEST(test_group_configs_refused),  TEST(test_group_configs_go_together),
        TEST(test_group_configs_at_once),  TEST(test_group_configs_replaced),
        TEST(test_group_configs_last),     TEST(test_group_configs_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
