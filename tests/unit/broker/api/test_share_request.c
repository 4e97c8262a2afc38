/*
 * What ShareFetch and ShareAcknowledge refuse, what they count and in which order, on one whole
 * broker.
 */
#include "broker/broker_internal.h"
#include "broker/quotas/quota_table.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/fixture_share_asks.h"
#include "tests/unit/patience.h"
#include "tests/unit/unit.h"

enum { ACCEPT = 1 };

/* With a topic "t" of one batch of so many records. */
static struct kp_uuid started(struct one_broker *one, int records) {
    one_broker_start(one);
    share_served(one);
    struct kp_uuid topic = one_broker_create(one, "t", 1);
    produce_one(one, "t", 0, records, 10);
    return topic;
}

static const char *fetch(struct one_broker *one, struct share_member *member) {
    struct kp_share_fetch_response response = share_fetch(one, member);
    return share_acquired(&response);
}

/* The code of a fetch that opens a session, and wants nothing. */
static int16_t open_as(struct one_broker *one, struct kp_string group, struct kp_string member,
                       int8_t mode) {
    struct kp_share_fetch_request request;
    struct kp_share_fetch_response response;
    kp_set_fallbacks(&kp_share_fetch_request_schema, &request);
    request.group_id = group;
    request.member_id = member;
    request.share_acquire_mode = mode;
    assert_true(one_broker_ask(one, KP_SHARE_FETCH, 2, &request, &response));
    return response.error_code;
}

/* The code of a ShareAcknowledge with which a session ends. */
static int16_t close_as(struct one_broker *one, struct kp_string group, struct kp_string member) {
    struct kp_share_acknowledge_request request;
    struct kp_share_acknowledge_response response;
    kp_set_fallbacks(&kp_share_acknowledge_request_schema, &request);
    request.group_id = group;
    request.member_id = member;
    request.share_session_epoch = -1;
    assert_true(one_broker_ask(one, KP_SHARE_ACKNOWLEDGE, 2, &request, &response));
    return response.error_code;
}

/* Ids that are none: nobody is there, a zero within it (two pairs would be one), longer than 36. */
static void test_ids(void **state) {
    static const char letters[] = "0123456789012345678901234567890123456";
    const struct {
        struct kp_string group, member;
        int16_t code;
    } rows[] = {{{"g", 1}, {letters, 36}, KAFKA_NONE},
                {{"g", 1}, {letters, 37}, KAFKA_INVALID_REQUEST},
                {{"g", 1}, {"", 0}, KAFKA_INVALID_REQUEST},
                {{"", 0}, {"m", 1}, KAFKA_INVALID_REQUEST},
                {{"g\0x", 3}, {"y", 1}, KAFKA_INVALID_REQUEST},
                {{"g", 1}, {"x\0y", 3}, KAFKA_INVALID_REQUEST}};
    struct one_broker *one = *state;
    one_broker_start(one);
    share_served(one);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(open_as(one, rows[i].group, rows[i].member, 0), rows[i].code);
        assert_int_equal(close_as(one, rows[i].group, rows[i].member), rows[i].code);
    }
    assert_int_equal(open_as(one, kp_string_of("g"), kp_string_of("m"), 1), KAFKA_NONE);
    assert_int_equal(open_as(one, kp_string_of("g"), kp_string_of("m"), 2), KAFKA_INVALID_REQUEST);
}

static int16_t say(struct one_broker *one, struct share_member *member, int64_t first,
                   int64_t last) {
    share_ack(member, first, last, ACCEPT);
    return share_acknowledge(one, member);
}

/* In Kafka's order: a topic that nobody knows, what makes no sense, a partition that is not there,
 * a group that has not begun there; and nothing said of it is no error. */
static void test_order_of_errors(void **state) {
    struct one_broker *one = *state;
    struct share_member a = {
        .group = "late", .name = "a", .topic = started(one, 4), .max_records = 500};
    assert_string_equal(fetch(one, &a), "");
    assert_int_equal(say(one, &a, 3, 2), KAFKA_INVALID_REQUEST);
    assert_int_equal(say(one, &a, 2, 3), KAFKA_INVALID_RECORD_STATE);
    assert_int_equal(share_acknowledge(one, &a), KAFKA_NONE);
    a.partition = 7;
    assert_int_equal(say(one, &a, 3, 2), KAFKA_INVALID_REQUEST);
    assert_int_equal(say(one, &a, 2, 3), KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(share_acknowledge(one, &a), KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    a.topic.bytes[3] ^= 1;
    assert_int_equal(say(one, &a, 3, 2), KAFKA_UNKNOWN_TOPIC_ID);
}

/* A partition twice in a ShareAcknowledge: both are refused, and neither counts. */
static void test_named_twice(void **state) {
    struct one_broker *one = *state;
    struct share_member a = share_member_of(one, "g", "a", started(one, 4));
    assert_string_equal(fetch(one, &a), "0-3:1");
    int8_t accept = ACCEPT;
    struct kp_share_acknowledge_request_batch batches[2] = {{2, 3, {0}}, {.last_offset = 1}};
    struct kp_share_acknowledge_request_partition partitions[2] = {{0}, {0}};
    struct kp_share_acknowledge_request_topic asked = {.topic_id = a.topic};
    struct kp_share_acknowledge_request request;
    struct kp_share_acknowledge_response response;
    kp_set_fallbacks(&kp_share_acknowledge_request_schema, &request);
    for (int i = 0; i < 2; i++) {
        batches[i].acknowledge_types.items = &accept;
        batches[i].acknowledge_types.count = 1;
        partitions[i].acknowledgement_batches.items = &batches[i];
        partitions[i].acknowledgement_batches.count = 1;
    }
    asked.partitions.items = partitions;
    asked.partitions.count = 2;
    request.group_id = kp_string_of("g");
    request.member_id = kp_string_of("a");
    request.share_session_epoch = a.epoch++;
    request.topics.items = &asked;
    request.topics.count = 1;
    assert_true(one_broker_ask(one, KP_SHARE_ACKNOWLEDGE, 2, &request, &response));
    assert_int_equal(response.error_code, KAFKA_NONE);
    for (int i = 0; i < 2; i++)
        assert_int_equal(response.responses.items[0].partitions.items[i].error_code,
                         KAFKA_INVALID_REQUEST);
    assert_int_equal(say(one, &a, 2, 3), KAFKA_NONE);
}

/* Who wants no records is given none, and hears at once what became of its own. */
static void test_none_wanted(void **state) {
    struct one_broker *one = *state;
    struct share_member a = share_member_of(one, "g", "a", started(one, 4));
    a.max_records = 0;
    a.max_wait_ms = 60000;
    assert_string_equal(fetch(one, &a), "");
    a.max_records = 500;
    assert_string_equal(fetch(one, &a), "0-3:1");
    a.max_records = 0;
    share_ack(&a, 0, 3, ACCEPT);
    struct kp_share_fetch_response response = share_fetch(one, &a);
    assert_int_equal(share_fetched(&response)->acknowledge_error_code, KAFKA_NONE);
    assert_true(is_within_ms(one->run_for_us / 1000, 30000));
}

/* The session has another partition, of a topic that nobody knows. */
static void add_unknown(struct one_broker *one, struct share_member *member) {
    struct share_member other = *member;
    other.topic.bytes[3] ^= 1;
    struct kp_share_fetch_response response = share_fetch(one, &other);
    assert_int_equal(share_fetched(&response)->error_code, KAFKA_UNKNOWN_TOPIC_ID);
    assert_true(is_within_ms(one->run_for_us / 1000, 30000)); /* at once */
    member->epoch = other.epoch;
}

/* An error of one partition is told at once the first time; then with the records of the others, or
 * when the time is over, and not again and again. */
static void test_one_bad_partition(void **state) {
    struct one_broker *one = *state;
    struct share_member a = share_member_of(one, "g", "a", started(one, 4));
    assert_string_equal(fetch(one, &a), "0-3:1");
    a.max_wait_ms = 60000;
    add_unknown(one, &a);
    int32_t id = share_fetch_send(one, &a);
    assert_false(one_broker_has_answer(one, 50));
    struct produce_ask ask;
    produce_begin(&ask, "t", 0);
    produce_add(&ask, 0, 2, 10);
    one_broker_send(one, KP_PRODUCE, 8, &ask.request);
    produce_end(&ask);
    struct kp_share_fetch_response response = share_fetch_receive(one, &a, id);
    assert_int_equal(response.error_code, KAFKA_NONE);
    assert_int_equal(response.responses.count, 2);
    int16_t codes[2];
    for (int i = 0; i < 2; i++)
        codes[i] = response.responses.items[i].partitions.items[0].error_code;
    assert_true((codes[0] == KAFKA_NONE && codes[1] == KAFKA_UNKNOWN_TOPIC_ID) ||
                (codes[1] == KAFKA_NONE && codes[0] == KAFKA_UNKNOWN_TOPIC_ID));
}

static void set_fetch_quota(struct one_broker *one, double bytes_a_second) {
    struct quota_entity all = {.types = 1U << QUOTA_USER,
                               .names = {KP_NULL_STRING, KP_NULL_STRING, KP_NULL_STRING}};
    quota_table_set((struct quota_table *)metadata_quotas(broker_services(one->broker)->metadata),
                    &all, QUOTA_FETCHED, bytes_a_second);
}

/* Who has had more than its quota gets no records, hears for how long, and what it said counts; it
 * holds none that it did not get. */
static void test_quota(void **state) {
    struct one_broker *one = *state;
    struct share_member a = share_member_of(one, "g", "a", started(one, 4));
    a.max_records = 1;
    for (int i = 0; i < 5; i++)
        produce_one(one, "t", 0, 10, 1000);
    assert_string_equal(fetch(one, &a), "0-3:1");
    set_fetch_quota(one, 1500); /* of eleven seconds: one batch, and not two */
    share_ack(&a, 0, 3, ACCEPT);
    struct kp_share_fetch_response response;
    for (;;) {
        response = share_fetch(one, &a);
        if (response.throttle_time_ms > 0) break;
        const struct kp_share_fetch_response_partition *got = share_fetched(&response);
        assert_int_equal(got->acquired_records.count, 1);
        share_ack(&a, got->acquired_records.items[0].first_offset,
                  got->acquired_records.items[0].last_offset, ACCEPT);
    }
    assert_int_equal(share_fetched(&response)->acknowledge_error_code, KAFKA_NONE);
    assert_int_equal(share_fetched(&response)->acquired_records.count, 0);
    assert_int_equal(share_fetched(&response)->records.len, 0);
    set_fetch_quota(one, 0);
    one_broker_dial_again(one);
    a.epoch = 0;
    a.max_wait_ms = 20000;
    response = share_fetch(one, &a);
    assert_int_equal(share_fetched(&response)->acquired_records.items[0].delivery_count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_ids),         TEST(test_order_of_errors),   TEST(test_named_twice),
        TEST(test_none_wanted), TEST(test_one_bad_partition), TEST(test_quota),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
