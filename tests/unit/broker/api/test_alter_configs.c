/* Settings of topics that live: set, deleted, replaced, by both requests; what is refused; and that
 * they hold from the next batch on. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/cluster/leader_table.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/alter_configs.h"
#include "protocol/messages/produce.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/unit/broker/fixture_configs.h"
#include "tests/unit/unit.h"

enum { TOPIC = 2, OWN = 1, FALLBACK = 5 };

static struct broker_node *start(void **state, int count) {
    struct brokers *brokers = *state;
    brokers_start(brokers, count, NULL);
    assert_int_equal(brokers_create_topic(&brokers->nodes[0], "orders", 1, (int16_t)count, NULL),
                     0);
    return &brokers->nodes[0];
}

static int set(struct broker_node *node, const char *name, const char *value) {
    return config_alter(node, TOPIC, "orders", name, CONFIG_SET, value, false).error_code;
}

/* What DescribeConfigs of that broker says of a setting. */
static void assert_config(struct broker_node *node, const char *name, const char *value,
                          int8_t source) {
    assert_config_is(node, TOPIC, "orders", name, value, source);
    assert_false(config_describe(node, TOPIC, "orders", name).read_only);
}

/* The error of one batch with a value of that size, and whether the broker gave it its own time. */
static int produce(struct broker_node *node, size_t value_len, bool *log_append_time) {
    struct record_batch_options options = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    uint8_t *value = mem_zalloc(value_len), *bytes;
    size_t len;
    record_batch_builder_append(builder, 1000, NULL, -1, value, (int32_t)value_len, NULL, 0);
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    struct kp_produce_request_partition partition = {
        .index = 0, .records = {.data = bytes, .len = (int32_t)len}};
    struct kp_produce_request_topic topic = {.name = kp_string_of("orders")};
    struct kp_produce_request request;
    struct kp_produce_response response;
    kp_set_fallbacks(&kp_produce_request_schema, &request);
    request.transactional_id = KP_NULL_STRING;
    request.acks = -1;
    request.timeout_ms = 5000;
    topic.partition_data.items = &partition;
    topic.partition_data.count = 1;
    request.topic_data.items = &topic;
    request.topic_data.count = 1;
    brokers_ask(node, KP_PRODUCE, 8, &request, &response);
    mem_free(value);
    mem_free(bytes);
    *log_append_time =
        response.responses.items[0].partition_responses.items[0].log_append_time_ms >= 0;
    return response.responses.items[0].partition_responses.items[0].error_code;
}

/* Set, shown as the topic's own, in force at the next batch; deleted, the broker's again. At any of
 * three brokers, and on all. */
static void test_alter_configs_holds_at_once(void **state) {
    struct broker_node *first = start(state, 3);
    struct brokers *brokers = *state;
    const struct broker_services *services = broker_services(first->broker);
    uint64_t group = metadata_topic_named(services->metadata, "orders", 6)->partitions[0].group;
    struct broker_node *leader =
        &brokers->nodes[leader_table_get(services->leaders, group).node - 1];
    bool log_append_time;
    assert_int_equal(produce(leader, 5000, &log_append_time), 0);
    assert_false(log_append_time);
    for (int i = 0; i < 3; i++)
        assert_int_equal(set(&brokers->nodes[i], "max.message.bytes", "2000"), 0);
    assert_int_equal(set(leader, "message.timestamp.type", "LogAppendTime"), 0);
    assert_int_equal(produce(leader, 5000, &log_append_time), KAFKA_MESSAGE_TOO_LARGE);
    assert_int_equal(produce(leader, 100, &log_append_time), 0);
    assert_true(log_append_time);
    assert_config(leader, "max.message.bytes", "2000", OWN);
    assert_config(leader, "compression.type", "producer", FALLBACK);
    assert_int_equal(
        config_alter(leader, TOPIC, "orders", "max.message.bytes", CONFIG_DELETE, NULL, false)
            .error_code,
        0);
    assert_config(leader, "max.message.bytes", "1048588", FALLBACK);
    assert_config(leader, "message.timestamp.type", "LogAppendTime", OWN);
    assert_int_equal(produce(leader, 5000, &log_append_time), 0);
}

/* What is only to be checked is checked and not done. */
static void test_alter_configs_validate_only(void **state) {
    struct broker_node *node = start(state, 1);
    assert_int_equal(
        config_alter(node, TOPIC, "orders", "max.message.bytes", CONFIG_SET, "2000", true)
            .error_code,
        0);
    assert_int_equal(
        config_alter(node, TOPIC, "orders", "max.message.bytes", CONFIG_SET, "x", true).error_code,
        KAFKA_INVALID_CONFIG);
    assert_config(node, "max.message.bytes", "1048588", FALLBACK);
}

/* As Kafka: blanks at the ends of a value do not count, and what is not there may be deleted. */
static void test_alter_configs_as_kafka(void **state) {
    struct broker_node *node = start(state, 1);
    assert_int_equal(set(node, "max.message.bytes", " 2000\t"), 0);
    assert_config(node, "max.message.bytes", "2000", OWN);
    assert_int_equal(set(node, "max.message.bytes", "20 00"), KAFKA_INVALID_CONFIG);
    assert_int_equal(set(node, "max.message.bytes", " "), KAFKA_INVALID_CONFIG);
    uint64_t version = metadata_version(broker_services(node->broker)->metadata);
    assert_int_equal(
        config_alter(node, TOPIC, "orders", "max.message.byte", CONFIG_DELETE, NULL, false)
            .error_code,
        0);
    assert_int_equal(set(node, "max.message.bytes", "2000 "), 0);
    assert_int_equal(metadata_version(broker_services(node->broker)->metadata), version);
    assert_config(node, "max.message.bytes", "2000", OWN);
}

/* The items of a list are trimmed, too; what contradicts what is set, or the broker, is refused. */
static void test_alter_configs_together(void **state) {
    struct broker_node *node = start(state, 1);
    assert_int_equal(set(node, "cleanup.policy", "compact, delete"), 0);
    assert_config(node, "cleanup.policy", "compact,delete", OWN);
    assert_int_equal(set(node, "cleanup.policy", "compact, "), KAFKA_INVALID_CONFIG);
    assert_int_equal(set(node, "max.compaction.lag.ms", "1000"), 0);
    assert_int_equal(set(node, "min.compaction.lag.ms", "1001"), KAFKA_INVALID_CONFIG);
    assert_int_equal(set(node, "min.compaction.lag.ms", "1000"), 0);
    assert_int_equal(set(node, "max.compaction.lag.ms", "999"), KAFKA_INVALID_CONFIG);
    assert_config(node, "max.compaction.lag.ms", "1000", OWN);
}

/* Each refusal has Kafka's code and a sentence, and changes nothing. */
static void test_alter_configs_refusals(void **state) {
    struct broker_node *node = start(state, 1);
    static const struct {
        int8_t type;
        const char *resource, *name;
        int8_t op;
        const char *value;
        int error;
    } cases[] = {
        {TOPIC, "orders", "max.message.byte", CONFIG_SET, "2000", KAFKA_INVALID_CONFIG},
        {TOPIC, "orders", "max.message.bytes", CONFIG_SET, "many", KAFKA_INVALID_CONFIG},
        {TOPIC, "orders", "max.message.bytes\x1b[2J", CONFIG_SET, "2000", KAFKA_INVALID_CONFIG},
        {TOPIC, "orders", "max.message.bytes", CONFIG_SET, "\x1b[2J", KAFKA_INVALID_CONFIG},
        {TOPIC, "orders", "max.message.bytes", CONFIG_SET, NULL, KAFKA_INVALID_REQUEST},
        {TOPIC, "orders", "max.message.bytes", CONFIG_APPEND, "2000", KAFKA_INVALID_CONFIG},
        {TOPIC, "orders", "max.message.bytes", CONFIG_SUBTRACT, "2000", KAFKA_INVALID_CONFIG},
        {TOPIC, "orders", "max.message.bytes", 4, "2000", KAFKA_INVALID_REQUEST},
        {TOPIC, "orders", "max.message.bytes", -1, "2000", KAFKA_INVALID_REQUEST},
        {TOPIC, "orders", "cleanup.policy", CONFIG_SET, "compacted", KAFKA_INVALID_CONFIG},
        {TOPIC, "", "max.message.bytes", CONFIG_SET, "2000", KAFKA_INVALID_REQUEST},
        {TOPIC, "nothing", "max.message.bytes", CONFIG_SET, "2000",
         KAFKA_UNKNOWN_TOPIC_OR_PARTITION},
        {16, "x", "metrics", CONFIG_SET, "y", KAFKA_INVALID_REQUEST},
        {99, "x", "y", CONFIG_SET, "z", KAFKA_INVALID_REQUEST},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(config_alter(node, cases[i].type, cases[i].resource, cases[i].name,
                                      cases[i].op, cases[i].value, false)
                             .error_code,
                         cases[i].error);
    assert_config(node, "max.message.bytes", "1048588", FALLBACK);
}

/* A resource or a setting that is there twice: refused, and nothing of that resource is changed. */
static void test_alter_configs_twice(void **state) {
    struct broker_node *node = start(state, 1);
    struct kp_incremental_alter_configs_request_config configs[] = {
        {kp_string_of("max.message.bytes"), CONFIG_SET, kp_string_of("2000")},
        {kp_string_of("max.message.bytes"), CONFIG_SET, kp_string_of("3000")}};
    struct kp_incremental_alter_configs_request_resource rows[3] = {0};
    struct kp_incremental_alter_configs_request request = {0};
    struct kp_incremental_alter_configs_response response;
    for (int i = 0; i < 3; i++) {
        rows[i].resource_type = TOPIC;
        rows[i].resource_name = kp_string_of(i == 1 ? "nothing" : "orders");
        rows[i].configs.items = configs;
        rows[i].configs.count = 1;
    }
    request.resources.items = rows;
    request.resources.count = 3;
    brokers_ask(node, KP_INCREMENTAL_ALTER_CONFIGS, 0, &request, &response);
    assert_int_equal(response.responses.items[0].error_code, KAFKA_INVALID_REQUEST);
    assert_int_equal(response.responses.items[1].error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(response.responses.items[2].error_code, KAFKA_INVALID_REQUEST);
    rows[0].configs.count = 2;
    request.resources.count = 1;
    brokers_ask(node, KP_INCREMENTAL_ALTER_CONFIGS, 0, &request, &response);
    assert_int_equal(response.responses.items[0].error_code, KAFKA_INVALID_REQUEST);
    assert_config(node, "max.message.bytes", "1048588", FALLBACK);
}

/* The older request replaces everything, and deletes what it leaves out. */
static void test_alter_configs_replaces(void **state) {
    struct broker_node *node = start(state, 1);
    assert_int_equal(set(node, "compression.type", "zstd"), 0);
    for (int version = 0; version <= 2; version++) {
        struct kp_alter_configs_request_config config = {kp_string_of("max.message.bytes"),
                                                         kp_string_of("2000")};
        struct kp_alter_configs_request_resource row = {.resource_type = TOPIC,
                                                        .resource_name = kp_string_of("orders")};
        struct kp_alter_configs_request request = {0};
        struct kp_alter_configs_response response;
        row.configs.items = &config;
        row.configs.count = version == 2 ? 0 : 1;
        request.resources.items = &row;
        request.resources.count = 1;
        brokers_ask(node, KP_ALTER_CONFIGS, version, &request, &response);
        assert_int_equal(response.responses.items[0].error_code, 0);
        assert_config(node, "compression.type", "producer", FALLBACK);
        assert_config(node, "max.message.bytes", version == 2 ? "1048588" : "2000",
                      version == 2 ? FALLBACK : OWN);
    }
}

static bool topic_is_known(struct brokers *brokers) {
    const struct broker_services *services = broker_services(brokers->nodes[0].broker);
    return services->metadata != NULL &&
           metadata_topic_named(services->metadata, "orders", 6) != NULL;
}

/* What was set is there after a restart. */
static void test_alter_configs_survives_a_restart(void **state) {
    struct broker_node *node = start(state, 1);
    assert_int_equal(set(node, "max.message.bytes", "2000"), 0);
    brokers_kill(node);
    assert_int_equal(brokers_start_one(node), ERR_NONE);
    brokers_until(node->brokers, brokers_all_ready);
    brokers_until(node->brokers, topic_is_known);
    assert_config(node, "max.message.bytes", "2000", OWN);
    bool log_append_time;
    int error;
    do
        error = produce(node, 5000, &log_append_time);
    while (error == KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_int_equal(error, KAFKA_MESSAGE_TOO_LARGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_alter_configs_holds_at_once), TEST(test_alter_configs_validate_only),
        TEST(test_alter_configs_refusals),      TEST(test_alter_configs_twice),
        TEST(test_alter_configs_replaces),      TEST(test_alter_configs_survives_a_restart),
        TEST(test_alter_configs_as_kafka),      TEST(test_alter_configs_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
