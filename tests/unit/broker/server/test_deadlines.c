/* Deadlines of requests on the real clock, and the map of errors. */

#include "base/env_uv/env_uv.h"
#include "broker/errors/error_map.h"
#include "broker/server/deadlines.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

enum { COUNT = 50 };

struct timed {
    struct deadline deadline; /* first */
    uint64_t due_us;
    bool passed, last;
};

static struct env *env;
static struct timed timed[COUNT];
static uint64_t latest_us;

static void on_passed(struct deadline *deadline) {
    struct timed *own = (struct timed *)deadline;
    assert_false(own->passed);
    assert_true(env_now_us(env) >= own->due_us);
    assert_true(own->due_us >= latest_us ||
                latest_us - own->due_us < 1000); /* in order, to the millisecond */
    latest_us = own->due_us;
    own->passed = true;
    if (own->last) env_uv_stop(env);
}

/* Deadlines pass in order, none early, each once; those that were cleared or moved do not pass as
 * they were. */
static void test_deadlines_pass_in_order(void **state) {
    (void)state;
    assert_int_equal(env_uv_new(&env, 2), ERR_NONE);
    struct deadlines *deadlines = deadlines_new(env);
    for (int i = 0; i < COUNT; i++) {
        uint32_t delay_ms = (uint32_t)(i * 7919 % COUNT);
        timed[i] = (struct timed){.deadline.passed = on_passed,
                                  .due_us = env_now_us(env) + delay_ms * 1000};
        deadline_set(deadlines, &timed[i].deadline, delay_ms);
    }
    for (int i = 0; i < COUNT; i += 5)
        deadline_clear(deadlines, &timed[i].deadline);
    timed[1].due_us = env_now_us(env) + 70 * 1000;
    timed[1].last = true;
    deadline_set(deadlines, &timed[1].deadline, 70);
    env_uv_run(env);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(timed[i].passed, i % 5 != 0);
    deadlines_free(deadlines);
    assert_true(env_uv_free(env));
}

/* No error of the layers below becomes a success, and none of them a code that makes clients reset
 * their position by mistake. */
static void test_error_map_has_no_silent_success(void **state) {
    (void)state;
    assert_int_equal(error_map_group(ERR_NONE), KAFKA_NONE);
    assert_int_equal(error_map_log(ERR_NONE), KAFKA_NONE);
    assert_int_equal(error_map_batch(ERR_NONE), KAFKA_NONE);
    for (int error = ERR_NONE + 1; error <= ERR_SYSTEM + 1; error++) {
        assert_int_not_equal(error_map_group(error), KAFKA_NONE);
        assert_int_not_equal(error_map_log(error), KAFKA_NONE);
        assert_int_not_equal(error_map_batch(error), KAFKA_NONE);
        assert_int_not_equal(error_map_group(error), KAFKA_OFFSET_OUT_OF_RANGE);
        assert_int_not_equal(error_map_log(error), KAFKA_OFFSET_OUT_OF_RANGE);
    }
    assert_int_equal(error_map_group(ERR_TIMEOUT), KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_int_equal(error_map_group(ERR_LIMIT), KAFKA_NOT_ENOUGH_REPLICAS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadlines_pass_in_order),
        cmocka_unit_test(test_error_map_has_no_silent_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
