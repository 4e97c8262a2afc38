/* The leader from the table of leaders, its address from the metadata. */
#include "broker/api/leader_hint.h"

#include <string.h>

#include "protocol/kafka_error.h"

/* Whether the broker's address is among the hints now. */
static bool add_endpoint(const struct broker_services *services, struct request *request,
                         int32_t node, struct leader_hints *hints) {
    for (int32_t i = 0; i < hints->count; i++)
        if (hints->items[i].node_id == node) return true;
    const struct metadata_broker *broker = metadata_broker_of(services->metadata, node);
    const struct metadata_endpoint *endpoint =
        broker == NULL ? NULL : metadata_endpoint_of(broker, request->ctx.listener);
    if (endpoint == NULL) return false;
    struct kp_arena *arena = &request->arena;
    if (hints->items == NULL) {
        hints->room = (int32_t)metadata_broker_count(services->metadata);
        hints->items = kp_arena_alloc(arena, (size_t)hints->room * sizeof *hints->items);
    }
    if (hints->items == NULL || hints->count == hints->room) return false;
    struct kp_node_endpoint added = {
        .node_id = node,
        .host = kp_arena_string(arena, endpoint->host, strlen(endpoint->host)),
        .port = endpoint->port,
        .rack = KP_NULL_STRING};
    if (broker->rack[0] != '\0')
        added.rack = kp_arena_string(arena, broker->rack, strlen(broker->rack));
    if (added.host.len < 0) return false;
    hints->items[hints->count++] = added;
    return true;
}

void leader_hint_give(const struct broker_services *services, struct request *request,
                      const struct topic_ref *ref, int32_t index, int16_t code,
                      struct kp_leader_id_and_epoch *hint, struct leader_hints *hints) {
    if (code != KAFKA_NOT_LEADER_OR_FOLLOWER && code != KAFKA_FENCED_LEADER_EPOCH) return;
    const struct metadata_topic *topic = topic_of_ref(services, ref);
    const struct metadata_partition *partition = topic == NULL
                                                     ? NULL
                                                     : metadata_partition_at(topic, index);
    if (partition == NULL) return;
    struct leader leader = leader_table_get(services->leaders, partition->group);
    bool ours = leader.node == services->settings->node_id;
    /* what we have just denied ourselves is not told */
    if (leader.node == LEADER_NONE || (ours && code == KAFKA_NOT_LEADER_OR_FOLLOWER) ||
        leader_table_doubt_ms(services->leaders, partition->group) > 0 ||
        !add_endpoint(services, request, leader.node, hints))
        return;
    hint->leader_id = leader.node;
    hint->leader_epoch = (int32_t)leader.term;
}
