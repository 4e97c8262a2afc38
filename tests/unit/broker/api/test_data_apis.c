/* Produce, Fetch, ListOffsets and FindCoordinator as a client meets them, on one whole broker. */
#include <string.h>

#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/list_offsets.h"
#include "protocol/messages/offset_for_leader_epoch.h"
#include "protocol/messages/produce.h"
#include "tests/batches/record_batch_builder.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/unit.h"

enum { PARTITIONS_MAX = 8 };

/* ---- Requests ---- */

struct produce_ask {
    struct kp_produce_request request;
    struct kp_produce_request_topic topic;
    struct kp_produce_request_partition partitions[PARTITIONS_MAX];
    uint8_t *bytes[PARTITIONS_MAX];
};

static void produce_begin(struct produce_ask *ask, const char *topic, int16_t acks) {
    memset(ask, 0, sizeof *ask);
    kp_set_fallbacks(&kp_produce_request_schema, &ask->request);
    ask->request.transactional_id = KP_NULL_STRING;
    ask->request.acks = acks;
    ask->request.timeout_ms = 5000;
    ask->topic.name = kp_string_of(topic);
    ask->topic.partition_data.items = ask->partitions;
    ask->request.topic_data.items = &ask->topic;
    ask->request.topic_data.count = 1;
}

static void produce_add(struct produce_ask *ask, int32_t partition, int records, size_t value_len) {
    struct record_batch_options options = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    uint8_t *value = mem_zalloc(value_len);
    for (int i = 0; i < records; i++)
        record_batch_builder_append(builder, 1000 + i, NULL, -1, value, (int32_t)value_len, NULL, 0);
    mem_free(value);
    size_t len;
    int32_t place = ask->topic.partition_data.count++;
    assert_int_equal(record_batch_builder_finish(builder, &ask->bytes[place], &len), ERR_NONE);
    ask->partitions[place] = (struct kp_produce_request_partition){
        .index = partition, .records = {.data = ask->bytes[place], .len = (int32_t)len}};
}

static void produce_end(struct produce_ask *ask) {
    for (int i = 0; i < PARTITIONS_MAX; i++)
        mem_free(ask->bytes[i]);
}

/* One batch; the answer for it. */
static struct kp_produce_response_partition produce_one(struct one_broker *one, const char *topic, int32_t partition,
                                                        int records, size_t value_len) {
    struct produce_ask ask;
    struct kp_produce_response response;
    produce_begin(&ask, topic, -1);
    produce_add(&ask, partition, records, value_len);
    assert_true(one_broker_ask(one, KP_PRODUCE, 8, &ask.request, &response));
    produce_end(&ask);
    return response.responses.items[0].partition_responses.items[0];
}

struct fetch_ask {
    struct kp_fetch_request request;
    struct kp_fetch_request_topic topic;
    struct kp_fetch_request_partition partitions[PARTITIONS_MAX];
};

static void fetch_begin(struct fetch_ask *ask, const char *topic, int32_t partitions, int64_t offset) {
    memset(ask, 0, sizeof *ask);
    kp_set_fallbacks(&kp_fetch_request_schema, &ask->request);
    ask->request.replica_id = -1;
    ask->request.max_wait_ms = 0;
    ask->request.min_bytes = 1;
    ask->request.max_bytes = 50 << 20;
    ask->request.session_epoch = -1;
    ask->topic.topic = kp_string_of(topic);
    ask->topic.partitions.items = ask->partitions;
    ask->topic.partitions.count = partitions;
    ask->request.topics.items = &ask->topic;
    ask->request.topics.count = 1;
    for (int32_t i = 0; i < partitions; i++) {
        kp_set_fallbacks(&kp_fetch_request_partition_schema, &ask->partitions[i]);
        ask->partitions[i].partition = i;
        ask->partitions[i].fetch_offset = offset;
        ask->partitions[i].current_leader_epoch = -1;
        ask->partitions[i].partition_max_bytes = 1 << 20;
    }
}

static const struct kp_fetch_response_partition *fetch(struct one_broker *one, const struct fetch_ask *ask,
                                                       struct kp_fetch_response *response) {
    assert_true(one_broker_ask(one, KP_FETCH, 11, &ask->request, response));
    return response->responses.count > 0 ? response->responses.items[0].partitions.items : NULL;
}

/* ---- Produce ---- */

/* Each partition of a request gets its own answer; unknown ones do not spoil the others. */
static void test_produce_many_partitions(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 3);
    struct produce_ask ask;
    struct kp_produce_response response;
    produce_begin(&ask, "t", 1);
    produce_add(&ask, 2, 4, 10);
    produce_add(&ask, 9, 1, 10);
    produce_add(&ask, 0, 1, 10);
    for (int turn = 0; turn < 2; turn++) {
        assert_true(one_broker_ask(one, KP_PRODUCE, 9, &ask.request, &response));
        const struct kp_produce_response_partition *out = response.responses.items[0].partition_responses.items;
        assert_int_equal(out[0].index, 2);
        assert_int_equal(out[0].error_code, KAFKA_NONE);
        assert_int_equal(out[0].base_offset, 4 * turn);
        assert_int_equal(out[1].error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
        assert_int_equal(out[1].base_offset, -1);
        assert_int_equal(out[2].base_offset, turn);
    }
    produce_end(&ask);
}

/* What is wrong with the whole request is told for each partition, and nothing is stored. */
static void test_produce_refused_requests(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    struct produce_ask ask;
    struct kp_produce_response response;
    produce_begin(&ask, "t", 2);
    produce_add(&ask, 0, 1, 10);
    assert_true(one_broker_ask(one, KP_PRODUCE, 8, &ask.request, &response));
    assert_int_equal(response.responses.items[0].partition_responses.items[0].error_code, KAFKA_INVALID_REQUIRED_ACKS);
    ask.request.acks = -1;
    ask.request.transactional_id = kp_string_of("x");
    assert_true(one_broker_ask(one, KP_PRODUCE, 8, &ask.request, &response));
    const struct kp_produce_response_partition *out = response.responses.items[0].partition_responses.items;
    assert_int_equal(out->error_code, KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    assert_non_null(strstr(out->error_message.data, "no transactions"));
    produce_end(&ask);
    assert_int_equal(produce_one(one, "t", 0, 1, 10).base_offset, 0);
    struct kp_produce_response_partition large = produce_one(one, "t", 0, 1, 2 << 20);
    assert_int_equal(large.error_code, KAFKA_MESSAGE_TOO_LARGE);
    assert_int_equal(large.base_offset, -1);
    assert_non_null(strstr(large.error_message.data, "max.message.bytes"));
}

/* acks 0 is stored and not answered; an error closes the connection. */
static void test_produce_without_acks(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    struct produce_ask ask;
    struct kp_produce_response response;
    produce_begin(&ask, "t", 0);
    produce_add(&ask, 0, 3, 10);
    one_broker_send(one, KP_PRODUCE, 7, &ask.request);
    assert_false(one_broker_has_answer(one, 50));
    assert_int_equal(produce_one(one, "t", 0, 1, 10).base_offset, 3);
    ask.topic.name = kp_string_of("missing");
    assert_false(one_broker_ask(one, KP_PRODUCE, 7, &ask.request, &response));
    produce_end(&ask);
}

/* ---- Fetch ---- */

/* A fetch at the end waits for max_wait_ms, and no longer than until the next record. */
static void test_fetch_waits(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 2);
    struct fetch_ask ask;
    struct kp_fetch_response response;
    fetch_begin(&ask, "t", 2, 0);
    ask.request.max_wait_ms = 80;
    int32_t id = one_broker_send(one, KP_FETCH, 11, &ask.request);
    assert_false(one_broker_has_answer(one, 60));
    assert_true(one_broker_receive(one, KP_FETCH, 11, id, &response));
    assert_int_equal(response.responses.items[0].partitions.items[1].error_code, KAFKA_NONE);
    assert_int_equal(response.responses.items[0].partitions.items[1].high_watermark, 0);
    assert_int_equal(response.session_id, 0);

    ask.request.max_wait_ms = 5000;
    ask.request.topics.count = 0; /* nothing is asked for: there is nothing to wait for */
    id = one_broker_send(one, KP_FETCH, 11, &ask.request);
    assert_true(one_broker_has_answer(one, 20));
    assert_true(one_broker_receive(one, KP_FETCH, 11, id, &response));
    ask.request.topics.count = 1;
    id = one_broker_send(one, KP_FETCH, 11, &ask.request);
    assert_false(one_broker_has_answer(one, 20));
    /* Another connection would be needed to produce and be answered: the broker's answers leave in order. acks 0 needs none. */
    struct produce_ask produce;
    produce_begin(&produce, "t", 0);
    produce_add(&produce, 1, 2, 10);
    one_broker_send(one, KP_PRODUCE, 7, &produce.request);
    produce_end(&produce);
    assert_true(one_broker_receive(one, KP_FETCH, 11, id, &response));
    assert_true(one->run_for_us < 3000 * 1000);
    const struct kp_fetch_response_partition *out = response.responses.items[0].partitions.items;
    assert_int_equal(out[0].records.len, 0);
    assert_true(out[1].records.len > 0);
    assert_int_equal(out[1].high_watermark, 2);
    assert_int_equal(out[1].last_stable_offset, 2);
}

/* min_bytes: less than that is not worth an answer before the time is over. */
static void test_fetch_min_bytes(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    produce_one(one, "t", 0, 1, 100);
    struct fetch_ask ask;
    struct kp_fetch_response response;
    fetch_begin(&ask, "t", 1, 0);
    ask.request.max_wait_ms = 5000;
    ask.request.min_bytes = 1000;
    int32_t id = one_broker_send(one, KP_FETCH, 11, &ask.request);
    struct produce_ask produce;
    produce_begin(&produce, "t", 0);
    produce_add(&produce, 0, 1, 500);
    one_broker_send(one, KP_PRODUCE, 7, &produce.request);
    assert_false(one_broker_has_answer(one, 50));
    one_broker_send(one, KP_PRODUCE, 7, &produce.request);
    assert_true(one_broker_receive(one, KP_FETCH, 11, id, &response));
    assert_int_equal(response.responses.items[0].partitions.items[0].high_watermark, 3);
    assert_true(response.responses.items[0].partitions.items[0].records.len > 1000);
    produce_end(&produce);
    ask.request.min_bytes = 1 << 20;
    ask.request.max_wait_ms = 60;
    fetch(one, &ask, &response);
    assert_true(response.responses.items[0].partitions.items[0].records.len > 1000);
}

/* An answer that no wait can make larger leaves at once, whichever limit is reached; what can still grow waits. */
static void test_fetch_nothing_more_fits(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 2);
    enum { BATCH = 1000, BATCHES = 5 };
    for (int i = 0; i < BATCHES; i++)
        produce_one(one, "t", 0, 1, BATCH);
    static const struct {
        int32_t partitions, min_bytes, partition_max_bytes, max_bytes, batches;
        bool waits;
    } cases[] = {
        {1, 2500, 2500, 1 << 20, 2, false},    /* a third batch does not fit */
        {1, 100000, 2500, 1 << 20, 2, false},  /* min_bytes above the partition's limit */
        {1, 100000, 100, 1 << 20, 1, false},   /* a limit below one batch */
        {1, 1 << 20, 1 << 20, 3500, 3, false}, /* the limit of all */
        {2, 2500, 2500, 1 << 20, 2, false},    /* the other partition is empty, but there is enough */
        {2, 2600, 2500, 2600, 2, true},        /* there is not, and the other partition may bring it */
        {2, 4000, 2500, 1 << 20, 2, true},     {1, 100000, 1 << 20, 1 << 20, BATCHES, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fetch_ask ask;
        struct kp_fetch_response response;
        fetch_begin(&ask, "t", cases[i].partitions, 0);
        ask.request.max_wait_ms = cases[i].waits ? 100 : 60000;
        ask.request.min_bytes = cases[i].min_bytes;
        ask.request.max_bytes = cases[i].max_bytes;
        for (int32_t p = 0; p < cases[i].partitions; p++)
            ask.partitions[p].partition_max_bytes = cases[i].partition_max_bytes;
        int32_t id = one_broker_send(one, KP_FETCH, 11, &ask.request);
        if (cases[i].waits) assert_false(one_broker_has_answer(one, 30));
        assert_true(one_broker_receive(one, KP_FETCH, 11, id, &response));
        int32_t len = response.responses.items[0].partitions.items[0].records.len;
        assert_in_range(len, cases[i].batches * BATCH, (cases[i].batches + 1) * BATCH - 1);
    }
}

/* A fetch that waits is answered at once when its topic is deleted. */
static void test_fetch_topic_deleted(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    struct fetch_ask ask;
    struct kp_fetch_response response;
    fetch_begin(&ask, "t", 1, 0);
    ask.request.max_wait_ms = 60000;
    int32_t id = one_broker_send(one, KP_FETCH, 11, &ask.request);
    assert_false(one_broker_has_answer(one, 30));
    struct kp_delete_topics_request_topic topic = {.name = kp_string_of("t")};
    struct kp_delete_topics_request delete;
    kp_set_fallbacks(&kp_delete_topics_request_schema, &delete);
    delete.timeout_ms = 5000;
    delete.topics.items = &topic;
    delete.topics.count = 1;
    one_broker_send(one, KP_DELETE_TOPICS, 6, &delete);
    assert_true(one_broker_receive(one, KP_FETCH, 11, id, &response));
    assert_int_equal(response.responses.items[0].partitions.items[0].error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
}

/* KIP-74: limits hold for all but the first batch, which always comes; over some requests every partition has its turn. */
static void test_fetch_limits_and_turns(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    enum { COUNT = 5, VALUE = 10000 };
    one_broker_create(one, "t", COUNT);
    for (int i = 0; i < COUNT; i++) {
        for (int n = 0; n < 4; n++)
            produce_one(one, "t", i, 1, VALUE);
    }
    struct fetch_ask ask;
    struct kp_fetch_response response;
    fetch_begin(&ask, "t", COUNT, 0);
    ask.request.max_bytes = 1;
    int served[COUNT] = {0};
    for (int turn = 0; turn < 4 * COUNT; turn++) {
        const struct kp_fetch_response_partition *out = fetch(one, &ask, &response);
        int with_records = 0;
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(out[i].error_code, KAFKA_NONE);
            assert_int_equal(out[i].high_watermark, 4);
            if (out[i].records.len > 0) with_records++, served[i]++;
            assert_true(out[i].records.len < VALUE + 200);
        }
        assert_int_equal(with_records, 1);
    }
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(served[i], 4);
    /* Two and a half batches in all, one and a half of a partition: a batch of each of two partitions. */
    ask.request.max_bytes = VALUE * 5 / 2;
    for (int i = 0; i < COUNT; i++)
        ask.partitions[i].partition_max_bytes = VALUE * 3 / 2;
    const struct kp_fetch_response_partition *out = fetch(one, &ask, &response);
    int with_records = 0;
    for (int i = 0; i < COUNT; i++)
        with_records += out[i].records.len > 0;
    assert_int_equal(with_records, 2);
    /* No limit that matters: everything, in the order of the request. */
    fetch_begin(&ask, "t", COUNT, 0);
    out = fetch(one, &ask, &response);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(out[i].partition_index, i);
        assert_true(out[i].records.len > 4 * VALUE);
    }
}

/* Errors of one partition are answered at once, with ends of -1, and the others have their records. */
static void test_fetch_errors(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 5);
    produce_one(one, "t", 0, 1, 100);
    struct fetch_ask ask;
    struct kp_fetch_response response;
    fetch_begin(&ask, "t", 6, 0);
    ask.request.max_wait_ms = 5000;
    ask.partitions[1].fetch_offset = 7;
    ask.partitions[2].partition = 5;
    ask.partitions[3].current_leader_epoch = 1000;
    ask.partitions[4].current_leader_epoch = 0;
    ask.partitions[5].partition = 2;
    ask.partitions[5].partition_max_bytes = -1;
    const struct kp_fetch_response_partition *out = fetch(one, &ask, &response);
    assert_int_equal(out[0].error_code, KAFKA_NONE);
    assert_true(out[0].records.len > 100);
    assert_int_equal(out[1].error_code, KAFKA_OFFSET_OUT_OF_RANGE);
    assert_int_equal(out[1].high_watermark, -1);
    assert_int_equal(out[1].log_start_offset, -1);
    assert_int_equal(out[2].error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(out[2].high_watermark, -1);
    assert_int_equal(out[2].log_start_offset, -1);
    assert_int_equal(out[3].error_code, KAFKA_UNKNOWN_LEADER_EPOCH);
    assert_int_equal(out[4].error_code, KAFKA_FENCED_LEADER_EPOCH);
    assert_int_equal(out[4].high_watermark, -1);
    assert_int_equal(out[5].error_code, KAFKA_UNKNOWN_SERVER_ERROR);
    assert_int_equal(out[5].high_watermark, -1);
    ask.request.session_id = 17;
    ask.request.session_epoch = 3;
    fetch(one, &ask, &response);
    assert_int_equal(response.error_code, KAFKA_FETCH_SESSION_ID_NOT_FOUND);
    ask.request.session_epoch = -5;
    fetch(one, &ask, &response);
    assert_int_equal(response.error_code, KAFKA_FETCH_SESSION_ID_NOT_FOUND);
}

/* Every served version answers with the same records. */
static void test_fetch_all_versions(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    produce_one(one, "t", 0, 3, 50);
    struct fetch_ask ask;
    struct kp_fetch_response response;
    fetch_begin(&ask, "t", 1, 0);
    const struct kp_api *api = kp_api_find(KP_FETCH);
    int32_t len = 0;
    for (int version = api->from; version <= api->to; version++) {
        assert_true(one_broker_ask(one, KP_FETCH, version, &ask.request, &response));
        const struct kp_fetch_response_partition *out = response.responses.items[0].partitions.items;
        assert_int_equal(out->high_watermark, 3);
        assert_true(len == 0 || out->records.len == len);
        len = out->records.len;
        assert_true(len > 150);
    }
}

/* A client that leaves while its fetch waits leaves nothing behind (teardown looks). */
static void test_fetch_client_leaves(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 3);
    struct fetch_ask ask;
    fetch_begin(&ask, "t", 3, 0);
    ask.request.max_wait_ms = 60000;
    one_broker_send(one, KP_FETCH, 11, &ask.request);
    assert_false(one_broker_has_answer(one, 20));
}

/* ---- ListOffsets, OffsetForLeaderEpoch, FindCoordinator ---- */

static struct kp_list_offsets_response_partition offset_at(struct one_broker *one, int64_t timestamp, int version,
                                                           int32_t partition) {
    struct kp_list_offsets_request request;
    struct kp_list_offsets_request_topic topic = {.name = kp_string_of("t")};
    struct kp_list_offsets_request_partition asked = {
        .partition_index = partition, .current_leader_epoch = -1, .timestamp = timestamp};
    struct kp_list_offsets_response response;
    kp_set_fallbacks(&kp_list_offsets_request_schema, &request);
    request.replica_id = -1;
    request.topics.items = &topic;
    request.topics.count = 1;
    topic.partitions.items = &asked;
    topic.partitions.count = 1;
    assert_true(one_broker_ask(one, KP_LIST_OFFSETS, version, &request, &response));
    return response.topics.items[0].partitions.items[0];
}

/* A partition that is asked for twice is refused, once, as in Kafka, and others are answered. */
static void test_list_offsets_twice(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 2);
    struct kp_list_offsets_request request;
    struct kp_list_offsets_request_topic topics[2];
    struct kp_list_offsets_request_partition partitions[3];
    struct kp_list_offsets_response response;
    kp_set_fallbacks(&kp_list_offsets_request_schema, &request);
    for (int i = 0; i < 3; i++) {
        kp_set_fallbacks(&kp_list_offsets_request_partition_schema, &partitions[i]);
        partitions[i].partition_index = i == 1 ? 1 : 0;
        partitions[i].timestamp = -1;
        partitions[i].current_leader_epoch = -1;
    }
    for (int i = 0; i < 2; i++) {
        kp_set_fallbacks(&kp_list_offsets_request_topic_schema, &topics[i]);
        topics[i].name = kp_string_of("t");
        topics[i].partitions.items = &partitions[i * 2];
        topics[i].partitions.count = 2 - i;
    }
    request.topics.items = topics;
    request.topics.count = 2;
    assert_true(one_broker_ask(one, KP_LIST_OFFSETS, 5, &request, &response));
    assert_int_equal(response.topics.items[0].partitions.items[0].error_code, KAFKA_INVALID_REQUEST);
    assert_int_equal(response.topics.items[0].partitions.items[1].error_code, KAFKA_NONE);
    assert_int_equal(response.topics.items[0].partitions.items[1].offset, 0);
    assert_int_equal(response.topics.items[0].partitions.count, 2);
    assert_int_equal(response.topics.count, 1);
}

/* Both ends, times and the largest time, in every version; what a version lacks is refused. */
static void test_list_offsets(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    produce_one(one, "t", 0, 5, 10); /* timestamps 1000 to 1004 */
    const struct kp_api *api = kp_api_find(KP_LIST_OFFSETS);
    for (int version = api->from; version <= api->to; version++) {
        assert_int_equal(offset_at(one, -1, version, 0).offset, 5);
        assert_int_equal(offset_at(one, -2, version, 0).offset, 0);
        struct kp_list_offsets_response_partition found = offset_at(one, 1002, version, 0);
        assert_int_equal(found.offset, 2);
        assert_int_equal(found.timestamp, 1002);
        assert_int_equal(offset_at(one, 2000, version, 0).offset, -1);
        found = offset_at(one, -3, version, 0);
        assert_int_equal(found.error_code, version >= 7 ? KAFKA_NONE : KAFKA_UNSUPPORTED_VERSION);
        assert_int_equal(found.offset, version >= 7 ? 4 : -1);
        found = offset_at(one, -1, version, 1);
        assert_int_equal(found.error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
        assert_int_equal(found.offset, -1);
    }
}

static struct kp_offset_for_leader_epoch_response_partition epoch_end(struct one_broker *one, int version,
                                                                      int32_t epoch, int32_t current) {
    struct kp_offset_for_leader_epoch_request request;
    struct kp_offset_for_leader_epoch_request_topic topic = {.topic = kp_string_of("t")};
    struct kp_offset_for_leader_epoch_request_partition asked[] = {
        {.partition = 0, .current_leader_epoch = current, .leader_epoch = epoch},
        {.partition = 7, .current_leader_epoch = -1, .leader_epoch = epoch}};
    struct kp_offset_for_leader_epoch_response response;
    kp_set_fallbacks(&kp_offset_for_leader_epoch_request_schema, &request);
    request.topics.items = &topic;
    request.topics.count = 1;
    topic.partitions.items = asked;
    topic.partitions.count = 2;
    assert_true(one_broker_ask(one, KP_OFFSET_FOR_LEADER_EPOCH, version, &request, &response));
    assert_int_equal(response.topics.items[0].partitions.items[1].partition, 7);
    assert_int_equal(response.topics.items[0].partitions.items[1].error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(response.topics.items[0].partitions.items[1].end_offset, -1);
    return response.topics.items[0].partitions.items[0];
}

/* A consumer learns that its place is right; epochs that never were have no end, those before the first end where the log starts; a client that knows a newer leader is told. */
static void test_offset_for_leader_epoch(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    produce_one(one, "t", 0, 5, 10);
    int32_t epoch = offset_at(one, -1, 7, 0).leader_epoch;
    assert_true(epoch > 0);
    for (int version = 2; version <= 4; version++) {
        struct kp_offset_for_leader_epoch_response_partition found = epoch_end(one, version, epoch, epoch);
        assert_int_equal(found.error_code, KAFKA_NONE);
        assert_int_equal(found.leader_epoch, epoch);
        assert_int_equal(found.end_offset, 5);
        const int32_t never[] = {-1, epoch + 1, INT32_MAX}, before[] = {-2, INT32_MIN, 0};
        for (int i = 0; i < 3; i++) {
            found = epoch_end(one, version, never[i], -1);
            assert_int_equal(found.error_code, KAFKA_NONE);
            assert_int_equal(found.leader_epoch, -1);
            assert_int_equal(found.end_offset, -1);
            found = epoch_end(one, version, before[i], -1);
            assert_int_equal(found.error_code, KAFKA_NONE);
            assert_int_equal(found.leader_epoch, before[i]);
            assert_int_equal(found.end_offset, 0);
        }
        assert_int_equal(epoch_end(one, version, epoch, epoch + 1).error_code, KAFKA_UNKNOWN_LEADER_EPOCH);
        assert_int_equal(epoch_end(one, version, epoch, epoch - 1).error_code, KAFKA_FENCED_LEADER_EPOCH);
        assert_int_equal(epoch_end(one, version, epoch, epoch - 1).end_offset, -1);
    }
}

/* Clients must stop and say why: no groups, no transactions yet. */
static void test_find_coordinator(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    struct kp_find_coordinator_request request;
    struct kp_find_coordinator_response response;
    struct kp_string keys[2] = {kp_string_of("a"), kp_string_of("b")};
    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key = keys[0];
    for (int version = 0; version <= 3; version++) {
        assert_true(one_broker_ask(one, KP_FIND_COORDINATOR, version, &request, &response));
        assert_int_equal(response.error_code, KAFKA_GROUP_AUTHORIZATION_FAILED);
        assert_int_equal(response.node_id, -1);
        if (version > 0) assert_non_null(strstr(response.error_message.data, "no consumer groups yet"));
    }
    request.key_type = 1;
    request.coordinator_keys.items = keys;
    request.coordinator_keys.count = 2;
    assert_true(one_broker_ask(one, KP_FIND_COORDINATOR, 4, &request, &response));
    assert_int_equal(response.coordinators.count, 2);
    assert_int_equal(response.coordinators.items[1].error_code, KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    assert_true(kp_string_is(response.coordinators.items[1].key, "b"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_produce_many_partitions),
        TEST(test_produce_refused_requests),
        TEST(test_produce_without_acks),
        TEST(test_fetch_waits),
        TEST(test_fetch_min_bytes),
        TEST(test_fetch_nothing_more_fits),
        TEST(test_fetch_topic_deleted),
        TEST(test_fetch_limits_and_turns),
        TEST(test_fetch_errors),
        TEST(test_fetch_all_versions),
        TEST(test_fetch_client_leaves),
        TEST(test_list_offsets),
        TEST(test_list_offsets_twice),
        TEST(test_offset_for_leader_epoch),
        TEST(test_find_coordinator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
