/* How the memory of groups is shared among the hosts that fill it. */
#include <stdio.h>

#include <string.h>

#include "broker/coordinator/group/group.h"
#include "tests/unit/broker/coordinator/fixture_groups.h"
#include "tests/unit/unit.h"

enum { LIMIT = 1 << 20, STEP = 1024, NEARLY = 4 * STEP };

static struct groups g;

static int setup(void **state) {
    (void)state;
    groups_open(&g);
    g.memory.budget.limit = LIMIT;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    groups_close(&g);
    return 0;
}

static struct group *row(const char *id, const char *host) {
    struct group *group = group_make(g.table, kp_string_of(id));
    group_pay(group, host == NULL ? KP_NULL_STRING : kp_string_of(host));
    return group;
}

/* As much as comes; how much that was. */
static size_t fill(struct group *group) {
    size_t before = group->charged;
    while (!group_refuses_more(group))
        group_charge(group, STEP);
    return group->charged - before;
}

static void empty(struct group *group, size_t bytes) {
    group_release(group, bytes);
    group_settle(group);
}

static void assert_about(size_t bytes, size_t wanted) {
    if (bytes > wanted + NEARLY || bytes + NEARLY < wanted)
        fail_msg("%zu bytes instead of about %zu", bytes, wanted);
}

/* One host has a half, however many groups it makes, the next one a half of what is left; a third
 * one is served all the same. What it was given back may be taken again. */
static void test_memory_of_hosts(void **state) {
    (void)state;
    struct group *one = row("one", "/1"), *two = row("two", "/2"), *three = row("three", "/3");
    size_t first = fill(one), second = fill(two);
    assert_about(first, LIMIT / 2);
    assert_about(second, LIMIT / 4);
    struct group *more = row("more", "/1");
    assert_true(group_refuses_more(more));
    assert_false(group_refuses_more(three));
    size_t third = fill(three);
    assert_about(third, LIMIT / 8);
    assert_true(group_refuses_more(two));
    empty(one, first);
    assert_false(group_refuses_more(two));
    assert_false(group_refuses_more(more));
    empty(two, second);
    empty(three, third);
    group_settle(more);
}

/* A group that nobody pays for yet is refused when all is spent. Who pays first pays for all of it,
 * and stays. */
static void test_memory_of_nobody(void **state) {
    (void)state;
    struct group *group = row("g", NULL);
    size_t bytes = fill(group);
    assert_about(bytes, LIMIT);
    group_release(group, LIMIT / 4);
    assert_false(group_refuses_more(group));
    group_pay(group, kp_string_of("/1"));
    assert_true(group_refuses_more(group));
    struct group *other = row("other", "/2");
    assert_false(group_refuses_more(other));
    group_pay(group, kp_string_of("/2"));
    assert_false(group_refuses_more(other));
    empty(group, bytes - LIMIT / 4);
    group_settle(other);
}

/* Members of one host fill their share with groups; those of another come all the same. */
static void test_memory_of_members(void **state) {
    (void)state;
    static struct asked asked[64], other;
    char id[16];
    int refused = 0;
    g.memory.budget.limit = g.memory.budget.used + 24 * 1024;
    for (int i = 0; i < 64; i++) {
        snprintf(id, sizeof id, "g%d", i);
        ask_join(&g, &asked[i], (struct asks){.group = id, .version = 3, .host = "/1"});
        if (asked[i].error == KAFKA_COORDINATOR_NOT_AVAILABLE) refused++;
    }
    assert_true(refused > 0 && refused < 64);
    ask_join(&g, &other, (struct asks){.group = "other", .version = 3, .host = "/2"});
    assert_int_equal(other.error, NOT_DONE);
    groups_move(&g);
}

/* What members were assigned counts on every replica, as the group's record, and on the leader once
 * more. While all is spent a leader may bring as much as the record before had. */
static void test_memory_of_assignments(void **state) {
    (void)state;
    enum { MUCH = 150 };
    static struct asked joins, syncs;
    char much[MUCH + 4] = "m1=";
    memset(much + 3, 'x', MUCH);
    groups_stable(&g, 1, false);
    const struct group *group = groups_find(&g, "g");
    assert_true(group->record->len < MUCH);
    g.memory.budget.limit = g.memory.budget.used;
    ask_join(&g, &joins, (struct asks){.member = "m1"});
    ask_sync(&g, &syncs,
             (struct asks){.member = "m1", .generation = joins.generation, .assign = much});
    assert_int_equal(syncs.error, KAFKA_COORDINATOR_NOT_AVAILABLE);
    ask_join(&g, &joins, (struct asks){.member = "m1"});
    ask_sync(&g, &syncs,
             (struct asks){.member = "m1", .generation = joins.generation, .assign = "m1=x"});
    groups_commit(&g);
    assert_int_equal(syncs.error, 0);
    g.memory.budget.limit = LIMIT;
    size_t before = group->charged;
    ask_join(&g, &joins, (struct asks){.member = "m1"});
    ask_sync(&g, &syncs,
             (struct asks){.member = "m1", .generation = joins.generation, .assign = much});
    groups_commit(&g);
    assert_int_equal(syncs.error, 0);
    assert_true(group->charged >= before + 2 * (MUCH - 1));
    groups_move(&g);
    assert_true(group->charged >= group->record->len);
}

/* What is being written counts already, so that a host cannot bring at once, while the log is slow,
 * what it may not bring one after the other. */
static void test_memory_of_writes(void **state) {
    (void)state;
    enum { MUCH = 150 };
    static struct asked joins, syncs;
    char much[MUCH + 4] = "m1=";
    memset(much + 3, 'x', MUCH);
    groups_stable(&g, 1, false);
    const struct group *group = groups_find(&g, "g");
    ask_join(&g, &joins, (struct asks){.member = "m1"});
    size_t before = group->charged, record = group->record->len;
    ask_sync(&g, &syncs,
             (struct asks){.member = "m1", .generation = joins.generation, .assign = much});
    assert_int_equal(syncs.error, NOT_DONE);
    size_t under_way = group->charged - before;
    assert_true(under_way >= record + 2 * MUCH);
    groups_commit(&g);
    assert_int_equal(syncs.error, 0);
    assert_true(group->charged - before < under_way);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_memory_of_hosts),       TEST(test_memory_of_nobody), TEST(test_memory_of_members),
        TEST(test_memory_of_assignments), TEST(test_memory_of_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
