/*
 * A process of the simulator with a virtual clock, for tests of consumer groups: hours pass at
 * once.
 *
 * Happy path: open, then calls of the product through `env` followed by group_clock_turn, which
 * runs deferred tasks, and group_clock_pass, which lets time pass.
 */
#ifndef TESTS_UNIT_BROKER_COORDINATOR_FIXTURE_GROUP_CLOCK_H
#define TESTS_UNIT_BROKER_COORDINATOR_FIXTURE_GROUP_CLOCK_H

#include "base/env.h"

struct group_clock {
    struct world *world;
    struct node *node;
    struct env *env;
};

void group_clock_open(struct group_clock *clock);
void group_clock_close(struct group_clock *clock);
/* What was deferred or yielded runs. */
void group_clock_turn(struct group_clock *clock);
void group_clock_pass(struct group_clock *clock, uint64_t ms);

#endif
