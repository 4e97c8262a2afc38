/*
 * /api/topic?name=: the partitions of a topic, from ?from= on, ?limit= of them: replicas as the
 * metadata has them, offsets and sizes as their leaders do.
 * /api/config?topic= or ?broker=: settings with their sources.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "broker/console/asking/partition_facts.h"
#include "broker/console/console_internal.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/describe_configs.h"

enum { PAGE = 200, PAGE_MAX = 1000, RESOURCE_TOPIC = 2, RESOURCE_BROKER = 4 };

/* ---- Partitions ---- */

struct looking {
    const struct kp_metadata_response_topic *topic;
    const struct ask *before;
    struct partition_fact *facts; /* of partitions from..from+count-1 */
    size_t from, count;
};

static void show_nodes(struct json *json, const char *key, const int32_t *nodes, int32_t count) {
    json_array(json, key);
    for (int32_t i = 0; i < count; i++)
        json_int(json, NULL, nodes[i]);
    json_end(json);
}

/* Who produced to it and who read it lately. */
static void show_clients(struct json *json,
                         const struct kp_partition_traffic_response_partition *told) {
    json_array(json, "producing");
    for (int32_t i = 0; i < told->writers.count; i++) {
        const struct kp_partition_traffic_response_writer *writer = &told->writers.items[i];
        json_object(json, NULL);
        json_string(json, "client_id", writer->client_id);
        json_string(json, "peer", writer->peer);
        json_real(json, "records", (double)writer->records);
        json_real(json, "batches", (double)writer->batches);
        json_real(json, "bytes", (double)writer->bytes);
        json_real(json, "since_ms", (double)writer->since_age_ms);
        json_real(json, "seen_ms", (double)writer->seen_age_ms);
        json_end(json);
    }
    json_end(json);
    json_array(json, "reading");
    for (int32_t i = 0; i < told->readers.count; i++) {
        const struct kp_partition_traffic_response_reader *reader = &told->readers.items[i];
        json_object(json, NULL);
        json_string(json, "client_id", reader->client_id);
        json_string(json, "peer", reader->peer);
        json_long(json, "offset", reader->offset);
        json_real(json, "seen_ms", (double)reader->seen_age_ms);
        json_end(json);
    }
    json_end(json);
}

static void show_partition(struct json *json,
                           const struct kp_metadata_response_partition *partition,
                           const struct kp_partition_traffic_response_partition *told) {
    json_object(json, NULL);
    json_int(json, "partition", partition->partition_index);
    json_int(json, "leader", partition->leader_id);
    json_int(json, "leader_epoch", partition->leader_epoch);
    show_nodes(json, "replicas", partition->replica_nodes.items, partition->replica_nodes.count);
    show_nodes(json, "in_sync", partition->isr_nodes.items, partition->isr_nodes.count);
    show_nodes(json, "offline", partition->offline_replicas.items,
               partition->offline_replicas.count);
    if (told != NULL) {
        json_long(json, "start", told->log_start_offset);
        json_long(json, "end", told->high_watermark);
        json_long(json, "bytes", told->size_bytes);
        json_real(json, "produced_per_second",
                  told->produced_short < 0 ? NAN : (double)told->produced_short / 1000);
        json_size(json, "readers", told->readers.count < 0 ? 0 : (size_t)told->readers.count);
        show_clients(json, told);
    }
    json_end(json);
}

static void partitions_told(struct inquiry *inquiry) {
    struct looking *looking = inquiry->state;
    struct json *json = &inquiry->json;
    char id[23];
    partition_facts_take(inquiry, looking->before, looking->facts, looking->count);
    kp_uuid_text(looking->topic->topic_id, id);
    json_object(json, NULL);
    json_string(json, "name", looking->topic->name);
    json_words(json, "id", id);
    json_bool(json, "internal", looking->topic->is_internal);
    json_size(json, "total", (size_t)looking->topic->partitions.count);
    json_size(json, "from", looking->from);
    json_array(json, "partitions");
    for (size_t i = 0; i < looking->count; i++)
        show_partition(json, &looking->topic->partitions.items[looking->from + i],
                       looking->facts[i].told);
    json_end(json);
    json_end(json);
    inquiry_respond(inquiry);
}

static void ask_partitions(struct inquiry *inquiry) {
    const struct kp_metadata_response_topic *topic = inquiry_topic(inquiry,
                                                                   inquiry_value(inquiry, "name"));
    struct looking *looking = inquiry_alloc(inquiry, sizeof *looking);
    if (topic == NULL || looking == NULL) return;
    size_t all = topic->partitions.count < 0 ? 0 : (size_t)topic->partitions.count;
    size_t limit = (size_t)inquiry_number(inquiry, "limit", PAGE, 1, PAGE_MAX);
    looking->topic = topic;
    looking->from = (size_t)inquiry_number(inquiry, "from", 0, 0, (int64_t)all);
    looking->count = all - looking->from < limit ? all - looking->from : limit;
    looking->facts = inquiry_alloc(inquiry, (looking->count + 1) * sizeof *looking->facts);
    if (looking->facts == NULL) return;
    for (size_t i = 0; i < looking->count; i++) {
        const struct kp_metadata_response_partition *partition =
            &topic->partitions.items[looking->from + i];
        looking->facts[i] = (struct partition_fact){.topic = topic->name,
                                                    .partition = partition->partition_index,
                                                    .leader = partition->leader_id,
                                                    .offset = -1};
    }
    inquiry->state = looking;
    looking->before = inquiry->asks;
    partition_facts_ask(inquiry, looking->facts, looking->count);
    inquiry_then(inquiry, partitions_told);
}

void console_topic(struct inquiry *inquiry) {
    const char *name = inquiry_value(inquiry, "name");
    if (name == NULL || *name == '\0') {
        inquiry_refuse(inquiry, 400, "name", "Which topic? Write ?name=TOPIC.");
        return;
    }
    inquiry_metadata(inquiry, name, ask_partitions);
}

/* ---- Settings ---- */

static const char *source_name(int8_t source) {
    switch (source) {
    case 1: return "topic";
    case 2: return "broker";
    case 3: return "all brokers";
    case 4: return "settings file";
    case 5: return "default";
    default: return "other";
    }
}

static void show_setting(struct json *json,
                         const struct kp_describe_configs_response_config *config) {
    json_object(json, NULL);
    json_string(json, "name", config->name);
    json_string(json, "value", config->value);
    json_words(json, "source", source_name(config->config_source));
    json_bool(json, "read_only", config->read_only);
    json_string(json, "meaning", config->documentation);
    json_array(json, "synonyms");
    for (int32_t i = 0; i < config->synonyms.count; i++) {
        json_object(json, NULL);
        json_string(json, "name", config->synonyms.items[i].name);
        json_string(json, "value", config->synonyms.items[i].value);
        json_words(json, "source", source_name(config->synonyms.items[i].source));
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

static void config_told(struct inquiry *inquiry) {
    const struct ask *ask = inquiry->asks;
    const struct kp_describe_configs_response *response = ask->response;
    struct json *json = &inquiry->json;
    if (ask->error != ERR_NONE || response->results.count < 1) {
        inquiry_refuse(inquiry, 502, "broker", "The broker does not tell its settings (%s).",
                       error_phrase(ask->error));
        return;
    }
    const struct kp_describe_configs_response_resource *resource = &response->results.items[0];
    if (resource->error_code != 0) {
        inquiry_refuse(inquiry, 404, "resource", "There is none of that name (%s).",
                       kafka_error_name(resource->error_code));
        return;
    }
    json_object(json, NULL);
    json_string(json, "name", resource->resource_name);
    json_array(json, "settings");
    for (int32_t i = 0; i < resource->configs.count; i++)
        show_setting(json, &resource->configs.items[i]);
    json_end(json);
    json_end(json);
    inquiry_respond(inquiry);
}

static void ask_config(struct inquiry *inquiry) {
    const char *topic = inquiry_value(inquiry, "topic");
    int32_t node = (int32_t)inquiry_number(inquiry, "broker", -1, -1, INT32_MAX);
    struct kp_describe_configs_request *request = inquiry_alloc(inquiry, sizeof *request);
    struct kp_describe_configs_request_resource *resource = inquiry_alloc(inquiry,
                                                                          sizeof *resource);
    if (request == NULL || resource == NULL) return;
    kp_set_fallbacks(&kp_describe_configs_request_schema, request);
    kp_set_fallbacks(&kp_describe_configs_request_resource_schema, resource);
    resource->resource_type = topic != NULL ? RESOURCE_TOPIC : RESOURCE_BROKER;
    resource->resource_name = topic != NULL ? kp_string_of(topic)
                                            : kp_arena_printf(&inquiry->arena, "%d", (int)node);
    resource->configuration_keys.count = -1;
    request->resources.items = resource;
    request->resources.count = 1;
    request->include_synonyms = true;
    request->include_documentation = true;
    if (inquiry_ask(inquiry, topic != NULL ? -1 : node, KP_DESCRIBE_CONFIGS, 3, 0, request,
                    sizeof(struct kp_describe_configs_response)) == NULL)
        inquiry_refuse(inquiry, 404, "broker",
                       "Broker %d is not one of the cluster, or is not heard of.", (int)node);
    inquiry_then(inquiry, config_told);
}

void console_config(struct inquiry *inquiry) {
    if (inquiry_value(inquiry, "topic") == NULL && inquiry_value(inquiry, "broker") == NULL) {
        inquiry_refuse(inquiry, 400, "name", "Of what? Write ?topic=TOPIC or ?broker=ID.");
        return;
    }
    inquiry_cluster(inquiry, ask_config);
}
