/* Who shares what a quota allows, what is given and what has to wait. */
#include "base/env_uv/env_uv.h"
#include "broker/quotas/quotas.h"
#include "tests/unit/unit.h"

struct fixture {
    struct env *env;
    struct quota_table table;
    struct quotas *quotas;
};

static int set_up(void **state) {
    static struct fixture f;
    f = (struct fixture){0};
    assert_int_equal(env_uv_new(&f.env, 2), 0);
    f.quotas = quotas_new(f.env,
                          &(struct quotas_options){.shape = {11, 1000}, .longest_ms = 60000});
    quotas_follow(f.quotas, &f.table);
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    quotas_free(f->quotas);
    quota_table_close(&f->table);
    assert_true(env_uv_free(f->env));
    return 0;
}

static void set(struct fixture *f, const char *user, const char *client, unsigned types,
                double value) {
    struct quota_entity entity = {
        .types = types, .names = {kp_string_of(user), kp_string_of(client), KP_NULL_STRING}};
    quota_table_set(&f->table, &entity, QUOTA_PRODUCED, value);
    quota_table_set(&f->table, &entity, QUOTA_FETCHED, value);
}

static struct quota_asker asker(const char *principal, const char *client) {
    return (struct quota_asker){.principal = principal, .client = kp_string_of(client)};
}

static uint32_t charge(struct fixture *f, const char *principal, const char *client, double used) {
    struct quota_asker who = asker(principal, client);
    return quotas_charge(f->quotas, QUOTA_PRODUCED, &who, used);
}

/* Nothing is kept of anybody while there is no quota, nor when the last one has gone. */
static void test_quotas_none(void **state) {
    struct fixture *f = *state;
    assert_int_equal(charge(f, "User:alice", "c", 1e12), 0);
    assert_int_equal(quotas_counters(f->quotas), 0);
    set(f, "bob", NULL, 1, 100);
    assert_int_equal(charge(f, "User:alice", "c", 1e12), 0);
    assert_int_equal(quotas_counters(f->quotas), 0);
    assert_true(charge(f, "User:bob", "c", 1e12) > 0);
    assert_int_equal(quotas_counters(f->quotas), 1);
    set(f, "bob", NULL, 1, 0);
    assert_int_equal(charge(f, "User:bob", "c", 1e12), 0);
    assert_int_equal(quotas_counters(f->quotas), 0);
    quotas_follow(f->quotas, NULL);
    assert_int_equal(charge(f, "User:bob", "c", 1e12), 0);
}

/* All clients of a user share his quota; by the default each user has his own. */
static void test_quotas_shared(void **state) {
    struct fixture *f = *state;
    set(f, "alice", NULL, 1, 1000);
    assert_int_equal(charge(f, "User:alice", "one", 6000), 0);
    assert_true(charge(f, "User:alice", "two", 6000) > 0);
    assert_int_equal(quotas_counters(f->quotas), 1);
    set(f, NULL, NULL, 1, 1000);
    assert_int_equal(charge(f, "User:bob", "one", 6000), 0);
    assert_int_equal(charge(f, "User:carol", "one", 6000), 0);
    assert_true(charge(f, "User:bob", NULL, 6000) > 0);
    set(f, NULL, NULL, 3, 1000); /* of each user's each client */
    assert_int_equal(charge(f, "User:bob", "one", 6000), 0);
    assert_int_equal(charge(f, "User:bob", "two", 6000), 0);
    assert_true(charge(f, "User:bob", "two", 6000) > 0);
    assert_true(quotas_throttled_ms(f->quotas, QUOTA_PRODUCED) > 0);
    assert_int_equal(quotas_throttled_ms(f->quotas, QUOTA_FETCHED), 0);
}

/* A wait ends, however much somebody has sent. */
static void test_quotas_longest(void **state) {
    struct fixture *f = *state;
    set(f, "alice", NULL, 1, 1);
    assert_int_equal(charge(f, "User:alice", "c", 1e15), 60000);
    quotas_set_longest(f->quotas, 2000);
    assert_int_equal(charge(f, "User:alice", "c", 1e15), 2000);
}

/* What is too much is not given, and then was not used; what is always too much is given to who had
 * nothing lately. */
static void test_quotas_try(void **state) {
    struct fixture *f = *state;
    struct quota_asker who = asker("User:alice", "c");
    bool given;
    assert_true(quotas_most(f->quotas, QUOTA_FETCHED, &who) == UINT64_MAX);
    set(f, "alice", NULL, 1, 1000);
    assert_int_equal(quotas_most(f->quotas, QUOTA_FETCHED, &who), 10000);
    assert_int_equal(quotas_try(f->quotas, QUOTA_FETCHED, &who, 6000, &given), 0);
    assert_true(given);
    for (int i = 0; i < 3; i++) {
        assert_true(quotas_try(f->quotas, QUOTA_FETCHED, &who, 6000, &given) > 0);
        assert_false(given);
    }
    assert_int_equal(quotas_try(f->quotas, QUOTA_FETCHED, &who, 100, &given), 0);
    assert_true(given);
    struct quota_asker other = asker("User:bob", "c");
    set(f, "bob", NULL, 1, 1000);
    assert_true(quotas_try(f->quotas, QUOTA_FETCHED, &other, 50000, &given) > 0);
    assert_true(given);
    assert_true(quotas_try(f->quotas, QUOTA_FETCHED, &other, 1, &given) > 0);
    assert_false(given);
}

static void set_one(struct fixture *f, unsigned types, const char *name, enum quota_key key,
                    double value) {
    struct quota_entity entity = {.types = types,
                                  .names = {KP_NULL_STRING, KP_NULL_STRING, KP_NULL_STRING}};
    if (name != NULL) entity.names[types == 1 ? QUOTA_USER : QUOTA_IP] = kp_string_of(name);
    quota_table_set(&f->table, &entity, key, value);
}

/* Of the loop's time nobody waits for longer than a sample, as in Kafka. */
static void test_quotas_time(void **state) {
    struct fixture *f = *state;
    struct quota_asker who = asker("User:alice", "c");
    assert_false(quotas_any(f->quotas, QUOTA_TIME));
    set_one(f, 1, "alice", QUOTA_TIME, 10);
    assert_true(quotas_any(f->quotas, QUOTA_TIME));
    assert_int_equal(quotas_charge(f->quotas, QUOTA_TIME, &who, 99), 0); /* ten seconds of 10 % */
    assert_int_equal(quotas_charge(f->quotas, QUOTA_TIME, &who, 500), 1000);
}

/* Changes may make a debt; who is strict gets nothing while there is one, others wait behind. */
static void test_quotas_mutations(void **state) {
    struct fixture *f = *state;
    struct quota_asker who = asker("User:alice", "c"), other = asker("User:bob", "c");
    bool given = false;
    assert_int_equal(quotas_mutate(f->quotas, &who, 1e9, true, &given), 0);
    assert_true(given);
    set_one(f, 1, "alice", QUOTA_MUTATIONS, 2); /* 22 at once */
    assert_int_equal(quotas_mutate(f->quotas, &who, 30, true, &given), 0);
    assert_true(given);
    uint32_t wait_ms = quotas_mutate(f->quotas, &who, 1, true, &given);
    assert_true(wait_ms > 3500 && wait_ms <= 4000);
    assert_false(given);
    wait_ms = quotas_mutate(f->quotas, &who, 1, false, &given);
    assert_true(wait_ms > 4000 && wait_ms <= 4500);
    assert_true(given);
    assert_int_equal(quotas_mutate(f->quotas, &other, 1000, true, &given), 0);
    assert_true(given);
    assert_true(quotas_throttled_ms(f->quotas, QUOTA_MUTATIONS) > 7500);
}

/* An address has its own quota, or that of all; who is turned away has not come. */
static void test_quotas_connections(void **state) {
    struct fixture *f = *state;
    struct kp_string one = kp_string_of("10.0.0.1"), other = kp_string_of("10.0.0.2");
    assert_int_equal(quotas_connect(f->quotas, one), 0);
    assert_int_equal(quotas_counters(f->quotas), 0);
    set_one(f, 4, NULL, QUOTA_CONNECTIONS, 1);
    set_one(f, 4, "10.0.0.2", QUOTA_CONNECTIONS, 2);
    for (int i = 0; i < 10; i++)
        assert_int_equal(quotas_connect(f->quotas, one), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(quotas_connect(f->quotas, other), 0);
    for (int i = 0; i < 100; i++) {
        uint32_t wait_ms = quotas_connect(f->quotas, one);
        assert_true(wait_ms > 900 && wait_ms <= 1000); /* never longer, however many come */
    }
    assert_true(quotas_connect(f->quotas, other) > 0);
    assert_int_equal(quotas_counters(f->quotas), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_quotas_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_quotas_shared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_quotas_longest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_quotas_try, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_quotas_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_quotas_mutations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_quotas_connections, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
