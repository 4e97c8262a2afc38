/* Settings of brokers, of one and of all, and of their loggers: set, shown with all that stands
 * behind, effective without a restart and after one; what is refused. */
#include <stdio.h>
#include <string.h>

#include "broker/metadata/metadata_features.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/alter_configs.h"
#include "tests/unit/broker/fixture_configs.h"
#include "tests/unit/unit.h"

enum {
    TOPIC = CONFIG_RESOURCE_TOPIC,
    BROKER = CONFIG_RESOURCE_BROKER,
    LOGGER = CONFIG_RESOURCE_BROKER_LOGGER,
    OF_TOPIC = 1,
    OF_BROKER = 2,
    OF_ALL = 3,
    OF_FILE = 4,
    FALLBACK = 5,
    OF_LOGGER = 6,
};

#define SIZE "message.max.bytes"

static struct broker_node *start(void **state, int count, const char *const *pairs) {
    struct brokers *brokers = *state;
    brokers_start(brokers, count, pairs);
    return &brokers->nodes[0];
}

static void unset(struct broker_node *node, int8_t type, const char *resource, const char *name) {
    assert_int_equal(
        config_alter(node, type, resource, name, CONFIG_DELETE, NULL, false).error_code, 0);
}

/* The value that came to be at another broker. */
static const struct broker_settings *settings_of(struct broker_node *node) {
    return broker_services(node->broker)->settings;
}

static bool all_have_2000(struct brokers *brokers) {
    for (int i = 0; i < brokers->count; i++)
        if (settings_of(&brokers->nodes[i])->message_max_bytes != 2000) return false;
    return true;
}

/* One broker's goes before that of all, which goes before the file's; each is shown where it is
 * asked for, and what is taken back lets the next one hold. */
static void test_broker_configs_precedence(void **state) {
    struct broker_node *nodes = start(state, 3, (const char *const[]){SIZE "=4000", NULL});
    assert_config_is(&nodes[0], BROKER, "1", SIZE, "4000", OF_FILE);
    config_set(&nodes[1], BROKER, "", SIZE, "2000");
    brokers_until(nodes[0].brokers, all_have_2000);
    assert_config_is(&nodes[0], BROKER, "1", SIZE, "2000", OF_ALL);
    assert_config_is(&nodes[2], BROKER, "", SIZE, "2000", OF_ALL);
    config_set(&nodes[0], BROKER, "1", SIZE, "3000");
    assert_config_is(&nodes[0], BROKER, "1", SIZE, "3000", OF_BROKER);
    assert_int_equal(settings_of(&nodes[0])->message_max_bytes, 3000);
    assert_int_equal(settings_of(&nodes[1])->message_max_bytes, 2000);
    unset(&nodes[0], BROKER, "1", SIZE);
    assert_config_is(&nodes[0], BROKER, "1", SIZE, "2000", OF_ALL);
    unset(&nodes[0], BROKER, "", SIZE);
    assert_config_is(&nodes[0], BROKER, "1", SIZE, "4000", OF_FILE);
}

struct behind {
    const char *name, *value;
    int8_t source;
};

static void assert_synonyms(const struct kp_describe_configs_response_config *config,
                            const struct behind *expected, int32_t count) {
    assert_int_equal(config->synonyms.count, count);
    for (int32_t i = 0; i < count; i++) {
        assert_true(kp_string_is(config->synonyms.items[i].name, expected[i].name));
        assert_true(kp_string_is(config->synonyms.items[i].value, expected[i].value));
        assert_int_equal(config->synonyms.items[i].source, expected[i].source);
    }
}

/* All that stands behind a value, the one that holds first; of all brokers only what is set. */
static void test_broker_configs_synonyms(void **state) {
    struct broker_node *node = start(state, 1, (const char *const[]){SIZE "=4000", NULL});
    static const struct behind all[] = {{"max.message.bytes", "1000", OF_TOPIC},
                                        {SIZE, "3000", OF_BROKER},
                                        {SIZE, "2000", OF_ALL},
                                        {SIZE, "4000", OF_FILE},
                                        {SIZE, "1048588", FALLBACK}};
    assert_int_equal(brokers_create_topic(node, "t", 1, 1, NULL), 0);
    config_set(node, BROKER, "", SIZE, "2000");
    config_set(node, BROKER, "1", SIZE, "3000");
    config_set(node, TOPIC, "t", "max.message.bytes", "1000");
    struct kp_describe_configs_response_config config = config_describe(node, TOPIC, "t",
                                                                        "max.message.bytes");
    assert_int_equal(config.config_source, OF_TOPIC);
    assert_synonyms(&config, all, 5);
    unset(node, TOPIC, "t", "max.message.bytes");
    config = config_describe(node, TOPIC, "t", "max.message.bytes");
    assert_int_equal(config.config_source, OF_BROKER);
    assert_synonyms(&config, all + 1, 4);
    config = config_describe(node, BROKER, "1", SIZE);
    assert_synonyms(&config, all + 1, 4);
    assert_false(config.read_only);
    assert_true(config_describe(node, BROKER, "1", "data.dir").read_only);
    config = config_describe(node, BROKER, "", SIZE);
    assert_int_equal(config.config_source, OF_ALL);
    assert_synonyms(&config, all + 2, 1);
}

/* What holds for a group and for a topic that say nothing is the broker's, as it is now. */
static void test_broker_configs_stand_behind_others(void **state) {
    struct broker_node *node = start(state, 1, NULL);
    config_set(node, BROKER, "", "group.consumer.session.timeout.ms", "50000");
    assert_config_is(node, CONFIG_RESOURCE_GROUP, "g", "consumer.session.timeout.ms", "50000",
                     OF_ALL);
    assert_int_equal(config_alter(node, CONFIG_RESOURCE_GROUP, "g", "consumer.session.timeout.ms",
                                  CONFIG_SET, "65000", false)
                         .error_code,
                     KAFKA_INVALID_CONFIG);
    config_set(node, BROKER, "1", "group.consumer.max.session.timeout.ms", "70000");
    config_set(node, CONFIG_RESOURCE_GROUP, "g", "consumer.session.timeout.ms", "65000");
}

/* Each refusal has its code and a sentence, and changes nothing. */
static void test_broker_configs_refused(void **state) {
    struct broker_node *node = start(state, 3, NULL);
    static const struct {
        int8_t type;
        const char *resource, *name, *value;
        int8_t op;
        int16_t error;
        const char *part;
    } cases[] = {
        {BROKER, "1", "num.io.threads", "8", CONFIG_SET, KAFKA_INVALID_CONFIG,
         "of another architecture"},
        {BROKER, "", "remote.log.reader.threads", "8", CONFIG_SET, KAFKA_INVALID_CONFIG,
         "of another architecture"},
        {BROKER, "1", "data.dir", "/x", CONFIG_SET, KAFKA_INVALID_REQUEST, "needs a restart"},
        {BROKER, "", "leader.replication.throttled.rate", "1", CONFIG_SET, KAFKA_INVALID_CONFIG,
         "without --throttle"},
        {BROKER, "", "advertised.listeners", "PLAINTEXT://a:1", CONFIG_SET, KAFKA_INVALID_REQUEST,
         "cannot be set for all brokers"},
        {BROKER, "1", "advertised.listeners", "OTHER://a:1", CONFIG_SET, KAFKA_INVALID_CONFIG,
         "OTHER"},
        {BROKER, "", "message.max.byte", "2000", CONFIG_SET, KAFKA_INVALID_CONFIG,
         "did you mean message.max.bytes?"},
        {BROKER, "", SIZE, "many", CONFIG_SET, KAFKA_INVALID_CONFIG, "whole number from 100"},
        {BROKER, "", SIZE, NULL, CONFIG_SET, KAFKA_INVALID_REQUEST, "no value"},
        {BROKER, "", SIZE, "2000", CONFIG_APPEND, KAFKA_INVALID_CONFIG, "no list"},
        {BROKER, "", SIZE, "104857600", CONFIG_SET, KAFKA_NONE, NULL},
        {BROKER, "", "log.preallocate", "false", CONFIG_SET, KAFKA_NONE, NULL},
        {BROKER, "", "log.preallocate", "true", CONFIG_SET, KAFKA_INVALID_CONFIG, "preallocated"},
        {BROKER, "2", SIZE, "2000", CONFIG_SET, KAFKA_INVALID_REQUEST, "sent to broker 1"},
        {BROKER, "7", SIZE, "2000", CONFIG_SET, KAFKA_BROKER_ID_NOT_REGISTERED, "no broker 7"},
        {BROKER, "one", SIZE, "2000", CONFIG_SET, KAFKA_INVALID_REQUEST, "must be an integer"},
        {BROKER, "01", SIZE, "2000", CONFIG_SET, KAFKA_INVALID_REQUEST, "must be an integer"},
        {BROKER, "1", "broker.session.timeout.ms", "400", CONFIG_SET, KAFKA_NONE, NULL},
        {BROKER, "1", "broker.heartbeat.interval.ms", "250", CONFIG_SET, KAFKA_INVALID_CONFIG,
         "less than twice"},
        {BROKER, "", "group.min.session.timeout.ms", "2000000", CONFIG_SET, KAFKA_INVALID_CONFIG,
         "more than group.max.session.timeout.ms"},
        {BROKER, "", "log.cleaner.max.compaction.lag.ms", "1000", CONFIG_SET, KAFKA_NONE, NULL},
        {BROKER, "", "log.cleaner.min.compaction.lag.ms", "1001", CONFIG_SET, KAFKA_INVALID_CONFIG,
         "more than log.cleaner.max.compaction.lag.ms=1000"},
        {LOGGER, "", "log.level", "debug", CONFIG_SET, KAFKA_INVALID_REQUEST, "of one broker"},
        {LOGGER, "2", "log.level", "debug", CONFIG_SET, KAFKA_INVALID_REQUEST, "is broker 1"},
        {LOGGER, "1", "log.level", NULL, CONFIG_DELETE, KAFKA_INVALID_REQUEST, "only be set"},
        {LOGGER, "1", "log.level", "x", CONFIG_APPEND, KAFKA_INVALID_REQUEST, "only be set"},
        {LOGGER, "1", "log.level", "TRACE", CONFIG_SET, KAFKA_INVALID_CONFIG, "TRACE"},
        {LOGGER, "1", "kafka.server", "INFO", CONFIG_SET, KAFKA_INVALID_CONFIG, "does not exist"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kp_incremental_alter_configs_response_resource result = config_alter(
            node, cases[i].type, cases[i].resource, cases[i].name, cases[i].op, cases[i].value,
            false);
        if (result.error_code != cases[i].error)
            fail_msg("%s=%s of \"%s\": %d, %.*s", cases[i].name, cases[i].value, cases[i].resource,
                     result.error_code, (int)result.error_message.len, result.error_message.data);
        if (cases[i].part != NULL && strstr(result.error_message.data, cases[i].part) == NULL)
            fail_msg("\"%s\" is not in: %s", cases[i].part, result.error_message.data);
    }
    assert_config_is(node, BROKER, "", SIZE, "104857600", OF_ALL);
}

/* As Kafka's tools expect, who unset throttles without asking whether there are any. */
static void test_broker_configs_unset_what_is_not_set(void **state) {
    struct broker_node *node = start(state, 1, NULL);
    static const char *const names[] = {"leader.replication.throttled.rate",
                                        "follower.replication.throttled.rate",
                                        "replica.alter.log.dirs.io.max.bytes.per.second",
                                        "broker.rack",
                                        "num.io.threads",
                                        "message.max.byte",
                                        SIZE};
    brokers_until(node->brokers, brokers_are_settled);
    uint64_t version = metadata_version(broker_services(node->broker)->metadata);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unset(node, BROKER, "1", names[i]);
        unset(node, BROKER, "", names[i]);
    }
    assert_int_equal(metadata_version(broker_services(node->broker)->metadata), version);
}

static bool all_tell_the_new_address(struct brokers *brokers) {
    for (int i = 0; i < brokers->count; i++) {
        const struct broker_services *services = broker_services(brokers->nodes[i].broker);
        const struct metadata_broker *row = metadata_broker_of(services->metadata, 2);
        const struct metadata_endpoint *endpoint = metadata_endpoint_of(row, "PLAINTEXT");
        if (strcmp(endpoint->host, "elsewhere.example") != 0 || endpoint->port != 9999)
            return false;
    }
    return true;
}

/* A broker that is reached elsewhere from now on: everybody tells clients so. */
static void test_broker_configs_address(void **state) {
    struct broker_node *nodes = start(state, 3, NULL);
    config_set(&nodes[1], BROKER, "2", "advertised.listeners",
               "PLAINTEXT://elsewhere.example:9999");
    brokers_until(nodes[0].brokers, all_tell_the_new_address);
}

/* The level of the one logger: set at its broker, gone with the next change of the setting. */
static void test_broker_configs_logger(void **state) {
    struct broker_node *node = start(state, 1, NULL);
    struct log *log = broker_services(node->broker)->log;
    enum log_level before = log->level;
    assert_int_equal(
        config_alter(node, LOGGER, "1", "log.level", CONFIG_SET, "DEBUG", true).error_code, 0);
    assert_int_equal(log->level, before);
    config_set(node, LOGGER, "1", "log.level", "ERROR");
    assert_int_equal(log->level, LOG_ERROR);
    assert_config_is(node, LOGGER, "1", "log.level", "error", OF_LOGGER);
    config_set(node, BROKER, "", SIZE, "2000");
    assert_int_equal(log->level, LOG_ERROR);
    config_set(node, BROKER, "1", "log.level", "warn");
    assert_int_equal(log->level, LOG_WARN);
    assert_config_is(node, LOGGER, "1", "log.level", "warn", OF_LOGGER);
}

/* AlterConfigs: what is left out is taken back, of one broker as of all. */
static void test_broker_configs_replaced(void **state) {
    struct broker_node *node = start(state, 1, NULL);
    static const char *const names[] = {"", "1"};
    for (int i = 0; i < 2; i++) {
        int8_t source = i == 0 ? OF_ALL : OF_BROKER;
        struct kp_alter_configs_request_config config = {kp_string_of("fetch.max.bytes"),
                                                         kp_string_of("2048")};
        struct kp_alter_configs_request_resource row = {.resource_type = BROKER,
                                                        .resource_name = kp_string_of(names[i])};
        struct kp_alter_configs_request request = {0};
        struct kp_alter_configs_response response;
        config_set(node, BROKER, names[i], SIZE, "2000");
        row.configs.items = &config;
        row.configs.count = 1;
        request.resources.items = &row;
        request.resources.count = 1;
        brokers_ask(node, KP_ALTER_CONFIGS, 2, &request, &response);
        assert_int_equal(response.responses.items[0].error_code, 0);
        assert_config_is(node, BROKER, "1", SIZE, "1048588", FALLBACK);
        assert_config_is(node, BROKER, "1", "fetch.max.bytes", "2048", source);
    }
    assert_int_equal(settings_of(node)->fetch_max_bytes, 2048);
}

static bool first_has_2000(struct brokers *brokers) {
    const struct broker_services *services = broker_services(brokers->nodes[0].broker);
    return services->settings != NULL && services->settings->message_max_bytes == 2000;
}

/* A broker starts with its file and follows what is set, before it lets clients in; of what does
 * not fit a file that was changed meanwhile it goes without. */
static void test_broker_configs_after_a_restart(void **state) {
    struct broker_node *node = start(state, 1, NULL);
    struct error_text why;
    config_set(node, BROKER, "", SIZE, "2000");
    config_set(node, BROKER, "1", "group.max.session.timeout.ms", "7000");
    brokers_kill(node);
    assert_int_equal(settings_set_pair(node->values, "group.min.session.timeout.ms=8000", &why),
                     ERR_NONE);
    assert_int_equal(broker_settings_from(node->values, &node->settings, &why), ERR_NONE);
    assert_int_equal(node->settings.message_max_bytes, 1048588);
    assert_int_equal(brokers_start_one(node), ERR_NONE);
    brokers_until(node->brokers, brokers_all_ready);
    brokers_until(node->brokers, first_has_2000);
    assert_int_equal(settings_of(node)->group_max_session_timeout_ms, 1800000);
    assert_config_is(node, BROKER, "1", "group.max.session.timeout.ms", "1800000", FALLBACK);
}

static bool all_answered(struct brokers *brokers) {
    return brokers_missing(brokers) == 0;
}

/* Lists: appended to what is set or to the default, without doubles; subtracted from; of two at
 * once neither is lost. Only what comes of it has to make sense. */
static void test_broker_configs_of_lists(void **state) {
    struct broker_node *nodes = start(state, 3, NULL);
    static struct config_ask asks[3];
    assert_int_equal(brokers_create_topic(&nodes[0], "t", 1, 3, NULL), 0);
    static const struct {
        int8_t op;
        const char *value, *outcome;
        int8_t source;
    } cases[] = {
        {CONFIG_APPEND, "delete", "delete", OF_TOPIC},
        {CONFIG_SUBTRACT, "compact", "delete", OF_TOPIC},
        {CONFIG_SUBTRACT, " delete ,compact", "", OF_TOPIC},
        {CONFIG_APPEND, "delete,delete", "delete", OF_TOPIC},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(config_alter(&nodes[0], TOPIC, "t", "cleanup.policy", cases[i].op,
                                      cases[i].value, false)
                             .error_code,
                         0);
        assert_config_is(&nodes[0], TOPIC, "t", "cleanup.policy", cases[i].outcome,
                         cases[i].source);
    }
    assert_int_equal(
        config_alter(&nodes[0], TOPIC, "t", "cleanup.policy", CONFIG_APPEND, "frobnicate", false)
            .error_code,
        KAFKA_INVALID_CONFIG);
    static char many[65 * 2]; /* more than are worked out at once */
    for (size_t i = 0; i < sizeof many - 1; i++)
        many[i] = i % 2 == 0 ? 'a' : ',';
    struct kp_incremental_alter_configs_response_resource result = config_alter(
        &nodes[0], TOPIC, "t", "cleanup.policy", CONFIG_APPEND, many, false);
    assert_int_equal(result.error_code, KAFKA_INVALID_CONFIG);
    assert_non_null(strstr(result.error_message.data, "65 elements are too many"));
    for (int i = 0; i < 3; i++)
        config_ask_later(&asks[i], &nodes[i], TOPIC, "t", "cleanup.policy",
                         i == 1 ? CONFIG_SUBTRACT : CONFIG_APPEND, "delete");
    brokers_until(nodes[0].brokers, all_answered);
    for (int i = 0; i < 3; i++)
        assert_int_equal(asks[i].response.responses.items[0].error_code, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_broker_configs_precedence),
        TEST(test_broker_configs_synonyms),
        TEST(test_broker_configs_stand_behind_others),
        TEST(test_broker_configs_refused),
        TEST(test_broker_configs_unset_what_is_not_set),
        TEST(test_broker_configs_address),
        TEST(test_broker_configs_logger),
        TEST(test_broker_configs_replaced),
        TEST(test_broker_configs_after_a_restart),
        TEST(test_broker_configs_of_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
