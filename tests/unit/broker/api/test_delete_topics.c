/* DeleteTopics as a client meets it. */
#include "protocol/kafka_error.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/metadata.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/unit.h"

/* By name and by id; unknown ones have their errors; the newest version with both is refused. */
static void test_delete_topics(void **state) {
    struct broker_node *node = start_one(state, NULL);
    struct kp_delete_topics_request_topic topics[4];
    struct kp_delete_topics_request request;
    struct kp_delete_topics_response response;
    for (int i = 0; i < 4; i++)
        kp_set_fallbacks(&kp_delete_topics_request_topic_schema, &topics[i]);
    assert_int_equal(brokers_create_topic(node, "one", 1, 1, NULL), 0);
    assert_int_equal(brokers_create_topic(node, "two", 1, 1, NULL), 0);
    struct kp_metadata_response all = metadata(node, 12, "one", false);
    topics[0].name = KP_NULL_STRING;
    topics[0].topic_id = all.topics.items[0].topic_id;
    topics[1].name = kp_string_of("nothing");
    topics[2].name = KP_NULL_STRING;
    topics[2].topic_id.bytes[0] = 5;
    topics[3].name = kp_string_of("two");
    topics[3].topic_id.bytes[0] = 6;
    kp_set_fallbacks(&kp_delete_topics_request_schema, &request);
    request.topics.items = topics;
    request.topics.count = 4;
    request.timeout_ms = 5000;
    brokers_ask(node, KP_DELETE_TOPICS, 6, &request, &response);
    assert_int_equal(response.responses.items[0].error_code, 0);
    assert_true(kp_string_is(response.responses.items[0].name, "one"));
    assert_int_equal(response.responses.items[1].error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(response.responses.items[2].error_code, KAFKA_UNKNOWN_TOPIC_ID);
    assert_int_equal(response.responses.items[2].name.len, -1);
    assert_int_equal(response.responses.items[3].error_code, KAFKA_INVALID_REQUEST);
    topics[0] = topics[1] = topics[3]; /* one topic twice, and none at all: nothing is deleted, and
                                          the topic is answered once */
    topics[0].topic_id = topics[1].topic_id = topics[2].topic_id = topics[3].topic_id =
        (struct kp_uuid){{0}};
    topics[3].name = KP_NULL_STRING;
    brokers_ask(node, KP_DELETE_TOPICS, 6, &request, &response);
    assert_int_equal(response.responses.count, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(response.responses.items[i].error_code, KAFKA_INVALID_REQUEST);
    /* By its name and by its id it is there twice, too. */
    request.topics.count = 2;
    topics[1] = (struct kp_delete_topics_request_topic){
        .name = KP_NULL_STRING,
        .topic_id = metadata(node, 12, "two", false).topics.items[0].topic_id};
    brokers_ask(node, KP_DELETE_TOPICS, 6, &request, &response);
    assert_int_equal(response.responses.count, 1);
    assert_int_equal(response.responses.items[0].error_code, KAFKA_INVALID_REQUEST);
    struct kp_string names[] = {kp_string_of("two"), kp_string_of("two")};
    request.topic_names.items = names;
    request.topic_names.count = 2;
    brokers_ask(node, KP_DELETE_TOPICS, 5, &request, &response);
    assert_int_equal(response.responses.count, 1);
    assert_int_equal(response.responses.items[0].error_code, KAFKA_INVALID_REQUEST);
    assert_int_equal(brokers_delete_topic(node, "two"), 0);
    assert_int_equal(metadata_topic_count(broker_services(node->broker)->metadata), 0);
    assert_int_equal(partition_set_count(broker_services(node->broker)->partitions), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_delete_topics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
