/* DescribeConfigs as a client meets it. */
#include "protocol/kafka_error.h"
#include "protocol/messages/describe_configs.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/unit.h"

static struct kp_describe_configs_response_resource describe(struct broker_node *node, int version,
                                                             int8_t type, const char *name,
                                                             const char *key) {
    struct kp_string keys = kp_string_of(key);
    struct kp_describe_configs_request_resource resource;
    struct kp_describe_configs_request request;
    struct kp_describe_configs_response response;
    kp_set_fallbacks(&kp_describe_configs_request_resource_schema, &resource);
    kp_set_fallbacks(&kp_describe_configs_request_schema, &request);
    resource.resource_type = type;
    resource.resource_name = kp_string_of(name);
    resource.configuration_keys.items = &keys;
    resource.configuration_keys.count = key == NULL ? -1 : key[0] == '\0' ? 0 : 1;
    request.resources.items = &resource;
    request.resources.count = 1;
    request.include_synonyms = request.include_documentation = true;
    brokers_ask(node, KP_DESCRIBE_CONFIGS, version, &request, &response);
    assert_int_equal(response.results.count, 1);
    return response.results.items[0];
}

/* Values, sources, synonyms and sentences of topics and of this broker come from the tables. */
static void test_describe_configs(void **state) {
    struct broker_node *node = start_one(state,
                                         (const char *const[]){"message.max.bytes=5000", NULL});
    assert_int_equal(brokers_create_topic(node, "orders", 1, 1, NULL), 0);
    for (int version = 1; version <= 4; version++) {
        struct kp_describe_configs_response_resource topic = describe(node, version, 2, "orders",
                                                                      "max.message.bytes");
        assert_int_equal(topic.error_code, 0);
        assert_int_equal(topic.configs.count, 1);
        const struct kp_describe_configs_response_config *config = &topic.configs.items[0];
        assert_true(kp_string_is(config->value, "5000"));
        assert_int_equal(config->config_source, 4);
        assert_int_equal(config->synonyms.count, 2);
        assert_true(kp_string_is(config->synonyms.items[0].name, "message.max.bytes"));
        assert_int_equal(config->synonyms.items[1].source, 5);
        if (version >= 3) assert_text(config->documentation, "largest record batch");
        if (version >= 3) assert_int_equal(config->config_type, 3);
    }
    struct kp_describe_configs_response_resource broker = describe(node, 4, 4, "1", NULL);
    size_t rows;
    broker_settings_table(&rows);
    assert_int_equal(broker.configs.count, rows);
    assert_true(broker.configs.items[0].read_only);
    assert_int_equal(describe(node, 4, 4, "1", "").configs.count, rows); /* an empty list */
    assert_int_equal(describe(node, 4, 4, "2", NULL).error_code, KAFKA_INVALID_REQUEST);
    assert_int_equal(describe(node, 4, 2, "nothing", NULL).error_code,
                     KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_text(describe(node, 4, 2, "nothing", NULL).error_message,
                "Topic 'nothing' does not exist.");
    assert_int_equal(describe(node, 4, 8, "x", NULL).error_code, KAFKA_INVALID_REQUEST);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_describe_configs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
