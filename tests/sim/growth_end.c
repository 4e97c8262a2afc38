/* Configurations against tables; growth_end.h has the rules. */
#include "tests/sim/growth_end.h"

#include <inttypes.h>
#include <stdio.h>

#include "broker/api/services.h"
#include "broker/metadata/metadata_group.h"
#include "broker/metadata/metadata_roster.h"
#include "broker/partition_set/partition_set.h"
#include "tests/sim/growth.h"

/* It is in it, as a voter or not. */
static bool has_server(const struct raft_group_configuration *now, replica_id replica, bool voter) {
    for (size_t i = 0; i < now->count; i++)
        if (now->servers[i].replica == replica) return now->servers[i].voter == voter;
    return false;
}

/* All of the roster are in it, and nobody else; those vote that are to. */
static bool metadata_is_whole(const struct broker_services *services) {
    const struct metadata *metadata = services->metadata;
    struct raft_group_configuration now;

    if (!metadata_group_is_leading(services->metadata_group)) return true;
    raft_group_configuration(metadata_group_raft(services->metadata_group), &now);
    if (!now.committed || now.count != metadata_roster_count(metadata)) return false;
    for (size_t i = 0; i < metadata_roster_count(metadata); i++) {
        const struct roster_broker *row = metadata_roster_at(metadata, i);
        if (!has_server(&now, row->replica, row->votes)) return false;
    }
    return true;
}

/* It holds nothing and has no vote, as far as others can take that. */
static bool is_drained(const struct metadata *metadata, const struct roster_broker *row) {
    return !row->draining || (!row->votes && metadata_load_of(metadata, row->node).replicas == 0) ||
           metadata_roster_taking(metadata) < 3;
}

static bool partition_is_whole(const struct broker_services *services,
                               const struct metadata_partition *row) {
    struct partition *partition = partition_set_find_group(services->partitions, row->group);
    struct raft_group_configuration now;

    if (partition == NULL || !partition_is_leading(partition)) return true;
    raft_group_configuration(partition_group(partition), &now);
    if (!now.committed || now.count != row->replica_count) return false;
    for (size_t i = 0; i < row->replica_count; i++)
        if (!has_server(&now, row->replicas[i].replica, true)) return false;
    return true;
}

static bool broker_is_whole(const struct broker_services *services) {
    const struct metadata *metadata = services->metadata;

    if (metadata_plan_count(metadata) > 0 || !metadata_is_whole(services)) return false;
    for (size_t i = 0; i < metadata_roster_count(metadata); i++)
        if (!is_drained(metadata, metadata_roster_at(metadata, i))) return false;
    for (const struct metadata_topic *topic = metadata_next_topic(metadata, NULL); topic != NULL;
         topic = metadata_next_topic(metadata, topic))
        for (int32_t p = 0; p < topic->partition_count; p++)
            if (!partition_is_whole(services, &topic->partitions[p])) return false;
    return true;
}

/* Where nobody leads nobody can say what is so. */
static bool is_led(const struct cluster *cluster, uint64_t group) {
    for (unsigned i = 0; i < cluster->count; i++) {
        const struct sim_broker *broker = &cluster->brokers[i];
        if (!broker->ready || broker->broker == NULL || broker->stopping) continue;
        struct partition *partition = partition_set_find_group(
            broker_services(broker->broker)->partitions, group);
        if (partition != NULL && partition_is_leading(partition)) return true;
    }
    return false;
}

static bool all_are_led(const struct cluster *cluster, const struct metadata *metadata) {
    for (const struct metadata_topic *topic = metadata_next_topic(metadata, NULL); topic != NULL;
         topic = metadata_next_topic(metadata, topic))
        for (int32_t p = 0; p < topic->partition_count; p++)
            if (!is_led(cluster, topic->partitions[p].group)) return false;
    return true;
}

bool growth_cluster_is_whole(struct cluster *cluster) {
    const struct metadata *last = NULL;

    for (unsigned i = 0; i < cluster->count; i++) {
        const struct sim_broker *broker = &cluster->brokers[i];
        if (growth_removed(cluster->growth) >> i & 1) continue;
        if (!broker->ready || broker->broker == NULL || broker->stopping ||
            !broker_is_whole(broker_services(broker->broker)))
            return false;
        last = broker_services(broker->broker)->metadata;
    }
    return last != NULL && all_are_led(cluster, last);
}

static void describe_metadata(unsigned place, const struct broker_services *services) {
    const struct metadata *metadata = services->metadata;
    struct raft_group_configuration now;

    printf("  n%u: %zu plans; roster", place + 1, metadata_plan_count(metadata));
    for (size_t i = 0; i < metadata_roster_count(metadata); i++) {
        const struct roster_broker *row = metadata_roster_at(metadata, i);
        printf(" %" PRIu64 "@n%" PRId32 "%s%s", row->replica, row->node, row->votes ? "" : "-",
               row->draining ? " (drains)" : "");
    }
    raft_group_configuration(metadata_group_raft(services->metadata_group), &now);
    printf("; metadata%s: configuration %" PRIu64 "%s",
           metadata_group_is_leading(services->metadata_group) ? " (leads)" : "", now.index,
           now.committed ? "" : "?");
    for (size_t i = 0; i < now.count; i++)
        printf(" %" PRIu64 "%s", now.servers[i].replica, now.servers[i].voter ? "" : "-");
    printf("\n");
}

void growth_end_describe(struct cluster *cluster) {
    for (unsigned i = 0; i < cluster->count; i++) {
        const struct sim_broker *broker = &cluster->brokers[i];
        if (!broker->ready || broker->broker == NULL || broker->stopping) continue;
        const struct broker_services *services = broker_services(broker->broker);
        describe_metadata(i, services);
        for (const struct metadata_topic *topic = metadata_next_topic(services->metadata, NULL);
             topic != NULL; topic = metadata_next_topic(services->metadata, topic))
            for (int32_t p = 0; p < topic->partition_count; p++)
                if (!partition_is_whole(services, &topic->partitions[p]) ||
                    topic->partitions[p].plan != 0)
                    printf("    %s-%d is not whole\n", topic->name, p);
    }
}
