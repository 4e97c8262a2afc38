/* The APIs of the cluster as a client meets them: Metadata, topics, settings, producer ids, the metadata tree. */
#include <stdio.h>
#include <string.h>

#include "broker/cluster/cluster_record.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/meta_query.h"
#include "protocol/messages/metadata.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/unit.h"

enum { OPERATIONS_NONE = INT32_MIN };

static struct broker_node *start_one(void **state, const char *const *pairs) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 1, pairs);
    return &brokers->nodes[0];
}

static struct broker_node *start_three(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 3, NULL);
    return &brokers->nodes[0];
}

static void assert_text(struct kp_string string, const char *part) {
    char text[512];
    snprintf(text, sizeof text, "%.*s", string.len < 0 ? 0 : string.len, string.data);
    if (strstr(text, part) == NULL) fail_msg("\"%s\" is not in: %s", part, text);
}

/* ---- Metadata ---- */

/* `name` NULL: all topics. */
static struct kp_metadata_response metadata(struct broker_node *node, int version, const char *name, bool create) {
    struct kp_metadata_request request;
    struct kp_metadata_request_topic topic;
    struct kp_metadata_response response;
    kp_set_fallbacks(&kp_metadata_request_schema, &request);
    kp_set_fallbacks(&kp_metadata_request_topic_schema, &topic);
    topic.name = kp_string_of(name);
    request.topics.items = &topic;
    request.topics.count = name != NULL ? 1 : version == 0 ? 0 : -1;
    request.allow_auto_topic_creation = create;
    brokers_ask(node, KP_METADATA, version, &request, &response);
    return response;
}

/* Every version tells brokers, topics, leaders and replicas; later ones more. */
static void test_metadata_versions(void **state) {
    struct broker_node *node = start_three(state);
    assert_int_equal(brokers_create_topic(node, "orders", 3, 3, NULL), 0);
    for (int version = 0; version <= 12; version++) {
        struct kp_metadata_response response = metadata(node, version, NULL, false);
        assert_int_equal(response.brokers.count, 3);
        assert_true(kp_string_is(response.brokers.items[0].host, "127.0.0.1"));
        assert_int_equal(response.brokers.items[0].port, broker_port(node->broker, NULL));
        if (version >= 1) assert_in_range(response.controller_id, 1, 3);
        if (version >= 2) assert_true(kp_string_is(response.cluster_id, broker_services(node->broker)->cluster->id));
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
            assert_int_equal(partition->leader_id, partition->replica_nodes.items[0]); /* as placed */
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

/* What is missing or makes no sense has its error; asked twice, what is there or missing is listed once; operations are shown when asked for. */
static void test_metadata_asked(void **state) {
    struct broker_node *node = start_one(state, NULL);
    assert_int_equal(brokers_create_topic(node, "orders", 1, 1, NULL), 0);
    struct kp_metadata_response all = metadata(node, 12, NULL, false);
    struct kp_metadata_request request;
    struct kp_metadata_response response;
    struct kp_metadata_request_topic topics[] = {{.name = kp_string_of("orders")},
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

/* A missing topic is created once when request and setting allow it, and has a leader in the same answer. */
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
    struct broker_node *node = start_one(state, (const char *const[]){"auto.create.topics.enable=false", NULL});
    struct kp_metadata_response response = metadata(node, 9, "automatic", true);
    assert_int_equal(response.topics.items[0].error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
}

/* ---- Topics ---- */

/* Defaults, facts in the answer, and what is refused with a sentence. */
static void test_create_topics(void **state) {
    struct broker_node *node = start_one(state, (const char *const[]){"num.partitions=4", NULL});
    char message[256];
    struct kp_create_topics_request_config configs[] = {{kp_string_of("max.message.bytes"), kp_string_of("2000")},
                                                        {kp_string_of("max.mesage.bytes"), kp_string_of("2000")}};
    int32_t one = 1;
    struct kp_create_topics_request_assignment assignments[] = {{.partition_index = 1}, {.partition_index = 0}};
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
        const struct kp_create_topics_response_config *config = &response.topics.items[1].configs.items[i];
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
    assert_int_equal(brokers_create_topic(node, "defaults", 1, 1, message), KAFKA_TOPIC_ALREADY_EXISTS);
    assert_int_equal(brokers_create_topic(node, "bad name", 1, 1, message), KAFKA_INVALID_TOPIC);
    assert_int_equal(brokers_create_topic(node, "t", 0, 1, message), KAFKA_INVALID_PARTITIONS);
    assert_int_equal(brokers_create_topic(node, "t", 1, 0, message), KAFKA_INVALID_REPLICATION_FACTOR);
    assert_int_equal(brokers_create_topic(node, "t", 1, 2, message), KAFKA_INVALID_REPLICATION_FACTOR);
    assert_non_null(strstr(message, "Replication factor: 2 larger than available brokers: 1 (of 1)."));
    topics[0].name = kp_string_of("only-checked");
    request.topics.count = 1;
    request.validate_only = true;
    brokers_ask(node, KP_CREATE_TOPICS, 2, &request, &response);
    assert_int_equal(response.topics.items[0].error_code, 0);
    topics[0].assignments = topics[5].assignments;
    brokers_ask(node, KP_CREATE_TOPICS, 7, &request, &response);
    assert_int_equal(response.topics.items[0].num_partitions, 2); /* those assigned, not the default of 4 */
    assert_int_equal(response.topics.items[0].replication_factor, 1);
    assert_int_equal(metadata_topic_count(broker_services(node->broker)->metadata), 3);
}

/* Assignments that make no sense. */
static void test_create_topics_assignments(void **state) {
    struct broker_node *node = start_one(state, NULL);
    int32_t brokers[] = {1, 1, 7};
    struct kp_create_topics_request_assignment assignments[2] = {{.partition_index = 0}, {.partition_index = 2}};
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

static struct kp_create_partitions_response grow(struct broker_node *node, int version, const char *name, int32_t count,
                                                 int assignments) {
    static int32_t one = 1;
    struct kp_create_partitions_request_assignment rows[] = {{{&one, 1}}, {{&one, 1}}};
    struct kp_create_partitions_request_topic topic;
    struct kp_create_partitions_request request;
    struct kp_create_partitions_response response;
    kp_set_fallbacks(&kp_create_partitions_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_create_partitions_request_schema, &request);
    topic.name = kp_string_of(name);
    topic.count = count;
    topic.assignments.items = rows;
    topic.assignments.count = assignments;
    request.topics.items = &topic;
    request.topics.count = 1;
    request.timeout_ms = 5000;
    brokers_ask(node, KP_CREATE_PARTITIONS, version, &request, &response);
    return response;
}

/* Every partition of a topic has as many replicas, also those that come later. */
static void test_assignments_of_one_size(void **state) {
    struct broker_node *node = start_three(state);
    int32_t brokers[] = {1, 2, 3};
    struct kp_create_topics_request_assignment assignments[] = {{0, {brokers, 1}}, {1, {brokers, 2}}};
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
    assert_text(response.topics.items[0].error_message, "is assigned to 2 brokers, the first of this topic to 1");
    assert_int_equal(brokers_create_topic(node, "t", 1, 3, NULL), 0);
    assert_int_equal(grow(node, 3, "t", 2, 1).results.items[0].error_code, KAFKA_INVALID_REPLICA_ASSIGNMENT);
    assert_int_equal(grow(node, 3, "t", 2, -1).results.items[0].error_code, 0);
}

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
    topics[0] = topics[1] =
        topics[3]; /* one topic twice, and none at all: nothing is deleted, and the topic is answered once */
    topics[0].topic_id = topics[1].topic_id = topics[2].topic_id = topics[3].topic_id = (struct kp_uuid){{0}};
    topics[3].name = KP_NULL_STRING;
    brokers_ask(node, KP_DELETE_TOPICS, 6, &request, &response);
    assert_int_equal(response.responses.count, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(response.responses.items[i].error_code, KAFKA_INVALID_REQUEST);
    /* By its name and by its id it is there twice, too. */
    request.topics.count = 2;
    topics[1] = (struct kp_delete_topics_request_topic){
        .name = KP_NULL_STRING, .topic_id = metadata(node, 12, "two", false).topics.items[0].topic_id};
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

/* More partitions, never fewer, each with a leader when the answer comes. */
static void test_create_partitions(void **state) {
    struct broker_node *node = start_one(state, NULL);
    assert_int_equal(brokers_create_topic(node, "orders", 1, 1, NULL), 0);
    assert_int_equal(grow(node, 0, "orders", 3, -1).results.items[0].error_code, 0);
    struct kp_metadata_response response = metadata(node, 9, "orders", false);
    assert_int_equal(response.topics.items[0].partitions.count, 3);
    assert_int_equal(response.topics.items[0].partitions.items[2].leader_id, 1);
    assert_int_equal(grow(node, 3, "orders", 5, 2).results.items[0].error_code, 0);
    struct kp_create_partitions_response refused = grow(node, 3, "orders", 5, -1);
    assert_int_equal(refused.results.items[0].error_code, KAFKA_INVALID_PARTITIONS);
    assert_text(refused.results.items[0].error_message, "currently has 5 partition(s); 5 would not be an increase");
    assert_int_equal(grow(node, 3, "orders", 6, 2).results.items[0].error_code, KAFKA_INVALID_REPLICA_ASSIGNMENT);
    assert_int_equal(grow(node, 3, "nothing", 6, -1).results.items[0].error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(partition_set_count(broker_services(node->broker)->partitions), 5);
}

/* ---- Settings ---- */

static struct kp_describe_configs_response_resource describe(struct broker_node *node, int version, int8_t type,
                                                             const char *name, const char *key) {
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
    struct broker_node *node = start_one(state, (const char *const[]){"message.max.bytes=5000", NULL});
    assert_int_equal(brokers_create_topic(node, "orders", 1, 1, NULL), 0);
    for (int version = 1; version <= 4; version++) {
        struct kp_describe_configs_response_resource topic = describe(node, version, 2, "orders", "max.message.bytes");
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
    assert_int_equal(describe(node, 4, 2, "nothing", NULL).error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_text(describe(node, 4, 2, "nothing", NULL).error_message, "Topic 'nothing' does not exist.");
    assert_int_equal(describe(node, 4, 8, "x", NULL).error_code, KAFKA_INVALID_REQUEST);
}

/* ---- The cluster ---- */

/* Who is in it; there are no controllers of their own. */
static void test_describe_cluster(void **state) {
    struct broker_node *node = start_three(state);
    struct kp_describe_cluster_request request;
    struct kp_describe_cluster_response response;
    kp_set_fallbacks(&kp_describe_cluster_request_schema, &request);
    request.include_cluster_authorized_operations = true;
    for (int version = 0; version <= 1; version++) {
        brokers_ask(node, KP_DESCRIBE_CLUSTER, version, &request, &response);
        assert_int_equal(response.error_code, 0);
        assert_int_equal(response.brokers.count, 3);
        assert_in_range(response.controller_id, 1, 3);
        assert_true(response.cluster_authorized_operations > 0);
    }
    request.endpoint_type = 2;
    brokers_ask(node, KP_DESCRIBE_CLUSTER, 1, &request, &response);
    assert_int_equal(response.error_code, KAFKA_MISMATCHED_ENDPOINT_TYPE);
    request.endpoint_type = 9;
    brokers_ask(node, KP_DESCRIBE_CLUSTER, 1, &request, &response);
    assert_int_equal(response.error_code, KAFKA_UNSUPPORTED_ENDPOINT_TYPE);
}

static int64_t init_producer(struct broker_node *node, int version, const char *transactional_id, int16_t *error) {
    struct kp_init_producer_id_request request;
    struct kp_init_producer_id_response response;
    kp_set_fallbacks(&kp_init_producer_id_request_schema, &request);
    request.transactional_id = kp_string_of(transactional_id);
    brokers_ask(node, KP_INIT_PRODUCER_ID, version, &request, &response);
    *error = response.error_code;
    assert_int_equal(response.producer_epoch, response.error_code == 0 ? 0 : -1);
    return response.producer_id;
}

/* Ids are different on every broker, also after a start; transactional ids are refused as the design says. */
static void test_init_producer_id(void **state) {
    struct broker_node *node = start_three(state);
    int64_t ids[12];
    int16_t error;
    int count = 0;
    for (int i = 0; i < 9; i++, count++) {
        ids[count] = init_producer(&node->brokers->nodes[i % 3], i % 5, NULL, &error);
        assert_int_equal(error, 0);
    }
    brokers_stop(&node->brokers->nodes[1]);
    assert_int_equal(brokers_start_one(&node->brokers->nodes[1]), ERR_NONE);
    brokers_until(node->brokers, brokers_all_ready);
    for (int i = 0; i < 3; i++, count++)
        ids[count] = init_producer(&node->brokers->nodes[1], 4, NULL, &error);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++)
            assert_int_not_equal(ids[i], ids[j]);
    assert_int_equal(init_producer(node, 4, "payments", &error), -1);
    assert_int_equal(error, KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    assert_int_equal(init_producer(node, 4, "", &error), -1);
    assert_int_equal(error, KAFKA_INVALID_REQUEST);
}

static struct kp_meta_query_response query(struct broker_node *node, const char *path) {
    struct kp_meta_query_request request;
    struct kp_meta_query_response response;
    kp_set_fallbacks(&kp_meta_query_request_schema, &request);
    request.path = kp_string_of(path);
    brokers_ask(node, KP_META_QUERY, 0, &request, &response);
    return response;
}

/* The tree: every place has a value, children, or both; other paths do not exist. */
static void test_meta_tree(void **state) {
    struct broker_node *node = start_one(state, (const char *const[]){"broker.rack=a \"quoted\" rack", NULL});
    assert_int_equal(brokers_create_topic(node, "zebra", 2, 1, NULL), 0);
    assert_int_equal(brokers_create_topic(node, "ant", 1, 1, NULL), 0);
    struct kp_meta_query_response response = query(node, "/");
    assert_int_equal(response.entries.count, 5);
    assert_int_equal(response.value.len, -1);
    response = query(node, "/brokers/ids");
    assert_int_equal(response.entries.count, 1);
    assert_true(kp_string_is(response.entries.items[0].name, "1"));
    assert_text(response.entries.items[0].value, "\"rack\":\"a \\\"quoted\\\" rack\",\"alive\":true");
    assert_text(query(node, "/brokers/ids/1").value, "\"listeners\":[{\"name\":\"PLAINTEXT\",\"host\":\"127.0.0.1\"");
    response = query(node, "/topics/");
    assert_int_equal(response.entries.count, 2);
    assert_true(kp_string_is(response.entries.items[0].name, "ant"));
    assert_text(query(node, "/topics/zebra").value, "\"name\":\"zebra\"");
    assert_int_equal(query(node, "/topics/zebra/partitions").entries.count, 2);
    assert_text(query(node, "/topics/zebra/partitions/1").value, "{\"partition\":1,\"leader\":1,\"leader_epoch\":");
    assert_text(query(node, "/controller").value, "{\"id\":1}");
    assert_text(query(node, "/disk").value, "{\"path\":\"");
    assert_text(query(node, "/disk").value, "\"trouble\":null}");
    assert_text(query(node, "/cluster").value, "\"brokers\":1,\"metadata_voters\":1");
    static const char *const wrong[] = {"/nowhere",
                                        "/brokers/ids/2",
                                        "/brokers/ids/1/2",
                                        "/brokers/id",
                                        "/topics/zebra/partitions/2",
                                        "/topics/zebra/partitions/01",
                                        "/topics/zebra/x",
                                        "/topics/none",
                                        "/cluster/x",
                                        "/topics/zebra/partitions/1/1",
                                        "/brokers/ids/99999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        response = query(node, wrong[i]);
        assert_int_equal(response.error_code, KAFKA_RESOURCE_NOT_FOUND);
        assert_text(response.error_message, wrong[i]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_metadata_versions), TEST(test_metadata_empty_and_null),   TEST(test_metadata_asked),
        TEST(test_metadata_creates),  TEST(test_metadata_creates_once),     TEST(test_metadata_creates_nothing),
        TEST(test_create_topics),     TEST(test_create_topics_assignments), TEST(test_assignments_of_one_size),
        TEST(test_delete_topics),     TEST(test_create_partitions),         TEST(test_describe_configs),
        TEST(test_describe_cluster),  TEST(test_init_producer_id),          TEST(test_meta_tree),
    };
    return cmocka_run_group_tests_name("cluster_apis", tests, NULL, NULL);
}
