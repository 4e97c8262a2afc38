/* Leaders that are deposed unheard; depose.h says how. */
#include "tests/sim/depose.h"

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/config/topic_name.h"
#include "broker/partition/partition.h"
#include "raft-glue/raft_group.h"
#include "tests/sim/transfers.h"

enum { WATCH_US = 50, WITHIN_US = 150000 };

struct depose {
    struct cluster *cluster;
    struct event next;
    uint64_t interval_us;
    uint64_t group; /* 0: nobody is being deposed */
    unsigned place; /* who leads it */
    uint32_t term;  /* in this term */
    uint64_t until_us;
};

static void later(struct depose *depose, uint64_t at_us) {
    world_schedule(depose->cluster->run->world, &depose->next, at_us);
}

static bool is_superseded(const struct depose *depose) {
    for (unsigned i = 0; i < depose->cluster->count; i++) {
        struct raft_group *group = i == depose->place
                                       ? NULL
                                       : cluster_group(depose->cluster, i, depose->group);
        if (group != NULL && raft_group_term(group) > depose->term) return true;
    }
    return false;
}

static bool still_believes(const struct depose *depose) {
    struct raft_group *group = cluster_group(depose->cluster, depose->place, depose->group);
    return group != NULL && raft_group_is_leading(group) && raft_group_term(group) == depose->term;
}

static void watch(struct depose *depose) {
    struct run *run = depose->cluster->run;
    uint64_t now_us = world_now_us(run->world);
    bool superseded = is_superseded(depose), believes = still_believes(depose);

    if (believes && !superseded && now_us < depose->until_us) {
        later(depose, now_us + WATCH_US);
        return;
    }
    if (believes && superseded && nemesis_deafen(depose->cluster->nemesis, depose->place)) {
        run_say(run, "n%u is deposed and does not hear of it", depose->place + 1);
        run_count(run, RARE_DEPOSED, 1);
    }
    depose->group = 0;
    later(depose, now_us + 1 + world_below(run->world, 2 * depose->interval_us));
}

/* Of all that are led one whose twin asks everybody, if there is such a one. */
static int32_t some_partition(const struct cluster *cluster) {
    struct world *world = cluster->run->world;
    int32_t p = (int32_t)world_below(world, (uint64_t)cluster->partitions);

    for (int32_t i = 0; i < cluster->partitions && cluster->twins[p] == NULL; i++)
        p = (p + 1) % cluster->partitions;
    return p;
}

/* Who leads one of them, or one of the partitions in which consumer groups, or transactional ids,
 * live; false: nobody. */
static bool some_leader(struct cluster *cluster, uint64_t *group, unsigned *place) {
    struct world *world = cluster->run->world;
    uint64_t often = cluster->troop == NULL && cluster->crew == NULL ? 3 : 1;
    bool of_ids = cluster->crew != NULL && world_below(world, 3) > 0;
    int32_t offsets = (int32_t)world_below(world, often * CLUSTER_OFFSETS_PARTITIONS), leader;

    for (unsigned i = 0; offsets < CLUSTER_OFFSETS_PARTITIONS && i < cluster->count; i++) {
        struct partition *partition = cluster_partition(
            cluster, i, of_ids ? TOPIC_TRANSACTION_STATE : TOPIC_CONSUMER_OFFSETS, offsets);
        if (partition == NULL || !partition_is_leading(partition)) continue;
        *group = raft_group_id(partition_group(partition));
        *place = i;
        return true;
    }
    int32_t p = some_partition(cluster);
    cluster_leaders(cluster, p, &leader);
    *group = cluster->groups[p];
    *place = (unsigned)leader - 1;
    return leader > 0;
}

static void begin(struct depose *depose) {
    struct cluster *cluster = depose->cluster;
    struct world *world = cluster->run->world;
    uint64_t group;
    unsigned place;

    bool found = some_leader(cluster, &group, &place);
    later(depose, world_now_us(world) + (found ? WATCH_US : depose->interval_us));
    if (!found) return;
    depose->group = group;
    depose->place = place;
    depose->term = raft_group_term(cluster_group(cluster, depose->place, depose->group));
    depose->until_us = world_now_us(world) + WITHIN_US;
    transfers_one(cluster, depose->place, depose->group);
}

static void next(struct event *event) {
    struct depose *depose = CONTAINER_OF(event, struct depose, next);

    if (depose->group != 0)
        watch(depose);
    else if (!nemesis_is_over(depose->cluster->nemesis))
        begin(depose);
}

void depose_begin(struct cluster *cluster, uint64_t interval_us) {
    struct depose *depose = mem_zalloc(sizeof *depose);

    *depose = (struct depose){
        .cluster = cluster, .next = {.run = next}, .interval_us = interval_us};
    later(depose, world_now_us(cluster->run->world) + interval_us);
}
