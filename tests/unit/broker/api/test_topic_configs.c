/* Settings of topics as clients send them: what is accepted is shown, what is refused has its
 * sentence, whatever bytes it has. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "broker/config/topic_settings.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/describe_configs.h"
#include "tests/unit/broker/fixture_configs.h"
#include "tests/unit/unit.h"

static struct kp_create_topics_response_topic create(
    struct broker_node *node, struct kp_string name,
    struct kp_create_topics_request_config *configs, int32_t count) {
    struct kp_create_topics_request_topic topic;
    struct kp_create_topics_request request;
    struct kp_create_topics_response response;
    kp_set_fallbacks(&kp_create_topics_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_create_topics_request_schema, &request);
    topic.name = name;
    topic.num_partitions = topic.replication_factor = -1;
    topic.configs.items = configs;
    topic.configs.count = count;
    request.topics.items = &topic;
    request.topics.count = 1;
    brokers_ask(node, KP_CREATE_TOPICS, 7, &request, &response);
    assert_int_equal(response.topics.count, 1);
    return response.topics.items[0];
}

/* Every setting of the table is shown; what a topic asked for by name is shown as its own. */
static void test_topic_configs_shown(void **state) {
    struct brokers *brokers = *state;
    struct broker_node *node = &brokers->nodes[0];
    struct kp_create_topics_request_config configs[] = {
        {kp_string_of("cleanup.policy"), kp_string_of("delete")},
        {kp_string_of("retention.ms"), kp_string_of("604800000")},
        {kp_string_of("unclean.leader.election.enable"), kp_string_of("false")}};
    brokers_start(brokers, 1, NULL);
    assert_int_equal(create(node, kp_string_of("t"), configs, 3).error_code, 0);
    struct kp_describe_configs_request_resource resource;
    struct kp_describe_configs_request request;
    struct kp_describe_configs_response response;
    kp_set_fallbacks(&kp_describe_configs_request_resource_schema, &resource);
    kp_set_fallbacks(&kp_describe_configs_request_schema, &request);
    resource.resource_type = 2;
    resource.resource_name = kp_string_of("t");
    resource.configuration_keys.count = -1;
    request.resources.items = &resource;
    request.resources.count = 1;
    request.include_synonyms = true;
    brokers_ask(node, KP_DESCRIBE_CONFIGS, 4, &request, &response);
    size_t rows;
    const struct topic_setting *table = topic_settings_table(&rows);
    const struct kp_describe_configs_response_resource *shown = &response.results.items[0];
    assert_int_equal(shown->configs.count, rows);
    for (size_t i = 0; i < rows; i++) {
        const struct kp_describe_configs_response_config *config = &shown->configs.items[i];
        bool own = false;
        for (size_t j = 0; j < 3; j++)
            own = own || kp_string_equal(config->name, configs[j].name);
        assert_true(kp_string_is(config->name, table[i].row.name));
        assert_int_equal(config->config_source, own ? 1 : 5);
        assert_int_equal(config->synonyms.count, own ? 2 : 1);
        assert_true(kp_string_is(config->value, table[i].row.fallback));
    }
}

/* What no topic can be called is told apart from what is not there. */
static void test_topic_configs_of_no_topic(void **state) {
    struct brokers *brokers = *state;
    struct kp_describe_configs_request_resource resources[2];
    struct kp_describe_configs_request request;
    struct kp_describe_configs_response response;
    brokers_start(brokers, 1, NULL);
    kp_set_fallbacks(&kp_describe_configs_request_schema, &request);
    for (int i = 0; i < 2; i++) {
        kp_set_fallbacks(&kp_describe_configs_request_resource_schema, &resources[i]);
        resources[i].resource_type = 2;
        resources[i].configuration_keys.count = -1;
    }
    resources[0].resource_name = (struct kp_string){"a\x1b b", 4};
    resources[1].resource_name = kp_string_of("nothing");
    request.resources.items = resources;
    request.resources.count = 2;
    brokers_ask(&brokers->nodes[0], KP_DESCRIBE_CONFIGS, 4, &request, &response);
    assert_int_equal(response.results.items[0].error_code, KAFKA_INVALID_TOPIC);
    assert_true(text_is_plain(response.results.items[0].error_message.data,
                              (size_t)response.results.items[0].error_message.len));
    assert_int_equal(response.results.items[1].error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
}

/* As Kafka: blanks beside the commas of a list do not count, and settings that contradict each
 * other, or what the broker says, are refused. */
static void test_topic_configs_as_kafka(void **state) {
    struct brokers *brokers = *state;
    struct broker_node *node = &brokers->nodes[0];
    static const struct {
        const char *name, *least, *most;
        int16_t error;
    } cases[] = {
        {"a", "1000", "999", KAFKA_INVALID_CONFIG},
        {"a", "999", "1000", KAFKA_NONE},
        {"b", "5001", NULL, KAFKA_INVALID_CONFIG}, /* the broker's is 5000 */
        {"b", NULL, "6000", KAFKA_NONE},
        {"c", "1000", "1000", KAFKA_NONE},
    };
    brokers_start(brokers, 1,
                  (const char *const[]){"log.cleaner.max.compaction.lag.ms=5000", NULL});
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kp_create_topics_request_config configs[3] = {
            {kp_string_of("cleanup.policy"), kp_string_of(" compact,\tdelete ")}};
        int32_t count = 1;
        if (cases[i].least != NULL)
            configs[count++] = (struct kp_create_topics_request_config){
                kp_string_of("min.compaction.lag.ms"), kp_string_of(cases[i].least)};
        if (cases[i].most != NULL)
            configs[count++] = (struct kp_create_topics_request_config){
                kp_string_of("max.compaction.lag.ms"), kp_string_of(cases[i].most)};
        struct kp_create_topics_response_topic made = create(node, kp_string_of(cases[i].name),
                                                             configs, count);
        if (made.error_code != cases[i].error)
            fail_msg("%zu: %d %.*s", i, made.error_code, (int)made.error_message.len,
                     made.error_message.data);
    }
    assert_config_is(node, CONFIG_RESOURCE_TOPIC, "a", "cleanup.policy", "compact,delete", 1);
}

/* A name that only begins like one of ours, and bytes that no text has: refused, and the sentence
 * is text. */
static void test_topic_configs_of_any_bytes(void **state) {
    struct brokers *brokers = *state;
    struct broker_node *node = &brokers->nodes[0];
    static const struct {
        struct kp_string name, value;
    } cases[] = {
        {{"max.message.bytes\0x", 19}, {"2000", 4}},
        {{"max.message.bytes", 17}, {"2\0x", 3}},
        {{"max.message.bytes", 17}, {"\0", 1}},
        {{"compression.type", 16}, {"gz\nip", 5}},
        {{"\xff\xfe", 2}, {"1", 1}},
        {{"\x1b[31m", 5}, {"\x1b[31m", 5}},
        {{"", 0}, {"", 0}},
        {{"max.message.bytes", 17}, {NULL, -1}},
    };
    brokers_start(brokers, 1, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kp_create_topics_request_config config = {cases[i].name, cases[i].value};
        struct kp_create_topics_response_topic made = create(node, kp_string_of("t"), &config, 1);
        assert_int_equal(made.error_code, KAFKA_INVALID_CONFIG);
        assert_true(made.error_message.len > 20);
        assert_true(text_is_plain(made.error_message.data, (size_t)made.error_message.len));
    }
    static const struct kp_string names[] = {
        {"a\0b", 3}, {"a\x1b[2J", 5}, {"\xc3\x28", 2}, {"caf\xc3\xa9", 5}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(create(node, names[i], NULL, 0).error_code, KAFKA_INVALID_TOPIC);
    assert_int_equal(metadata_topic_count(broker_services(node->broker)->metadata), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_topic_configs_shown), TEST(test_topic_configs_of_no_topic),
        TEST(test_topic_configs_of_any_bytes), TEST(test_topic_configs_as_kafka)};
    return cmocka_run_group_tests_name("topic_configs", tests, NULL, NULL);
}
