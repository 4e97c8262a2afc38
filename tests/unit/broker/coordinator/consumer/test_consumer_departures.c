/* Members that go together, in as many batches as that takes. */
#include <stdio.h>

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

#define TEST(name) CONSUMER_TEST(name, &w)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_consumer_sessions_end_in_batches),
        TEST(test_consumer_leaves_in_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
