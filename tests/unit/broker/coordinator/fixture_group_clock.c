/* One simulated node whose process does nothing of its own. */
#include "tests/unit/broker/coordinator/fixture_group_clock.h"

#include "tests/sim/env/network.h"
#include "tests/sim/env/node.h"
#include "tests/unit/unit.h"

static void process_died(void *arg, struct node *node, enum node_death how, const char *sentence) {
    (void)arg;
    (void)node;
    if (how != NODE_EXITED) fail_msg("the process died: %s", sentence);
}

static void process_logged(void *arg, struct node *node, const char *line) {
    (void)arg;
    (void)node;
    (void)line;
}

static void process_main(struct env *env, void *arg) {
    *(struct env **)arg = env;
}

static void nothing(struct env *env, void *arg) {
    (void)env;
    (void)arg;
}

void group_clock_open(struct group_clock *clock) {
    static const struct node_events events = {.died = process_died, .logged = process_logged};
    clock->world = world_new(1, false);
    network_new(clock->world);
    clock->node = node_new(clock->world, 1, 0, &events, NULL);
    network_add(world_network(clock->world), clock->node);
    node_start(clock->node, process_main, &clock->env);
    group_clock_pass(clock, 0);
}

void group_clock_close(struct group_clock *clock) {
    node_exit(clock->node);
    network_free(world_network(clock->world));
    node_free(clock->node);
    world_free(clock->world);
}

void group_clock_turn(struct group_clock *clock) {
    enum { TURN_US = 100 }; /* more than a turn costs */
    assert_true(node_call(clock->node, nothing, NULL));
    world_run_until(clock->world, world_now_us(clock->world) + TURN_US);
}

void group_clock_pass(struct group_clock *clock, uint64_t ms) {
    world_run_until(clock->world, world_now_us(clock->world) + ms * 1000);
}
