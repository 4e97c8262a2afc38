/* Rules that a filter fits, found step by step, while others come and go. */
#include <stdio.h>
#include <string.h>

#include "broker/api/acl_walk.h"
#include "tests/unit/unit.h"

enum { RULES = 1000 };

static struct metadata *metadata;
static struct kp_arena arena;
static char name[32];

static int setup(void **state) {
    (void)state;
    metadata = metadata_new(3, 42);
    kp_arena_init(&arena, 1 << 20);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    kp_arena_close(&arena);
    metadata_free(metadata);
    return 0;
}

static struct acl_table *rules(void) {
    return (struct acl_table *)metadata_rules(metadata);
}

/* "t0007-a": sorted as its number is. */
static struct acl_rule rule_of(int number, const char *end) {
    snprintf(name, sizeof name, "t%04d-%s", number, end);
    return (struct acl_rule){.resource = AUTHORIZE_TOPIC,
                             .pattern = ACL_LITERAL,
                             .operation = AUTHORIZE_READ,
                             .permission = ACL_ALLOW,
                             .name = kp_string_of(name),
                             .principal = kp_string_of(number % 2 == 0 ? "User:a" : "User:b"),
                             .host = kp_string_of("*")};
}

static void add_all(void) {
    for (int i = 0; i < RULES; i++) {
        struct acl_rule rule = rule_of(i, "a");
        assert_true(acl_table_add(rules(), &rule));
    }
}

static struct acl_walk begin(const char *principal) {
    struct acl_rule any = {.resource = 1, .pattern = 1, .operation = 1, .permission = 1};
    struct acl_walk walk;
    any.name = any.host = KP_NULL_STRING;
    any.principal = principal == NULL ? KP_NULL_STRING : kp_string_of(principal);
    assert_null(acl_filter_fault(&any));
    acl_walk_begin(&walk, metadata, &any, &arena);
    return walk;
}

/* All that fit, in their order, in steps of which none looks at many. */
static void test_acl_walk_finds_what_fits(void **state) {
    (void)state;
    add_all();
    struct acl_walk walk = begin("User:b");
    int steps = 1;
    while (acl_walk_next(&walk) == ACL_WALK_MORE)
        steps++;
    assert_in_range(steps, RULES / 100, RULES / 10);
    assert_int_equal(walk.count, RULES / 2);
    for (int i = 0; i < RULES / 2; i++) {
        struct acl_rule wanted = rule_of(2 * i + 1, "a");
        assert_int_equal(acl_rule_compare(&walk.found[i], &wanted), 0);
    }
    struct acl_walk nobody = begin("User:c");
    while (acl_walk_next(&nobody) == ACL_WALK_MORE) {}
    assert_int_equal(nobody.count, 0);
}

/* What is there all the time is found once, also when the rule that was looked at last goes, and
 * others come before it and behind it; what is found stays when its rule goes. */
static void test_acl_walk_while_rules_change(void **state) {
    (void)state;
    add_all();
    struct acl_walk walk = begin(NULL);
    assert_int_equal(acl_walk_next(&walk), ACL_WALK_MORE);
    int seen = (int)walk.count;
    for (int i = 0; i < seen; i++) {
        struct acl_rule rule = rule_of(i, "a");
        assert_true(acl_table_remove(rules(), &rule));
        rule = rule_of(i, "0"); /* before the last one */
        assert_true(acl_table_add(rules(), &rule));
    }
    struct acl_rule behind = rule_of(seen, "0");
    assert_true(acl_table_add(rules(), &behind));
    while (acl_walk_next(&walk) == ACL_WALK_MORE) {}
    assert_int_equal(walk.count, RULES + 1);
    for (int i = 0; i < RULES + 1; i++) {
        struct acl_rule wanted = i == seen ? rule_of(seen, "0") : rule_of(i - (i > seen), "a");
        assert_int_equal(acl_rule_compare(&walk.found[i], &wanted), 0);
    }
}

/* Without memory it says so. */
static void test_acl_walk_without_room(void **state) {
    (void)state;
    add_all();
    arena.limit = arena.used + 4096;
    struct acl_walk walk = begin(NULL);
    enum acl_walk_state end;
    while ((end = acl_walk_next(&walk)) == ACL_WALK_MORE) {}
    assert_int_equal(end, ACL_WALK_FULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_acl_walk_finds_what_fits),
                                       TEST(test_acl_walk_while_rules_change),
                                       TEST(test_acl_walk_without_room)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
