/*
 * Scenario "cluster": whole brokers, forming a cluster, with producers and consumers, under every
 * fault.
 *
 * Phase 1: faults; the disks are read from time to time. Phase 2: a random majority (of those that
 * did not lose their directory) is mended, the rest stays broken: every partition must acknowledge
 * new records within a bound, unless the metadata has no majority (a broker may then never hear
 * that a partition exists). Phase 3: all are mended, producers finish, consumers read to the end,
 * and every broker's log is read on its own: everything acknowledged is everywhere, in order,
 * without duplicates for idempotent producers. Of a broker with damaged segments nothing is
 * expected but that it keeps nobody from anything: consumers read all of it again. A broker that
 * lost its directory is let in by nobody and holds nothing, unless an empty one has taken its place
 * (replacer.h), which has everything in the end; one that was given an old copy of it
 * must have ended.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/api/services.h"
#include "broker/config/topic_name.h"
#include "broker/partition_set/partition_set.h"
#include "storage/log/log_healing.h"
#include "tests/sim/cluster_end.h"
#include "tests/sim/depose.h"
#include "tests/sim/drainer.h"
#include "tests/sim/durable.h"
#include "tests/sim/groups/troop.h"
#include "tests/sim/growth.h"
#include "tests/sim/late_start.h"
#include "tests/sim/lister.h"
#include "tests/sim/little_room.h"
#include "tests/sim/moves.h"
#include "tests/sim/queues/queues.h"
#include "tests/sim/replacer.h"
#include "tests/sim/scenarios.h"
#include "tests/sim/transactions/crew.h"
#include "tests/sim/transfers.h"

enum {
    FAULTS_MS = 10000,
    GROWTH_MS = 20000,
    PROGRESS_MS = 40000,
    ALONE_MS = 3000,
    STILL_MS = 10000,
    STEP_MS = 100
};

static void start(void *arg, unsigned place) {
    cluster_start_broker(arg, place);
}

static bool may_start(void *arg, unsigned place) {
    const struct cluster *cluster = arg;
    return growth_may_start(cluster->growth, place);
}

static void stop(void *arg, unsigned place) {
    cluster_stop_broker(arg, place);
}

/* Whether the topics of consumer groups and of transactional ids, which their first users make, and
 * those of the scenario have their replicas: with a broker too few they would never be made. */
static bool has_groups(struct cluster *cluster) {
    bool groups = cluster->many || cluster->queueing, ids = cluster->crew == NULL;
    for (unsigned i = 0; i < cluster->count; i++) {
        groups = groups || cluster_partition(cluster, i, TOPIC_CONSUMER_OFFSETS, 0) != NULL;
        ids = ids || cluster_partition(cluster, i, TOPIC_TRANSACTION_STATE, 0) != NULL;
    }
    return groups && ids && (cluster->queues == NULL || queues_are_made(cluster->queues));
}

static bool may_wipe(void *arg, unsigned place) {
    struct cluster *cluster = arg;
    /* Its replicas exist, and so does its name in the cluster's record. */
    return cluster->brokers[place].was_ready && kafka_client_ready(cluster->client) &&
           has_groups(cluster);
}

static void copied(void *arg, unsigned place) {
    old_copy_taken(arg, place);
}

static bool may_restore(void *arg, unsigned place) {
    struct cluster *cluster = arg;
    return place == cluster->copy.place && kafka_client_ready(cluster->client) &&
           old_copy_is_known(cluster) && has_groups(cluster);
}

/* What is damaged is found when it is read. */
static void damaged(void *arg, unsigned place) {
    struct cluster *cluster = arg;
    (void)place;
    for (int32_t p = 0; p < cluster->partitions; p++)
        if (cluster->consumers[p] != NULL) consumer_rewind(cluster->consumers[p]);
    for (int32_t p = 0; p < cluster->partitions; p++)
        if (cluster->others[p] != NULL) consumer_rewind(cluster->others[p]);
}

static void run_ms(struct cluster *cluster, uint64_t ms) {
    world_run_until(cluster->run->world, world_now_us(cluster->run->world) + ms * 1000);
}

static bool is_lost(const struct cluster *cluster, unsigned place) {
    return nemesis_lost(cluster->nemesis) >> place & 1;
}

/* ---- Phases ---- */

static void never_voted(void *arg, const struct journal_group *group) {
    struct cluster *cluster = arg;

    run_fail(cluster->run,
             "a broker that lost its directory has term %u, vote %" PRIu64
             " and %zu entries in group %" PRIu64,
             group->term, group->voted_for, group->entry_count, group->group);
}

static void read_disks(struct cluster *cluster) {
    for (unsigned i = 0; i < cluster->count; i++) {
        if (is_lost(cluster, i) && nemesis_restored(cluster->nemesis)) continue;
        if (is_lost(cluster, i) && !replacer_has_asked(cluster) &&
            !growth_has_asked(cluster->growth))
            durable_read(cluster->run, cluster->brokers[i].node, cluster_journal, false,
                         never_voted, cluster);
        else
            durable_enter(cluster->run, cluster->brokers[i].node, cluster_journal, cluster->ledger);
    }
}

static void faults(struct cluster *cluster) {
    struct world *world = cluster->run->world;
    uint64_t ms = cluster->growing ? GROWTH_MS : FAULTS_MS;
    uint64_t until = world_now_us(world) + ms * 1000;

    while (world_now_us(world) < until) {
        run_ms(cluster, 200 + world_below(world, 2500));
        read_disks(cluster);
    }
}

/* Of all, or, where fewer are left that belong to the cluster and have what is theirs, all those.
 */
static uint32_t majority(struct cluster *cluster) {
    uint32_t set = 0;
    unsigned in = 0, most = cluster->count / 2 + 1;

    for (unsigned i = 0; i < cluster->count; i++)
        in += !cluster_is_out(cluster, i);
    if (most > in) most = in;
    while ((unsigned)__builtin_popcount(set) < most) {
        unsigned place = (unsigned)world_below(cluster->run->world, cluster->count);
        if (!cluster_is_out(cluster, place)) set |= UINT32_C(1) << place;
    }
    return set;
}

/* Of five brokers three vote about metadata: a majority of the brokers may be a minority of those.
 */
static bool metadata_is_led(const struct cluster *cluster, uint32_t alive) {
    uint32_t voters = cluster->brokers[0].settings.metadata_voters;

    if (voters > cluster->count) voters = cluster->count;
    return (unsigned)__builtin_popcount(alive & ((UINT32_C(1) << voters) - 1)) * 2 > voters;
}

/* As many replicas as brokers cannot be made while some are away; who works in transactions waits
 * for that. */
static bool coordinators_exist(const struct cluster *cluster) {
    static const char *const topics[] = {"__consumer_offsets", "__transaction_state"};
    size_t known = 0;

    for (size_t t = 0; t < 2; t++)
        for (unsigned i = 0; i < cluster->count; i++) {
            const struct sim_broker *broker = &cluster->brokers[i];
            if (!broker->ready || metadata_topic_named(broker_services(broker->broker)->metadata,
                                                       topics[t], strlen(topics[t])) == NULL)
                continue;
            known++;
            break;
        }
    return known == 2;
}

static void progress(struct cluster *cluster, uint32_t alive) {
    uint64_t before[CLUSTER_PARTITIONS_MAX], start_us = world_now_us(cluster->run->world);
    int32_t behind = 0;

    for (int32_t p = 0; p < cluster->partitions; p++)
        before[p] = history_acknowledged_count(cluster->history, p);
    for (uint64_t ms = 0; ms < PROGRESS_MS; ms += STEP_MS) {
        run_ms(cluster, STEP_MS);
        behind = 0;
        for (int32_t p = 0; p < cluster->partitions; p++)
            behind += history_has_producer(cluster->history, p) &&
                      history_acknowledged_count(cluster->history, p) <= before[p] + 5;
        if (behind > 0) continue;
        run_say(cluster->run, "progress %" PRIu64 " ms after mending",
                (world_now_us(cluster->run->world) - start_us) / 1000);
        return;
    }
    if (cluster->transacting && !cluster->well && !coordinators_exist(cluster)) return;
    cluster_describe(cluster);
    run_fail(cluster->run,
             "%d of %d partitions acknowledge nothing new %d ms after machines %x were mended",
             behind, cluster->partitions, PROGRESS_MS, alive);
}

static bool has_read_all(const struct cluster *cluster, const struct consumer *consumer,
                         int32_t p) {
    return consumer == NULL || consumer_position(consumer) >= history_end(cluster->history, p);
}

static bool drained(struct cluster *cluster) {
    if (cluster->admin != NULL && !admin_is_idle(cluster->admin)) return false;
    for (unsigned i = 0; i < cluster->producer_count; i++)
        if (!producer_is_idle(cluster->producers[i])) return false;
    for (int32_t p = 0; p < cluster->partitions; p++)
        if (cluster->twins[p] != NULL && !twin_is_idle(cluster->twins[p])) return false;
    for (unsigned i = 0; i < CLUSTER_COMMITTERS; i++)
        if (cluster->committers[i] != NULL && !committer_is_finished(cluster->committers[i]))
            return false;
    for (int32_t p = 0; p < cluster->partitions; p++)
        if (!has_read_all(cluster, cluster->consumers[p], p) ||
            !has_read_all(cluster, cluster->others[p], p))
            return false;
    return true;
}

static void wait_until(struct cluster *cluster, bool (*reached)(struct cluster *cluster),
                       const char *what) {
    for (uint64_t ms = 0; ms < PROGRESS_MS; ms += STEP_MS) {
        if (reached(cluster)) return;
        run_ms(cluster, STEP_MS);
    }
    cluster_describe(cluster);
    run_fail(cluster->run, "%s %d ms after all were mended", what, PROGRESS_MS);
}

/* ---- Topics that came and went ---- */

static void check_topic(void *arg, const char *name, bool exists) {
    struct cluster *cluster = arg;

    for (unsigned i = 0; i < cluster->count; i++) {
        if (cluster_is_out(cluster, i)) continue;
        const struct metadata *metadata = broker_services(cluster->brokers[i].broker)->metadata;
        if ((metadata_topic_named(metadata, name, strlen(name)) != NULL) != exists)
            run_fail(cluster->run, "topic %s should %s on n%u", name, exists ? "exist" : "be gone",
                     i + 1);
    }
}

/* ---- Damage ---- */

/* All of it from the beginning on, which takes its time where the network is slow; but none of them
 * stands still. */
static void read_again(struct cluster *cluster) {
    int64_t before = -1;

    while (!drained(cluster)) {
        int64_t sum = 0;
        run_ms(cluster, STILL_MS);
        for (int32_t p = 0; p < cluster->partitions; p++) {
            sum += consumer_position(cluster->consumers[p]);
            if (cluster->others[p] != NULL) sum += consumer_position(cluster->others[p]);
        }
        if (sum > before || drained(cluster)) {
            before = sum;
            continue;
        }
        cluster_describe(cluster);
        run_fail(cluster->run,
                 "consumers that read again from the beginning on stand still at %" PRId64
                 " records",
                 sum);
    }
}

/* Others are whole and in sync: who has met damage hands its leads over. */
static bool no_damaged_leads(struct cluster *cluster) {
    uint64_t ids[1 + CLUSTER_PARTITIONS_MAX];

    for (unsigned i = 0; i < cluster->count; i++) {
        size_t n = cluster_groups(cluster, i, ids, 1 + CLUSTER_PARTITIONS_MAX);
        for (size_t k = 0; k < n; k++) {
            struct raft_group *group = cluster_group(cluster, i, ids[k]);
            if (raft_group_is_leading(group) && partition_log_is_damaged(raft_group_log(group)))
                return false;
        }
    }
    return true;
}

/* Somebody else has each entry that this one has, as entries: nothing of them was cleaned. */
static bool others_have(struct cluster *cluster, unsigned place, uint64_t id) {
    uint64_t first = partition_log_first_index(raft_group_log(cluster_group(cluster, place, id)));

    for (unsigned i = 0; i < cluster->count; i++) {
        struct raft_group *group = cluster_group(cluster, i, id);
        if (i != place && group != NULL &&
            partition_log_first_index(raft_group_log(group)) <= first)
            return true;
    }
    return false;
}

/* The others are whole: what is damaged is mended with what they have. */
static bool damage_is_mended(struct cluster *cluster) {
    uint64_t ids[1 + CLUSTER_PARTITIONS_MAX];

    for (unsigned i = 0; i < cluster->count; i++) {
        size_t n = cluster_groups(cluster, i, ids, 1 + CLUSTER_PARTITIONS_MAX);
        for (size_t k = 0; k < n; k++)
            if (log_healing_may_help(raft_group_log(cluster_group(cluster, i, ids[k]))) &&
                others_have(cluster, i, ids[k]))
                return false;
    }
    return true;
}

/* ---- Groups ---- */

/* All are well: so are the groups, within their timeouts. */
static void settle(struct cluster *cluster) {
    char why[100] = "";
    troop_calm(cluster->troop);
    for (uint64_t ms = 0; ms < TROOP_ASSIGNED_MS; ms += STEP_MS) {
        if (troop_is_assigned(cluster->troop, why)) return;
        run_ms(cluster, STEP_MS);
    }
    cluster_describe(cluster);
    run_fail(cluster->run, "%s %d ms after all were mended", why, TROOP_ASSIGNED_MS);
}

static bool groups_are_done(struct cluster *cluster) {
    return troop_is_done(cluster->troop);
}

static bool log_is_read(struct cluster *cluster) {
    return troop_log_is_read(cluster->troop);
}

static void finish_groups(struct cluster *cluster) {
    wait_until(cluster, groups_are_done, "not every group has processed and committed everything");
    wait_until(cluster, log_is_read, "the log of the groups cannot be read to its end");
    troop_finish(cluster->troop);
}

static bool transactions_have_ended(struct cluster *cluster) {
    for (unsigned i = 0; i < CLUSTER_OFFSET_TRANSACTORS; i++)
        if (cluster->offset_transactors[i] != NULL &&
            !offset_transactor_is_done(cluster->offset_transactors[i]))
            return false;
    for (int32_t p = 0; p < cluster->partitions; p++)
        if (cluster->transactors[p] != NULL && !transactor_is_done(cluster->transactors[p]))
            return false;
    return true;
}

static bool crew_is_through(struct cluster *cluster) {
    return crew_is_done(cluster->crew);
}

/* With all markers there, what readers are told is what the log says. */
static void finish_crew(struct cluster *cluster) {
    crew_finish(cluster->crew);
    wait_until(cluster, crew_is_through, "not every transaction has ended");
    damaged(cluster, 0);
    read_again(cluster);
    crew_judge(cluster->crew);
}

static bool queues_are_through(struct cluster *cluster) {
    return queues_are_done(cluster->queues);
}

static unsigned damaged_place(const struct cluster *cluster) {
    unsigned place = 0;
    while ((nemesis_damaged(cluster->nemesis) >> place & 1) == 0)
        place++;
    return place;
}

/* ---- The run ---- */

static void finish(struct cluster *cluster) {
    for (unsigned i = 0; i < cluster->producer_count; i++)
        producer_finish(cluster->producers[i]);
    for (int32_t p = 0; p < cluster->partitions; p++)
        if (cluster->twins[p] != NULL) twin_finish(cluster->twins[p]);
    for (int32_t p = 0; p < cluster->partitions; p++)
        if (cluster->strangers[p] != NULL) stranger_finish(cluster->strangers[p]);
    for (unsigned i = 0; i < CLUSTER_COMMITTERS; i++)
        if (cluster->committers[i] != NULL) committer_finish(cluster->committers[i]);
    for (int32_t p = 0; p < cluster->partitions; p++)
        if (cluster->trimmers[p] != NULL) trimmer_finish(cluster->trimmers[p]);
    if (cluster->marker_writer != NULL) marker_writer_finish(cluster->marker_writer);
    if (cluster->admin != NULL) admin_finish(cluster->admin);
    if (cluster->moves != NULL) moves_finish(cluster->moves);
    if (cluster->lister != NULL) lister_finish(cluster->lister);
    if (cluster->growth != NULL) {
        growth_finish(cluster->growth);
        wait_until(cluster, growth_is_done, "the cluster is not what its metadata says");
        if (cluster->troop != NULL) settle(cluster); /* no coordinator moves any more */
    }
    if (cluster->drainer != NULL) {
        drainer_finish(cluster->drainer);
        wait_until(cluster, drainer_is_done, "a broker that drains still holds replicas");
    }
    if (cluster->moves != NULL) {
        wait_until(cluster, moves_are_done, "replicas are still on their way");
    }
    for (int32_t p = 0; p < cluster->partitions; p++)
        if (cluster->transactors[p] != NULL) transactor_finish(cluster->transactors[p]);
    for (unsigned i = 0; i < CLUSTER_OFFSET_TRANSACTORS; i++)
        if (cluster->offset_transactors[i] != NULL)
            offset_transactor_finish(cluster->offset_transactors[i]);
    wait_until(cluster, transactions_have_ended, "a transaction has not ended");
    if (cluster->crew != NULL) finish_crew(cluster);
    wait_until(cluster, drained, "not everything is acknowledged and read");
    if (cluster->queues != NULL) {
        queues_finish(cluster->queues);
        wait_until(cluster, queues_are_through, "share groups have not been through everything");
    }
    if (nemesis_lost(cluster->nemesis) != 0 && replacer_has_asked(cluster)) {
        wait_until(cluster, replacer_is_done, "a lost directory is not replaced");
        nemesis_made_good(cluster->nemesis);
    }
    if (cluster->troop != NULL) finish_groups(cluster);
    int32_t leader;
    cluster_leaders(cluster, 0, &leader);
    if (leader > 0) nemesis_damage_more(cluster->nemesis, (unsigned)leader - 1);
    if (nemesis_damaged(cluster->nemesis) != 0) { /* what was damaged after it was read */
        damaged(cluster, 0);
        read_again(cluster);
        wait_until(cluster, no_damaged_leads, "somebody leads what is damaged in its segments");
        wait_until(cluster, damage_is_mended, "damage is not mended although others are whole");
        if (cluster->troop != NULL) late_start_strike(cluster, damaged_place(cluster), run_ms);
        wait_until(cluster, late_start_is_over, "a log that should begin later is not whole");
    }
    wait_until(cluster, cluster_has_converged, "not every broker has everything that is committed");
    cluster_compare_partitions(cluster); /* at once: leaders tell the clock now and then */
    if (cluster->queues == NULL)         /* else nobody asks for them */
        wait_until(cluster, cluster_offsets_have_converged,
                   "not every broker has all of the consumer groups");
    /* Each was compared with a replay; leaders may list groups in another order. */
    if (cluster->troop == NULL && cluster->queues == NULL) cluster_compare_offsets(cluster);
    cluster_read_brokers(cluster);
    if (cluster->queues != NULL) {
        wait_until(cluster, queues_are_through, "share groups have more to go through");
        queues_judge(cluster->queues);
    }
    history_finish(cluster->history);
    if (cluster->admin != NULL) admin_each_known(cluster->admin, check_topic, cluster);
    read_disks(cluster);
    for (unsigned i = 0; i < cluster->count; i++) {
        cluster_count(&cluster->brokers[i]);
        run_count_tears(cluster->run, cluster->brokers[i].node);
        run_count(cluster->run, RARE_FAILED_SYNCS, node_failed_syncs(cluster->brokers[i].node));
        for (enum name_call call = 0; call < NAME_CALLS; call++)
            run_count(cluster->run, RARE_FAILED_OPEN + call,
                      node_failed_name_calls(cluster->brokers[i].node, call));
    }
}

enum what { RECORDS, MEMBERS, MOVES, GROWTH, TRANSACTIONS, QUEUES };

static void run_with(struct run *run, enum what what) {
    bool growing = what == GROWTH, moving = growing || what == MOVES;
    bool members = what == MEMBERS || (growing && run->seed % 3 == 0);
    struct cluster *cluster = mem_zalloc(sizeof *cluster);
    struct node *nodes[CLUSTER_BROKERS_MAX];
    unsigned size = world_chance(run->world, moving ? 200000 : 850000) && !growing ? 3 : 5;
    uint32_t all = (UINT32_C(1) << size) - 1;

    if (world_chance(run->world, 300000))
        network_set_capacity(run->network, 2000 + world_below(run->world, 8000));
    network_set_latency(run->network, 50 + world_below(run->world, 1000));
    cluster->members = members;
    cluster->moving = moving;
    cluster->growing = growing;
    cluster->transacting = what == TRANSACTIONS;
    cluster->queueing = what == QUEUES;
    cluster_init(cluster, run, size,
                 (members ? 2 : 1) + (int32_t)world_below(run->world, CLUSTER_PARTITIONS_MAX - 1));
    for (unsigned i = 0; i < size; i++)
        nodes[i] = cluster->brokers[i].node;
    struct nemesis_options options = {.nodes = nodes,
                                      .count = size,
                                      .start = start,
                                      .may_start = may_start,
                                      .stop = stop,
                                      .may_wipe = moving ? NULL : may_wipe,
                                      .copied = copied,
                                      .may_restore = moving ? NULL : may_restore,
                                      .damaged = moving ? NULL : damaged,
                                      .arg = cluster};
    cluster->nemesis = nemesis_new(run, &options);
    little_room_begin(cluster);
    for (unsigned i = 0; i < size; i++)
        cluster_start_broker(cluster, i);
    cluster_start_clients(cluster, 1 + (unsigned)world_below(run->world, CLUSTER_PRODUCERS_MAX),
                          world_below(run->world, 3) == 0);
    run_ms(cluster, world_below(run->world, 3) == 0 ? 0 : 1000 + world_below(run->world, 2000));
    nemesis_begin(cluster->nemesis);
    if (world_below(run->world, 2) == 0)
        transfers_begin(cluster, 20000 + world_below(run->world, 500000));
    if (world_below(run->world, 4) > 0)
        depose_begin(cluster, 100000 + world_below(run->world, 700000));
    faults(cluster);
    uint32_t alive = majority(cluster);
    nemesis_mend(cluster->nemesis, alive);
    /* A partition whose replicas are on few brokers may have none of them. */
    if (!moving && kafka_client_ready(cluster->client) && metadata_is_led(cluster, alive))
        progress(cluster, alive);
    else /* a topic cannot be created, or not everybody can hear of it */
        run_ms(cluster, ALONE_MS);
    nemesis_mend(cluster->nemesis, all);
    cluster->well = true;
    progress(cluster, all);
    if (members && !growing) settle(cluster);
    finish(cluster);
}

static void run_cluster(struct run *run) {
    run_with(run, RECORDS);
}

static void run_groups(struct run *run) {
    run_with(run, MEMBERS);
}

static void run_moves(struct run *run) {
    run_with(run, MOVES);
}

static void run_transactions(struct run *run) {
    run_with(run, TRANSACTIONS);
}

static void run_queues(struct run *run) {
    run_with(run, QUEUES);
}

const struct scenario scenario_queues = {"queues", "whole brokers with members of share groups", 1,
                                         run_queues};

const struct scenario scenario_transactions = {
    "transactions", "whole brokers with producers that work in transactions", 2, run_transactions};

const struct scenario scenario_moves = {
    "moves", "whole brokers, and replicas that move between them", 2, run_moves};

static void run_grow(struct run *run) {
    run_with(run, GROWTH);
}

const struct scenario scenario_grow = {
    "grow", "whole brokers that are added, drained, removed and replaced", 1, run_grow};

const struct scenario scenario_groups = {
    "groups", "whole brokers with members of consumer groups, of both protocols", 3, run_groups};

const struct scenario scenario_cluster = {"cluster", "whole brokers with producers and consumers",
                                          6, run_cluster};
