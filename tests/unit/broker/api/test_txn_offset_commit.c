/* TxnOffsetCommit as producers meet it, on one whole broker, from InitProducerId to EndTxn. */
#include <stdio.h>
#include <string.h>

#include "protocol/kafka_error.h"
#include "protocol/messages/add_offsets_to_txn.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/offset_fetch.h"
#include "protocol/messages/txn_offset_commit.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/unit.h"

static void find_coordinator(struct one_broker *one, int8_t type, const char *key) {
    struct kp_find_coordinator_request request;
    struct kp_find_coordinator_response response;
    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key = kp_string_of(key);
    request.key_type = type;
    assert_true(one_broker_ask(one, KP_FIND_COORDINATOR, 1, &request, &response));
    assert_int_equal(response.error_code, 0);
}

static struct kp_init_producer_id_response producer;

static void init(struct one_broker *one) {
    struct kp_init_producer_id_request request;
    kp_set_fallbacks(&kp_init_producer_id_request_schema, &request);
    request.transactional_id = kp_string_of("x");
    request.transaction_timeout_ms = 60000;
    assert_true(one_broker_ask(one, KP_INIT_PRODUCER_ID, 1, &request, &producer));
    assert_int_equal(producer.error_code, 0);
}

/* Topic "t", and the producer "x". */
static struct one_broker *start(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 2);
    find_coordinator(one, 0, "g");
    find_coordinator(one, 1, "x");
    init(one);
    return one;
}

static void add_offsets(struct one_broker *one) {
    struct kp_add_offsets_to_txn_request request;
    struct kp_add_offsets_to_txn_response response;
    kp_set_fallbacks(&kp_add_offsets_to_txn_request_schema, &request);
    request.transactional_id = kp_string_of("x");
    request.producer_id = producer.producer_id;
    request.producer_epoch = producer.producer_epoch;
    request.group_id = kp_string_of("g");
    assert_true(one_broker_ask(one, KP_ADD_OFFSETS_TO_TXN, 3, &request, &response));
    assert_int_equal(response.error_code, 0);
}

struct asked {
    int version;
    const char *group, *topic, *member, *metadata;
    int32_t generation, partition;
    int64_t offset;
};

static struct asked asks(int version) {
    return (struct asked){.version = version,
                          .group = "g",
                          .topic = "t",
                          .member = "",
                          .metadata = "in",
                          .generation = -1,
                          .offset = 40};
}

static int16_t commit(struct one_broker *one, struct asked asked) {
    struct kp_txn_offset_commit_request request;
    struct kp_txn_offset_commit_response response;
    struct kp_txn_offset_commit_request_topic topic;
    struct kp_txn_offset_commit_request_partition partition;
    kp_set_fallbacks(&kp_txn_offset_commit_request_schema, &request);
    kp_set_fallbacks(&kp_txn_offset_commit_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_txn_offset_commit_request_partition_schema, &partition);
    partition.partition_index = asked.partition;
    partition.committed_offset = asked.offset;
    partition.committed_leader_epoch = 3;
    partition.committed_metadata = kp_string_of(asked.metadata);
    topic.name = kp_string_of(asked.topic);
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.transactional_id = kp_string_of("x");
    request.group_id = kp_string_of(asked.group);
    request.producer_id = producer.producer_id;
    request.producer_epoch = producer.producer_epoch;
    request.generation_id_or_member_epoch = asked.generation;
    request.member_id = kp_string_of(asked.member);
    request.topics.items = &topic;
    request.topics.count = 1;
    assert_true(one_broker_ask(one, KP_TXN_OFFSET_COMMIT, asked.version, &request, &response));
    assert_int_equal(response.topics.count, 1);
    assert_true(kp_string_is(response.topics.items[0].name, asked.topic));
    assert_int_equal(response.topics.items[0].partitions.count, 1);
    return response.topics.items[0].partitions.items[0].error_code;
}

static void end(struct one_broker *one, int version, bool commits) {
    struct kp_end_txn_request request;
    struct kp_end_txn_response response;
    kp_set_fallbacks(&kp_end_txn_request_schema, &request);
    request.transactional_id = kp_string_of("x");
    request.producer_id = producer.producer_id;
    request.producer_epoch = producer.producer_epoch;
    request.committed = commits;
    assert_true(one_broker_ask(one, KP_END_TXN, version, &request, &response));
    assert_int_equal(response.error_code, 0);
    if (version < 5) return;
    producer.producer_id = response.producer_id;
    producer.producer_epoch = response.producer_epoch;
}

/* Error and offset of partition 0 of "t". */
static const char *fetch(struct one_broker *one) {
    static char text[100];
    int32_t partition = 0;
    struct kp_offset_fetch_request request;
    struct kp_offset_fetch_request_topic topic;
    struct kp_offset_fetch_response response;
    kp_set_fallbacks(&kp_offset_fetch_request_schema, &request);
    kp_set_fallbacks(&kp_offset_fetch_request_topic_schema, &topic);
    topic.name = kp_string_of("t");
    topic.partition_indexes.items = &partition;
    topic.partition_indexes.count = 1;
    request.group_id = kp_string_of("g");
    request.topics.items = &topic;
    request.topics.count = 1;
    request.require_stable = true;
    assert_true(one_broker_ask(one, KP_OFFSET_FETCH, 7, &request, &response));
    const struct kp_offset_fetch_response_partition *found =
        &response.topics.items[0].partitions.items[0];
    snprintf(text, sizeof text, "%s %lld", kafka_error_name(found->error_code),
             (long long)found->committed_offset);
    return text;
}

/* The markers follow the answer to EndTxn. */
static const char *fetch_at_last(struct one_broker *one) {
    const char *said;
    do
        said = fetch(one);
    while (strncmp(said, "UNSTABLE", 8) == 0);
    return said;
}

/* With each version: pending until the end, and then committed, or not. */
static void test_txn_offset_commit(void **state) {
    struct one_broker *one = start(state);
    const char *committed = "NONE -1";
    static char text[20];
    for (int version = 0; version <= 5; version++) {
        struct asked asked = asks(version);
        asked.offset = 100 + version;
        if (version < 5) add_offsets(one);
        assert_int_equal(commit(one, asked), 0);
        assert_string_equal(fetch(one), "UNSTABLE_OFFSET_COMMIT -1");
        end(one, version < 5 ? 3 : 5, version % 2 == 0);
        if (version % 2 == 0) {
            snprintf(text, sizeof text, "NONE %d", 100 + version);
            committed = text;
        }
        assert_string_equal(fetch_at_last(one), committed);
    }
}

/* Without AddOffsetsToTxn the group's partition is not in the transaction; each version hears what
 * it knows. */
static void test_txn_offset_commit_is_not_in_it(void **state) {
    struct one_broker *one = start(state);
    assert_int_equal(commit(one, asks(3)), KAFKA_INVALID_TXN_STATE);
    assert_int_equal(commit(one, asks(4)), KAFKA_TRANSACTION_ABORTABLE);
    assert_string_equal(fetch(one), "NONE -1");
}

/* Who has a later epoch, and who is another producer, or nobody's. */
static void test_txn_offset_commit_of_others(void **state) {
    struct one_broker *one = start(state);
    add_offsets(one);
    struct kp_init_producer_id_response before = producer;
    init(one);
    producer = before;
    assert_int_equal(commit(one, asks(4)), KAFKA_INVALID_PRODUCER_EPOCH);
    producer.producer_id += 1000000;
    assert_int_equal(commit(one, asks(4)), KAFKA_INVALID_PRODUCER_ID_MAPPING);
    assert_string_equal(fetch(one), "NONE -1");
}

static void test_txn_offset_commit_refusals(void **state) {
    struct one_broker *one = start(state);
    static char metadata[4098];
    add_offsets(one);
    struct asked asked = asks(3);
    asked.group = "";
    assert_int_equal(commit(one, asked), KAFKA_INVALID_GROUP_ID);
    asked.partition = 2;
    assert_int_equal(commit(one, asked), KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    asked = asks(3);
    asked.topic = "nowhere";
    assert_int_equal(commit(one, asked), KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    asked = asks(3);
    asked.generation = 4;
    asked.member = "m";
    assert_int_equal(commit(one, asked), KAFKA_ILLEGAL_GENERATION);
    asked = asks(3);
    memset(metadata, 'x', sizeof metadata - 1);
    asked.metadata = metadata;
    assert_int_equal(commit(one, asked), KAFKA_OFFSET_METADATA_TOO_LARGE);
    end(one, 3, true);
    assert_string_equal(fetch_at_last(one), "NONE -1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_txn_offset_commit),
        TEST(test_txn_offset_commit_is_not_in_it),
        TEST(test_txn_offset_commit_of_others),
        TEST(test_txn_offset_commit_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
