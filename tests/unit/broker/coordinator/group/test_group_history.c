/* What happened to members, noted by both protocols. */
#include "broker/coordinator/group/group_history.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/broker/coordinator/fixture_consumer_group.h"
#include "tests/unit/broker/coordinator/fixture_groups.h"
#include "tests/unit/unit.h"

static const char *const words[] = {"",     "joined",  "changed", "rejoined", "replaced",
                                    "left", "expired", "late",    "topics",   "failed"};

/* "joined a*, left b": those with * began a rebalance. */
static const char *text_of(const struct group *group) {
    static char text[1000];
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < group_history_count(group); i++) {
        const struct group_event *event = group_history_at(group, i);
        struct kp_string who = shared_string(event->member_id);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %.*s%s", i > 0 ? ", " : "",
                                 words[event->what], who.len < 0 ? 0 : who.len, who.data,
                                 event->began ? "*" : "");
    }
    return text;
}

/* A group of the classic protocol: a member is not heard of, another leaves; who only does its part
 * of a rebalance is not noted. */
static void test_history_of_classic_group(void **state) {
    (void)state;
    static struct groups g;
    static struct asked joins[2], leaves;
    groups_open(&g);
    groups_stable(&g, 3, false);
    for (int i = 0; i < 3; i++) {
        groups_pass(&g, 6000);
        ask_heartbeat(&g, (struct asks){.member = "m1", .generation = 1});
        ask_heartbeat(&g, (struct asks){.member = "m2", .generation = 1});
    }
    struct group *group = groups_find(&g, "g");
    assert_string_equal(text_of(group), "expired m3*");
    assert_true(g.memory.budget.used > 0);
    ask_join(&g, &joins[0], (struct asks){.member = "m1"});
    ask_join(&g, &joins[1], (struct asks){.member = "m2"});
    assert_string_equal(text_of(group), "expired m3*");
    ask_leave(&g, &leaves, "g", "m2");
    assert_string_equal(text_of(group), "expired m3*, left m2*");
    /* another coordinator knows nothing of it */
    groups_move(&g);
    assert_int_equal(group_history_count(groups_find(&g, "g")), 0);
    groups_close(&g);
}

/* The last ones are kept, and what they take is given back. */
static void test_history_has_room(void **state) {
    (void)state;
    static struct groups g;
    groups_open(&g);
    groups_stable(&g, 1, false);
    struct group *group = groups_find(&g, "g");
    size_t before = g.memory.budget.used;
    char id[300];
    memset(id, 'x', sizeof id);
    for (int i = 0; i < 3 * GROUP_EVENTS_MAX; i++) {
        struct group_event_member member = {{id, sizeof id}, kp_string_of("c"), KP_NULL_STRING};
        group_history_note(group, KP_GROUP_LEFT, &member);
        group_history_begins(group);
        groups_pass(&g, 1);
    }
    assert_int_equal(group_history_count(group), GROUP_EVENTS_MAX);
    uint64_t last_ms = 0;
    for (size_t i = 0; i < GROUP_EVENTS_MAX; i++) {
        const struct group_event *event = group_history_at(group, i);
        assert_true(event->at_ms > last_ms && event->began);
        assert_int_equal(shared_string(event->member_id).len, GROUP_EVENT_TEXT);
        last_ms = event->at_ms;
    }
    assert_true(g.memory.budget.used - before < GROUP_EVENTS_MAX * 256);
    /* without an event, something that failed began it */
    group_history_begins(group);
    assert_int_equal(group_history_at(group, GROUP_EVENTS_MAX - 1)->what, KP_GROUP_FAILED);
    group_history_drop(group);
    assert_int_equal(g.memory.budget.used, before);
    /* without memory nothing is noted */
    g.memory.budget.limit = 0;
    group_history_note(group, KP_GROUP_TOPICS, &group_event_nobody);
    group_history_begins(group);
    assert_int_equal(group_history_count(group), 0);
    groups_close(&g);
}

/* A group of KIP-848: who joins, leaves, is not heard of. */
static void test_history_of_consumer_group(void **state) {
    (void)state;
    static struct consumer_world world;
    static struct consumer a, b;
    consumer_world_open(&world);
    consumer_world_topic(&world, "t", 4);
    consumer_init(&a, &world, "a", "t", NULL);
    consumer_init(&b, &world, "b", "t", NULL);
    assert_int_equal(consumer_beat(&a), 0);
    assert_int_equal(consumer_beat(&b), 0);
    struct group *group = consumer_world_group(&world)->row;
    assert_string_equal(text_of(group), "joined a*, joined b*");
    for (int i = 0; i < 10; i++) {
        consumer_world_pass(&world, 5000);
        consumer_beat(&a);
    }
    assert_string_equal(text_of(group), "joined a*, joined b*, expired b*");
    consumer_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history_of_classic_group),
        cmocka_unit_test(test_history_has_room),
        cmocka_unit_test(test_history_of_consumer_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
