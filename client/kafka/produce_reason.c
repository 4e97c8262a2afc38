/* Looking at the metadata of a topic, then asking its leaders with an empty produce. */
#include "client/kafka/produce_reason.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/kafka/cluster_view.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/produce.h"

enum { LOOK_MS = 1000, ARENA_MAX = 64 << 20, RESOURCE_TOPIC = 2, CLIENT_LINE_MAX = 100000000 };

/* A setting of the topic, in effect; -1: it cannot be had. */
static int64_t topic_setting(struct admin_client *admin, struct kp_arena *arena, const char *topic,
                             const char *name, char *text, size_t room) {
    struct kp_describe_configs_request request;
    struct kp_describe_configs_request_resource resource;
    struct kp_describe_configs_response response;
    struct error_text why;
    struct kp_string key = kp_string_of(name);
    kp_set_fallbacks(&kp_describe_configs_request_schema, &request);
    kp_set_fallbacks(&kp_describe_configs_request_resource_schema, &resource);
    resource.resource_type = RESOURCE_TOPIC;
    resource.resource_name = kp_string_of(topic);
    resource.configuration_keys.items = &key;
    resource.configuration_keys.count = 1;
    request.resources.items = &resource;
    request.resources.count = 1;
    text[0] = 0;
    if (admin_request(admin, KP_DESCRIBE_CONFIGS, 1, &request, arena, &response, NULL, &why) ||
        response.results.count != 1 || response.results.items[0].configs.count != 1) {
        return -1;
    }
    snprintf(text, room, "%s",
             cluster_text(arena, response.results.items[0].configs.items[0].value));
    return strtoll(text, NULL, 10);
}

size_t produce_line_max(const struct invocation *in, const char *topic) {
    bool compressed = strcmp(invocation_value(in, 'z', "none"), "none") != 0 ||
                      invocation_has(in, 'X');
    struct admin_client *admin = admin_client_new_quiet(in->bootstrap, in->timeout_ms);
    struct kp_arena arena;
    char text[64];
    kp_arena_init(&arena, ARENA_MAX);
    topic_setting(admin, &arena, topic, "compression.type", text, sizeof(text));
    compressed = compressed || strcmp(text, "producer") != 0;
    int64_t max = compressed ? -1
                             : topic_setting(admin, &arena, topic, "max.message.bytes", text,
                                             sizeof(text));
    kp_arena_close(&arena);
    admin_client_free(admin);
    return max > 0 && max < CLIENT_LINE_MAX ? (size_t)max : CLIENT_LINE_MAX;
}

/* A Produce without records to one leader, for all its partitions: the first refusal that would
 * meet any record. */
static bool ask_leader(struct admin_client *admin, struct kp_arena *arena,
                       const struct kp_metadata_response *metadata,
                       const struct kp_metadata_response_topic *topic, int32_t leader, char *text,
                       size_t room) {
    const struct kp_metadata_response_broker *broker = cluster_broker(metadata, leader);
    struct kp_produce_request request;
    struct kp_produce_request_topic asked;
    struct kp_produce_response response;
    struct error_text why;
    kp_set_fallbacks(&kp_produce_request_schema, &request);
    kp_set_fallbacks(&kp_produce_request_topic_schema, &asked);
    asked.name = topic->name; /* up to version 12; from 13 on its id */
    asked.topic_id = topic->topic_id;
    request.acks = -1;
    request.timeout_ms = LOOK_MS;
    struct kp_produce_request_partition *rows = kp_new_items(
        arena, &kp_produce_request_partition_schema, &asked.partition_data,
        topic->partitions.count);
    if (!broker || !rows) {
        return false;
    }
    asked.partition_data.count = 0;
    for (int32_t i = 0; i < topic->partitions.count; i++) {
        if (topic->partitions.items[i].leader_id == leader) {
            rows[asked.partition_data.count++].index = topic->partitions.items[i].partition_index;
        }
    }
    request.topic_data.items = &asked;
    request.topic_data.count = 1;
    if (admin_request_to(admin, cluster_text(arena, broker->host), broker->port, KP_PRODUCE, 8,
                         &request, arena, &response, NULL, &why)) {
        snprintf(text, room, "broker %d, which leads here: %s", (int)leader, why.text);
        return true;
    }
    for (int32_t i = 0;
         response.responses.count == 1 && i < response.responses.items[0].partition_responses.count;
         i++) {
        const struct kp_produce_response_partition *one =
            &response.responses.items[0].partition_responses.items[i];
        if (one->error_code == KAFKA_STORAGE_ERROR ||
            one->error_code == KAFKA_NOT_ENOUGH_REPLICAS ||
            one->error_code == KAFKA_TOPIC_AUTHORIZATION_FAILED) {
            const char *sentence = cluster_text(arena, one->error_message);
            snprintf(text, room, "partition %.*s-%d: broker %d refuses records: %s (%s)",
                     (int)topic->name.len, topic->name.data, (int)one->index, (int)leader,
                     *sentence ? sentence : kafka_error_message(one->error_code),
                     kafka_error_name(one->error_code));
            return true;
        }
    }
    return false;
}

/* What Metadata tells: of the first partition with which something is wrong. */
static bool look_at_replicas(const struct kp_metadata_response *metadata,
                             const struct kp_metadata_response_topic *topic, int64_t min_in_sync,
                             char *text, size_t room) {
    for (int32_t i = 0; i < topic->partitions.count; i++) {
        const struct kp_metadata_response_partition *partition = &topic->partitions.items[i];
        char trouble[320];
        cluster_partition_trouble(metadata, partition, trouble, sizeof(trouble));
        if (!*trouble && partition->isr_nodes.count < min_in_sync) {
            snprintf(trouble, sizeof(trouble),
                     "%d of %d replicas are in sync and min.insync.replicas is %" PRId64
                     " (NOT_ENOUGH_REPLICAS)",
                     (int)partition->isr_nodes.count, (int)partition->replica_nodes.count,
                     min_in_sync);
        }
        if (*trouble) {
            snprintf(text, room, "partition %.*s-%d: %s", (int)topic->name.len, topic->name.data,
                     (int)partition->partition_index, trouble);
            return true;
        }
    }
    return false;
}

/* Each leader of the topic once. */
static bool ask_leaders(struct admin_client *admin, struct kp_arena *arena,
                        const struct kp_metadata_response *metadata,
                        const struct kp_metadata_response_topic *topic, char *text, size_t room) {
    for (int32_t i = 0; i < metadata->brokers.count && admin_client_left_ms(admin) > 0; i++) {
        int32_t node = metadata->brokers.items[i].node_id;
        bool leads = false;
        for (int32_t p = 0; p < topic->partitions.count && !leads; p++) {
            leads = topic->partitions.items[p].leader_id == node;
        }
        if (leads && ask_leader(admin, arena, metadata, topic, node, text, room)) {
            return true;
        }
    }
    return false;
}

bool produce_reason(const struct invocation *in, const char *name, char *text, size_t room) {
    struct admin_client *admin = admin_client_new_quiet(in->bootstrap, LOOK_MS);
    struct kp_arena arena;
    struct kp_metadata_response metadata;
    struct error_text why = {""};
    char setting[64];
    bool known;
    kp_arena_init(&arena, ARENA_MAX);
    text[0] = 0;
    if (cluster_ask(admin, &arena, name, &metadata, &why)) {
        snprintf(text, room, "no broker is reachable: %s", why.text);
        known = true;
    } else if (metadata.topics.count != 1 ||
               metadata.topics.items[0].error_code == KAFKA_UNKNOWN_TOPIC_OR_PARTITION) {
        snprintf(text, room, "topic \"%s\" does not exist any more", name);
        known = true;
    } else {
        const struct kp_metadata_response_topic *topic = &metadata.topics.items[0];
        int64_t min = topic_setting(admin, &arena, name, "min.insync.replicas", setting,
                                    sizeof(setting));
        known = look_at_replicas(&metadata, topic, min, text, room) ||
                ask_leaders(admin, &arena, &metadata, topic, text, room);
    }
    kp_arena_close(&arena);
    admin_client_free(admin);
    return known;
}
