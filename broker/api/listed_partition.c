/* Leaders and replicas of a partition, from the tables of metadata and of leaders. The contract is
 * in listed_partition.h. */
#include "broker/api/listed_partition.h"

#include <string.h>

#include "protocol/kafka_error.h"

static int16_t leader_error(const struct metadata_broker *broker, const char *listener) {
    if (broker == NULL) return KAFKA_LEADER_NOT_AVAILABLE;
    return metadata_endpoint_of(broker, listener) == NULL ? KAFKA_LISTENER_NOT_FOUND : KAFKA_NONE;
}

static void add_leader(const struct broker_services *services, const char *listener,
                       const struct leader *leader, struct listed_partition *into) {
    const struct metadata_broker *broker =
        leader->node == LEADER_NONE ? NULL : metadata_broker_of(services->metadata, leader->node);
    into->leader_epoch = (int32_t)leader->term;
    into->error_code = leader_error(broker, listener);
    into->leader_id = into->error_code == KAFKA_NONE ? leader->node : LEADER_NONE;
}

bool list_partition(const struct broker_services *services, const char *listener,
                    const struct metadata_partition *partition, struct kp_arena *arena,
                    struct listed_partition *into) {
    struct leader leader = leader_table_get(services->leaders, partition->group);
    size_t replicas = metadata_member_count(partition); /* to be, and to go (KIP-455) */
    int32_t *nodes = kp_arena_alloc(arena,
                                    (2 * replicas + leader.in_sync_count + 1) * sizeof *nodes);
    if (nodes == NULL) return false;
    into->replicas.items = nodes;
    into->replicas.count = 0;
    into->offline.items = nodes + replicas;
    into->offline.count = 0;
    for (size_t r = 0; r < replicas; r++) {
        int32_t node = partition->replicas[r].node;
        if (node == METADATA_NODE_LOST) continue;
        into->replicas.items[into->replicas.count++] = node;
        const struct metadata_broker *broker = metadata_broker_of(services->metadata, node);
        if (broker == NULL || services_broker_is_down(services, broker))
            into->offline.items[into->offline.count++] = node;
    }
    into->in_sync.items = nodes + 2 * replicas;
    into->in_sync.count = (int32_t)leader.in_sync_count;
    if (leader.in_sync_count > 0)
        memcpy(into->in_sync.items, leader.in_sync, leader.in_sync_count * sizeof *nodes);
    add_leader(services, listener, &leader, into);
    return true;
}
