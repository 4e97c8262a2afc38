/*
 * One run of one seed: the world, what is counted, and how a run fails.
 *
 * A scenario sets up machines and what they run, lets time pass, and checks. It returns when all is
 * well; run_fail prints why not, with the seed and the virtual time, and ends the process, which is
 * one for each seed.
 */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "tests/sim/env/network.h"
#include "tests/sim/env/node.h"
#include "tests/sim/env/world.h"
#include "tests/sim/rare.h"

struct run {
    uint64_t seed;
    struct world *world;
    struct network *network;
    struct rare_counts rare;
};

struct scenario {
    const char *name;
    const char *what; /* one sentence, for --help */
    unsigned weight;  /* its share of the seeds when none is named */
    void (*run)(struct run *run);
};

/* All scenarios, ended by NULL. */
extern const struct scenario *const scenarios[];

void run_count(struct run *run, enum rare kind, uint64_t by);
/* What the power cuts of a machine have torn, once, at the end of its run. */
void run_count_tears(struct run *run, const struct node *node);
_Noreturn void run_fail(struct run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Printed in verbose mode, among the events: what the checker knows or the nemesis does. */
void run_say(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
