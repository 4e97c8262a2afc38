/* What a client hears of a group's lag and its causes, from one whole broker. */
#include "broker/broker_internal.h"
#include "broker/coordinator/coordinators.h"
#include "broker/lag/group_lag.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/group_activity.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/messages/partition_traffic.h"
#include "tests/unit/broker/fixture_data_asks.h"
#include "tests/unit/unit.h"

enum { SHORT_MS = 50, LONG_MS = 60000 };

static const struct broker_services *services_now;

static struct one_broker *start(void **state) {
    struct one_broker *one = *state;
    struct kp_find_coordinator_request request;
    struct kp_find_coordinator_response response;
    one_broker_start(one);
    one_broker_create(one, "t", 2);
    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key = kp_string_of("g");
    assert_true(one_broker_ask(one, KP_FIND_COORDINATOR, 1, &request, &response));
    assert_int_equal(response.error_code, 0);
    return one;
}

static void commit(struct one_broker *one, int64_t offset) {
    struct kp_offset_commit_request request;
    struct kp_offset_commit_response response;
    struct kp_offset_commit_request_topic topic;
    struct kp_offset_commit_request_partition partition;
    kp_set_fallbacks(&kp_offset_commit_request_schema, &request);
    kp_set_fallbacks(&kp_offset_commit_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_offset_commit_request_partition_schema, &partition);
    request.group_id = kp_string_of("g");
    request.generation_id_or_member_epoch = -1;
    request.topics.items = &topic;
    request.topics.count = 1;
    topic.name = kp_string_of("t");
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    partition.committed_offset = offset;
    assert_true(one_broker_ask(one, KP_OFFSET_COMMIT, 5, &request, &response));
    assert_int_equal(response.topics.items[0].partitions.items[0].error_code, 0);
}

static struct kp_partition_traffic_response_partition traffic_of(struct one_broker *one,
                                                                 const char *name,
                                                                 int32_t partition,
                                                                 int64_t offset) {
    struct kp_partition_traffic_request request;
    struct kp_partition_traffic_response response;
    struct kp_partition_traffic_request_topic topic;
    struct kp_partition_traffic_request_partition asked = {.partition_index = partition,
                                                           .offset = offset};
    kp_set_fallbacks(&kp_partition_traffic_request_schema, &request);
    request.short_ms = SHORT_MS;
    request.long_ms = LONG_MS;
    request.topics.items = &topic;
    request.topics.count = 1;
    topic.name = kp_string_of(name);
    topic.partitions.items = &asked;
    topic.partitions.count = 1;
    assert_true(one_broker_ask(one, KP_PARTITION_TRAFFIC, 0, &request, &response));
    assert_int_equal(response.topics.count, 1);
    assert_int_equal(response.topics.items[0].partitions.count, 1);
    return response.topics.items[0].partitions.items[0];
}

/* Ages, rates and readers of partitions; each error is its partition's own. */
static void test_partition_traffic(void **state) {
    struct one_broker *one = start(state);
    struct fetch_ask fetch;
    struct kp_fetch_response fetched;
    produce_one(one, "t", 0, 5, 10);
    one_broker_has_answer(one, 2 * SHORT_MS);
    struct kp_partition_traffic_response_partition seen = traffic_of(one, "t", 0, 2);
    assert_int_equal(seen.error_code, 0);
    assert_int_equal(seen.log_start_offset, 0);
    assert_int_equal(seen.high_watermark, 5);
    assert_in_range(seen.arrived_age_ms, SHORT_MS, 60000);
    assert_false(seen.arrived_at_least);
    assert_int_equal(seen.produced_short, 0);
    assert_int_equal(seen.produced_long, -1);
    assert_int_equal(seen.readers.count, 0);
    assert_int_equal(seen.writers.count, 1);
    assert_int_equal(seen.writers.items[0].batches, 1);
    assert_int_equal(seen.writers.items[0].records, 5);
    assert_true(seen.writers.items[0].bytes > 61 && seen.writers.items[0].peer.len > 0);
    assert_in_range(seen.writers.items[0].seen_age_ms, SHORT_MS, 60000);
    assert_int_equal(traffic_of(one, "t", 0, 5).arrived_age_ms, -1);
    /* one reader, which stays at the end */
    for (int64_t offset = 0; offset <= 5; offset += 5) {
        fetch_begin(&fetch, "t", 1, offset);
        assert_true(one_broker_ask(one, KP_FETCH, 11, &fetch.request, &fetched));
    }
    seen = traffic_of(one, "t", 0, -1);
    assert_int_equal(seen.readers.count, 1);
    assert_int_equal(seen.readers.items[0].offset, 5);
    assert_int_equal(seen.readers.items[0].furthest, 5);
    assert_int_equal(seen.readers.items[0].again, 0);
    assert_in_range(seen.readers.items[0].seen_age_ms, 0, 60000);
    assert_int_equal(traffic_of(one, "t", 7, 0).error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    assert_int_equal(traffic_of(one, "none", 0, 0).error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
}

static struct kp_group_activity_response activity_of(struct one_broker *one, const char *group,
                                                     int32_t partitions) {
    static int32_t numbers[3000];
    struct kp_group_activity_request request;
    struct kp_group_activity_response response;
    struct kp_group_activity_request_topic topic;
    for (int32_t i = 0; i < partitions; i++)
        numbers[i] = i;
    kp_set_fallbacks(&kp_group_activity_request_schema, &request);
    request.group_id = kp_string_of(group);
    request.short_ms = SHORT_MS;
    request.long_ms = LONG_MS;
    request.topics.items = &topic;
    request.topics.count = 1;
    topic.name = kp_string_of("t");
    topic.partitions.items = numbers;
    topic.partitions.count = partitions;
    assert_true(one_broker_ask(one, KP_GROUP_ACTIVITY, 0, &request, &response));
    return response;
}

/* Commits of a group, and how they moved; a group that is not there; too much at once. */
static void test_group_activity(void **state) {
    struct one_broker *one = start(state);
    assert_int_equal(activity_of(one, "g", 2).error_code, KAFKA_GROUP_ID_NOT_FOUND);
    assert_int_equal(activity_of(one, "", 2).error_code, KAFKA_GROUP_ID_NOT_FOUND);
    commit(one, 10);
    one_broker_has_answer(one, 2 * SHORT_MS);
    commit(one, 10);
    struct kp_group_activity_response seen = activity_of(one, "g", 2);
    assert_int_equal(seen.error_code, 0);
    assert_in_range(seen.leading_ms, 0, 60000);
    assert_int_equal(seen.unsettled_ms, -1);
    assert_int_equal(seen.members.count, 0);
    assert_int_equal(seen.events.count, 0);
    assert_int_equal(seen.topics.items[0].partitions.count, 2);
    struct kp_group_activity_response_partition first = seen.topics.items[0].partitions.items[0];
    assert_int_equal(first.committed_offset, 10);
    assert_true(first.moved_age_ms >= first.commit_age_ms + SHORT_MS);
    assert_int_equal(first.committed_short, 0);
    assert_int_equal(first.committed_long, -1);
    assert_int_equal(seen.topics.items[0].partitions.items[1].committed_offset, -1);
    assert_int_equal(activity_of(one, "g", 3000).error_code, KAFKA_INVALID_REQUEST);
}

/* ---- The walk of an exporter ---- */

struct lags {
    struct group_lag last;
    int rows;
};

static void take_lag(void *arg, const struct group_lag *lag) {
    struct lags *lags = arg;
    assert_true(kp_string_is(lag->group, "g") && kp_string_is(lag->topic, "t"));
    lags->last = *lag;
    lags->rows++;
}

static void walk_lag(void *arg, void *state) {
    struct lags *lags = arg;
    const struct broker_services *services = services_now;
    struct group_lag_walk walk;
    group_lag_open(&walk, state, services->metadata, services->partitions, NULL);
    while (group_lag_next(&walk, take_lag, lags))
        ;
    group_lag_close(&walk);
}

static struct lags lags_of(const struct one_broker *one) {
    struct lags lags = {.rows = 0};
    services_now = &one->broker->services;
    coordinators_each(services_now->group_coordinators, walk_lag, &lags);
    return lags;
}

/* Records, ages, what is ahead; a commit for a topic that was made again is none. */
static void test_group_lag(void **state) {
    struct one_broker *one = start(state);
    struct kp_delete_topics_request request;
    struct kp_delete_topics_response response;
    struct kp_string name = kp_string_of("t");
    assert_int_equal(lags_of(one).rows, 0);
    produce_one(one, "t", 0, 5, 10);
    commit(one, 2);
    one_broker_has_answer(one, SHORT_MS);
    struct lags lags = lags_of(one);
    assert_int_equal(lags.rows, 1);
    assert_true(lags.last.known);
    assert_int_equal(lags.last.partition, 0);
    assert_int_equal(lags.last.committed, 2);
    assert_int_equal(lags.last.records, 3);
    assert_in_range(lags.last.age_ms, SHORT_MS, 60000);
    assert_false(lags.last.at_least);
    assert_int_equal(lags.last.ahead + lags.last.lost, 0);
    commit(one, 9);
    lags = lags_of(one);
    assert_int_equal(lags.last.records, 0);
    assert_int_equal(lags.last.age_ms, 0);
    assert_int_equal(lags.last.ahead, 4);
    kp_set_fallbacks(&kp_delete_topics_request_schema, &request);
    request.topic_names.items = &name;
    request.topic_names.count = 1;
    request.timeout_ms = 10000;
    assert_true(one_broker_ask(one, KP_DELETE_TOPICS, 4, &request, &response));
    assert_int_equal(response.responses.items[0].error_code, 0);
    one_broker_create(one, "t", 2);
    assert_int_equal(lags_of(one).rows, 0);
}

enum { WIDE = 2 * GROUP_LAG_AT_ONCE + 1 };

static void commit_wide(struct one_broker *one) {
    struct kp_offset_commit_request request;
    struct kp_offset_commit_response response;
    struct kp_offset_commit_request_topic topic;
    static struct kp_offset_commit_request_partition partitions[WIDE];
    kp_set_fallbacks(&kp_offset_commit_request_schema, &request);
    kp_set_fallbacks(&kp_offset_commit_request_topic_schema, &topic);
    for (int32_t i = 0; i < WIDE; i++) {
        kp_set_fallbacks(&kp_offset_commit_request_partition_schema, &partitions[i]);
        partitions[i].partition_index = i;
    }
    request.group_id = kp_string_of("g");
    request.generation_id_or_member_epoch = -1;
    request.topics.items = &topic;
    request.topics.count = 1;
    topic.name = kp_string_of("wide");
    topic.partitions.items = partitions;
    topic.partitions.count = WIDE;
    assert_true(one_broker_ask(one, KP_OFFSET_COMMIT, 5, &request, &response));
}

/* Asserted of when the walk is closed. */
struct wide {
    bool seen[WIDE];
    int told, twice, calls, most, wrong_ends;
};

static void take_wide(void *arg, const struct group_lag *lag) {
    struct wide *wide = arg;
    wide->twice += wide->seen[lag->partition];
    wide->seen[lag->partition] = true;
    wide->told++;
}

static void walk_wide(void *arg, void *state) {
    struct wide *wide = arg;
    struct group_lag_walk walk;
    group_lag_open(&walk, state, services_now->metadata, services_now->partitions, NULL);
    for (int before = 0; group_lag_next(&walk, take_wide, wide); before = wide->told) {
        wide->calls++;
        if (wide->told - before > wide->most) wide->most = wide->told - before;
        wide->wrong_ends += walk.ends != (wide->told == WIDE) ||
                            walk.ends != group_lag_begins(&walk);
    }
    group_lag_close(&walk);
}

/* Each partition once, so many in a call. */
static void test_group_lag_of_many_partitions(void **state) {
    struct one_broker *one = start(state);
    static struct wide wide;
    one_broker_create(one, "wide", WIDE);
    commit_wide(one);
    services_now = &one->broker->services;
    coordinators_each(services_now->group_coordinators, walk_wide, &wide);
    assert_int_equal(wide.told, WIDE);
    assert_int_equal(wide.twice, 0);
    assert_int_equal(wide.calls, 3);
    assert_int_equal(wide.most, GROUP_LAG_AT_ONCE);
    assert_int_equal(wide.wrong_ends, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_partition_traffic),
        TEST(test_group_activity),
        TEST(test_group_lag),
        TEST(test_group_lag_of_many_partitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
