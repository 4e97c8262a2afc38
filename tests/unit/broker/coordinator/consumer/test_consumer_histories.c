/* Random histories of a group of KIP-848: members join, leave, die, subscribe to something else,
 * lose answers; topics grow and are made again; coordinators move. At no time do two members own a
 * partition, and when it is quiet everything is owned. */
#include <stdio.h>
#include <string.h>

#include "protocol/kafka_error.h"
#include "tests/unit/broker/coordinator/fixture_consumer_group.h"
#include "tests/unit/unit.h"

static struct consumer_world w;

enum { CROWD = 6, STEPS = 260 };

struct crowd {
    struct consumer members[CROWD];
    bool alive[CROWD], lives[CROWD]; /* in the group; not crashed */
    uint64_t beat_ms[CROWD];
    uint64_t random;
    char ids[CROWD];
};

static uint32_t draw(struct crowd *crowd, uint32_t below) {
    crowd->random = crowd->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(crowd->random >> 33) % below;
}

static void assert_nothing_is_owned_twice(const struct crowd *crowd) {
    for (int i = 0; i < CROWD; i++)
        for (int32_t p = 0; crowd->alive[i] && p < crowd->members[i].has_count; p++)
            for (int j = 0; j < i; j++)
                for (int32_t q = 0; crowd->alive[j] && q < crowd->members[j].has_count; q++) {
                    const struct assigned_partition *a = &crowd->members[i].has[p];
                    const struct assigned_partition *b = &crowd->members[j].has[q];
                    assert_false(kp_uuid_equal(a->topic, b->topic) && a->partition == b->partition);
                }
}

static void crowd_join(struct crowd *crowd, int i) {
    static const char *const topics[] = {"t0", "t1", "t2"};
    char id[16];
    snprintf(id, sizeof id, "m%d-%d", i, crowd->ids[i]++);
    struct consumer *member = &crowd->members[i];
    uint32_t kind = draw(crowd, 4);
    consumer_init(member, &w, id, topics[draw(crowd, 3)], kind == 0 ? NULL : topics[draw(crowd, 3)],
                  NULL);
    if (kind == 3) member->regex = "t[0-9]";
    member->rebalance_timeout_ms = 60000;
    crowd->alive[i] = true;
    crowd->lives[i] = true;
    crowd->beat_ms[i] = env_now_ms(w.groups.clock.env);
    consumer_beat(member);
}

/* Nobody who lives is silent for so long that it is taken for dead. */
static void crowd_beats(struct crowd *crowd, uint64_t silence_ms) {
    uint64_t now_ms = env_now_ms(w.groups.clock.env);
    for (int i = 0; i < CROWD; i++) {
        if (!crowd->lives[i] || now_ms - crowd->beat_ms[i] < silence_ms) continue;
        crowd->beat_ms[i] = now_ms;
        consumer_beat(&crowd->members[i]);
    }
}

static void crowd_step(struct crowd *crowd) {
    int i = (int)draw(crowd, CROWD);
    struct consumer *member = &crowd->members[i];
    uint32_t what = draw(crowd, 20);
    if (!crowd->lives[i]) {
        if (what < 6) crowd_join(crowd, i);
    } else if (what == 0) {
        assert_int_equal(consumer_beat_as(member, -1, false), 0);
        crowd->alive[i] = crowd->lives[i] = false;
    } else if (what == 1) { /* it dies, and its session ends before it is missed */
        crowd->alive[i] = crowd->lives[i] = false;
    } else if (what == 2) {
        consumer_beat_in_vain(member);
    } else if (what == 3) {
        consumer_subscribe(member, draw(crowd, 2) == 0 ? "t0" : "t1", "t2", NULL);
        consumer_beat(member);
    } else {
        consumer_beat(member);
    }
    if (draw(crowd, 30) == 0) consumer_world_grow(&w, "t1", 1);
    if (draw(crowd, 60) == 0) {
        consumer_world_delete(&w, "t2");
        consumer_world_topic(&w, "t2", 1 + (int32_t)draw(crowd, 6));
    }
    if (draw(crowd, 40) == 0) consumer_world_fail_over(&w);
    consumer_world_pass(&w, draw(crowd, 900));
}

/* All go on for a while, undisturbed: everything is owned once, by who subscribes to it. */
static void crowd_settles(struct crowd *crowd) {
    for (int round = 0; round < 40; round++) {
        crowd_beats(crowd, 0);
        assert_nothing_is_owned_twice(crowd);
        consumer_world_pass(&w, 4000);
    }
    const struct consumer_group *group = consumer_world_group(&w);
    if (group == NULL) return;
    assert_string_equal(consumer_group_state(group), group->member_count > 0 ? "Stable" : "Empty");
    struct topic_set reads;
    topic_set_open(&reads, 1);
    consumer_group_reads(group, &reads);
    for (const struct metadata_topic *topic = NULL;
         (topic = metadata_next_topic(w.groups.metadata, topic)) != NULL;) {
        if (!topic_set_has(&reads, kp_string_of(topic->name))) continue;
        for (int32_t p = 0; p < topic->partition_count; p++) {
            int owners = 0;
            for (int i = 0; i < CROWD; i++)
                owners += crowd->lives[i] && consumer_has(&crowd->members[i], topic->name, p);
            assert_int_equal(owners, 1);
        }
    }
    topic_set_close(&reads);
}

static void test_consumer_random_histories(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        static struct crowd crowd;
        consumer_world_open(&w);
        memset(&crowd, 0, sizeof crowd);
        crowd.random = seed;
        w.groups.settings.group_consumer_session_timeout_ms = 9000;
        w.groups.settings.group_consumer_assignment_interval_ms = seed % 2 == 0 ? 1000 : 0;
        consumer_world_topic(&w, "t0", 3);
        consumer_world_topic(&w, "t1", 4);
        consumer_world_topic(&w, "t2", 5);
        for (int i = 0; i < CROWD; i++)
            crowd_join(&crowd, i);
        for (int step = 0; step < STEPS; step++) {
            crowd_step(&crowd);
            crowd_beats(&crowd, 6000);
            assert_nothing_is_owned_twice(&crowd);
        }
        crowd_settles(&crowd);
        consumer_world_close(&w);
    }
}

/* The join of one member is late, and commits while another one asks: that must not be given the
 * partitions, too. The first is not heard of any more: it ends with its session. */
static void test_consumer_join_in_doubt(void **state) {
    (void)state;
    struct consumer a, b;
    consumer_world_open(&w);
    consumer_world_topic(&w, "t", 2);
    consumer_init(&a, &w, "a", "t", NULL);
    consumer_init(&b, &w, "b", "t", NULL);
    w.holds = true;
    consumer_beat(&a);
    fake_log_late(&w.groups.log);
    consumer_beat(&b);
    w.holds = false;
    consumer_world_commit(&w);
    assert_int_equal(a.error, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(b.error, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(consumer_beat(&b), 0);
    assert_int_equal(b.has_count, 0);
    consumer_world_pass(&w, 44000);
    assert_int_equal(consumer_beat(&b), 0);
    consumer_world_pass(&w, 1001);
    assert_int_equal(consumer_beat(&b), 0);
    assert_int_equal(b.has_count, 2);
    consumer_world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_consumer_random_histories),
                                       cmocka_unit_test(test_consumer_join_in_doubt)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
