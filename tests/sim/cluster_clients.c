/* The client process of a cluster: its producers and consumers, and the proof of each acknowledgement on the disks. */
#include <inttypes.h>

#include "base/check.h"
#include "tests/sim/cluster.h"
#include "tests/sim/durable.h"

/* A record that somebody was told of must be durable on a majority at that moment. */
static void look_up(struct cluster *cluster, int32_t partition, int64_t offset, const char *how) {
    struct durable_place place = {0};
    uint64_t group = cluster->groups[partition];
    unsigned durable = 0;
    bool found = false;

    if (group == 0) return;
    for (unsigned i = 0; i < cluster->count && !found; i++)
        found = durable_find(cluster->run, cluster->brokers[i].node, cluster_journal, group, offset, &place);
    if (!found) return; /* old: in synced segments everywhere */
    cluster->looked_up++;
    for (unsigned i = 0; i < cluster->count; i++)
        durable += durable_has(cluster->run, cluster->brokers[i].node, cluster_journal, group, place.index, place.term);
    if (durable * 2 <= cluster->count)
        run_fail(cluster->run,
                 "partition %d, offset %" PRId64 " is %s, and entry %" PRIu64
                 " of term %u is durable on %u of %u disks",
                 partition, offset, how, place.index, place.term, durable, cluster->count);
}

static bool sampled(struct cluster *cluster) {
    return cluster->looked_up < 3 || world_below(cluster->run->world, 60) == 0;
}

static void acknowledged(void *arg, int32_t partition, int64_t offset, unsigned producer, uint64_t number) {
    struct cluster *cluster = arg;

    (void)producer;
    (void)number;
    if (sampled(cluster)) look_up(cluster, partition, offset, "acknowledged");
}

static void was_read(void *arg, int32_t partition, int64_t offset, unsigned producer, uint64_t number) {
    struct cluster *cluster = arg;

    (void)producer;
    (void)number;
    if (sampled(cluster)) look_up(cluster, partition, offset, "read");
}

static void main_client(struct env *env, void *arg) {
    struct cluster *cluster = arg;
    struct world *world = cluster->run->world;
    int16_t replicas = cluster->count < 3 ? (int16_t)cluster->count : 3;

    /* With five brokers a majority of three disks is not one of five: all replicas everywhere keeps the proof simple. */
    if (cluster->count > 3) replicas = (int16_t)cluster->count;
    cluster->client = kafka_client_new(cluster->run, env, cluster->count, cluster_topic, cluster->partitions, replicas);
    for (unsigned i = 0; i < cluster->producer_count; i++) {
        bool idempotent = world_chance(world, 700000);
        struct producer_options options = {.number = i,
                                           .partition = (int32_t)world_below(world, (uint64_t)cluster->partitions),
                                           .idempotent = idempotent,
                                           .window = idempotent ? 1 + (unsigned)world_below(world, 5) : 1,
                                           .interval_us = 2000 + world_below(world, 20000),
                                           .acknowledged = acknowledged,
                                           .arg = cluster};
        cluster->producers[i] = producer_new(cluster->client, cluster->history, &options);
    }
    for (int32_t p = 0; p < cluster->partitions; p++) {
        struct consumer_options options = {.partition = p, .read = was_read, .arg = cluster};
        cluster->consumers[p] = consumer_new(cluster->client, cluster->history, &options);
    }
}

void cluster_start_clients(struct cluster *cluster, unsigned producers) {
    CHECK(producers <= CLUSTER_PRODUCERS_MAX);
    cluster->producer_count = producers;
    cluster->client_node = node_new(cluster->run->world, CLUSTER_CLIENT, 0, NULL, NULL);
    network_add(cluster->run->network, cluster->client_node);
    node_start(cluster->client_node, main_client, cluster);
}
