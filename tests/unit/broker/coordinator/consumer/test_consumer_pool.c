/* Targets that are worked out in the pool, for groups that are too large for a turn. */
#include "broker/coordinator/consumer/consumer_group.h"

#include "broker/coordinator/consumer/consumer_heartbeat.h"
#include "tests/unit/broker/coordinator/fixture_consumer_group.h"
#include "tests/unit/unit.h"

static struct consumer_world w;

struct plain_beat {
    struct consumer_heartbeat heartbeat;
    struct kp_consumer_group_heartbeat_request request;
    bool answered;
    size_t assigned;
};

static void plain_done(struct group_call *call) {
    struct plain_beat *beat = CONTAINER_OF(call, struct plain_beat, heartbeat.call);
    assert_int_equal(call->error, KAFKA_NONE);
    beat->answered = true;
    beat->assigned = beat->heartbeat.assigned_count;
    consumer_heartbeat_release(&beat->heartbeat);
}

/* Of a member that owns nothing; how many partitions its answer has. `instance` NULL: none. */
static size_t plain_of(const char *member, const char *instance, int32_t *epoch) {
    static struct kp_string names[7];
    static const char *const texts[] = {"a", "b", "c", "d", "e", "f", "g"};
    struct plain_beat beat = {0};
    for (int i = 0; i < 7; i++)
        names[i] = kp_string_of(texts[i]);
    kp_set_fallbacks(&kp_consumer_group_heartbeat_request_schema, &beat.request);
    beat.request.group_id = kp_string_of("g");
    beat.request.member_id = kp_string_of(member);
    beat.request.member_epoch = *epoch;
    beat.request.rebalance_timeout_ms = 60000;
    beat.request.subscribed_topic_names.items = names;
    beat.request.subscribed_topic_names.count = 7;
    beat.request.subscribed_topic_regex = KP_NULL_STRING;
    beat.request.instance_id = instance == NULL ? KP_NULL_STRING : kp_string_of(instance);
    beat.request.rack_id = beat.request.server_assignor = KP_NULL_STRING;
    beat.request.topic_partitions.count = 0;
    beat.heartbeat = (struct consumer_heartbeat){.call.done = plain_done,
                                                 .metadata = w.groups.metadata,
                                                 .request = &beat.request,
                                                 .client_id = kp_string_of("client"),
                                                 .client_host = kp_string_of("/127.0.0.1"),
                                                 .names_its_id = true};
    consumer_heartbeat_take(w.groups.table, &beat.heartbeat);
    consumer_world_commit(&w);
    assert_true(beat.answered);
    *epoch = beat.heartbeat.member_epoch;
    return beat.assigned;
}

static size_t plain(const char *member, int32_t *epoch) {
    return plain_of(member, NULL, epoch);
}

/* 56,000 partitions: too many for a turn. */
static void many_topics(void) {
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
    for (int i = 0; i < 7; i++)
        consumer_world_topic(&w, names[i], 8000);
}

/* They are assigned beside the loop, while heartbeats go on with the target that there is; what
 * comes out after the lead was lost is nothing. */
static void test_consumer_assigned_in_the_pool(void **state) {
    (void)state;
    int32_t a = 0, b = 0;
    many_topics();
    assert_int_equal(plain("a", &a), 56000);
    assert_int_equal(plain("b", &b), 0);
    assert_int_equal(b, 1);
    assert_string_equal(consumer_world_state(&w), "Assigning");
    plain("b", &b); /* begins it */
    fake_log_lose(&w.groups.log, false);
    group_clock_pass(&w.groups.clock, 50);
    fake_log_lead(&w.groups.log);
    assert_string_equal(consumer_world_state(&w), "Assigning");
    plain("b", &b);
    consumer_world_pass(&w, 50);
    assert_string_equal(consumer_world_state(&w), "Reconciling");
    assert_int_equal(plain("a", &a), 28000);
    plain("a", &a);
    assert_int_equal(plain("b", &b), 28000);
    assert_string_equal(consumer_world_state(&w), "Stable");
}

/* What members have and are to have, and who owns it, counts in the memory of groups. */
static void test_consumer_partitions_count_as_memory(void **state) {
    (void)state;
    enum { PARTITIONS = 56000 };
    int32_t a = 0, leaves = -1;
    many_topics();
    plain("a", &a);
    struct group *row = consumer_world_group(&w)->row;
    assert_true(row->charged >=
                PARTITIONS * (2 * sizeof(struct listed_partition) + sizeof(int32_t)));
    plain("a", &leaves);
    assert_true(row->charged < PARTITIONS);
}

/* A static member's successor changes no epoch: what was begun for the old one is nothing, and the
 * successor, not the one that is gone, gets its part. */
static void test_consumer_replaced_meanwhile(void **state) {
    (void)state;
    int32_t a = 0, old = 0, leaves = -2, successor = 0;
    many_topics();
    plain("a", &a);
    plain_of("old", "one", &old);
    plain_of("old", "one", &leaves);
    plain("a", &a); /* begins it */
    plain_of("successor", "one", &successor);
    assert_string_equal(consumer_world_state(&w), "Assigning");
    consumer_world_pass(&w, 50);
    assert_null(consumer_member_find(consumer_world_group(&w), kp_string_of("old")));
    plain("a", &a);
    consumer_world_pass(&w, 50);
    assert_int_equal(plain("a", &a), 28000);
    plain("a", &a);
    assert_int_equal(plain_of("successor", "one", &successor), 28000);
    assert_string_equal(consumer_world_state(&w), "Stable");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CONSUMER_TEST(test_consumer_assigned_in_the_pool, &w),
        CONSUMER_TEST(test_consumer_partitions_count_as_memory, &w),
        CONSUMER_TEST(test_consumer_replaced_meanwhile, &w),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
