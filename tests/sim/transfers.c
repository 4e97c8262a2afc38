/* Planned transfers; transfers.h says when. */
#include "tests/sim/transfers.h"

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/api/services.h"
#include "broker/config/topic_name.h"
#include "broker/partition/partition.h"
#include "tests/sim/replacer.h"

struct transfers {
    struct cluster *cluster;
    struct event next;
    uint64_t interval_us;
};

/* One under way goes with its process when that dies. */
static void on_ended(struct raft_group_transfer *transfer, int error) {
    (void)error; /* those that succeed are counted by the shard */
    mem_free(transfer);
}

/* Some replica of it, perhaps the leader's own; 0: not known. */
static uint64_t some_replica(struct sim_broker *broker, uint64_t group) {
    struct world *world = broker->cluster->run->world;
    const struct broker_services *services = broker_services(broker->broker);

    if (group == METADATA_GROUP) return 1 + world_below(world, broker->cluster->count);
    const struct metadata_partition *partition = metadata_partition_of_group(services->metadata,
                                                                             group);
    return partition == NULL
               ? 0
               : partition->replicas[world_below(world, partition->replica_count)].replica;
}

static void hand_over(struct sim_broker *broker, uint64_t id) {
    struct raft_group *group = cluster_group(broker->cluster, broker->place, id);
    uint64_t replica = some_replica(broker, id);

    struct raft_group_transfer *transfer = mem_zalloc(sizeof *transfer);
    transfer->done = on_ended;
    if (raft_group_transfer_begin(group, transfer, replica) != ERR_NONE) mem_free(transfer);
}

/* Where groups have members, or transactions their coordinators, these move as often as everybody
 * else; until all is mended, for groups are to be well then, and transactions to end. */
static uint64_t some_coordinator(struct sim_broker *broker) {
    struct cluster *cluster = broker->cluster;
    bool any = cluster->troop != NULL || cluster->crew != NULL;
    if (!any || nemesis_is_over(cluster->nemesis)) return 0;
    if (world_below(cluster->run->world, 2) == 0) return 0;
    struct partition *partition = cluster_partition(
        cluster, broker->place,
        cluster->crew != NULL && world_below(cluster->run->world, 3) > 0 ? TOPIC_TRANSACTION_STATE
                                                                         : TOPIC_CONSUMER_OFFSETS,
        (int32_t)world_below(cluster->run->world, CLUSTER_OFFSETS_PARTITIONS));
    return partition == NULL ? 0 : raft_group_id(partition_group(partition));
}

static void hand_over_one(struct env *env, void *arg) {
    struct sim_broker *broker = arg;
    struct cluster *cluster = broker->cluster;
    uint64_t ids[1 + CLUSTER_PARTITIONS_MAX];

    (void)env;
    size_t n = cluster_groups(cluster, broker->place, ids, 1 + CLUSTER_PARTITIONS_MAX);
    uint64_t coordinator = some_coordinator(broker);
    if (coordinator != 0)
        hand_over(broker, coordinator);
    else if (n > 0 && broker->ready)
        hand_over(broker, ids[world_below(cluster->run->world, n)]);
}

struct one {
    struct sim_broker *broker;
    uint64_t group;
};

static void hand_over_this(struct env *env, void *arg) {
    struct one *one = arg;

    (void)env;
    if (one->broker->ready &&
        cluster_group(one->broker->cluster, one->broker->place, one->group) != NULL)
        hand_over(one->broker, one->group);
}

void transfers_one(struct cluster *cluster, unsigned place, uint64_t group) {
    struct one one = {&cluster->brokers[place], group};
    node_call(cluster->brokers[place].node, hand_over_this, &one);
}

static void next(struct event *event) {
    struct transfers *transfers = CONTAINER_OF(event, struct transfers, next);
    struct world *world = transfers->cluster->run->world;

    /* A leader must last for two seconds to see that a replica has caught up. */
    bool brought_up = transfers->cluster->moving || replacer_has_asked(transfers->cluster);
    if (brought_up && nemesis_is_over(transfers->cluster->nemesis)) return;
    for (unsigned i = 0; i < transfers->cluster->count; i++)
        if (transfers->cluster->brokers[i].broker != NULL)
            node_call(transfers->cluster->brokers[i].node, hand_over_one,
                      &transfers->cluster->brokers[i]);
    world_schedule(world, event,
                   world_now_us(world) + 1 + world_below(world, 2 * transfers->interval_us));
}

void transfers_begin(struct cluster *cluster, uint64_t interval_us) {
    struct transfers *transfers = mem_zalloc(sizeof *transfers);

    transfers->cluster = cluster;
    transfers->interval_us = interval_us;
    transfers->next.run = next;
    world_schedule(cluster->run->world, &transfers->next,
                   world_now_us(cluster->run->world) + interval_us);
}
