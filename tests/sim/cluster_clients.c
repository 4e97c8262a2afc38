/* The client process of a cluster: its producers and consumers, and the proof of each
 * acknowledgement on the disks. */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "broker/config/topic_name.h"
#include "broker/coordinator/coordinator_key.h"
#include "broker/partition/partition.h"
#include "tests/sim/cluster.h"
#include "tests/sim/drainer.h"
#include "tests/sim/groups/troop.h"
#include "tests/sim/growth.h"
#include "tests/sim/lister.h"
#include "tests/sim/loss/loss.h"
#include "tests/sim/moves.h"
#include "tests/sim/newcomers.h"
#include "tests/sim/queues/queues.h"
#include "tests/sim/replacer.h"
#include "tests/sim/transactions/crew.h"

struct wanted {
    struct cluster *cluster;
    int64_t offset;
    unsigned producer;
    uint64_t number;
};

static bool is_it(void *arg, const struct raw_entry *entry) {
    const struct wanted *wanted = arg;

    return decode_entry_holds(wanted->cluster->run, wanted->cluster->history, entry, wanted->offset,
                              wanted->producer, wanted->number);
}

/* A record that somebody was told of is durable on a majority at that moment. */
static void look_up(struct cluster *cluster, int32_t partition, int64_t offset, unsigned producer,
                    uint64_t number, const char *how) {
    struct wanted wanted = {cluster, offset, producer, number};
    struct durable_question question = {cluster->groups[partition], 0, offset, is_it, &wanted};
    uint32_t out = nemesis_lost(cluster->nemesis) | nemesis_damaged(cluster->nemesis);
    unsigned durable = 0;

    if (question.group == 0) return; /* we do not know yet where it is */
    cluster_look_at(cluster, partition);
    if (offset < history_most_start(cluster->history, partition)) return; /* it may be deleted */
    if (cluster->moves != NULL) {
        run_count(cluster->run, RARE_LOOKED_UP, 1);
        if (!moves_is_durable(cluster->moves, partition, &question))
            run_fail(cluster->run,
                     "partition %d, offset %" PRId64
                     " is %s, and on no majority of the voters of its last configurations",
                     partition, offset, how);
        return;
    }
    for (unsigned i = 0; i < cluster->count && durable * 2 <= cluster->count;
         i++) /* it may have been on the disk that was lost */
        durable += (out >> i & 1) != 0 || durable_index_has(cluster->brokers[i].durable, &question);
    run_count(cluster->run, RARE_LOOKED_UP, 1);
    if (durable * 2 <= cluster->count)
        run_fail(cluster->run,
                 "partition %d, offset %" PRId64
                 " is %s, and its entry is durable on %u of %u disks",
                 partition, offset, how, durable, cluster->count);
}

static void acknowledged(void *arg, int32_t partition, int64_t offset, unsigned producer,
                         uint64_t number) {
    look_up(arg, partition, offset, producer, number, "acknowledged");
}

static void was_told(void *arg, int32_t partition,
                     const struct kp_fetch_response_partition *answer) {
    struct cluster *cluster = arg;

    if (cluster->transactors[partition] != NULL)
        transactor_told(cluster->transactors[partition], answer);
    if (cluster->crew != NULL) crew_told(cluster->crew, partition, answer);
}

static void was_read(void *arg, int32_t partition, int64_t offset, unsigned producer,
                     uint64_t number) {
    struct cluster *cluster = arg;

    if (cluster->transactors[partition] != NULL)
        transactor_read(cluster->transactors[partition], offset, producer, number);
    if (cluster->crew != NULL) crew_read(cluster->crew, partition, offset, producer, number);
    look_up(arg, partition, offset, producer, number, "read");
}

static bool all_are_known(void *arg) {
    const struct cluster *cluster = arg;

    for (unsigned i = 0; i < cluster->producer_count; i++)
        if (!producer_is_known(cluster->producers[i])) return false;
    for (int32_t p = 0; p < cluster->partitions; p++)
        if (cluster->twins[p] != NULL && !twin_is_known(cluster->twins[p])) return false;
    return true;
}

static void start_strangers(struct cluster *cluster) {
    struct world *world = cluster->run->world;
    bool given = false;

    for (unsigned i = 0; i < cluster->producer_count; i++)
        given = given || producer_is_idempotent(cluster->producers[i]);
    for (int32_t p = 0; p < cluster->partitions; p++) {
        struct stranger_options options = {.number = CLUSTER_PRODUCERS_MAX + (unsigned)p,
                                           .partition = p,
                                           .ids_are_given = given,
                                           .interval_us = 10000 + world_below(world, 100000),
                                           .may_begin = all_are_known,
                                           .arg = cluster};
        if (world_below(world, 3) == 0 && history_has_producer(cluster->history, p))
            cluster->strangers[p] = stranger_new(cluster->client, cluster->history, &options);
    }
}

static uint32_t leaders(void *arg, int32_t partition, int32_t *newest) {
    return cluster_leaders(arg, partition, newest);
}

static void start_twins(struct cluster *cluster) {
    struct world *world = cluster->run->world;

    for (int32_t p = 0; p < cluster->partitions; p++) {
        struct twin_options options = {.number = CLUSTER_PRODUCERS_MAX + CLUSTER_PARTITIONS_MAX +
                                                 (unsigned)p,
                                       .partition = p,
                                       .interval_us = 2000 + world_below(world, 30000),
                                       .leaders = leaders,
                                       .acknowledged = acknowledged,
                                       .arg = cluster};
        if (world_below(world, 3) > 0)
            cluster->twins[p] = twin_new(cluster->client, cluster->history, &options);
    }
}

/* A key is what a compacted topic wants, and no transaction's record there has one. */
static void start_transactors(struct cluster *cluster) {
    struct world *world = cluster->run->world;

    for (int32_t p = 0; p < cluster->partitions && !history_is_compacted(cluster->history); p++)
        cluster->transactors[p] = transactor_new(cluster, cluster->client, p,
                                                 CLUSTER_PRODUCERS_MAX +
                                                     2 * CLUSTER_PARTITIONS_MAX + (unsigned)p,
                                                 2000 + world_below(world, 200000));
}

static void start_offset_transactors(struct cluster *cluster) {
    for (unsigned i = 0; i < CLUSTER_OFFSET_TRANSACTORS; i++)
        cluster->offset_transactors[i] = offset_transactor_new(
            cluster, cluster->client, i, 2000 + world_below(cluster->run->world, 100000));
}

static uint32_t believers(void *arg, const char *group, int32_t *newest) {
    return cluster_coordinators(
        arg, TOPIC_CONSUMER_OFFSETS,
        coordinator_key_partition(group, strlen(group), CLUSTER_OFFSETS_PARTITIONS), newest);
}

static void start_trimmers(struct cluster *cluster, bool others) {
    struct world *world = cluster->run->world;
    /* Where replicas that are away are not waited for (cluster.c), so that they lack what went. */
    bool often = cluster->run->seed % 4 == 1;
    bool trimmed = others || cluster->transacting ||
                   (cluster->queueing && cluster->run->seed % 2 == 0);
    for (int32_t p = 0; trimmed && p < cluster->partitions; p++)
        if (often || world_below(world, 2) == 0)
            cluster->trimmers[p] = trimmer_new(cluster->client, cluster->history, p,
                                               10000 +
                                                   world_below(world, often ? 200000 : 1000000));
}

static void main_client(struct env *env, void *arg) {
    struct cluster *cluster = arg;
    struct world *world = cluster->run->world;
    int16_t replicas = cluster->count < 3 ? (int16_t)cluster->count : 3;

    /* With five brokers a majority of three disks is not one of five: all replicas everywhere keeps
     * the proof simple. */
    bool everywhere = cluster->losing ? world_below(world, 2) == 0 : !cluster->moving;
    if (cluster->count > 3 && everywhere) replicas = (int16_t)cluster->count;
    cluster->client = kafka_client_new(cluster->run, env, cluster->count, cluster_topic,
                                       cluster->partitions, replicas);
    if (cluster->queueing) kafka_client_give_keys(cluster->client);
    if (history_is_compacted(cluster->history))
        kafka_client_compact(cluster->client, history_delete_retention(cluster->history));
    for (unsigned i = 0; i < cluster->producer_count; i++) {
        bool idempotent = world_chance(world, 700000);
        struct producer_options options = {
            .number = i,
            .partition = (int32_t)world_below(world, (uint64_t)cluster->partitions),
            .idempotent = idempotent,
            .window = idempotent ? 1 + (unsigned)world_below(world, 5) : 1,
            .interval_us = 2000 + world_below(world, 20000),
            .acknowledged = acknowledged,
            .arg = cluster};
        cluster->producers[i] = producer_new(cluster->client, cluster->history, &options);
    }
    bool others = !cluster->many && !cluster->members && !cluster->transacting &&
                  !cluster->losing && !cluster->queueing;
    if (others) start_twins(cluster); /* which write without end */
    if (!cluster->members && !cluster->transacting && !cluster->losing && !cluster->queueing)
        start_strangers(cluster);
    if (cluster->members) cluster->troop = troop_new(cluster, env, replicas);
    if (cluster->transacting) cluster->crew = crew_new(cluster, env, acknowledged);
    if (cluster->queueing) cluster->queues = queues_new(cluster, env, replicas);
    if (cluster->queueing && cluster->run->seed % 3 == 0) start_transactors(cluster);
    for (unsigned i = 0; others && i < CLUSTER_COMMITTERS; i++) {
        struct committer_options options = {
            .number = i,
            .partition = (int32_t)world_below(world, (uint64_t)cluster->partitions),
            .interval_us = 2000 + world_below(world, 100000),
            .believers = believers,
            .arg = cluster};
        cluster->committers[i] = committer_new(cluster->client, &options);
    }
    start_trimmers(cluster, others);
    /* By the seed itself: the others are as they were before. */
    if (others && cluster->run->seed % 6 == 0)
        cluster->marker_writer = marker_writer_new(cluster->client, cluster->history,
                                                   cluster->partitions,
                                                   5000 + world_below(world, 500000));
    if (others && cluster->run->seed % 6 == 3) start_transactors(cluster);
    if (others && cluster->run->seed % 6 == 4) start_offset_transactors(cluster);
    if (cluster->moving) cluster->moves = moves_new(cluster);
    if (cluster->losing) {
        moves_finish(cluster->moves);
        cluster->loss = loss_new(cluster);
    }
    if (!cluster->moving) cluster->replacer = replacer_new(cluster);
    if (cluster->founders < cluster->count) cluster->newcomers = newcomers_new(cluster);
    if (cluster->growing) cluster->lister = lister_new(cluster);
    if (cluster->growing)
        cluster->growth = growth_new(cluster);
    else if (cluster->moving && !cluster->losing && cluster->count > 3 &&
             world_below(world, 2) == 0)
        cluster->drainer = drainer_new(cluster);
    if (cluster->churn) cluster->admin = admin_new(cluster->client, replicas);
    for (int32_t p = 0; p < cluster->partitions; p++) {
        struct consumer_options options = {
            .partition = p, .read = was_read, .told = was_told, .arg = cluster};
        options.committed = (cluster->run->seed + (unsigned)p) % 2 == 0;
        cluster->consumers[p] = consumer_new(cluster->client, cluster->history, &options);
        options.committed = !options.committed;
        if (cluster->transacting)
            cluster->others[p] = consumer_new(cluster->client, cluster->history, &options);
    }
}

void cluster_start_clients(struct cluster *cluster, unsigned producers, bool churn) {
    CHECK(producers <= CLUSTER_PRODUCERS_MAX);
    cluster->producer_count = producers;
    cluster->client_node = node_new(cluster->run->world, CLUSTER_CLIENT, 0, NULL, NULL);
    network_add(cluster->run->network, cluster->client_node);
    cluster->churn = churn;
    node_start(cluster->client_node, main_client, cluster);
}
