/* A change that is asked for twice, because an answer got lost on its way: its own outcome is a
 * success, somebody else's is not. */
#include <stdio.h>
#include <string.h>

#include "broker/metadata/metadata.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/alter_broker.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_topics.h"
#include "raft-glue/raft_group.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/unit.h"

enum { PARTITIONS = 3 };

static struct broker_node *metadata_leader; /* that is to die */
static unsigned repeated;                   /* changes that were done, and asked for again */

static struct raft_group *metadata_group_of(const struct broker_node *node) {
    return shard_group(broker_shard(node->broker), METADATA_GROUP);
}

/* The metadata leader has the command in its log, perhaps already with the others, and has answered
 * nobody; or it was quicker. */
static bool leader_is_at_it(struct brokers *brokers) {
    if (brokers_missing(brokers) == 0) return true;
    struct raft_group *group = metadata_group_of(metadata_leader);
    return partition_log_last_index(raft_group_log(group)) > raft_group_applied_index(group);
}

/* What the leader had in its log is with another one, so it will be done. */
static bool another_has_it(const struct brokers *brokers, uint64_t index) {
    for (int i = 0; i < 3; i++)
        if (&brokers->nodes[i] != metadata_leader &&
            partition_log_last_index(raft_group_log(metadata_group_of(&brokers->nodes[i]))) >=
                index)
            return true;
    return false;
}

static bool is_answered(struct brokers *brokers) {
    return brokers_missing(brokers) == 0;
}

static bool is_led(struct brokers *brokers) {
    return brokers_metadata_leader(brokers) != NULL;
}

/* Asks a broker that does not lead the metadata; the one that does dies before it answers. */
static void ask_and_lose_leader(struct brokers *brokers, enum kp_api_key key, int version,
                                const void *request, void *response) {
    brokers_until(brokers, is_led);
    metadata_leader = brokers_metadata_leader(brokers);
    brokers_ask_later(&brokers->nodes[metadata_leader->id % 3], key, version, request, response);
    brokers_until(brokers, leader_is_at_it);
    if (brokers_missing(brokers) == 0) return;
    repeated += another_has_it(
        brokers, partition_log_last_index(raft_group_log(metadata_group_of(metadata_leader))));
    brokers_kill(metadata_leader);
    brokers_until(brokers, is_answered);
    assert_int_equal(brokers_start_one(metadata_leader), ERR_NONE);
    brokers_until(brokers, brokers_all_ready);
}

static int create(struct brokers *brokers) {
    struct kp_create_topics_request_topic topic;
    struct kp_create_topics_request request;
    static struct kp_create_topics_response response;
    kp_set_fallbacks(&kp_create_topics_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_create_topics_request_schema, &request);
    topic.name = kp_string_of("orders");
    topic.num_partitions = PARTITIONS;
    topic.replication_factor = 3;
    request.topics.items = &topic;
    request.topics.count = 1;
    request.timeout_ms = 10000;
    ask_and_lose_leader(brokers, KP_CREATE_TOPICS, 7, &request, &response);
    return response.topics.items[0].error_code;
}

static int grow(struct brokers *brokers, int32_t partitions) {
    struct kp_create_partitions_request_topic topic = {
        .name = kp_string_of("orders"), .count = partitions, .assignments = {NULL, -1}};
    struct kp_create_partitions_request request;
    static struct kp_create_partitions_response response;
    kp_set_fallbacks(&kp_create_partitions_request_schema, &request);
    request.topics.items = &topic;
    request.topics.count = 1;
    request.timeout_ms = 10000;
    ask_and_lose_leader(brokers, KP_CREATE_PARTITIONS, 3, &request, &response);
    return response.results.items[0].error_code;
}

static int delete_topic(struct brokers *brokers) {
    struct kp_delete_topics_request_topic topic = {.name = kp_string_of("orders")};
    struct kp_delete_topics_request request;
    static struct kp_delete_topics_response response;
    kp_set_fallbacks(&kp_delete_topics_request_schema, &request);
    request.topics.items = &topic;
    request.topics.count = 1;
    request.timeout_ms = 10000;
    ask_and_lose_leader(brokers, KP_DELETE_TOPICS, 6, &request, &response);
    return response.responses.items[0].error_code;
}

/* The metadata leader dies between the change and its answer, so the asked broker repeats it at the
 * next one: made, grown, deleted. */
static void test_repeats_of_a_broker(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 3, NULL);
    repeated = 0;
    for (int round = 0; round < 3; round++) {
        assert_int_equal(create(brokers), 0);
        assert_int_equal(grow(brokers, PARTITIONS + 3), 0);
        assert_int_equal(grow(brokers, PARTITIONS + 5), 0);
        assert_int_equal(delete_topic(brokers), 0);
    }
    print_message("%u of 12 changes were done by the first try\n", repeated);
}

static int create_with_id(struct broker_node *node, uint8_t id, struct kp_uuid *made) {
    struct kp_create_topics_request_topic topic;
    struct kp_create_topics_request request;
    struct kp_create_topics_response response;
    kp_set_fallbacks(&kp_create_topics_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_create_topics_request_schema, &request);
    topic.name = kp_string_of("orders");
    topic.num_partitions = 2;
    topic.replication_factor = 3;
    topic.wanted_id = (struct kp_uuid){{id, 1}};
    request.topics.items = &topic;
    request.topics.count = 1;
    brokers_ask(node, KP_CREATE_TOPICS, 7, &request, &response);
    *made = response.topics.items[0].topic_id;
    return response.topics.items[0].error_code;
}

/* A client that heard nothing sends the same to the next broker: drave names the id that its topic
 * is to have, so that is the same topic; one that somebody else made under the name is not. */
static void test_repeats_of_a_client(void **state) {
    struct brokers *brokers = *state;
    struct kp_uuid made;
    brokers_start(brokers, 3, NULL);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(create_with_id(&brokers->nodes[i], 7, &made), 0);
        assert_int_equal(made.bytes[0], 7);
    }
    assert_int_equal(create_with_id(&brokers->nodes[0], 8, &made), KAFKA_TOPIC_ALREADY_EXISTS);
    assert_int_equal(brokers_create_topic(&brokers->nodes[0], "orders", 2, 3, NULL),
                     KAFKA_TOPIC_ALREADY_EXISTS);
    assert_int_equal(brokers_delete_topic(&brokers->nodes[0], "orders"), 0);
}

static int alter_broker(struct broker_node *node, int32_t id, enum kp_broker_change change) {
    struct kp_alter_broker_request request = {
        .broker_id = id, .change = (int8_t)change, .timeout_ms = 10000};
    struct kp_alter_broker_response response;
    brokers_ask(node, KP_ALTER_BROKER, 0, &request, &response);
    return response.error_code;
}

static uint64_t metadata_end(const struct broker_node *node) {
    return partition_log_last_index(raft_group_log(metadata_group_of(node)));
}

enum { TRIES = 10 };

/* The broker may have commands of its own, but not one for each time that it is asked. */
static bool costs_nothing(struct broker_node *node, int32_t id, enum kp_broker_change change) {
    for (int i = 0; i < TRIES; i++) {
        uint64_t end = metadata_end(node);
        assert_int_equal(alter_broker(node, id, change), 0);
        if (metadata_end(node) == end) return true;
    }
    return false;
}

/* What is so already costs no command, whoever asks how often. */
static void test_repeats_of_an_operator(void **state) {
    struct brokers *brokers = *state;
    struct broker_node *node = &brokers->nodes[0];
    brokers_start(brokers, 2, (const char *const[]){"metadata.voters=1", NULL});
    assert_int_equal(alter_broker(node, 2, KP_BROKER_DRAIN), 0);
    assert_true(costs_nothing(node, 2, KP_BROKER_DRAIN));
    brokers_kill(&brokers->nodes[1]);
    while (alter_broker(node, 2, KP_BROKER_REMOVE) != 0) {} /* until it is known to be away */
    assert_true(costs_nothing(node, 2, KP_BROKER_REMOVE));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_repeats_of_a_broker),
                                       TEST(test_repeats_of_a_client),
                                       TEST(test_repeats_of_an_operator)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
