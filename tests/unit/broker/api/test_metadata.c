/* Metadata as a client meets it. */
#include "broker/cluster/cluster_record.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/metadata.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/unit.h"

enum { OPERATIONS_NONE = INT32_MIN };

/* Every version tells brokers, topics, leaders and replicas; later ones more. */
static void test_metadata_versions(void **state) {
    struct broker_node *node = start_three(state);
    assert_int_equal(brokers_create_topic(node, "orders", 3, 3, NULL), 0);
    for (int version = 0; version <= 13; version++) {
        struct kp_metadata_response response = metadata(node, version, NULL, false);
        assert_int_equal(response.brokers.count, 3);
        assert_true(kp_string_is(response.brokers.items[0].host, "127.0.0.1"));
        assert_int_equal(response.brokers.items[0].port, broker_port(node->broker, NULL));
        if (version >= 1) assert_in_range(response.controller_id, 1, 3);
        if (version >= 2)
            assert_true(
                kp_string_is(response.cluster_id, broker_services(node->broker)->cluster->id));
        assert_int_equal(response.topics.count, 1);
        const struct kp_metadata_response_topic *topic = &response.topics.items[0];
        assert_true(kp_string_is(topic->name, "orders"));
        assert_int_equal(topic->error_code, 0);
        assert_int_equal(kp_uuid_is_zero(topic->topic_id), version < 10);
        assert_int_equal(topic->topic_authorized_operations, OPERATIONS_NONE);
        assert_int_equal(topic->partitions.count, 3);
        for (int p = 0; p < 3; p++) {
            const struct kp_metadata_response_partition *partition = &topic->partitions.items[p];
            assert_int_equal(partition->error_code, 0);
            assert_int_equal(partition->replica_nodes.count, 3);
            assert_int_equal(partition->leader_id,
                             partition->replica_nodes.items[0]); /* as placed */
            if (version >= 7) assert_true(partition->leader_epoch > 0);
            assert_int_equal(partition->offline_replicas.count, 0);
        }
    }
}

/* No topics is an empty list from version 1 on, and means all of them in version 0. */
static void test_metadata_empty_and_null(void **state) {
    struct broker_node *node = start_one(state, NULL);
    struct kp_metadata_request request;
    struct kp_metadata_response response;
    assert_int_equal(brokers_create_topic(node, "orders", 1, 1, NULL), 0);
    kp_set_fallbacks(&kp_metadata_request_schema, &request);
    request.topics.count = 0;
    brokers_ask(node, KP_METADATA, 9, &request, &response);
    assert_int_equal(response.topics.count, 0);
    brokers_ask(node, KP_METADATA, 0, &request, &response);
    assert_int_equal(response.topics.count, 1);
}

/* What is missing or makes no sense has its error; asked twice, what is there or missing is listed
 * once; operations are shown when asked for. */
static void test_metadata_asked(void **state) {
    struct broker_node *node = start_one(state, NULL);
    assert_int_equal(brokers_create_topic(node, "orders", 1, 1, NULL), 0);
    struct kp_metadata_response all = metadata(node, 12, NULL, false);
    struct kp_metadata_request request;
    struct kp_metadata_response response;
    struct kp_metadata_request_topic topics[] = {
        {.name = kp_string_of("orders")},
        {.name = kp_string_of("nothing")},
        {.name = kp_string_of("bad name")},
        {.name = KP_NULL_STRING, .topic_id = all.topics.items[0].topic_id},
        {.name = KP_NULL_STRING, .topic_id = {{9}}},
        {.name = kp_string_of("nothing")},
        {.name = kp_string_of("bad name")},
        {.name = KP_NULL_STRING, .topic_id = {{9}}}};
    kp_set_fallbacks(&kp_metadata_request_schema, &request);
    request.topics.items = topics;
    request.topics.count = 8;
    request.allow_auto_topic_creation = false;
    request.include_topic_authorized_operations = true;
    brokers_ask(node, KP_METADATA, 12, &request, &response);
    assert_int_equal(response.topics.count, 4);
    assert_true(kp_string_is(response.topics.items[0].name, "orders"));
    assert_int_equal(response.topics.items[0].topic_authorized_operations, 0xdf8);
    assert_int_equal(response.topics.items[1].error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(response.topics.items[2].error_code, KAFKA_INVALID_TOPIC);
    assert_int_equal(response.topics.items[3].error_code, KAFKA_UNKNOWN_TOPIC_ID);
    assert_int_equal(response.topics.items[3].name.len, -1);
    assert_int_equal(response.topics.items[3].topic_id.bytes[0], 9);
    topics[0].name = kp_string_of(""); /* as Kafka's Java client asks by id */
    topics[0].topic_id = all.topics.items[0].topic_id;
    topics[1].topic_id.bytes[0] = 9; /* and nothing is made of the name beside a wrong id */
    request.topics.count = 2;
    request.allow_auto_topic_creation = true;
    brokers_ask(node, KP_METADATA, 12, &request, &response);
    assert_int_equal(response.topics.count, 2);
    assert_int_equal(response.topics.items[0].error_code, 0);
    assert_true(kp_string_is(response.topics.items[0].name, "orders"));
    assert_int_equal(response.topics.items[1].error_code, KAFKA_UNKNOWN_TOPIC_ID);
}

/* A missing topic is created once when request and setting allow it, and has a leader in the same
 * answer. */
static void test_metadata_creates(void **state) {
    struct broker_node *node = start_one(state, (const char *const[]){"num.partitions=2", NULL});
    struct kp_metadata_response response = metadata(node, 9, "automatic", false);
    assert_int_equal(response.topics.items[0].error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    response = metadata(node, 9, "automatic", true);
    assert_int_equal(response.topics.items[0].error_code, 0);
    assert_int_equal(response.topics.items[0].partitions.count, 2);
    assert_int_equal(response.topics.items[0].partitions.items[1].leader_id, 1);
    response = metadata(node, 3, "older", false); /* versions before 4 cannot forbid it */
    assert_int_equal(response.topics.items[0].error_code, 0);
    response = metadata(node, 9, "bad name", true);
    assert_int_equal(response.topics.items[0].error_code, KAFKA_INVALID_TOPIC);
    assert_int_equal(metadata_topic_count(broker_services(node->broker)->metadata), 2);
}

static bool all_answered(struct brokers *brokers) {
    return brokers_missing(brokers) == 0;
}

/* A burst of requests for one missing topic, at all brokers, makes it once. */
static void test_metadata_creates_once(void **state) {
    struct broker_node *node = start_three(state);
    struct kp_metadata_request request;
    struct kp_metadata_request_topic topic;
    struct kp_metadata_response responses[30];
    kp_set_fallbacks(&kp_metadata_request_schema, &request);
    kp_set_fallbacks(&kp_metadata_request_topic_schema, &topic);
    topic.name = kp_string_of("burst");
    request.topics.items = &topic;
    request.topics.count = 1;
    for (int i = 0; i < 30; i++)
        brokers_ask_later(&node->brokers->nodes[i % 3], KP_METADATA, 9, &request, &responses[i]);
    brokers_until(node->brokers, all_answered);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(responses[i].topics.items[0].error_code, 0);
        /* Who finds the topic made already may be told so before it has a leader. */
        int error = responses[i].topics.items[0].partitions.items[0].error_code;
        assert_true(error == 0 || error == KAFKA_LEADER_NOT_AVAILABLE);
    }
    const struct metadata *table = broker_services(node->broker)->metadata;
    assert_int_equal(metadata_topic_count(table), 1);
    assert_int_equal(metadata_topic_named(table, "burst", 5)->partitions[0].group, 1);
}

/* auto.create.topics.enable=false wins over the request. */
static void test_metadata_creates_nothing(void **state) {
    struct broker_node *node = start_one(
        state, (const char *const[]){"auto.create.topics.enable=false", NULL});
    struct kp_metadata_response response = metadata(node, 9, "automatic", true);
    assert_int_equal(response.topics.items[0].error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_metadata_versions),     TEST(test_metadata_empty_and_null),
        TEST(test_metadata_asked),        TEST(test_metadata_creates),
        TEST(test_metadata_creates_once), TEST(test_metadata_creates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
