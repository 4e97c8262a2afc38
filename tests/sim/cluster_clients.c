/* The client process of a cluster: its producers and consumers, and the proof of each acknowledgement on the disks. */
#include <inttypes.h>

#include "base/check.h"
#include "tests/sim/cluster.h"
#include "tests/sim/durable.h"

struct wanted {
    struct cluster *cluster;
    int64_t offset;
    unsigned producer;
    uint64_t number;
    bool found;
};

static void compare(void *arg, int64_t offset, unsigned producer, uint64_t number) {
    struct wanted *wanted = arg;

    if (offset == wanted->offset) wanted->found = producer == wanted->producer && number == wanted->number;
}

static bool holds_it(void *arg, struct entry *entry) {
    struct wanted *wanted = arg;
    struct slice raw;

    if (entry->type != ENTRY_BATCHES) return false;
    int error = entry_raw(entry, NULL, false, &raw);
    if (error != ERR_NONE) run_fail(wanted->cluster->run, "a durable entry cannot be read (%s)", error_phrase(error));
    wanted->found = false;
    consumer_read_batches(wanted->cluster->run, wanted->cluster->history, raw.data, raw.len, entry->base_offset,
                          compare, wanted);
    slice_unref(&raw);
    return wanted->found;
}

static unsigned durable_copies(struct cluster *cluster, uint64_t group, const struct durable_place *place) {
    unsigned durable = nemesis_lost(cluster->nemesis) == 0 ? 0 : 1; /* it may have been on the disk that was lost */

    for (unsigned i = 0; i < cluster->count; i++)
        durable += durable_has(cluster->run, cluster->brokers[i].node, cluster_journal, group, place->index,
                               place->term);
    return durable;
}

/* A record that somebody was told of must be durable on a majority at that moment. */
static void look_up(struct cluster *cluster, int32_t partition, int64_t offset, unsigned producer, uint64_t number,
                    const char *how) {
    struct wanted wanted = {cluster, offset, producer, number, false};
    struct durable_place place = {0};
    uint64_t group = cluster->groups[partition];
    unsigned most = 0, found = 0, older = 0;

    if (group == 0) return;
    /* A leader that was deposed may have got the same record at the same offset: it is one of the entries found, or the only one, when the
     * others have theirs in segments. */
    for (unsigned i = 0; i < cluster->count && most * 2 <= cluster->count; i++) {
        if (!durable_find(cluster->run, cluster->brokers[i].node, cluster_journal, group, offset, holds_it, &wanted,
                          &place)) {
            older += place.older;
            continue;
        }
        found++;
        unsigned durable = durable_copies(cluster, group, &place);
        if (durable > most) most = durable;
    }
    if (found == 0) return; /* old: in synced segments everywhere */
    cluster->looked_up++;
    if (most * 2 <= cluster->count && older * 2 <= cluster->count)
        run_fail(cluster->run, "partition %d, offset %" PRId64 " is %s, and its entry is durable on %u of %u disks",
                 partition, offset, how, most, cluster->count);
}

static bool sampled(struct cluster *cluster) {
    return cluster->looked_up < 3 || world_below(cluster->run->world, 60) == 0;
}

static void acknowledged(void *arg, int32_t partition, int64_t offset, unsigned producer, uint64_t number) {
    struct cluster *cluster = arg;

    bool again = history_sent_again(cluster->history, producer, number) && world_below(cluster->run->world, 4) == 0;

    if (again || sampled(cluster)) look_up(cluster, partition, offset, producer, number, "acknowledged");
}

static void was_read(void *arg, int32_t partition, int64_t offset, unsigned producer, uint64_t number) {
    struct cluster *cluster = arg;

    if (sampled(cluster)) look_up(cluster, partition, offset, producer, number, "read");
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
        struct twin_options options = {.number = CLUSTER_PRODUCERS_MAX + CLUSTER_PARTITIONS_MAX + (unsigned)p,
                                       .partition = p,
                                       .interval_us = 2000 + world_below(world, 30000),
                                       .leaders = leaders,
                                       .acknowledged = acknowledged,
                                       .arg = cluster};
        if (world_below(world, 3) > 0) cluster->twins[p] = twin_new(cluster->client, cluster->history, &options);
    }
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
    start_twins(cluster);
    start_strangers(cluster);
    if (cluster->churn) cluster->admin = admin_new(cluster->client, replicas);
    for (int32_t p = 0; p < cluster->partitions; p++) {
        struct consumer_options options = {.partition = p, .read = was_read, .arg = cluster};
        cluster->consumers[p] = consumer_new(cluster->client, cluster->history, &options);
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
