/*
 * Scenario "voters": three or five machines that replicate a few groups through raft-glue, under
 * every fault.
 *
 * Phase 1: faults, while entries are submitted wherever somebody leads; the disks are read from
 * time to time. Phase 2: a random majority is mended, the rest stays broken: new entries must
 * commit within a bound. Phase 3: all are mended: every machine must come to have everything
 * committed, byte for byte.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "tests/sim/durable.h"
#include "tests/sim/read_back.h"
#include "tests/sim/scenarios.h"
#include "tests/sim/voters.h"
#include "tests/sim/voters_change.h"

enum { FAULTS_MS = 12000, PROGRESS_MS = 30000, STEP_MS = 100 };

static void start(void *arg, unsigned place) {
    voters_start(arg, place);
}

static void stop(void *arg, unsigned place) {
    voters_stop(arg, place);
}

static void run_ms(struct voters *voters, uint64_t ms) {
    world_run_until(voters->run->world, world_now_us(voters->run->world) + ms * 1000);
}

static void read_disks(struct voters *voters) {
    for (unsigned i = 0; i < voters->count; i++)
        durable_enter(voters->run, voters->voters[i].node, voters_journal, voters->ledger);
}

/* ---- Phases ---- */

/* What these lead falls quiet, whatever happens meanwhile: all of them, some, often none. */
static uint32_t draw_idle(struct voters *voters) {
    struct world *world = voters->run->world;
    uint32_t all = (UINT32_C(1) << voters->count) - 1;

    if (world_chance(world, 500000)) return 0;
    return world_chance(world, 400000) ? all : (uint32_t)world_below(world, all);
}

static void faults(struct voters *voters) {
    struct world *world = voters->run->world;
    uint64_t until = world_now_us(world) + FAULTS_MS * UINT64_C(1000);

    while (world_now_us(world) < until) {
        voters->idle = draw_idle(voters);
        run_ms(voters, 200 + world_below(world, 2500));
        read_disks(voters);
    }
}

/* At least `size` of them, at random. */
static uint32_t some(struct voters *voters, unsigned size) {
    uint32_t set = 0;

    while ((unsigned)__builtin_popcount(set) < size)
        set |= UINT32_C(1) << world_below(voters->run->world, voters->count);
    return set;
}

/* A group of one voter needs that one. */
static bool can_commit(const struct voters *voters, unsigned group, uint32_t alive) {
    return group != voters->sole_voter_group || (alive >> voters->sole_voter & 1);
}

static void progress(struct voters *voters, uint32_t alive) {
    uint64_t before[VOTER_GROUPS_MAX];
    uint64_t start_us = world_now_us(voters->run->world);
    unsigned behind = 0;

    for (unsigned g = 0; g < voters->groups; g++)
        before[g] = voters->acknowledged[g];
    for (uint64_t ms = 0; ms < PROGRESS_MS; ms += STEP_MS) {
        run_ms(voters, STEP_MS);
        behind = 0;
        for (unsigned g = 0; g < voters->groups; g++)
            behind += can_commit(voters, g, alive) && voters->acknowledged[g] <= before[g] + 3;
        if (behind == 0) break;
    }
    if (behind == 0) {
        run_say(voters->run, "progress %" PRIu64 " ms after mending",
                (world_now_us(voters->run->world) - start_us) / 1000);
        return;
    }
    voters_describe(voters);
    run_fail(voters->run, "%u of %u groups commit nothing new %d ms after machines %x were mended",
             behind, voters->groups, PROGRESS_MS, alive);
}

static bool converged(struct voters *voters) {
    for (unsigned i = 0; i < voters->count; i++) {
        if (!voters->voters[i].serving) return false;
        for (unsigned g = 0; g < voters->groups; g++)
            if (voters->voters[i].state[g]->applied < ledger_last_committed(voters->ledger, g))
                return false;
    }
    return true;
}

/* ---- Reading everything back, from each machine on its own ---- */

static void read_all(struct voters *voters) {
    for (unsigned i = 0; i < voters->count; i++)
        for (unsigned g = 0; g < voters->groups; g++)
            if (!read_back(voters->run, voters->voters[i].node, voters->voters[i].groups[g],
                           voters->voters[i].state[g]->applied, voters->ledger, NULL, NULL))
                run_fail(voters->run, "n%u has cleaned group %u", i + 1, g);
}

/* ---- The run ---- */

static void count(struct voters *voters) {
    for (unsigned i = 0; i < voters->count; i++) {
        voters_count(&voters->voters[i]);
        run_count_tears(voters->run, voters->voters[i].node);
    }
}

/* Until all are voters again, everywhere. */
static void grow(struct voters *voters) {
    voters->growing = true;
    for (uint64_t ms = 0; ms < PROGRESS_MS && !voters_are_all(voters); ms += STEP_MS)
        run_ms(voters, STEP_MS);
    if (voters_are_all(voters)) return;
    voters_describe(voters);
    run_fail(voters->run, "not every machine votes again %d ms after all were mended", PROGRESS_MS);
}

static void run_with(struct run *run, bool changing) {
    struct voters *voters = mem_zalloc(sizeof *voters);
    struct node *nodes[VOTERS_MAX];
    unsigned size = world_chance(run->world, 700000) ? 3 : 5;

    voters_init(voters, run, size, 1 + (unsigned)world_below(run->world, VOTER_GROUPS_MAX));
    voters->changing = changing;
    voters->sole_voter_group = (unsigned)world_below(run->world, 2 * VOTER_GROUPS_MAX);
    voters->sole_voter = (unsigned)world_below(run->world, size);
    for (unsigned i = 0; i < size; i++)
        nodes[i] = voters->voters[i].node;
    if (world_chance(run->world, 300000))
        network_set_capacity(run->network, 1000 + world_below(run->world, 8000));
    network_set_latency(run->network, 50 + world_below(run->world, 2000));
    struct nemesis_options options = {
        .nodes = nodes, .count = size, .start = start, .stop = stop, .arg = voters};
    voters->nemesis = nemesis_new(run, &options);
    for (unsigned i = 0; i < size; i++)
        voters_start(voters, i);
    run_ms(voters, world_below(run->world, 1500));
    voters->submitting = true;
    nemesis_begin(voters->nemesis);
    faults(voters);
    voters->idle = 0;
    uint32_t alive = some(voters, size / 2 + 1);
    if (!changing) { /* else nobody knows who is needed */
        nemesis_mend(voters->nemesis, alive);
        progress(voters, alive);
    }
    nemesis_mend(voters->nemesis, (UINT32_C(1) << size) - 1);
    if (changing) grow(voters);
    progress(voters, (UINT32_C(1) << size) - 1);
    voters->submitting = false;
    for (uint64_t ms = 0; ms < PROGRESS_MS && !converged(voters); ms += STEP_MS)
        run_ms(voters, STEP_MS);
    if (!converged(voters)) voters_describe(voters);
    if (!converged(voters))
        run_fail(run,
                 "not every machine has everything that is committed %d ms after all were mended",
                 PROGRESS_MS);
    read_all(voters);
    count(voters);
}

static void run_voters(struct run *run) {
    run_with(run, false);
}

static void run_changes(struct run *run) {
    run_with(run, true);
}

const struct scenario scenario_changes = {
    "changes", "machines whose groups change their configurations", 1, run_changes};

const struct scenario scenario_voters = {
    "voters", "three or five machines that replicate groups through raft-glue", 3, run_voters};
