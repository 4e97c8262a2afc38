/* Batches of transactions in a cluster: the leaders of partitions ask the coordinator, wherever it
 * is, before they append the first one. */
#include <string.h>

#include "base/mem.h"
#include "broker/broker_internal.h"
#include "broker/partition/partition_internal.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/produce.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/unit/broker/fixture_cluster_asks.h"
#include "tests/unit/unit.h"

enum { PARTITIONS = 3, ADDS_FROM = 12 };

static const char *const transactional_id = "pay";

struct producer {
    struct brokers *brokers;
    struct broker_node *coordinator;
    int64_t id;
    int16_t epoch;
};

static struct partition *leader_of(struct brokers *brokers, int32_t partition,
                                   struct broker_node **node) {
    for (int i = 0; i < brokers->count; i++) {
        *node = &brokers->nodes[i];
        if ((*node)->broker == NULL || (*node)->broker->partitions == NULL) continue;
        struct partition *found = partition_set_find((*node)->broker->partitions, "t", 1,
                                                     partition);
        if (found != NULL && partition_is_leading(found)) return found;
    }
    return NULL;
}

static bool all_are_led(struct brokers *brokers) {
    struct broker_node *node;
    for (int32_t p = 0; p < PARTITIONS; p++)
        if (leader_of(brokers, p, &node) == NULL) return false;
    return true;
}

static bool all_have_ended(struct brokers *brokers) {
    struct broker_node *node;
    for (int32_t p = 0; p < PARTITIONS; p++) {
        struct partition *leader = leader_of(brokers, p, &node);
        if (leader == NULL || partition_stable_offset(leader) < partition_high_watermark(leader))
            return false;
    }
    return true;
}

static void find_coordinator(struct producer *producer) {
    struct kp_string key = kp_string_of(transactional_id);
    struct kp_find_coordinator_request request;
    struct kp_find_coordinator_response response;
    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key_type = 1;
    request.coordinator_keys.items = &key;
    request.coordinator_keys.count = 1;
    do
        brokers_ask(&producer->brokers->nodes[0], KP_FIND_COORDINATOR, 4, &request, &response);
    while (response.coordinators.items[0].error_code == KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(response.coordinators.items[0].error_code, KAFKA_NONE);
    producer->coordinator = &producer->brokers->nodes[response.coordinators.items[0].node_id - 1];
}

static void init(struct producer *producer) {
    struct kp_init_producer_id_request request;
    struct kp_init_producer_id_response response;
    kp_set_fallbacks(&kp_init_producer_id_request_schema, &request);
    request.transactional_id = kp_string_of(transactional_id);
    request.transaction_timeout_ms = 60000;
    do
        brokers_ask(producer->coordinator, KP_INIT_PRODUCER_ID, 4, &request, &response);
    while (kafka_error_retriable(response.error_code));
    assert_int_equal(response.error_code, KAFKA_NONE);
    producer->id = response.producer_id;
    producer->epoch = response.producer_epoch;
}

static void add_all(const struct producer *producer) {
    int32_t numbers[PARTITIONS] = {0, 1, 2};
    struct kp_add_partitions_to_txn_request_topic topic = {.name = kp_string_of("t"),
                                                           .partitions = {numbers, PARTITIONS}};
    struct kp_add_partitions_to_txn_request request;
    struct kp_add_partitions_to_txn_response response;
    kp_set_fallbacks(&kp_add_partitions_to_txn_request_schema, &request);
    request.transactional_id = kp_string_of(transactional_id);
    request.producer_id = producer->id;
    request.producer_epoch = producer->epoch;
    request.topics.items = &topic;
    request.topics.count = 1;
    brokers_ask(producer->coordinator, KP_ADD_PARTITIONS_TO_TXN, 3, &request, &response);
    assert_int_equal(response.topics.items[0].partitions.items[0].error_code, KAFKA_NONE);
}

static void end_with(struct producer *producer, int version, bool commit) {
    struct kp_end_txn_request request;
    struct kp_end_txn_response response;
    kp_set_fallbacks(&kp_end_txn_request_schema, &request);
    request.transactional_id = kp_string_of(transactional_id);
    request.producer_id = producer->id;
    request.producer_epoch = producer->epoch;
    request.committed = commit;
    brokers_ask(producer->coordinator, KP_END_TXN, version, &request, &response);
    assert_int_equal(response.error_code, KAFKA_NONE);
    if (version >= 5) producer->epoch = response.producer_epoch;
    brokers_until(producer->brokers, all_have_ended);
}

/* One record; again as long as it is told to be sent again. */
static int16_t produce(const struct producer *producer, int version, int32_t partition,
                       int32_t sequence) {
    struct record_batch_options options = record_batch_plain();
    struct kp_produce_request request;
    struct kp_produce_response response;
    struct broker_node *node;
    uint8_t *bytes;
    size_t len;
    options.producer_id = producer->id;
    options.producer_epoch = producer->epoch;
    options.base_sequence = sequence;
    options.transactional = true;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    record_batch_builder_append(builder, 5000, NULL, -1, (const uint8_t *)"x", 1, NULL, 0);
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    struct kp_produce_request_partition batch = {.index = partition,
                                                 .records = {.data = bytes, .len = (int32_t)len}};
    struct kp_produce_request_topic topic = {.name = kp_string_of("t"),
                                             .partition_data = {&batch, 1}};
    kp_set_fallbacks(&kp_produce_request_schema, &request);
    request.transactional_id = kp_string_of(transactional_id);
    request.acks = -1;
    request.timeout_ms = 5000;
    request.topic_data.items = &topic;
    request.topic_data.count = 1;
    int16_t error;
    do {
        brokers_until(producer->brokers, all_are_led);
        leader_of(producer->brokers, partition, &node);
        brokers_ask(node, KP_PRODUCE, version, &request, &response);
        error = response.responses.items[0].partition_responses.items[0].error_code;
    } while (error == KAFKA_NOT_ENOUGH_REPLICAS || error == KAFKA_NOT_LEADER_OR_FOLLOWER);
    mem_free(bytes);
    return error;
}

static struct producer start(void **state) {
    struct producer producer = {.brokers = *state};
    struct broker_node *node = start_three(state);
    assert_int_equal(brokers_create_topic(node, "t", PARTITIONS, 3, NULL), 0);
    brokers_until(producer.brokers, all_are_led);
    find_coordinator(&producer);
    init(&producer);
    return producer;
}

/* What was not added is refused, as the version knows it; what was added is taken, until the
 * transaction is ended. */
static void test_verification(void **state) {
    struct producer producer = start(state);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        assert_int_equal(produce(&producer, 10, p, 0), KAFKA_INVALID_TXN_STATE);
        assert_int_equal(produce(&producer, 11, p, 0), KAFKA_TRANSACTION_ABORTABLE);
    }
    add_all(&producer);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        assert_int_equal(produce(&producer, 10, p, 0), KAFKA_NONE);
        assert_int_equal(produce(&producer, 11, p, 1), KAFKA_NONE);
    }
    assert_false(all_have_ended(producer.brokers));
    end_with(&producer, 3, true);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        assert_int_equal(produce(&producer, 11, p, 1), KAFKA_NONE); /* it came before */
        assert_int_equal(produce(&producer, 11, p, 2), KAFKA_TRANSACTION_ABORTABLE);
    }
    assert_true(all_have_ended(producer.brokers));
    init(&producer); /* a new instance: the epoch before is shut out */
    producer.epoch--;
    assert_int_equal(produce(&producer, 11, 0, 2), KAFKA_INVALID_PRODUCER_EPOCH);
}

/* From version 12 on a batch adds its partition by itself, and every end raises the epoch. */
static void test_verification_adds(void **state) {
    struct producer producer = start(state);
    for (int round = 0; round < 3; round++) {
        for (int32_t p = 0; p < PARTITIONS; p++)
            assert_int_equal(produce(&producer, ADDS_FROM, p, 0), KAFKA_NONE);
        assert_false(all_have_ended(producer.brokers));
        int16_t before = producer.epoch;
        end_with(&producer, 5, round != 1);
        assert_int_equal(producer.epoch, before + 1);
        producer.epoch = before;
        assert_int_equal(produce(&producer, ADDS_FROM, 0, 1), KAFKA_INVALID_PRODUCER_EPOCH);
        producer.epoch++;
    }
    assert_true(all_have_ended(producer.brokers));
}

/* ---- Bytes ---- */

static int call_error;
static bool call_over;

static void on_call(struct broker_call *call, int error, const uint8_t *answer, size_t len) {
    (void)call;
    (void)answer;
    (void)len;
    call_over = true;
    call_error = error;
}

static bool call_is_over(struct brokers *brokers) {
    (void)brokers;
    return call_over;
}

static int ask_with(struct brokers *brokers, int8_t format, int32_t count, int written,
                    size_t less) {
    struct broker_call call = {.done = on_call};
    struct kp_writer writer;
    uint8_t *bytes;
    size_t size;
    kp_writer_init(&writer, 1 << 20);
    kp_write_int8(&writer, format);
    kp_write_int32(&writer, count);
    for (int i = 0; i < written; i++) {
        kp_write_string(&writer, kp_string_of(transactional_id), false, false);
        kp_write_int64(&writer, 1);
        kp_write_int16(&writer, 0);
        kp_write_bool(&writer, false);
        kp_write_string(&writer, kp_string_of("t"), false, false);
        kp_write_int32(&writer, 0);
    }
    assert_int_equal(kp_writer_take(&writer, &bytes, &size), ERR_NONE);
    call_over = false;
    broker_messages_call(brokers->nodes[0].broker->messages, &call, 2, BROKER_REQUEST_TRANSACTION,
                         slice_copy(NULL, bytes, size - less), 1500);
    mem_free(bytes);
    brokers_until(brokers, call_is_over);
    return call_error;
}

/* What makes no sense is not answered, and does no harm. */
static void test_verification_bytes(void **state) {
    struct producer producer = start(state);
    struct brokers *brokers = producer.brokers;
    assert_int_equal(ask_with(brokers, 1, 2, 2, 0), ERR_NONE);
    assert_int_equal(ask_with(brokers, 2, 1, 1, 0), ERR_TIMEOUT);
    assert_int_equal(ask_with(brokers, 1, 0, 0, 0), ERR_TIMEOUT);
    assert_int_equal(ask_with(brokers, 1, 1, 1, 1), ERR_TIMEOUT);
    assert_int_equal(ask_with(brokers, 1, 1, 2, 0), ERR_TIMEOUT);
    assert_int_equal(ask_with(brokers, 1, 257, 257, 0), ERR_TIMEOUT);
    assert_int_equal(ask_with(brokers, 1, 256, 256, 0), ERR_NONE);
}

/* ---- Invitations ---- */

static bool is_invited(const struct producer *producer, int32_t p) {
    struct broker_node *node;
    struct partition *leader = leader_of(producer->brokers, p, &node);
    return leader != NULL &&
           producer_state_is_invited(leader->producers, producer->id, producer->epoch,
                                     transactional_id, strlen(transactional_id));
}

static const struct producer *invited;

static bool all_are_invited(struct brokers *brokers) {
    (void)brokers;
    for (int32_t p = 0; p < PARTITIONS; p++)
        if (!is_invited(invited, p)) return false;
    return true;
}

/* From its second transaction on a producer that names its partitions is announced to their
 * leaders, wherever they are; until the end, also of what it has not written to. */
static void test_verification_invites(void **state) {
    struct producer producer = start(state);
    invited = &producer;
    add_all(&producer);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        assert_false(is_invited(&producer, p));
        assert_int_equal(produce(&producer, 11, p, 0), KAFKA_NONE);
    }
    end_with(&producer, 3, true);
    add_all(&producer);
    brokers_until(producer.brokers, all_are_invited);
    assert_int_equal(produce(&producer, 11, 0, 1), KAFKA_NONE);
    end_with(&producer, 3, true);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        assert_false(is_invited(&producer, p));
        assert_int_equal(produce(&producer, 11, p, p == 0 ? 2 : 1), KAFKA_TRANSACTION_ABORTABLE);
    }
}

static void invite_with(const struct producer *producer, int8_t format, int32_t count, int written,
                        size_t less) {
    struct broker_node *node = NULL;
    struct partition *leader = leader_of(producer->brokers, 0, &node);
    struct kp_writer writer;
    uint8_t *bytes;
    size_t size;
    kp_writer_init(&writer, 1 << 20);
    kp_write_int8(&writer, format);
    kp_write_string(&writer, kp_string_of(transactional_id), false, false);
    kp_write_int64(&writer, producer->id);
    kp_write_int16(&writer, producer->epoch);
    kp_write_int32(&writer, INT32_MAX);
    kp_write_int32(&writer, count);
    for (int i = 0; i < written; i++) {
        kp_write_int64(&writer, (int64_t)raft_group_id(leader->group));
        kp_write_int32(&writer, (int32_t)partition_leader_epoch(leader));
    }
    assert_int_equal(kp_writer_take(&writer, &bytes, &size), ERR_NONE);
    struct slice message = slice_copy(NULL, bytes, size - less);
    broker_heard_invitations(node->broker, 1, &message);
    slice_unref(&message);
    mem_free(bytes);
}

/* What makes no sense invites nobody. */
static void test_verification_invitation_bytes(void **state) {
    struct producer producer = start(state);
    add_all(&producer);
    assert_int_equal(produce(&producer, 11, 0, 0), KAFKA_NONE);
    end_with(&producer, 3, true);
    invite_with(&producer, 2, 1, 1, 0);
    invite_with(&producer, 1, 0, 0, 0);
    invite_with(&producer, 1, 2, 2, 1);
    invite_with(&producer, 1, 1, 2, 0);
    invite_with(&producer, 1, 257, 257, 0);
    assert_false(is_invited(&producer, 0));
    invite_with(&producer, 1, 256, 256, 0);
    assert_true(is_invited(&producer, 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_verification),
        TEST(test_verification_adds),
        TEST(test_verification_bytes),
        TEST(test_verification_invites),
        TEST(test_verification_invitation_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
