/* One request to each leader, whose answers are put where their partitions are. */
#include "client/kafka/topic_sizes.h"

#include "client/line/command.h"

enum { ASK_MS = 2000 };

/* False: it leads none, or the arena's limit is passed. */
static bool fill(struct kp_arena *arena, const struct kp_metadata_response_topic *topic,
                 int32_t leader, struct kp_partition_traffic_request *request) {
    kp_set_fallbacks(&kp_partition_traffic_request_schema, request);
    struct kp_partition_traffic_request_topic *asked = kp_new_items(
        arena, &kp_partition_traffic_request_topic_schema, &request->topics, 1);
    if (!asked || !kp_new_items(arena, &kp_partition_traffic_request_partition_schema,
                                &asked->partitions, topic->partitions.count)) {
        return false;
    }
    asked->name = topic->name;
    asked->partitions.count = 0;
    for (int32_t i = 0; i < topic->partitions.count; i++) {
        if (topic->partitions.items[i].leader_id == leader) {
            asked->partitions.items[asked->partitions.count++].partition_index =
                topic->partitions.items[i].partition_index;
        }
    }
    return asked->partitions.count > 0;
}

bool topic_leader_ask(struct admin_client *admin, struct kp_arena *arena,
                      const struct kp_metadata_response_topic *topic,
                      const struct kp_metadata_response_broker *leader,
                      struct kp_partition_traffic_response *response, struct error_text *why) {
    struct kp_partition_traffic_request request;
    why->text[0] = '\0';
    return fill(arena, topic, leader->node_id, &request) &&
           admin_request_to(admin, cluster_text(arena, leader->host), leader->port,
                            KP_PARTITION_TRAFFIC, 0, &request, arena, response, NULL,
                            why) == ERR_NONE;
}

/* Answers come in the order of the partitions. */
static void take(const struct kp_partition_traffic_response *response,
                 const struct kp_metadata_response_topic *topic, struct topic_size *sizes) {
    int32_t at = 0;
    for (int32_t t = 0; t < response->topics.count; t++) {
        for (int32_t p = 0; p < response->topics.items[t].partitions.count; p++) {
            const struct kp_partition_traffic_response_partition *one =
                &response->topics.items[t].partitions.items[p];
            while (at < topic->partitions.count &&
                   topic->partitions.items[at].partition_index != one->partition_index) {
                at++;
            }
            if (at < topic->partitions.count && one->error_code == 0) {
                sizes[at] = (struct topic_size){one->size_bytes, one->pinned_bytes, one->pinned_by};
            }
        }
    }
}

struct topic_size *topic_sizes_ask(const struct invocation *in, struct kp_arena *arena,
                                   const struct kp_metadata_response *metadata,
                                   const struct kp_metadata_response_topic *topic) {
    struct topic_size *sizes = kp_arena_alloc(arena, ((size_t)topic->partitions.count + 1) *
                                                         sizeof(*sizes));
    struct admin_client *admin = admin_client_new_quiet(in->bootstrap, ASK_MS);
    for (int32_t i = 0; sizes && i < topic->partitions.count; i++) {
        sizes[i] = (struct topic_size){.bytes = -1, .pinned_by = -1};
    }
    for (int32_t b = 0; sizes && b < metadata->brokers.count; b++) {
        const struct kp_metadata_response_broker *broker = &metadata->brokers.items[b];
        struct kp_partition_traffic_response response;
        struct error_text why;
        if (topic_leader_ask(admin, arena, topic, broker, &response, &why)) {
            take(&response, topic, sizes);
        }
    }
    admin_client_free(admin);
    return sizes;
}
