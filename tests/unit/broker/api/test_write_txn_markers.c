/* WriteTxnMarkers as a client meets it, on one whole broker, and what it makes of Fetch,
 * ListOffsets and DescribeProducers. */
#include <string.h>

#include "base/mem.h"
#include "broker/broker_internal.h"
#include "broker/partition/partition_append.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/describe_producers.h"
#include "protocol/messages/write_txn_markers.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/broker/fixture_data_asks.h"
#include "tests/unit/unit.h"

enum { MOST = 10000, COORDINATOR = 4 };

struct end_ask {
    struct kp_write_txn_markers_request request;
    struct kp_write_txn_markers_request_marker marker;
    struct kp_write_txn_markers_request_topic topics[2];
    int32_t partitions[3];
};

/* Of partition 0 of "t". */
static void marker_begin(struct end_ask *ask, int64_t id, int16_t epoch, bool commit) {
    *ask = (struct end_ask){.partitions = {0}};
    kp_set_fallbacks(&kp_write_txn_markers_request_schema, &ask->request);
    kp_set_fallbacks(&kp_write_txn_markers_request_marker_schema, &ask->marker);
    ask->marker.producer_id = id;
    ask->marker.producer_epoch = epoch;
    ask->marker.transaction_result = commit;
    ask->marker.coordinator_epoch = COORDINATOR;
    ask->marker.topics.items = ask->topics;
    ask->marker.topics.count = 1;
    ask->topics[0].name = kp_string_of("t");
    ask->topics[0].partition_indexes.items = ask->partitions;
    ask->topics[0].partition_indexes.count = 1;
    ask->request.markers.items = &ask->marker;
    ask->request.markers.count = 1;
}

static int16_t end_transaction(struct one_broker *one, int64_t id, int16_t epoch, bool commit) {
    struct end_ask ask;
    struct kp_write_txn_markers_response response;
    marker_begin(&ask, id, epoch, commit);
    assert_true(one_broker_ask(one, KP_WRITE_TXN_MARKERS, 1, &ask.request, &response));
    assert_int_equal(response.markers.count, 1);
    assert_int_equal(response.markers.items[0].producer_id, id);
    assert_int_equal(response.markers.items[0].topics.count, 1);
    return response.markers.items[0].topics.items[0].partitions.items[0].error_code;
}

static void on_appended(struct partition_append *append, int16_t error) {
    (void)append;
    assert_int_equal(error, KAFKA_NONE);
}

/* What a transaction writes, past its coordinator. It has committed when what comes behind it is
 * acknowledged. */
static void write_in_transaction(struct one_broker *one, int64_t id, int32_t sequence) {
    static struct partition_append append;
    struct partition *partition = partition_set_find(one->broker->partitions, "t", 1, 0);
    struct record_batch_options options = record_batch_plain();
    options.producer_id = id;
    options.producer_epoch = 0;
    options.base_sequence = sequence;
    options.transactional = true;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    record_batch_builder_append(builder, 5000, NULL, -1, (const uint8_t *)"x", 1, NULL, 0);
    uint8_t *bytes;
    size_t len;
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    append.done = on_appended;
    assert_int_equal(partition_append(partition, slice_adopt(NULL, bytes, len), &append),
                     KAFKA_NONE);
    assert_int_equal(produce_one(one, "t", 0, 1, 10).error_code, KAFKA_NONE);
}

static struct kp_fetch_response_partition fetch(struct one_broker *one, int64_t offset,
                                                bool committed) {
    struct fetch_ask ask;
    struct kp_fetch_response response;
    fetch_begin(&ask, "t", 1, offset);
    ask.request.isolation_level = committed ? FETCH_READ_COMMITTED : 0;
    assert_true(one_broker_ask(one, KP_FETCH, 11, &ask.request, &response));
    return response.responses.items[0].partitions.items[0];
}

static struct kp_describe_producers_response_producer producer_of(struct one_broker *one,
                                                                  int64_t id) {
    int32_t zero = 0;
    struct kp_describe_producers_request request;
    struct kp_describe_producers_request_topic asked = {.name = kp_string_of("t"),
                                                        .partition_indexes = {&zero, 1}};
    struct kp_describe_producers_response response;
    kp_set_fallbacks(&kp_describe_producers_request_schema, &request);
    request.topics.items = &asked;
    request.topics.count = 1;
    assert_true(one_broker_ask(one, KP_DESCRIBE_PRODUCERS, 0, &request, &response));
    const struct kp_describe_producers_response_partition *found =
        &response.topics.items[0].partitions.items[0];
    for (int32_t i = 0; i < found->active_producers.count; i++)
        if (found->active_producers.items[i].producer_id == id)
            return found->active_producers.items[i];
    fail();
    return found->active_producers.items[0];
}

static int64_t latest(struct one_broker *one, bool committed) {
    struct kp_list_offsets_request request;
    struct kp_list_offsets_request_partition asked = {.current_leader_epoch = -1,
                                                      .timestamp = LIST_OFFSETS_LATEST};
    struct kp_list_offsets_request_topic topic = {.name = kp_string_of("t"),
                                                  .partitions = {&asked, 1}};
    struct kp_list_offsets_response response;
    kp_set_fallbacks(&kp_list_offsets_request_schema, &request);
    request.replica_id = -1;
    request.isolation_level = committed ? LIST_OFFSETS_READ_COMMITTED : 0;
    request.topics.items = &topic;
    request.topics.count = 1;
    assert_true(one_broker_ask(one, KP_LIST_OFFSETS, 5, &request, &response));
    return response.topics.items[0].partitions.items[0].offset;
}

/* An open transaction is seen by who describes producers and holds committed readers back; its end
 * is a batch with an offset of its own, and of what was aborted committed readers are told. */
static void test_write_txn_markers(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    int64_t id = new_producer(one);
    write_in_transaction(one, id, 0); /* 0, and a plain record */
    assert_int_equal(producer_of(one, id).current_txn_start_offset, 0);
    assert_int_equal(producer_of(one, id).coordinator_epoch, -1);
    struct kp_fetch_response_partition got = fetch(one, 0, true);
    assert_int_equal(got.records.len, 0);
    assert_int_equal(got.last_stable_offset, 0);
    assert_int_equal(got.high_watermark, 2);
    assert_int_equal(got.aborted_transactions.count, 0);
    assert_int_equal(latest(one, true), 0);
    assert_int_equal(latest(one, false), 2);
    got = fetch(one, 0, false);
    assert_true(got.records.len > 0);
    assert_int_equal(got.last_stable_offset, 0);
    assert_int_equal(got.aborted_transactions.count, -1);
    assert_int_equal(end_transaction(one, id, 0, false), KAFKA_NONE);
    got = fetch(one, 0, true);
    assert_true(got.records.len > 0);
    assert_int_equal(got.last_stable_offset, 3);
    assert_int_equal(got.aborted_transactions.count, 1);
    assert_int_equal(got.aborted_transactions.items[0].producer_id, id);
    assert_int_equal(got.aborted_transactions.items[0].first_offset, 0);
    assert_int_equal(fetch(one, 0, false).aborted_transactions.count, -1);
    assert_int_equal(producer_of(one, id).current_txn_start_offset, -1);
    assert_int_equal(producer_of(one, id).coordinator_epoch, COORDINATOR);
    assert_int_equal(latest(one, true), 3);
}

/* A marker with a higher epoch fences the producer; the same once more changes nothing. */
static void test_write_txn_markers_fence(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    int64_t id = new_producer(one);
    assert_int_equal(produce_as(one, id, 0, 0), KAFKA_NONE);
    assert_int_equal(end_transaction(one, id, 1, false), KAFKA_NONE);
    assert_int_equal(end_transaction(one, id, 1, false), KAFKA_NONE);
    assert_int_equal(latest(one, false), 4);
    assert_int_equal(produce_as(one, id, 0, 3), KAFKA_INVALID_PRODUCER_EPOCH);
    assert_int_equal(produce_as(one, id, 1, 0), KAFKA_NONE);
    assert_int_equal(end_transaction(one, id, 0, false), KAFKA_INVALID_PRODUCER_EPOCH);
    assert_int_equal(produce_one(one, "t", 0, 1, 10).base_offset, 7);
}

/* As many as there may be, then one more; of partitions, of topics, of markers. */
static void test_write_txn_markers_many(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    struct end_ask ask;
    struct kp_write_txn_markers_response response;
    int64_t id = new_producer(one);
    marker_begin(&ask, id, 0, true);
    int32_t *many = mem_zalloc((MOST + 1) * sizeof *many);
    ask.topics[0].partition_indexes.items = many;
    ask.topics[0].partition_indexes.count = MOST;
    assert_true(one_broker_ask(one, KP_WRITE_TXN_MARKERS, 1, &ask.request, &response));
    const struct kp_write_txn_markers_response_topic *topics =
        response.markers.items[0].topics.items;
    assert_int_equal(topics[0].partitions.count, MOST);
    assert_int_equal(topics[0].partitions.items[MOST - 1].error_code, KAFKA_NONE);
    ask.topics[0].partition_indexes.count = MOST + 1;
    assert_false(one_broker_ask(one, KP_WRITE_TXN_MARKERS, 1, &ask.request, &response));
    mem_free(many);
    ask.marker.topics.items = mem_zalloc((MOST + 1) * sizeof *ask.marker.topics.items);
    ask.marker.topics.count = MOST + 1;
    for (int i = 0; i <= MOST; i++)
        ask.marker.topics.items[i].name = kp_string_of("t");
    assert_false(one_broker_ask(one, KP_WRITE_TXN_MARKERS, 1, &ask.request, &response));
    mem_free(ask.marker.topics.items);
    ask.marker.topics.count = 0;
    ask.request.markers.items = mem_zalloc((MOST + 1) * sizeof ask.marker);
    ask.request.markers.count = MOST + 1;
    for (int i = 0; i <= MOST; i++)
        ask.request.markers.items[i] = ask.marker;
    assert_false(one_broker_ask(one, KP_WRITE_TXN_MARKERS, 1, &ask.request, &response));
    mem_free(ask.request.markers.items);
    assert_int_equal(latest(one, false), 1);
}

/* Each partition has its own error; ids that nobody was given, and that are none, end nothing. */
static void test_write_txn_markers_refusals(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    struct end_ask ask;
    struct kp_write_txn_markers_response response;
    int64_t id = new_producer(one);
    marker_begin(&ask, id, 0, true);
    ask.partitions[1] = 1;
    ask.partitions[2] = -1;
    ask.topics[0].partition_indexes.count = 3;
    ask.topics[1].name = kp_string_of("never-made");
    ask.topics[1].partition_indexes.items = ask.partitions;
    ask.topics[1].partition_indexes.count = 1;
    ask.marker.topics.count = 2;
    assert_true(one_broker_ask(one, KP_WRITE_TXN_MARKERS, 2, &ask.request, &response));
    const struct kp_write_txn_markers_response_topic *topics =
        response.markers.items[0].topics.items;
    assert_int_equal(topics[0].partitions.items[0].error_code, KAFKA_NONE);
    assert_int_equal(topics[0].partitions.items[1].error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(topics[0].partitions.items[2].error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(topics[0].partitions.items[2].partition_index, -1);
    assert_int_equal(topics[1].partitions.items[0].error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(end_transaction(one, INT64_MAX, 0, true), KAFKA_UNKNOWN_PRODUCER_ID);
    assert_int_equal(end_transaction(one, -1, 0, true), KAFKA_UNKNOWN_SERVER_ERROR);
    assert_int_equal(end_transaction(one, INT64_MIN, 0, false), KAFKA_UNKNOWN_SERVER_ERROR);
    assert_int_equal(end_transaction(one, id, -1, true), KAFKA_UNKNOWN_SERVER_ERROR);
    assert_false(producer_ids_given(one->broker->producer_ids, -1));
    assert_int_equal(latest(one, false), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_write_txn_markers),
        TEST(test_write_txn_markers_fence),
        TEST(test_write_txn_markers_many),
        TEST(test_write_txn_markers_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
