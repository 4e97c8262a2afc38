/* CreateTopics as a client meets it. */
#include "protocol/kafka_error.h"
#include "protocol/messages/create_topics.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/unit.h"
#include <string.h>

/* Defaults, facts in the answer, and what is refused with a sentence. */
static void test_create_topics(void **state) {
    struct broker_node *node = start_one(state, (const char *const[]){"num.partitions=4", NULL});
    char message[256];
    struct kp_create_topics_request_config configs[] = {
        {kp_string_of("max.message.bytes"), kp_string_of("2000")},
        {kp_string_of("max.mesage.bytes"), kp_string_of("2000")}};
    int32_t one = 1;
    struct kp_create_topics_request_assignment assignments[] = {{.partition_index = 1},
                                                                {.partition_index = 0}};
    struct kp_create_topics_request_topic topics[6];
    struct kp_create_topics_request request;
    struct kp_create_topics_response response;
    for (int i = 0; i < 6; i++)
        kp_set_fallbacks(&kp_create_topics_request_topic_schema, &topics[i]);
    static const char *const names[] = {"defaults", "set", "wrong", "twice", "twice", "assigned"};
    for (int i = 0; i < 6; i++) {
        topics[i].name = kp_string_of(names[i]);
        topics[i].num_partitions = topics[i].replication_factor = -1;
    }
    topics[1].configs.items = configs;
    topics[1].configs.count = 1;
    topics[2].configs.items = configs;
    topics[2].configs.count = 2;
    for (int i = 0; i < 2; i++) {
        assignments[i].broker_ids.items = &one;
        assignments[i].broker_ids.count = 1;
    }
    topics[5].assignments.items = assignments;
    topics[5].assignments.count = 2;
    kp_set_fallbacks(&kp_create_topics_request_schema, &request);
    request.topics.items = topics;
    request.topics.count = 6;
    brokers_ask(node, KP_CREATE_TOPICS, 7, &request, &response);
    assert_int_equal(response.topics.count, 5); /* what is there twice is answered once */
    assert_int_equal(response.topics.items[0].error_code, 0);
    assert_int_equal(response.topics.items[0].num_partitions, 4);
    assert_int_equal(response.topics.items[0].replication_factor, 1);
    assert_int_equal(response.topics.items[0].error_message.len, -1);
    assert_int_equal(response.topics.items[1].error_code, 0);
    for (int i = 0; i < response.topics.items[1].configs.count; i++) {
        const struct kp_create_topics_response_config *config =
            &response.topics.items[1].configs.items[i];
        bool own = kp_string_is(config->name, "max.message.bytes");
        assert_int_equal(config->config_source, own ? 1 : 5);
        if (own) assert_true(kp_string_is(config->value, "2000"));
    }
    assert_int_equal(response.topics.items[2].error_code, KAFKA_INVALID_CONFIG);
    assert_text(response.topics.items[2].error_message, "did you mean max.message.bytes?");
    assert_int_equal(response.topics.items[3].error_code, KAFKA_INVALID_REQUEST);
    assert_true(kp_string_is(response.topics.items[3].name, "twice"));
    assert_text(response.topics.items[3].error_message, "Duplicate topic name");
    assert_int_equal(response.topics.items[4].error_code, 0);
    assert_int_equal(response.topics.items[4].num_partitions, 2);
    assert_int_equal(brokers_create_topic(node, "defaults", 1, 1, message),
                     KAFKA_TOPIC_ALREADY_EXISTS);
    assert_int_equal(brokers_create_topic(node, "bad name", 1, 1, message), KAFKA_INVALID_TOPIC);
    assert_int_equal(brokers_create_topic(node, "t", 0, 1, message), KAFKA_INVALID_PARTITIONS);
    assert_int_equal(brokers_create_topic(node, "t", 1, 0, message),
                     KAFKA_INVALID_REPLICATION_FACTOR);
    assert_int_equal(brokers_create_topic(node, "t", 1, 2, message),
                     KAFKA_INVALID_REPLICATION_FACTOR);
    assert_non_null(
        strstr(message, "Replication factor: 2 larger than available brokers: 1 (of 1)."));
    topics[0].name = kp_string_of("only-checked");
    request.topics.count = 1;
    request.validate_only = true;
    brokers_ask(node, KP_CREATE_TOPICS, 2, &request, &response);
    assert_int_equal(response.topics.items[0].error_code, 0);
    topics[0].assignments = topics[5].assignments;
    brokers_ask(node, KP_CREATE_TOPICS, 7, &request, &response);
    assert_int_equal(response.topics.items[0].num_partitions,
                     2); /* those assigned, not the default of 4 */
    assert_int_equal(response.topics.items[0].replication_factor, 1);
    assert_int_equal(metadata_topic_count(broker_services(node->broker)->metadata), 3);
}

/* Assignments that make no sense. */
static void test_create_topics_assignments(void **state) {
    struct broker_node *node = start_one(state, NULL);
    int32_t brokers[] = {1, 1, 7};
    struct kp_create_topics_request_assignment assignments[2] = {{.partition_index = 0},
                                                                 {.partition_index = 2}};
    struct kp_create_topics_request_topic topic;
    struct kp_create_topics_request request;
    struct kp_create_topics_response response;
    kp_set_fallbacks(&kp_create_topics_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_create_topics_request_schema, &request);
    topic.name = kp_string_of("t");
    topic.num_partitions = topic.replication_factor = -1;
    topic.assignments.items = assignments;
    request.topics.items = &topic;
    request.topics.count = 1;
    static const struct {
        int first, count, assignments, partitions;
        int16_t error;
    } cases[] = {{0, 1, 2, -1, KAFKA_INVALID_REPLICA_ASSIGNMENT}, /* partitions 0 and 2 */
                 {0, 2, 1, -1, KAFKA_INVALID_REPLICA_ASSIGNMENT}, /* broker 1 twice */
                 {2, 1, 1, -1, KAFKA_INVALID_REPLICA_ASSIGNMENT}, /* broker 7 */
                 {0, 0, 1, -1, KAFKA_INVALID_REPLICA_ASSIGNMENT}, /* nobody */
                 {0, 1, 1, 1, KAFKA_INVALID_REQUEST}};            /* both ways at once */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int a = 0; a < 2; a++) {
            assignments[a].broker_ids.items = brokers + cases[i].first;
            assignments[a].broker_ids.count = cases[i].count;
        }
        topic.assignments.count = cases[i].assignments;
        topic.num_partitions = cases[i].partitions;
        brokers_ask(node, KP_CREATE_TOPICS, 5, &request, &response);
        assert_int_equal(response.topics.items[0].error_code, cases[i].error);
    }
}

/* Every partition of a topic has as many replicas, also those that come later. */
static void test_assignments_of_one_size(void **state) {
    struct broker_node *node = start_three(state);
    int32_t brokers[] = {1, 2, 3};
    struct kp_create_topics_request_assignment assignments[] = {{0, {brokers, 1}},
                                                                {1, {brokers, 2}}};
    struct kp_create_topics_request_topic topic;
    struct kp_create_topics_request request;
    struct kp_create_topics_response response;
    kp_set_fallbacks(&kp_create_topics_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_create_topics_request_schema, &request);
    topic.name = kp_string_of("t");
    topic.num_partitions = topic.replication_factor = -1;
    topic.assignments.items = assignments;
    topic.assignments.count = 2;
    request.topics.items = &topic;
    request.topics.count = 1;
    brokers_ask(node, KP_CREATE_TOPICS, 7, &request, &response);
    assert_int_equal(response.topics.items[0].error_code, KAFKA_INVALID_REPLICA_ASSIGNMENT);
    assert_text(response.topics.items[0].error_message,
                "is assigned to 2 brokers, the first of this topic to 1");
    assert_int_equal(brokers_create_topic(node, "t", 1, 3, NULL), 0);
    assert_int_equal(grow(node, 3, "t", 2, 1).results.items[0].error_code,
                     KAFKA_INVALID_REPLICA_ASSIGNMENT);
    assert_int_equal(grow(node, 3, "t", 2, -1).results.items[0].error_code, 0);
}

static struct kp_create_topics_response create_many(struct broker_node *node,
                                                    const char *const *names, int count,
                                                    bool validate_only) {
    struct kp_create_topics_request_topic topics[8];
    struct kp_create_topics_request request;
    struct kp_create_topics_response response;
    kp_set_fallbacks(&kp_create_topics_request_schema, &request);
    for (int i = 0; i < count; i++) {
        kp_set_fallbacks(&kp_create_topics_request_topic_schema, &topics[i]);
        topics[i].name = kp_string_of(names[i]);
        topics[i].num_partitions = topics[i].replication_factor = 1;
    }
    request.topics.items = topics;
    request.topics.count = count;
    request.validate_only = validate_only;
    brokers_ask(node, KP_CREATE_TOPICS, 7, &request, &response);
    return response;
}

/* Names that differ only in '.' and '_' get a line of the log, but no more than one a second, and
 * each but for one other. */
static void test_names_too_much_alike(void **state) {
    struct broker_node *node = start_one(state, NULL);
    const struct broker_services *services = broker_services(node->broker);
    static const char *const first[] = {"a.b.c", "a_b.c", "abc"}, *const then[] = {"a.b_c", "a_b_c",
                                                                                   "abd", "a.c"};
    services->log->level = LOG_WARN;
    assert_int_equal(create_many(node, first, 1, false).topics.items[0].error_code, 0);
    assert_int_equal(create_many(node, then, 4, true).topics.items[0].error_code, 0);
    assert_int_equal(services->twins->next_us, 0); /* nothing was said */
    assert_int_equal(create_many(node, first + 1, 2, false).topics.items[0].error_code, 0);
    assert_int_not_equal(services->twins->next_us, 0);
    services->twins->next_us = UINT64_MAX; /* as if it were the same moment still */
    uint64_t left_out = services->log->left_out;
    assert_int_equal(create_many(node, then, 4, false).topics.items[0].error_code, 0);
    assert_int_equal(services->log->left_out, left_out + 2);
    services->log->level = LOG_ERROR;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_create_topics),
        TEST(test_create_topics_assignments),
        TEST(test_assignments_of_one_size),
        TEST(test_names_too_much_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
