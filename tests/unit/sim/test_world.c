/* The world of the simulator: events in order, chance from the seed, the trace. */
#include <string.h>

#include "tests/sim/env/world.h"
#include "tests/unit/unit.h"

struct note {
    struct event event;
    struct world *world;
    int number;
};

static int seen[1000];
static int seen_count;

static void note_run(struct event *event) {
    struct note *note = (struct note *)event;
    assert_true(world_now_us(note->world) >= event->at_us);
    seen[seen_count++] = note->number;
}

/* Events run by time, equal ones in the order in which they were scheduled, and removed ones not at
 * all. */
static void test_world_order(void **state) {
    (void)state;
    struct world *world = world_new(1, false);
    static struct note notes[200];
    uint64_t at[200];
    seen_count = 0;
    for (int i = 0; i < 200; i++) {
        notes[i] = (struct note){.event = {.run = note_run}, .world = world, .number = i};
        at[i] = 2000000 + world_below(world, 20);
        world_schedule(world, &notes[i].event, at[i]);
    }
    for (int i = 0; i < 200; i += 3)
        world_unschedule(world, &notes[i].event);
    world_run_until(world, 3000000);
    assert_int_equal(seen_count, 133);
    for (int i = 1; i < seen_count; i++) {
        uint64_t before = at[seen[i - 1]], now = at[seen[i]];
        assert_true(before < now || (before == now && seen[i - 1] < seen[i]));
        assert_int_not_equal(seen[i] % 3, 0);
    }
    assert_int_equal(world_now_us(world), 3000000);
    world_free(world);
}

/* One seed gives one sequence and one hash; another seed, another. */
static void test_world_seed(void **state) {
    (void)state;
    struct world *a = world_new(7, false), *b = world_new(7, false), *c = world_new(8, false);
    for (int i = 0; i < 100; i++) {
        uint64_t draw = world_random(a);
        assert_true(draw == world_random(b));
        assert_true(draw != world_random(c));
    }
    world_trace(a, 1, "write", "x", 1, 2, trace_content("abc", 3));
    world_trace(b, 1, "write", "x", 1, 2, trace_content("abc", 3));
    assert_true(world_trace_hash(a) == world_trace_hash(b));
    world_trace(a, 1, "write", "x", 1, 2, trace_content("abc", 3));
    world_trace(b, 1, "write", "x", 1, 2, trace_content("abd", 3));
    assert_true(world_trace_hash(a) != world_trace_hash(b));
    world_free(a);
    world_free(b);
    world_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_world_order),
        cmocka_unit_test(test_world_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
