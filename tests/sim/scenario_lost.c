/*
 * Scenario "lost": whole brokers, of which a majority is lost for good, in the middle of
 * everything.
 *
 * Phase 1: faults, as in "cluster", with producers and consumers. Phase 2: some are cut off for a
 * while, so that logs differ; then machines go dark, and what is left goes on without them, by a
 * plan that says which acknowledgements are gone (loss/loss.h). Phase 3: everything acknowledges
 * again. Those that were given up come back, and are refused; empty directories take their places.
 * Phase 4: every broker's log is read on its own: what the plan said is kept is everywhere, and so
 * is all that was acknowledged since.
 */
#include <inttypes.h>

#include "base/mem.h"
#include "tests/sim/cluster_end.h"
#include "tests/sim/growth_end.h"
#include "tests/sim/loss/loss.h"
#include "tests/sim/moves.h"
#include "tests/sim/scenarios.h"

enum { FAULTS_MS = 4000, WITHIN_MS = 60000, STEP_MS = 50, ROUNDS = 3 };

static void start(void *arg, unsigned place) {
    cluster_start_broker(arg, place);
}

static bool may_start(void *arg, unsigned place) {
    const struct cluster *cluster = arg;
    return loss_may_start(cluster->loss, place);
}

static void stop(void *arg, unsigned place) {
    cluster_stop_broker(arg, place);
}

static void run_ms(struct cluster *cluster, uint64_t ms) {
    world_run_until(cluster->run->world, world_now_us(cluster->run->world) + ms * 1000);
}

static uint64_t draw(struct cluster *cluster, uint64_t limit) {
    return world_below(cluster->run->world, limit);
}

static void wait_until(struct cluster *cluster, bool (*reached)(struct cluster *cluster),
                       const char *what) {
    for (uint64_t ms = 0; ms < WITHIN_MS; ms += STEP_MS) {
        if (reached(cluster)) return;
        run_ms(cluster, STEP_MS);
    }
    cluster_describe(cluster);
    run_fail(cluster->run, "%s within %d ms", what, WITHIN_MS);
}

/* ---- Before ---- */

static bool all_are_ready(struct cluster *cluster) {
    return loss_draw(cluster->loss);
}

/* Some of them hear nobody for a while, in one direction or in both, while clients reach all. */
static void cut_off(struct cluster *cluster, uint32_t side) {
    for (unsigned i = 0; i < cluster->count; i++)
        for (unsigned j = 0; j < cluster->count; j++) {
            if ((side >> i & 1) == (side >> j & 1)) continue;
            int a = node_id(cluster->brokers[i].node), b = node_id(cluster->brokers[j].node);
            if (draw(cluster, 8) > 0) network_block(cluster->run->network, a, b, true);
        }
}

static void let_logs_differ(struct cluster *cluster, uint32_t lost) {
    uint32_t all = (UINT32_C(1) << cluster->count) - 1;

    for (uint64_t rounds = draw(cluster, ROUNDS); rounds > 0; rounds--) {
        /* Those that will be left, all or some of them, or anybody. */
        uint32_t side = draw(cluster, 3) == 0 ? (uint32_t)draw(cluster, all) : all & ~lost;
        if (draw(cluster, 3) == 0) side &= (uint32_t)draw(cluster, all);
        cut_off(cluster, side);
        run_ms(cluster, 20 + draw(cluster, 1500));
        if (draw(cluster, 3) == 0) network_heal_all(cluster->run->network);
        run_ms(cluster, draw(cluster, 100));
    }
}

/* ---- After ---- */

static void progress(struct cluster *cluster, const char *when) {
    uint64_t before[CLUSTER_PARTITIONS_MAX];
    int32_t behind = 1;

    for (int32_t p = 0; p < cluster->partitions; p++)
        before[p] = history_acknowledged_count(cluster->history, p);
    for (uint64_t ms = 0; ms < WITHIN_MS && behind > 0; ms += STEP_MS) {
        run_ms(cluster, STEP_MS);
        behind = 0;
        for (int32_t p = 0; p < cluster->partitions; p++)
            behind += history_has_producer(cluster->history, p) &&
                      history_acknowledged_count(cluster->history, p) <= before[p] + 5;
    }
    if (behind == 0) return;
    cluster_describe(cluster);
    run_fail(cluster->run, "%d of %d partitions acknowledge nothing new %s, within %d ms", behind,
             cluster->partitions, when, WITHIN_MS);
}

static bool is_drained(struct cluster *cluster) {
    for (unsigned i = 0; i < cluster->producer_count; i++)
        if (!producer_is_idle(cluster->producers[i])) return false;
    for (int32_t p = 0; p < cluster->partitions; p++)
        if (consumer_position(cluster->consumers[p]) < history_end(cluster->history, p))
            return false;
    return true;
}

static void come_back(struct cluster *cluster) {
    loss_return(cluster->loss);
    wait_until(cluster, loss_all_are_judged, "not all that were given up are refused");
    loss_replace(cluster->loss);
    wait_until(cluster, growth_cluster_is_whole, "the lost ones are not replaced");
}

static void finish(struct cluster *cluster) {
    for (unsigned i = 0; i < cluster->producer_count; i++)
        producer_finish(cluster->producers[i]);
    wait_until(cluster, moves_are_done, "replicas are still on their way");
    wait_until(cluster, is_drained, "not everything is acknowledged and read");
    wait_until(cluster, cluster_has_converged, "not every broker has everything that is committed");
    cluster_compare_partitions(cluster);
    cluster_read_brokers(cluster);
    history_finish(cluster->history);
    for (unsigned i = 0; i < cluster->count; i++) {
        cluster_count(&cluster->brokers[i]);
        run_count_tears(cluster->run, cluster->brokers[i].node);
    }
}

static void run_lost(struct run *run) {
    struct cluster *cluster = mem_zalloc(sizeof *cluster);
    struct node *nodes[CLUSTER_BROKERS_MAX];
    unsigned size = world_below(run->world, 2) == 0 ? 3 : 5;

    network_set_latency(run->network, 50 + world_below(run->world, 1000));
    cluster->losing = cluster->moving = true;
    cluster_init(cluster, run, size,
                 1 + (int32_t)world_below(run->world, CLUSTER_PARTITIONS_MAX - 1));
    for (unsigned i = 0; i < size; i++)
        nodes[i] = cluster->brokers[i].node;
    struct nemesis_options options = {.nodes = nodes,
                                      .count = size,
                                      .start = start,
                                      .may_start = may_start,
                                      .stop = stop,
                                      .arg = cluster};
    cluster->nemesis = nemesis_new(run, &options);
    for (unsigned i = 0; i < size; i++)
        cluster_start_broker(cluster, i);
    cluster_start_clients(cluster, 1 + (unsigned)world_below(run->world, CLUSTER_PRODUCERS_MAX),
                          false);
    run_ms(cluster, 1000);
    nemesis_begin(cluster->nemesis);
    run_ms(cluster, world_below(run->world, FAULTS_MS));
    nemesis_mend(cluster->nemesis, (UINT32_C(1) << size) - 1);
    wait_until(cluster, all_are_ready, "not everybody is there");
    run_ms(cluster, 200 + world_below(run->world, 1500));
    uint32_t lost = loss_drawn(cluster->loss);
    let_logs_differ(cluster, lost);
    loss_begin(cluster->loss);
    wait_until(cluster, loss_is_over, "what is left does not go on");
    progress(cluster, "without those that are lost");
    come_back(cluster);
    cluster->well = true;
    progress(cluster, "when all places are taken again");
    finish(cluster);
}

const struct scenario scenario_lost = {
    "lost", "whole brokers that go on without a majority of them", 2, run_lost};
