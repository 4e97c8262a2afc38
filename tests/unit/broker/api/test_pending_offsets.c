/*
 * Offsets of an open transaction as clients meet them, on one whole broker: OffsetFetch with and
 * without require_stable, WriteTxnMarkers on __consumer_offsets, OffsetDelete and DeleteGroups
 * meanwhile.
 */
#include <stdio.h>
#include <string.h>

#include "broker/broker_internal.h"
#include "broker/config/topic_name.h"
#include "broker/coordinator/coordinators.h"
#include "broker/coordinator/serving/group_offsets.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/messages/offset_delete.h"
#include "protocol/messages/offset_fetch.h"
#include "protocol/messages/write_txn_markers.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/unit.h"

static int64_t producer_id;

static void ask_coordinator(struct one_broker *one) {
    struct kp_find_coordinator_request request;
    struct kp_find_coordinator_response response;
    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key = kp_string_of("g");
    assert_true(one_broker_ask(one, KP_FIND_COORDINATOR, 1, &request, &response));
    assert_int_equal(response.error_code, 0);
}

/* A broker whose coordinator is found, and a producer. */
static struct one_broker *start(void **state) {
    struct one_broker *one = *state;
    struct error_text why;
    struct kp_init_producer_id_request request;
    struct kp_init_producer_id_response response;
    assert_int_equal(settings_set(one->values, "offsets.topic.num.partitions", "1", "test", &why),
                     ERR_NONE);
    one_broker_start(one);
    one_broker_create(one, "t", 3);
    ask_coordinator(one);
    kp_set_fallbacks(&kp_init_producer_id_request_schema, &request);
    request.transactional_id = KP_NULL_STRING;
    assert_true(one_broker_ask(one, KP_INIT_PRODUCER_ID, 1, &request, &response));
    assert_int_equal(response.error_code, 0);
    producer_id = response.producer_id;
    return one;
}

/* ---- Askers ---- */

/* Error, offset and metadata of partition 1; "none": it is not in the answer. */
static const char *fetch(struct one_broker *one, bool stable, bool all) {
    static char text[100];
    int32_t partition = 1;
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
    request.topics.count = all ? -1 : 1;
    request.require_stable = stable;
    assert_true(one_broker_ask(one, KP_OFFSET_FETCH, 7, &request, &response));
    assert_int_equal(response.error_code, 0);
    if (response.topics.count == 0) return "none";
    assert_int_equal(response.topics.items[0].partitions.count, 1);
    const struct kp_offset_fetch_response_partition *one_of =
        &response.topics.items[0].partitions.items[0];
    snprintf(text, sizeof text, "%s %lld '%.*s'", kafka_error_name(one_of->error_code),
             (long long)one_of->committed_offset, one_of->metadata.len, one_of->metadata.data);
    return text;
}

static void commit(struct one_broker *one, int64_t offset) {
    struct kp_offset_commit_request request;
    struct kp_offset_commit_response response;
    struct kp_offset_commit_request_topic topic;
    struct kp_offset_commit_request_partition partition;
    kp_set_fallbacks(&kp_offset_commit_request_schema, &request);
    kp_set_fallbacks(&kp_offset_commit_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_offset_commit_request_partition_schema, &partition);
    partition.partition_index = 1;
    partition.committed_offset = offset;
    partition.committed_metadata = kp_string_of("plain");
    topic.name = kp_string_of("t");
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.group_id = kp_string_of("g");
    request.member_id = kp_string_of("");
    request.topics.items = &topic;
    request.topics.count = 1;
    assert_true(one_broker_ask(one, KP_OFFSET_COMMIT, 7, &request, &response));
    assert_int_equal(response.topics.items[0].partitions.items[0].error_code, 0);
}

/* What TxnOffsetCommit does when the transaction has been looked at. */
static struct {
    struct coordinator_find find;
    struct offset_commit commit;
    struct offset_commit_entry entry;
    struct coordinator_transaction transaction;
    int16_t error;
} in_transaction;

static void committed(struct group_call *call) {
    in_transaction.error = call->error;
}

static void found(struct coordinator_find *find, void *coordinator, int16_t error) {
    (void)find;
    assert_int_equal(error, 0);
    group_offsets_commit(coordinator, &in_transaction.commit);
}

static int16_t commit_in(struct one_broker *one, int16_t epoch, int64_t offset) {
    struct committed_offset made = {.offset = offset,
                                    .partition = 1,
                                    .expire_time_ms = -1,
                                    .leader_epoch = -1,
                                    .metadata = "in",
                                    .metadata_len = 2};
    struct offset_commit *commit = &in_transaction.commit;
    offset_commit_open(commit, &in_transaction.entry);
    commit->call.done = committed;
    commit->group_id = kp_string_of("g");
    commit->member_id = kp_string_of("");
    commit->instance_id = commit->client_host = KP_NULL_STRING;
    commit->generation = -1;
    in_transaction.transaction = (struct coordinator_transaction){
        .producer_id = producer_id, .producer_epoch = epoch, .transactional_id = KP_NULL_STRING};
    commit->transaction = &in_transaction.transaction;
    in_transaction.error = -1;
    offset_commit_add(commit, kp_string_of("t"), &made);
    in_transaction.find.done = found;
    coordinators_find(broker_services(one->broker)->group_coordinators, "g", 1,
                      &in_transaction.find);
    /* Questions do not wait for it: each lets the loop run. */
    for (int i = 0; i < 10000 && in_transaction.error == -1; i++)
        (void)fetch(one, false, false);
    assert_int_not_equal(in_transaction.error, -1);
    return in_transaction.error;
}

static int16_t end(struct one_broker *one, int16_t epoch, bool commits) {
    int32_t zero = 0;
    struct kp_write_txn_markers_request request;
    struct kp_write_txn_markers_request_marker marker;
    struct kp_write_txn_markers_request_topic topic;
    struct kp_write_txn_markers_response response;
    kp_set_fallbacks(&kp_write_txn_markers_request_schema, &request);
    kp_set_fallbacks(&kp_write_txn_markers_request_marker_schema, &marker);
    kp_set_fallbacks(&kp_write_txn_markers_request_topic_schema, &topic);
    topic.name = kp_string_of(TOPIC_CONSUMER_OFFSETS);
    topic.partition_indexes.items = &zero;
    topic.partition_indexes.count = 1;
    marker.producer_id = producer_id;
    marker.producer_epoch = epoch;
    marker.coordinator_epoch = 1;
    marker.transaction_result = commits;
    marker.topics.items = &topic;
    marker.topics.count = 1;
    request.markers.items = &marker;
    request.markers.count = 1;
    assert_true(one_broker_ask(one, KP_WRITE_TXN_MARKERS, 1, &request, &response));
    return response.markers.items[0].topics.items[0].partitions.items[0].error_code;
}

static int delete_offset(struct one_broker *one) {
    struct kp_offset_delete_request request;
    struct kp_offset_delete_request_topic topic;
    struct kp_offset_delete_request_partition partition = {1};
    struct kp_offset_delete_response response;
    kp_set_fallbacks(&kp_offset_delete_request_schema, &request);
    kp_set_fallbacks(&kp_offset_delete_request_topic_schema, &topic);
    topic.name = kp_string_of("t");
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.group_id = kp_string_of("g");
    request.topics.items = &topic;
    request.topics.count = 1;
    assert_true(one_broker_ask(one, KP_OFFSET_DELETE, 0, &request, &response));
    if (response.error_code != 0) return response.error_code;
    return response.topics.items[0].partitions.items[0].error_code;
}

/* ---- What they meet ---- */

/* Until the marker who wants the last word is told to ask again, others read what is committed;
 * when the marker is acknowledged it can be read. */
static void test_offsets_until_the_marker(void **state) {
    struct one_broker *one = start(state);
    commit(one, 5);
    assert_int_equal(commit_in(one, 0, 40), 0);
    assert_string_equal(fetch(one, false, false), "NONE 5 'plain'");
    assert_string_equal(fetch(one, false, true), "NONE 5 'plain'");
    assert_string_equal(fetch(one, true, false), "UNSTABLE_OFFSET_COMMIT -1 ''");
    assert_string_equal(fetch(one, true, true), "UNSTABLE_OFFSET_COMMIT -1 ''");
    assert_int_equal(end(one, 0, true), 0);
    assert_string_equal(fetch(one, true, false), "NONE 40 'in'");
    assert_int_equal(commit_in(one, 0, 41), 0);
    assert_int_equal(end(one, 1, false), 0);
    assert_string_equal(fetch(one, true, true), "NONE 40 'in'");
    assert_int_equal(commit_in(one, 0, 42), KAFKA_INVALID_PRODUCER_EPOCH);
    assert_string_equal(fetch(one, true, false), "NONE 40 'in'");
}

/* What was committed behind it stays. */
static void test_offsets_committed_meanwhile(void **state) {
    struct one_broker *one = start(state);
    assert_int_equal(commit_in(one, 0, 40), 0);
    commit(one, 5);
    assert_int_equal(end(one, 0, true), 0);
    assert_string_equal(fetch(one, true, false), "NONE 5 'plain'");
}

/* A group of nothing but a pending offset is one; with it goes what is pending. */
static void test_offsets_taken_back_meanwhile(void **state) {
    struct one_broker *one = start(state);
    assert_int_equal(commit_in(one, 0, 40), 0);
    assert_string_equal(fetch(one, false, true), "none");
    assert_string_equal(fetch(one, true, false), "UNSTABLE_OFFSET_COMMIT -1 ''");
    assert_int_equal(delete_offset(one), 0);
    assert_int_equal(delete_offset(one), KAFKA_GROUP_ID_NOT_FOUND);
    assert_int_equal(end(one, 0, true), 0);
    assert_string_equal(fetch(one, true, false), "NONE -1 ''");
}

/* Nobody was given such an id. */
static void test_offsets_of_a_stranger(void **state) {
    struct one_broker *one = start(state);
    producer_id += 100000;
    assert_int_equal(commit_in(one, 0, 40), KAFKA_INVALID_PRODUCER_ID_MAPPING);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_offsets_until_the_marker),
        TEST(test_offsets_committed_meanwhile),
        TEST(test_offsets_taken_back_meanwhile),
        TEST(test_offsets_of_a_stranger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
