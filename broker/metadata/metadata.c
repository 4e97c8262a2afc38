/*
 * The state machine of the metadata group: applies commands to the table, whose rows are in
 * metadata_rows.h.
 *
 * Each command has one function that first checks everything that could refuse it, then changes the
 * table: a refused command leaves no trace.
 */
#include "broker/metadata/metadata.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/config/topic_name.h"
#include "broker/metadata/metadata_features.h"
#include "broker/metadata/metadata_replicas.h"
#include "broker/metadata/metadata_roster.h"
#include "broker/metadata/metadata_rows.h"
#include "protocol/kafka_error.h"

/* ---- Brokers ---- */

static void apply_register(struct metadata *metadata, const struct command_register_broker *command,
                           struct metadata_result *result) {
    if (command->node < 0) {
        metadata_refuse(result, KAFKA_INVALID_REQUEST, "there is no broker with the id %" PRId32,
                        command->node);
        return;
    }
    if (!metadata_features_may_register(metadata, command, result)) return;
    if (!metadata_roster_register(metadata, command, result)) return;
    broker_row_set(metadata_rows_broker(metadata, command->node, true), command);
}

static void apply_fence(struct metadata *metadata, const struct command_fence_broker *command,
                        struct metadata_result *result) {
    struct broker_row *row = metadata_rows_broker(metadata, command->node, false);
    if (row == NULL) {
        metadata_refuse(result, KAFKA_BROKER_NOT_AVAILABLE,
                        "broker %" PRId32 " has never registered", command->node);
        return;
    }
    row->broker.fenced = command->fenced;
}

static void apply_replace(struct metadata *metadata, const struct command_replace_broker *command,
                          log_index index, struct metadata_result *result) {
    if (!metadata_roster_check_replace(metadata, command, result)) return;
    if (metadata_roster_is_replaced(metadata, command)) return; /* a repeated command */
    if (!metadata_replicas_may_replace(metadata, command->node, result)) return;
    metadata_roster_replace(metadata, command);
    metadata_replicas_replace(metadata, command->node, (replica_id)command->below, SIZE_MAX, index);
}

/* As REPLACE_BROKER would be refused. */
static void apply_replace_replicas(struct metadata *metadata,
                                   const struct command_replace_replicas *command, log_index index,
                                   struct metadata_result *result) {
    const struct roster_broker *row = metadata_roster_of(metadata, command->node);
    if (row == NULL || memcmp(row->directory, command->former.bytes, METADATA_UUID_SIZE) != 0) {
        metadata_refuse(result, KAFKA_DUPLICATE_RESOURCE,
                        "broker %" PRId32
                        " was removed, or replaced by another data directory, meanwhile",
                        command->node);
        return;
    }
    if (!metadata_replicas_may_replace(metadata, command->node, result)) return;
    result->value = (int64_t)metadata_replicas_replace(
        metadata, command->node, (replica_id)command->below,
        command->most < 0 ? 0 : (size_t)command->most, index);
}

/* ---- Topics ---- */

static bool partitions_make_sense(const struct command_partition *partitions, int32_t count,
                                  struct metadata_result *result) {
    for (int32_t p = 0; p < count; p++) {
        int32_t replicas = partitions[p].nodes.count;
        if (replicas < 1 || replicas > METADATA_REPLICAS_MAX)
            return metadata_refuse(result, KAFKA_INVALID_REPLICATION_FACTOR,
                                   "a partition has %" PRId32 " replicas; 1 to %d are possible",
                                   replicas, METADATA_REPLICAS_MAX);
        for (int32_t i = 0; i < replicas; i++)
            for (int32_t j = 0; j < i; j++)
                if (partitions[p].nodes.items[i] == partitions[p].nodes.items[j])
                    return metadata_refuse(
                        result, KAFKA_INVALID_REPLICA_ASSIGNMENT,
                        "broker %" PRId32
                        " is named twice for one partition; name each broker once",
                        partitions[p].nodes.items[i]);
    }
    return true;
}

static void add_partitions(struct metadata *metadata, struct topic_row *topic,
                           const struct command_partition *partitions, int32_t count,
                           log_index index) {
    int32_t first = topic->topic.partition_count;
    metadata_rows_grow(topic, first + count);
    for (int32_t p = 0; p < count; p++) {
        struct metadata_partition *partition = &topic->partitions[first + p];
        size_t replicas = (size_t)partitions[p].nodes.count;
        struct metadata_replica *into = mem_alloc(replicas * sizeof *into);
        for (size_t r = 0; r < replicas; r++)
            into[r] = (struct metadata_replica){.replica = metadata->next_replica++,
                                                .node = partitions[p].nodes.items[r]};
        *partition = (struct metadata_partition){.topic = &topic->topic,
                                                 .index = first + p,
                                                 .group = metadata->next_group++,
                                                 .created = index,
                                                 .first_replica = into[0].replica,
                                                 .first_count = replicas,
                                                 .replicas = into,
                                                 .replica_count = replicas};
        metadata_rows_add_group(metadata, topic, first + p);
        metadata_tell_partition_added(metadata, partition);
    }
}

static void apply_create_topic(struct metadata *metadata,
                               const struct command_create_topic *command, log_index index,
                               struct metadata_result *result) {
    struct error_text why;
    const struct kp_string name = command->name;
    if (topic_name_check(name.data, (size_t)name.len, &why) != ERR_NONE) {
        metadata_refuse(result, KAFKA_INVALID_TOPIC, "%.150s", why.text);
        return;
    }
    const struct metadata_topic *present = metadata_topic_named(metadata, name.data,
                                                                (size_t)name.len);
    if (present != NULL) {
        /* A repeated command. */
        if (memcmp(present->id, command->id.bytes, METADATA_UUID_SIZE) == 0) return;
        metadata_refuse(result, KAFKA_TOPIC_ALREADY_EXISTS, "Topic '%.249s' already exists.",
                        present->name);
        return;
    }
    if (kp_uuid_is_zero(command->id) ||
        metadata_topic_with_id(metadata, command->id.bytes) != NULL) {
        metadata_refuse(result, KAFKA_INVALID_REQUEST, "the id of the topic is in use");
        return;
    }
    int32_t count = command->partitions.count;
    if (count < 1 || count > METADATA_PARTITIONS_MAX) {
        metadata_refuse(result, KAFKA_INVALID_PARTITIONS,
                        "a topic has 1 to %d partitions, not %" PRId32, METADATA_PARTITIONS_MAX,
                        count);
        return;
    }
    if (!partitions_make_sense(command->partitions.items, count, result)) return;
    struct topic_row *topic = metadata_rows_add_topic(metadata, command, index);
    add_partitions(metadata, topic, command->partitions.items, count, index);
    metadata_tell_topic_added(metadata, &topic->topic);
}

static void apply_delete_topic(struct metadata *metadata,
                               const struct command_delete_topic *command,
                               struct metadata_result *result) {
    struct topic_row *topic = metadata_rows_topic(metadata, command->id.bytes);
    if (topic == NULL) {
        metadata_refuse(result, KAFKA_UNKNOWN_TOPIC_ID, "there is no topic with this id");
        return;
    }
    metadata_tell_removed(metadata, &topic->topic);
    metadata_rows_remove_topic(metadata, topic);
}

static void apply_create_partitions(struct metadata *metadata,
                                    const struct command_create_partitions *command,
                                    log_index index, struct metadata_result *result) {
    struct topic_row *topic = metadata_rows_topic(metadata, command->id.bytes);
    if (topic == NULL) {
        metadata_refuse(result, KAFKA_UNKNOWN_TOPIC_ID, "there is no topic with this id");
        return;
    }
    if (metadata_requests_have(&topic->requests, command->request)) return;
    int32_t present = topic->topic.partition_count, count = command->partitions.count;
    if (command->present != present || count < 1 || count > METADATA_PARTITIONS_MAX - present) {
        metadata_refuse(result, KAFKA_INVALID_PARTITIONS,
                        "topic %.100s has %" PRId32
                        " partitions now; a topic can have %d at most, and never fewer than it has",
                        topic->topic.name, present, METADATA_PARTITIONS_MAX);
        return;
    }
    if (!partitions_make_sense(command->partitions.items, count, result)) return;
    metadata_requests_add(&topic->requests, command->request);
    add_partitions(metadata, topic, command->partitions.items, count, index);
    metadata_tell_topic_grown(metadata, &topic->topic);
}

static void set_topic_configs(struct metadata *metadata, const struct command_set_configs *command,
                              struct metadata_result *result) {
    struct topic_row *topic = metadata_rows_topic(metadata, command->id.bytes);
    if (topic == NULL) {
        metadata_refuse(result, KAFKA_UNKNOWN_TOPIC_ID, "there is no topic with this id");
        return;
    }
    if (metadata_requests_have(&topic->requests, command->request)) return;
    metadata_requests_add(&topic->requests, command->request);
    metadata_configs_change(&topic->topic.configs, command);
    metadata_tell_configs_changed(metadata, &topic->topic);
}

static void apply_set_configs(struct metadata *metadata, const struct command_set_configs *command,
                              log_index index, struct metadata_result *result) {
    if (command->type == CONFIG_RESOURCE_TOPIC) {
        set_topic_configs(metadata, command, result);
        return;
    }
    if (!metadata_resources_take((enum config_resource_type)command->type)) {
        metadata_refuse(result, KAFKA_INVALID_REQUEST, "resources of type %d have no settings",
                        command->type);
        return;
    }
    if (!metadata_resources_fit(&metadata->resources, command, result)) return;
    const struct metadata_resource *changed = metadata_resources_change(&metadata->resources,
                                                                        command, index);
    if (changed == NULL) return;
    metadata_tell_resource_changed(metadata, changed);
    metadata_resources_settle(&metadata->resources, changed);
}

/* ---- Producer ids ---- */

static void apply_allocate(struct metadata *metadata,
                           const struct command_allocate_producer_ids *command,
                           struct metadata_result *result) {
    if (command->count < 1 || metadata->next_producer_id > INT64_MAX - command->count) {
        metadata_refuse(result, KAFKA_INVALID_REQUEST,
                        "a block of %" PRId32 " producer ids cannot be given", command->count);
        return;
    }
    result->value = metadata->next_producer_id;
    metadata->next_producer_id += command->count;
}

int64_t metadata_next_producer_id(const struct metadata *metadata) {
    return metadata->next_producer_id;
}

int metadata_apply(struct metadata *metadata, log_index index, const void *bytes, size_t len,
                   struct metadata_result *result) {
    CHECK(index > metadata->version); /* the group hands over each index once, in order */
    memset(result, 0, sizeof *result);
    struct metadata_command command;
    struct kp_arena arena;
    kp_arena_init(&arena, METADATA_COMMAND_ARENA);
    int error = metadata_command_decode(bytes, len, &arena, &command);
    if (error == ERR_NONE) {
        switch (command.type) {
        case COMMAND_REGISTER_BROKER:
            apply_register(metadata, &command.register_broker, result);
            break;
        case COMMAND_FENCE_BROKER: apply_fence(metadata, &command.fence_broker, result); break;
        case COMMAND_CREATE_TOPIC:
            apply_create_topic(metadata, &command.create_topic, index, result);
            break;
        case COMMAND_DELETE_TOPIC:
            apply_delete_topic(metadata, &command.delete_topic, result);
            break;
        case COMMAND_CREATE_PARTITIONS:
            apply_create_partitions(metadata, &command.create_partitions, index, result);
            break;
        case COMMAND_SET_CONFIGS:
            apply_set_configs(metadata, &command.set_configs, index, result);
            break;
        case COMMAND_SET_REPLICAS:
            metadata_replicas_set(metadata, &command.set_replicas, index, result);
            break;
        case COMMAND_REPLICAS_DONE: metadata_replicas_done(metadata, &command.replicas_done); break;
        case COMMAND_ADMIT_BROKER:
            metadata_roster_admit(metadata, &command.admit_broker, result);
            break;
        case COMMAND_DRAIN_BROKER:
            metadata_roster_drain(metadata, &command.drain_broker, result);
            break;
        case COMMAND_RETIRE_BROKER:
            metadata_roster_retire(metadata, &command.retire_broker, result);
            break;
        case COMMAND_REPLACE_BROKER:
            apply_replace(metadata, &command.replace_broker, index, result);
            break;
        case COMMAND_SET_VOTERS:
            metadata_roster_set_voters(metadata, &command.set_voters, result);
            break;
        case COMMAND_SET_FEATURES:
            metadata_features_set(metadata, &command.set_features, index, result);
            break;
        case COMMAND_REPLACE_REPLICAS:
            apply_replace_replicas(metadata, &command.replace_replicas, index, result);
            break;
        case COMMAND_RECOVER_PARTITION:
            metadata_replicas_recover(metadata, &command.recover_partition, index, result);
            break;
        case COMMAND_ALLOCATE_PRODUCER_IDS:
            apply_allocate(metadata, &command.allocate_producer_ids, result);
            break;
        }
        metadata->version = index;
    }
    kp_arena_close(&arena);
    return error;
}
