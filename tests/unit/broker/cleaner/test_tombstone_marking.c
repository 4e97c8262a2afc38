/* Three brokers with a compacted topic: tombstones are marked when every one of them is clean. */
#include <stdio.h>
#include <string.h>

#include "broker/partition/partition_internal.h"
#include "protocol/messages/create_topics.h"
#include "protocol/record/record_batch_builder.h"
#include "storage/log/log_cleaning.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/broker/fixture_data_asks.h"
#include "tests/unit/unit.h"

enum { KEYS = 8, VALUE = 400, TURN_MS = 5, TURNS = 2000, A_WHILE = 60 };

static const char *const often[] = {"log.cleanup.policy=compact",
                                    "log.segment.bytes=4096",
                                    "log.cleaner.backoff.ms=10",
                                    "log.cleaner.min.cleanable.ratio=0.01",
                                    "log.cleaner.delete.retention.ms=0",
                                    "leader.imbalance.check.interval.seconds=1",
                                    NULL};

static struct partition *partition_of(const struct broker_node *node) {
    const struct broker_services *services = node->broker ? broker_services(node->broker) : NULL;
    return services ? partition_set_find(services->partitions, "t", 1, 0) : NULL;
}

static struct broker_node *leader_of(struct brokers *brokers) {
    for (int i = 0; i < brokers->count; i++) {
        struct partition *partition = partition_of(&brokers->nodes[i]);
        if (partition && partition_is_leading(partition)) return &brokers->nodes[i];
    }
    return NULL;
}

static bool somebody_leads(struct brokers *brokers) {
    return leader_of(brokers) != NULL;
}

/* A batch of all keys, without values if they are to go. */
static void produce_keys(struct brokers *brokers, bool tombstones) {
    struct record_batch_options options = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    char key[16], value[VALUE] = "v";
    for (int i = 0; i < KEYS; i++)
        record_batch_builder_append(builder, 1000, key, snprintf(key, sizeof key, "%d", i), value,
                                    tombstones ? -1 : VALUE, NULL, 0);
    struct produce_ask ask;
    struct kp_produce_response response;
    size_t len;
    produce_begin(&ask, "t", -1);
    assert_int_equal(record_batch_builder_finish(builder, &ask.bytes[0], &len), ERR_NONE);
    ask.partitions[0] = (struct kp_produce_request_partition){
        .records = {.data = ask.bytes[0], .len = (int32_t)len}};
    ask.topic.partition_data.count = 1;
    brokers_until(brokers, somebody_leads);
    brokers_ask(leader_of(brokers), KP_PRODUCE, 8, &ask.request, &response);
    assert_int_equal(response.responses.items[0].partition_responses.items[0].error_code, 0);
    produce_end(&ask);
}

static bool is_marked(struct brokers *brokers) {
    const struct broker_node *node = leader_of(brokers);
    return node && tombstone_marks_last(&partition_of(node)->tombstones).offset > 0;
}

static bool wants_mark(struct brokers *brokers) {
    const struct broker_node *node = leader_of(brokers);
    return node && partition_wants_mark(partition_of(node)) > 0;
}

/* Segments are sealed by what follows them. */
static void produce_until(struct brokers *brokers, bool (*until)(struct brokers *brokers)) {
    for (int turns = 0; turns < TURNS && !until(brokers); turns++)
        produce_keys(brokers, turns % 4 == 3);
    assert_true(until(brokers));
}

/* The first one leads. */
static void create(struct brokers *brokers) {
    struct kp_create_topics_request_topic topic;
    struct kp_create_topics_request request;
    struct kp_create_topics_response response;
    int32_t ids[] = {1, 2, 3};
    struct kp_create_topics_request_assignment assignment = {
        .broker_ids = {.items = ids, .count = 3}};
    kp_set_fallbacks(&kp_create_topics_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_create_topics_request_schema, &request);
    topic.name = kp_string_of("t");
    topic.num_partitions = -1;
    topic.replication_factor = -1;
    topic.assignments.items = &assignment;
    topic.assignments.count = 1;
    request.topics.items = &topic;
    request.topics.count = 1;
    request.timeout_ms = 10000;
    brokers_ask(&brokers->nodes[0], KP_CREATE_TOPICS, 7, &request, &response);
    assert_int_equal(response.topics.items[0].error_code, 0);
    brokers_until(brokers, somebody_leads);
}

/* Marks come while records do, and are the same everywhere; what they let go of goes. */
static void test_all_are_clean(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 3, often);
    create(brokers);
    produce_until(brokers, is_marked);
    for (int i = 0; i < 3; i++)
        assert_true(partition_clean_to(partition_of(&brokers->nodes[i])) >=
                    tombstone_marks_last(&partition_of(leader_of(brokers))->tombstones).offset);
}

/* Who cleans nothing holds the mark back, and so does who is away. */
static void test_one_is_not_clean(void **state) {
    struct brokers *brokers = *state;
    brokers_configure(brokers, 3, often);
    struct broker_node *last = &brokers->nodes[2];
    last->settings.cleaner_backoff_ms = 3600 * 1000;
    for (int i = 0; i < 3; i++)
        assert_int_equal(brokers_start_one(&brokers->nodes[i]), ERR_NONE);
    brokers_until(brokers, brokers_all_ready);
    create(brokers);
    produce_until(brokers, wants_mark);
    for (int turns = 0; turns < A_WHILE; turns++)
        produce_keys(brokers, false);
    assert_false(is_marked(brokers));
    brokers_kill(last);
    brokers_until(brokers, wants_mark);
    for (int turns = 0; turns < A_WHILE; turns++)
        produce_keys(brokers, false);
    assert_false(is_marked(brokers));
    last->settings.cleaner_backoff_ms = 10;
    assert_int_equal(brokers_start_one(last), ERR_NONE);
    produce_until(brokers, is_marked);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_all_are_clean), TEST(test_one_is_not_clean)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
