/* Members that go together, in as many batches as that takes. */
#include <stdio.h>

#include "broker/coordinator/consumer/consumer_describe.h"
#include "tests/unit/broker/coordinator/fixture_consumer_group.h"
#include "tests/unit/unit.h"

static struct consumer_world w;

/* A batch that were too large would never be written, and its members would stay for ever. */
static void test_consumer_sessions_end_in_batches(void **state) {
    (void)state;
    static struct consumer members[5];
    char id[16];
    consumer_world_topic(&w, "t", 5);
    for (int i = 0; i < 5; i++) {
        snprintf(id, sizeof id, "m%d", i);
        consumer_init(&members[i], &w, id, "t", NULL);
        consumer_beat(&members[i]);
    }
    int32_t epoch = consumer_world_group(&w)->epoch;
    w.groups.settings.message_max_bytes = 700; /* half of it: two of them */
    consumer_world_pass(&w, 45001);
    for (int i = 0; i < 3; i++)
        consumer_world_commit(&w);
    assert_string_equal(consumer_world_state(&w), "Empty");
    assert_int_equal(consumer_world_group(&w)->epoch, epoch + 3);
}

/* Those that are removed by one request, too; each has its own answer. */
static void test_consumer_leaves_in_batches(void **state) {
    (void)state;
    static struct consumer members[5];
    static struct asked leave;
    static const int16_t errors[] = {0, 0, KAFKA_UNKNOWN_MEMBER_ID, 0, 0};
    char id[16];
    consumer_world_topic(&w, "t", 5);
    for (int i = 0; i < 5; i++) {
        snprintf(id, sizeof id, "m%d", i);
        consumer_init(&members[i], &w, id, "t", NULL);
        consumer_beat(&members[i]);
    }
    int32_t epoch = consumer_world_group(&w)->epoch;
    w.groups.settings.message_max_bytes = 700; /* half of it: two of them */
    ask_leave(&w.groups, &leave, "g", "m0,m1,m9,m2,m3");
    assert_int_equal(leave.error, NOT_DONE);
    consumer_world_commit(&w);
    assert_int_equal(leave.error, 0);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        assert_int_equal(leave.leavers[i].error, errors[i]);
    assert_int_equal(consumer_world_group(&w)->member_count, 1);
    assert_int_equal(consumer_world_group(&w)->epoch, epoch + 2);
}

/* Who goes before it is described is left out. */
static void test_consumer_goes_while_described(void **state) {
    (void)state;
    static struct consumer members[5];
    struct kp_consumer_group_describe_response_group group;
    struct consumer_describing describing;
    struct kp_arena arena;
    char id[16];
    consumer_world_topic(&w, "t", 5);
    for (int i = 0; i < 5; i++) {
        snprintf(id, sizeof id, "m%d", i);
        consumer_init(&members[i], &w, id, "t", NULL);
        consumer_beat(&members[i]);
    }
    struct consumer_group *described = consumer_world_group(&w)->row->consumer;
    kp_arena_init(&arena, 1 << 20);
    kp_set_fallbacks(&kp_consumer_group_describe_response_group_schema, &group);
    assert_true(consumer_describe_begin(&describing, described, w.groups.metadata, &arena, &group));
    assert_int_equal(consumer_describe_step(&describing), CONSUMER_DESCRIBED_MORE);
    assert_int_equal(consumer_beat_as(&members[1], CONSUMER_EPOCH_LEAVE, false), 0);
    assert_int_equal(consumer_describe_step(&describing), CONSUMER_DESCRIBED_MORE);
    assert_int_equal(group.members.count, 2);
    assert_true(kp_string_is(group.members.items[0].member_id, "m0"));
    assert_true(kp_string_is(group.members.items[1].member_id, "m2"));
    assert_ptr_equal(group.members.items[1].subscribed_topic_names.items,
                     group.members.items[0].subscribed_topic_names.items);
    for (int i = 3; i < 5; i++)
        assert_int_equal(consumer_beat_as(&members[i], CONSUMER_EPOCH_LEAVE, false), 0);
    assert_int_equal(consumer_describe_step(&describing), CONSUMER_DESCRIBED_ALL);
    assert_int_equal(group.members.count, 2);
    consumer_describe_end(&describing);
    kp_arena_close(&arena);
}

#define TEST(name) CONSUMER_TEST(name, &w)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_consumer_sessions_end_in_batches),
        TEST(test_consumer_leaves_in_batches),
        TEST(test_consumer_goes_while_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
