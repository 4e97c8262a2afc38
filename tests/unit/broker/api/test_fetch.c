/* Fetch as a client meets it, on one whole broker. */
#include "protocol/kafka_error.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/fetch.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/broker/fixture_data_asks.h"
#include "tests/unit/patience.h"
#include "tests/unit/unit.h"
#include <string.h>

static const struct kp_fetch_response_partition *fetch(struct one_broker *one,
                                                       const struct fetch_ask *ask,
                                                       struct kp_fetch_response *response) {
    assert_true(one_broker_ask(one, KP_FETCH, 11, &ask->request, response));
    return response->responses.count > 0 ? response->responses.items[0].partitions.items : NULL;
}

/* A fetch at the end waits for max_wait_ms, and no longer than until the next record. */
static void test_fetch_waits(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 2);
    struct fetch_ask ask;
    struct kp_fetch_response response;
    fetch_begin(&ask, "t", 2, 0);
    ask.request.max_wait_ms = 400;
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
    /* Another connection would be needed to produce and be answered: the broker's answers leave in
     * order. acks 0 needs none. */
    struct produce_ask produce;
    produce_begin(&produce, "t", 0);
    produce_add(&produce, 1, 2, 10);
    one_broker_send(one, KP_PRODUCE, 7, &produce.request);
    produce_end(&produce);
    assert_true(one_broker_receive(one, KP_FETCH, 11, id, &response));
    assert_true(is_within_ms(one->run_for_us / 1000, 3000));
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

/* An answer that no wait can make larger leaves at once, whichever limit is reached; what can still
 * grow waits. */
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
        {2, 2500, 2500, 1 << 20, 2, false}, /* the other partition is empty, but there is enough */
        {2, 2600, 2500, 2600, 2, true},     /* there is not, and the other partition may bring it */
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
    assert_int_equal(response.responses.items[0].partitions.items[0].error_code,
                     KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
}

/* KIP-74: limits hold for all but the first batch, which always comes; over some requests every
 * partition has its turn. */
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
    /* Two and a half batches in all, one and a half of a partition: a batch of each of two
     * partitions. */
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

/* Errors of one partition are answered at once, with ends of -1, and the others have their records.
 */
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
    struct kp_uuid id = one_broker_create(one, "t", 1);
    produce_one(one, "t", 0, 3, 50);
    struct fetch_ask ask;
    struct kp_fetch_response response;
    fetch_begin(&ask, "t", 1, 0);
    ask.topic.topic_id = id;
    const struct kp_api *api = kp_api_find(KP_FETCH);
    int32_t len = 0;
    for (int version = api->from; version <= api->to; version++) {
        assert_true(one_broker_ask(one, KP_FETCH, version, &ask.request, &response));
        const struct kp_fetch_response_partition *out =
            response.responses.items[0].partitions.items;
        assert_true(version >= 13 ? kp_uuid_equal(response.responses.items[0].topic_id, id)
                                  : kp_string_is(response.responses.items[0].topic, "t"));
        assert_int_equal(out->high_watermark, 3);
        assert_true(len == 0 || out->records.len == len);
        len = out->records.len;
        assert_true(len > 150);
    }
}

/* KIP-516: topics by id are told apart by nothing else; an id that is not known, also one that is
 * gone, is said for each partition. */
static void test_fetch_by_id(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    struct kp_uuid id = one_broker_create(one, "t", 2);
    produce_one(one, "t", 1, 3, 50);
    struct fetch_ask ask;
    struct kp_fetch_response response;
    fetch_begin(&ask, "t", 2, 0);
    struct kp_fetch_request_topic topics[3] = {ask.topic, ask.topic, ask.topic};
    topics[0].topic_id = topics[2].topic_id = id;
    topics[1].topic_id.bytes[3] = 9;
    topics[2].partitions.items = &ask.partitions[1]; /* named again */
    topics[2].partitions.count = 1;
    ask.request.topics.items = topics;
    ask.request.topics.count = 3;
    ask.request.max_wait_ms = 60000; /* errors are not waited with */
    assert_true(one_broker_ask(one, KP_FETCH, 13, &ask.request, &response));
    assert_int_equal(response.error_code, KAFKA_NONE);
    assert_int_equal(response.responses.count, 2);
    for (int t = 0; t < 2; t++) {
        const struct kp_fetch_response_topic *out = &response.responses.items[t];
        assert_true(kp_uuid_equal(out->topic_id, topics[t].topic_id));
        assert_int_equal(out->partitions.count, 2);
        for (int p = 0; p < 2; p++) {
            assert_int_equal(out->partitions.items[p].error_code,
                             t == 0 ? KAFKA_NONE : KAFKA_UNKNOWN_TOPIC_ID);
            assert_int_equal(out->partitions.items[p].high_watermark, t == 1 ? -1 : 3 * p);
        }
    }
    topics[0].partitions.items[0].partition = 7;
    ask.request.topics.count = 1;
    assert_true(one_broker_ask(one, KP_FETCH, 18, &ask.request, &response));
    assert_int_equal(response.responses.items[0].partitions.items[0].error_code,
                     KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
}

/* KIP-595: who tells the epoch of what he has learns where it stops being ours; the same when it
 * agrees. */
static void test_fetch_diverging_epoch(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    produce_one(one, "t", 0, 3, 50);
    struct kp_list_offsets_response_partition latest = offset_at(one, -1, 7, 0);
    int32_t epoch = latest.leader_epoch;
    static const struct {
        int32_t newer;
        int64_t offset;
        int16_t code;
        int64_t end; /* of the epoch; -1: it does not diverge */
        bool records;
    } cases[] = {
        {0, 1, KAFKA_NONE, -1, true},
        {0, 3, KAFKA_NONE, -1, false},
        {0, 4, KAFKA_NONE, 3, false},
        {0, INT64_MAX, KAFKA_NONE, 3, false},
        {1, 1, KAFKA_OFFSET_OUT_OF_RANGE, -1, false},
        {-1, 1, KAFKA_NONE, 0, false}, /* an epoch before the first ends where the log begins */
        {0, -5, KAFKA_OFFSET_OUT_OF_RANGE, -1, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fetch_ask ask;
        struct kp_fetch_response response;
        fetch_begin(&ask, "t", 1, cases[i].offset);
        ask.partitions[0].last_fetched_epoch = epoch + cases[i].newer;
        assert_true(one_broker_ask(one, KP_FETCH, 12, &ask.request, &response));
        const struct kp_fetch_response_partition *out =
            response.responses.items[0].partitions.items;
        assert_int_equal(out->error_code, cases[i].code);
        assert_int_equal(out->diverging_epoch.end_offset, cases[i].end);
        if (cases[i].end >= 0) assert_int_equal(out->diverging_epoch.epoch, epoch + cases[i].newer);
        assert_int_equal(out->records.len > 0, cases[i].records);
        assert_int_equal(out->high_watermark, cases[i].code == KAFKA_NONE ? 3 : -1);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_fetch_waits),
        TEST(test_fetch_min_bytes),
        TEST(test_fetch_nothing_more_fits),
        TEST(test_fetch_topic_deleted),
        TEST(test_fetch_limits_and_turns),
        TEST(test_fetch_errors),
        TEST(test_fetch_all_versions),
        TEST(test_fetch_by_id),
        TEST(test_fetch_diverging_epoch),
        TEST(test_fetch_client_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
