/* Orders on their way through three whole brokers: to partitions of which the sender's broker leads
 * some, through the death of a leader, and past a topic that is deleted. */
#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/broker_internal.h"
#include "broker/partition/partition_append.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/unit.h"

enum { PARTITIONS = 6 };

static const int32_t numbers[PARTITIONS] = {0, 1, 2, 3, 4, 5};
static const char *topic = "t";
static int64_t producer;

/* ---- Partitions and their leaders ---- */

static struct partition *replica(struct broker_node *node, int32_t partition) {
    if (node->broker == NULL || node->broker->partitions == NULL) return NULL;
    return partition_set_find(node->broker->partitions, topic, strlen(topic), partition);
}

static struct partition *leader_of(struct brokers *brokers, int32_t partition) {
    for (int i = 0; i < brokers->count; i++) {
        struct partition *found = replica(&brokers->nodes[i], partition);
        if (found != NULL && partition_is_leading(found)) return found;
    }
    return NULL;
}

static bool all_are_led(struct brokers *brokers) {
    for (int32_t p = 0; p < PARTITIONS; p++)
        if (leader_of(brokers, p) == NULL) return false;
    return true;
}

static void make_producer(struct broker_node *node) {
    struct kp_init_producer_id_request request;
    struct kp_init_producer_id_response response;
    kp_set_fallbacks(&kp_init_producer_id_request_schema, &request);
    request.transactional_id = KP_NULL_STRING;
    do
        brokers_ask(node, KP_INIT_PRODUCER_ID, 4, &request, &response);
    while (response.error_code == KAFKA_COORDINATOR_LOAD_IN_PROGRESS);
    producer = response.producer_id;
}

static unsigned missing;

static void on_appended(struct partition_append *append, int16_t error) {
    (void)append;
    assert_int_equal(error, KAFKA_NONE);
    missing--;
}

static bool all_are_appended(struct brokers *brokers) {
    (void)brokers;
    return missing == 0;
}

/* A record in each partition, of the producer's transaction. */
static void open_transactions(struct brokers *brokers) {
    static struct partition_append appends[PARTITIONS];
    brokers_until(brokers, all_are_led);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        struct record_batch_options options = record_batch_plain();
        uint8_t *bytes;
        size_t len;
        options.producer_id = producer;
        options.producer_epoch = 0;
        options.transactional = true;
        struct record_batch_builder *builder = record_batch_builder_new(&options);
        record_batch_builder_append(builder, 5000, NULL, -1, (const uint8_t *)"x", 1, NULL, 0);
        assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
        appends[p] = (struct partition_append){.done = on_appended};
        missing++;
        assert_int_equal(
            partition_append(leader_of(brokers, p), slice_adopt(NULL, bytes, len), &appends[p]),
            KAFKA_NONE);
    }
    brokers_until(brokers, all_are_appended);
}

static bool all_have_ended(struct brokers *brokers) {
    for (int32_t p = 0; p < PARTITIONS; p++) {
        struct partition *leader = leader_of(brokers, p);
        if (leader == NULL || partition_stable_offset(leader) < partition_high_watermark(leader))
            return false;
    }
    return true;
}

/* ---- Orders ---- */

struct ordered {
    struct marker_order order;
    struct marker_topic topic;
    bool over;
    int16_t error;
};
static struct ordered *watched;

static void on_done(struct marker_order *order, int16_t error) {
    struct ordered *ordered = (struct ordered *)order;
    ordered->over = true;
    ordered->error = error;
}

static bool is_over(struct brokers *brokers) {
    (void)brokers;
    return watched->over;
}

static void begin(struct broker_node *node, struct ordered *ordered, int32_t coordinator) {
    *ordered = (struct ordered){.order = {.producer_id = producer,
                                          .producer_epoch = 0,
                                          .coordinator_epoch = coordinator,
                                          .commit = true,
                                          .topics = &ordered->topic,
                                          .topic_count = 1,
                                          .done = on_done},
                                .topic = {topic, 1, numbers, PARTITIONS}};
    watched = ordered;
    marker_order_begin(node->broker->marker_sender, &ordered->order);
}

/* All of them, and only once: the next order of the same finds nothing to do. One of a coordinator
 * that was deposed is refused. */
static void test_marker_exchange(void **state) {
    struct brokers *brokers = *state;
    struct broker_node *node = start_three(state);
    struct ordered ordered;
    assert_int_equal(brokers_create_topic(node, topic, PARTITIONS, 3, NULL), 0);
    make_producer(node);
    open_transactions(brokers);
    assert_false(all_have_ended(brokers));
    begin(node, &ordered, 4);
    brokers_until(brokers, is_over);
    assert_int_equal(ordered.error, KAFKA_NONE);
    assert_true(all_have_ended(brokers));
    begin(&brokers->nodes[1], &ordered, 4);
    brokers_until(brokers, is_over);
    assert_int_equal(ordered.error, KAFKA_NONE);
    for (int32_t p = 0; p < PARTITIONS; p++)
        assert_int_equal(partition_high_watermark(leader_of(brokers, p)), 2);
    begin(&brokers->nodes[2], &ordered, 3);
    brokers_until(brokers, is_over);
    assert_int_equal(ordered.error, KAFKA_TRANSACTION_COORDINATOR_FENCED);
}

/* A broker that leads some of them dies while they are under way: whoever leads next gets them. */
static void test_marker_exchange_dead_leader(void **state) {
    struct brokers *brokers = *state;
    struct broker_node *node = start_three(state);
    struct ordered ordered;
    assert_int_equal(brokers_create_topic(node, topic, PARTITIONS, 3, NULL), 0);
    make_producer(node);
    open_transactions(brokers);
    brokers_kill(&brokers->nodes[2]);
    begin(node, &ordered, 4);
    brokers_until(brokers, is_over);
    assert_int_equal(ordered.error, KAFKA_NONE);
    assert_true(all_have_ended(brokers));
}

static bool topic_is_gone(struct brokers *brokers) {
    return metadata_topic_named(brokers->nodes[0].broker->metadata, topic, strlen(topic)) == NULL;
}

/* What is deleted needs no end; also if it was never there. */
static void test_marker_exchange_deleted_topic(void **state) {
    struct brokers *brokers = *state;
    struct broker_node *node = start_three(state);
    struct ordered ordered;
    assert_int_equal(brokers_create_topic(node, topic, PARTITIONS, 3, NULL), 0);
    make_producer(node);
    open_transactions(brokers);
    assert_int_equal(brokers_delete_topic(node, topic), 0);
    begin(node, &ordered, 4);
    brokers_until(brokers, is_over);
    assert_int_equal(ordered.error, KAFKA_NONE);
    brokers_until(brokers, topic_is_gone);
    begin(node, &ordered, 4);
    brokers_until(brokers, is_over);
    assert_int_equal(ordered.error, KAFKA_NONE);
    assert_int_equal(marker_sender_markers(node->broker->marker_sender), 0);
}

/* A broker that stops with an order under way lets go of it. */
static void test_marker_exchange_stops(void **state) {
    struct brokers *brokers = *state;
    struct broker_node *node = start_three(state);
    struct ordered ordered;
    assert_int_equal(brokers_create_topic(node, topic, PARTITIONS, 3, NULL), 0);
    make_producer(node);
    open_transactions(brokers);
    begin(node, &ordered, 4);
    brokers_kill(node);
    assert_null(ordered.order.sender);
    assert_false(ordered.over);
}

/* ---- Bytes ---- */

static int call_error;
static bool call_over;
static int16_t call_code;

static void on_call(struct broker_call *call, int error, const uint8_t *answer, size_t len) {
    (void)call;
    call_over = true;
    call_error = error;
    call_code = error == ERR_NONE && len == 7 ? (int16_t)(answer[5] << 8 | answer[6]) : -1;
}

static bool call_is_over(struct brokers *brokers) {
    (void)brokers;
    return call_over;
}

/* A request of `count` markers, as it is said, of which so many bytes are there. */
static int ask_with(struct brokers *brokers, int8_t format, int32_t count, int32_t term,
                    size_t len) {
    struct broker_call call = {.done = on_call};
    struct kp_writer writer;
    uint8_t *bytes;
    size_t size;
    kp_writer_init(&writer, 100000);
    kp_write_int8(&writer, format);
    kp_write_int32(&writer, count);
    for (int i = 0; i < MARKERS_A_CALL + 1; i++) {
        kp_write_int64(&writer, 1 << 20); /* no group has this id */
        kp_write_int32(&writer, term);
        kp_write_int64(&writer, producer);
        kp_write_int16(&writer, 0);
        kp_write_int32(&writer, 4);
        kp_write_int8(&writer, 3);
    }
    assert_int_equal(kp_writer_take(&writer, &bytes, &size), ERR_NONE);
    assert_true(len <= size);
    call_over = false;
    broker_messages_call(brokers->nodes[0].broker->messages, &call, 2, BROKER_REQUEST_MARKERS,
                         slice_copy(NULL, bytes, len), 300);
    mem_free(bytes);
    brokers_until(brokers, call_is_over);
    return call_error;
}

/* What makes no sense is not answered, and does no harm. */
static void test_marker_exchange_bytes(void **state) {
    enum { HEAD = 5, ONE = 27 };
    struct brokers *brokers = *state;
    start_three(state);
    assert_int_equal(ask_with(brokers, 1, 1, 4, HEAD + ONE), ERR_NONE);
    assert_int_equal(call_code, KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_int_equal(ask_with(brokers, 1, 1, 4, 0), ERR_TIMEOUT);
    assert_int_equal(ask_with(brokers, 2, 1, 4, HEAD + ONE), ERR_TIMEOUT);
    assert_int_equal(ask_with(brokers, 1, 1, 4, HEAD + ONE - 1), ERR_TIMEOUT);
    assert_int_equal(ask_with(brokers, 1, 1, 4, HEAD + ONE + 1), ERR_TIMEOUT);
    assert_int_equal(ask_with(brokers, 1, 0, 4, HEAD), ERR_TIMEOUT);
    assert_int_equal(ask_with(brokers, 1, -1, 4, HEAD), ERR_TIMEOUT);
    assert_int_equal(ask_with(brokers, 1, MARKERS_A_CALL + 1, 4, HEAD + ONE * (MARKERS_A_CALL + 1)),
                     ERR_TIMEOUT);
    assert_int_equal(ask_with(brokers, 1, 1, -4, HEAD + ONE), ERR_TIMEOUT);
    assert_int_equal(ask_with(brokers, 1, MARKERS_A_CALL, 4, HEAD + ONE * MARKERS_A_CALL),
                     ERR_NONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_marker_exchange),
        TEST(test_marker_exchange_dead_leader),
        TEST(test_marker_exchange_deleted_topic),
        TEST(test_marker_exchange_stops),
        TEST(test_marker_exchange_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
