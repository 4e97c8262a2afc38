/* Creation beyond the limits: one request, bursts, growth, what nobody waits for any more, and
 * topics that a Metadata request asks for. */
#include <stdio.h>
#include <string.h>

#include "broker/metadata/asking/auto_creation.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/metadata.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/unit.h"

enum { TOPICS = 10 };

static const char *const limits[] = {"max.request.partitions=30", "max.partitions=20",
                                     "max.broker.partitions=18", NULL};

static char names[AUTO_CREATIONS_MAX + 100][16];
static struct kp_create_topics_request_topic topics[TOPICS];

static struct broker_node *start(void **state, const char *const *pairs) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 1, pairs);
    return &brokers->nodes[0];
}

/* So many topics, from `first` on, in one request. */
static struct kp_create_topics_request of_topics(int first, int count, int32_t partitions) {
    struct kp_create_topics_request request;
    kp_set_fallbacks(&kp_create_topics_request_schema, &request);
    for (int i = 0; i < count; i++) {
        kp_set_fallbacks(&kp_create_topics_request_topic_schema, &topics[i]);
        topics[i].name = kp_string_of(names[first + i]);
        topics[i].num_partitions = partitions;
        topics[i].replication_factor = 1;
    }
    request.topics.items = topics;
    request.topics.count = count;
    return request;
}

static void assert_text(struct kp_string text, const char *part) {
    assert_true(text.len > 0);
    if (memmem(text.data, (size_t)text.len, part, strlen(part)) == NULL)
        fail_msg("\"%.*s\" does not say \"%s\"", (int)text.len, text.data, part);
}

static const struct metadata *table_of(const struct broker_node *node) {
    return broker_services(node->broker)->metadata;
}

/* All topics of a request count together, and nothing of it is made; the same when it is only to be
 * checked. */
static void test_one_request(void **state) {
    struct broker_node *node = start(state,
                                     (const char *const[]){"max.request.partitions=30", NULL});
    struct kp_create_topics_response response;
    for (int checks = 1; checks >= 0; checks--) {
        struct kp_create_topics_request request = of_topics(0, TOPICS, 4);
        request.validate_only = checks;
        brokers_ask(node, KP_CREATE_TOPICS, 7, &request, &response);
        for (int i = 0; i < TOPICS; i++) {
            assert_int_equal(response.topics.items[i].error_code, KAFKA_POLICY_VIOLATION);
            assert_text(response.topics.items[i].error_message,
                        "asks for 40 partitions, and max.request.partitions is 30");
        }
        request = of_topics(0, TOPICS, 3);
        request.validate_only = checks;
        brokers_ask(node, KP_CREATE_TOPICS, 7, &request, &response);
        for (int i = 0; i < TOPICS; i++)
            assert_int_equal(response.topics.items[i].error_code, 0);
    }
    assert_int_equal(metadata_partition_count(table_of(node)), 30);

    struct kp_create_partitions_request_topic grown[2] = {
        {.name = kp_string_of("topic-0"), .count = 19, .assignments = {NULL, -1}},
        {.name = kp_string_of("topic-1"), .count = 18, .assignments = {NULL, -1}}};
    struct kp_create_partitions_request grow;
    struct kp_create_partitions_response answer;
    kp_set_fallbacks(&kp_create_partitions_request_schema, &grow);
    grow.topics.items = grown;
    grow.topics.count = 2;
    brokers_ask(node, KP_CREATE_PARTITIONS, 3, &grow, &answer);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(answer.results.items[i].error_code, KAFKA_POLICY_VIOLATION);
        assert_text(answer.results.items[i].error_message,
                    "asks for 31 partitions, and max.request.partitions is 30");
    }
    grown[0].count = 18;
    brokers_ask(node, KP_CREATE_PARTITIONS, 3, &grow, &answer);
    assert_int_equal(answer.results.items[0].error_code, 0);
    assert_int_equal(answer.results.items[1].error_code, 0);
    assert_int_equal(metadata_partition_count(table_of(node)), 60);
}

static size_t made(const struct kp_create_topics_response *response, int16_t refusal) {
    size_t count = 0;
    for (int32_t i = 0; i < response->topics.count; i++) {
        if (response->topics.items[i].error_code != 0)
            assert_int_equal(response->topics.items[i].error_code, refusal);
        count += response->topics.items[i].error_code == 0;
    }
    return count;
}

/* Those of one burst are under way together when they are judged: exactly so many are made as there
 * is room for. */
static void test_a_burst(void **state) {
    struct broker_node *node = start(state, limits);
    struct kp_create_topics_request request = of_topics(0, TOPICS, 3);
    struct kp_create_topics_response response;
    brokers_ask(node, KP_CREATE_TOPICS, 7, &request, &response);
    assert_int_equal(made(&response, KAFKA_POLICY_VIOLATION), 6);
    assert_text(response.topics.items[TOPICS - 1].error_message, "max.partitions=20");
    request = of_topics(20, 1, 1);
    brokers_ask(node, KP_CREATE_TOPICS, 7, &request, &response);
    assert_int_equal(response.topics.items[0].error_code, KAFKA_POLICY_VIOLATION);
    assert_text(response.topics.items[0].error_message, "1 more replicas beside 18 on broker 1");
    assert_text(response.topics.items[0].error_message, "max.broker.partitions=18");
    assert_int_equal(metadata_partition_count(table_of(node)), 18);
    assert_int_equal(brokers_delete_topic(node, "topic-0"), 0);
    brokers_ask(node, KP_CREATE_TOPICS, 7, &request, &response);
    assert_int_equal(response.topics.items[0].error_code, 0);
}

static bool is_led(struct brokers *brokers) {
    return brokers_metadata_leader(brokers) != NULL;
}

/* What its client has given up waiting for is under way all the same, and counts: without a
 * majority nothing is made, nothing refused, and nothing forgotten. */
static void test_given_up(void **state) {
    struct brokers *brokers = *state;
    struct broker_node *other = NULL;
    struct kp_create_topics_response response;
    brokers_start(
        brokers, 3,
        (const char *const[]){"max.partitions=20", "raft.election.timeout.ms=60000", NULL});
    brokers_until(brokers, is_led);
    struct broker_node *leader = brokers_metadata_leader(brokers);
    for (int i = 0; i < 3; i++)
        if (&brokers->nodes[i] != leader) brokers_kill(other = &brokers->nodes[i]);
    struct kp_create_topics_request request = of_topics(0, 1, 15);
    request.timeout_ms = 200;
    brokers_ask(leader, KP_CREATE_TOPICS, 7, &request, &response);
    assert_int_equal(response.topics.items[0].error_code, KAFKA_REQUEST_TIMED_OUT);
    request = of_topics(1, 1, 6);
    request.timeout_ms = 200;
    brokers_ask(leader, KP_CREATE_TOPICS, 7, &request, &response);
    assert_int_equal(response.topics.items[0].error_code, KAFKA_REQUEST_TIMED_OUT);
    assert_int_equal(brokers_start_one(other), ERR_NONE);
    request.timeout_ms = 20000;
    brokers_ask(leader, KP_CREATE_TOPICS, 7, &request, &response);
    assert_int_equal(response.topics.items[0].error_code, KAFKA_POLICY_VIOLATION);
    assert_text(response.topics.items[0].error_message, "6 more partitions beside 15");
}

static size_t ask_for(struct broker_node *node, int first, int count, int16_t *error) {
    struct kp_metadata_request_topic asked[AUTO_CREATIONS_MAX + 100];
    struct kp_metadata_request request;
    struct kp_metadata_response response;
    size_t there = 0;
    kp_set_fallbacks(&kp_metadata_request_schema, &request);
    for (int i = 0; i < count; i++) {
        kp_set_fallbacks(&kp_metadata_request_topic_schema, &asked[i]);
        asked[i].name = kp_string_of(names[first + i]);
    }
    request.topics.items = asked;
    request.topics.count = count;
    request.allow_auto_topic_creation = true;
    brokers_ask(node, KP_METADATA, 12, &request, &response);
    assert_int_equal(response.topics.count, count);
    for (int32_t i = 0; i < count; i++)
        if (response.topics.items[i].error_code == 0)
            there++;
        else
            *error = response.topics.items[i].error_code;
    return there;
}

/* A Metadata request makes nothing beyond the limits, and nothing at all when it names more than
 * one request may make. */
static void test_asked_for_by_name(void **state) {
    struct broker_node *node = start(state, limits);
    int16_t error = 0;
    assert_int_equal(ask_for(node, 0, 31, &error), 0);
    assert_int_equal(error, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(metadata_partition_count(table_of(node)), 0);
    assert_int_equal(ask_for(node, 0, 30, &error), 18);
    assert_int_equal(error, KAFKA_POLICY_VIOLATION);
    assert_int_equal(metadata_partition_count(table_of(node)), 18);
}

static unsigned ended;

static void on_ended(struct auto_wait *wait, int16_t error) {
    (void)wait;
    (void)error;
    ended++;
}

static bool all_ended(struct brokers *brokers) {
    (void)brokers;
    return ended == AUTO_CREATIONS_MAX;
}

/* Names under way are bounded, whoever asks; there is room again when they have ended. */
static void test_names_under_way(void **state) {
    static struct auto_wait waits[AUTO_CREATIONS_MAX + 1];
    struct broker_node *node = start(state, (const char *const[]){"max.partitions=3", NULL});
    struct auto_creation *creation = broker_services(node->broker)->auto_creation;
    ended = 0;
    for (int i = 0; i <= AUTO_CREATIONS_MAX; i++) {
        waits[i].done = on_ended;
        bool taken = auto_creation_ask(creation, &waits[i], names[i], strlen(names[i]));
        assert_int_equal(taken, i < AUTO_CREATIONS_MAX);
    }
    brokers_until(*state, all_ended);
    assert_int_equal(metadata_partition_count(table_of(node)), 3);
    assert_true(auto_creation_ask(creation, &waits[0], names[1050], strlen(names[1050])));
    ended--;
    brokers_until(*state, all_ended);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        snprintf(names[i], sizeof names[i], "topic-%zu", i);
    const struct CMUnitTest tests[] = {
        TEST(test_one_request),       TEST(test_a_burst),         TEST(test_given_up),
        TEST(test_asked_for_by_name), TEST(test_names_under_way),
    };
    return cmocka_run_group_tests_name("creation limits", tests, NULL, NULL);
}
