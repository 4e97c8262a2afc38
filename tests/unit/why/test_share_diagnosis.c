/* What is named of share groups, by facts made up for it. */
#include "why/share_diagnosis.h"

#include <string.h>

#include "tests/unit/unit.h"

enum { WINDOW_MS = 60000, PARTITIONS = 2 };

struct group {
    struct why_share_facts facts;
    struct why_share_partition partitions[PARTITIONS];
    struct kp_partition_traffic_response_partition told[PARTITIONS];
    struct kp_partition_traffic_response_shared shared[PARTITIONS];
    struct why_diagnosis diagnosis;
};

/* Two members hold ten records of each partition, which came just now. */
static void make_healthy(struct group *group) {
    *group = (struct group){.facts = {.group = "packing",
                                      .state = "Stable",
                                      .window_ms = WINDOW_MS,
                                      .member_count = 2,
                                      .partitions = group->partitions,
                                      .partition_count = PARTITIONS}};
    for (int i = 0; i < PARTITIONS; i++) {
        group->shared[i] = (struct kp_partition_traffic_response_shared){.start_offset = 100,
                                                                         .lag_records = 10,
                                                                         .acquired = 10,
                                                                         .acquired_most = 200,
                                                                         .waiting = 1,
                                                                         .deliveries = 1,
                                                                         .deliveries_most = 5,
                                                                         .lock_left_ms = 20000};
        group->told[i] = (struct kp_partition_traffic_response_partition){
            .arrived_age_ms = 500, .shared = {.items = &group->shared[i], .count = 1}};
        group->partitions[i] = (struct why_share_partition){
            .topic = "boxes", .partition = i, .start = -1, .lag = -1, .age_ms = -1};
    }
}

/* Its first record came long ago. */
static void fall_behind(struct group *group, int partition, int64_t lag) {
    group->shared[partition].lag_records = lag;
    group->told[partition].arrived_age_ms = 10 * WINDOW_MS;
}

static const char *named(struct group *group) {
    for (int i = 0; i < PARTITIONS; i++)
        why_share_take_told(&group->partitions[i], &group->told[i]);
    why_share_diagnose(&group->facts, &group->diagnosis);
    return why_cause_name(group->diagnosis.findings[0].cause);
}

static bool shows(const struct group *group, const char *what, const char *value) {
    const struct why_finding *finding = &group->diagnosis.findings[0];
    for (size_t i = 0; i < finding->evidence_count; i++)
        if (strcmp(finding->evidence[i].what, what) == 0)
            return strstr(finding->evidence[i].value, value) != NULL;
    return false;
}

/* A group that keeps up has no cause, however many it holds. */
static void test_nothing(void **state) {
    (void)state;
    struct group group;
    make_healthy(&group);
    assert_null(named(&group));
    assert_int_equal(group.diagnosis.lag, 20);
    assert_int_equal(group.diagnosis.age_ms, 500);
    assert_string_equal(group.diagnosis.findings[0].next, "");
}

/* Nobody is there. */
static void test_no_members(void **state) {
    (void)state;
    struct group group;
    make_healthy(&group);
    group.facts.member_count = 0;
    group.shared[1].acquired = 0;
    fall_behind(&group, 1, 1000);
    assert_string_equal(named(&group), "no_members");
    assert_non_null(strstr(group.diagnosis.findings[0].next, "drave share delete packing"));
}

/* Members hold as many as they may, and there are more; the partition is named. */
static void test_locks_full(void **state) {
    (void)state;
    struct group group;
    make_healthy(&group);
    group.shared[1].acquired = 200;
    fall_behind(&group, 1, 1000);
    assert_string_equal(named(&group), "locks_full");
    assert_true(shows(&group, "partition", "boxes-1"));
    assert_true(shows(&group, "held by members", "200 records, 200 at the most"));
    assert_true(shows(&group, "first lock ends", "20.0 s"));
    group.shared[1].lag_records = 200; /* there are no more */
    assert_string_equal(named(&group), "consumers_slower");
}

/* Records come back again and again. */
static void test_retries(void **state) {
    (void)state;
    struct group group;
    make_healthy(&group);
    fall_behind(&group, 0, 50);
    group.shared[0].retried = 7;
    group.shared[0].deliveries = 3;
    assert_string_equal(named(&group), "retries");
    assert_true(shows(&group, "given most often", "3 times of 5"));
    assert_true(shows(&group, "given again", "7 records"));
    assert_non_null(strstr(group.diagnosis.findings[0].next, "boxes -p 0 -o 100 -n 1"));
    group.shared[0].deliveries = 2;
    assert_string_equal(named(&group), "consumers_slower");
}

/* Members live, hold nothing and wait for nothing. */
static void test_not_polling(void **state) {
    (void)state;
    struct group group;
    make_healthy(&group);
    for (int i = 0; i < PARTITIONS; i++) {
        fall_behind(&group, i, 50);
        group.shared[i].acquired = group.shared[i].waiting = 0;
    }
    assert_string_equal(named(&group), "not_polling");
    group.shared[0].acquired = 5;
    assert_string_equal(named(&group), "consumers_slower");
}

/* Of what leaders do not tell no cause is made. */
static void test_not_told(void **state) {
    (void)state;
    struct group group;
    make_healthy(&group);
    fall_behind(&group, 0, 50);
    group.told[0].shared.count = group.told[1].shared.count = 0;
    group.partitions[0].lag = 50;
    assert_null(named(&group));
    assert_int_equal(group.diagnosis.lag, 50);
    assert_non_null(strstr(group.diagnosis.findings[0].next, "do not say"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),     cmocka_unit_test(test_no_members),
        cmocka_unit_test(test_locks_full),  cmocka_unit_test(test_retries),
        cmocka_unit_test(test_not_polling), cmocka_unit_test(test_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
