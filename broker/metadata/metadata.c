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

void metadata_turn_away(struct metadata *metadata, int32_t node) {
    struct broker_row *row = metadata_rows_broker(metadata, node, false);
    if (row != NULL) row->broker.turned_away = true;
}

static void apply_register(struct metadata *metadata, const struct command_register_broker *command,
                           struct metadata_result *result) {
    if (command->node < 0) {
        metadata_refuse(result, KAFKA_INVALID_REQUEST, "there is no broker with the id %" PRId32,
                        command->node);
        return;
    }
    if (!metadata_features_may_register(metadata, command, result)) {
        metadata_turn_away(metadata, command->node);
        return;
    }
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
    if (!command->fenced || !row->broker.fenced)
        row->broker.fenced_ms = command->fenced ? command->at_ms : 0;
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
    metadata_tell_topic_removed(metadata, &topic->topic);
    for (int32_t p = 0; p < topic->topic.partition_count; p++)
        metadata_tell_partition_removed(metadata, &topic->partitions[p]);
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

/* ---- Users ---- */

static bool take_bytes(struct kp_bytes bytes, uint8_t *into, size_t size) {
    if (bytes.len < 0 || (size_t)bytes.len != size) return false;
    memcpy(into, bytes.data, size);
    return true;
}

bool metadata_user_key_read(const struct command_user_key *from, struct user_key *key) {
    bool known = from->mechanism > SCRAM_NONE && from->mechanism < SCRAM_MECHANISMS;
    *key = (struct user_key){.iterations = from->iterations};
    if (!known || from->salt.len < 0 || from->salt.len > SCRAM_SALT_MAX ||
        user_name_fault(from->name.data, from->name.len < 0 ? 0 : (size_t)from->name.len) != NULL)
        return false;
    key->mechanism = (enum scram_mechanism)from->mechanism;
    key->salt_len = (size_t)from->salt.len;
    memcpy(key->salt, from->salt.data, key->salt_len);
    if (user_key_fault(key) != NULL) return false;
    size_t size = scram_hash_size(key->mechanism);
    return take_bytes(from->stored_key, key->keys.stored, size) &&
           take_bytes(from->server_key, key->keys.server, size);
}

static void apply_user_key(struct metadata *metadata, const struct command_user_key *command,
                           log_index index) {
    struct user_key key;
    if (command->iterations == 0) {
        user_table_remove(&metadata->users, command->name.data, (size_t)command->name.len,
                          (enum scram_mechanism)command->mechanism, index);
    } else if (metadata_user_key_read(command, &key)) {
        key.changed = index;
        key.name = mem_text(command->name.data, (size_t)command->name.len);
        user_table_set(&metadata->users, &key);
        mem_free(key.name);
    }
    scram_wipe(&key, sizeof key);
}

bool metadata_users_fit(const struct metadata *metadata, const struct command_set_users *command,
                        struct metadata_result *result) {
    return metadata->users.count + (size_t)command->keys.count <= USER_KEYS_MAX ||
           metadata_refuse(result, KAFKA_POLICY_VIOLATION,
                           "%zu keys of users are there, and %d are the most; delete users first",
                           metadata->users.count, USER_KEYS_MAX);
}

static void apply_set_users(struct metadata *metadata, const struct command_set_users *command,
                            log_index index, struct metadata_result *result) {
    struct user_table *users = &metadata->users;
    if (!metadata_users_fit(metadata, command, result)) return;
    if (!users->has_secret)
        users->has_secret = take_bytes(command->secret, users->secret, sizeof users->secret);
    bool keys = !command->first || users->count == 0;
    for (int32_t i = 0; keys && i < command->keys.count; i++)
        apply_user_key(metadata, &command->keys.items[i], index);
    result->value = (int64_t)users->count;
}

/* ---- Who may do what: a rule that is not sound comes from no broker of ours, and is left out by
 * all alike ---- */

bool metadata_rule_read(const struct command_acl *from, struct acl_rule *rule) {
    *rule = (struct acl_rule){.resource = from->resource,
                              .pattern = from->pattern,
                              .operation = from->operation,
                              .permission = from->permission,
                              .name = from->name,
                              .principal = from->principal,
                              .host = from->host};
    return acl_rule_fault(rule) == NULL;
}

bool metadata_rules_fit(const struct metadata *metadata, const struct command_set_acls *command,
                        struct metadata_result *result) {
    if (command->added.count <= 0) return true;
    size_t count = metadata->rules.count + (size_t)command->added.count;
    return count <= ACL_RULES_MAX ||
           metadata_refuse(result, KAFKA_POLICY_VIOLATION,
                           "%zu rules are there, and %d are the most; remove some first, or use "
                           "prefixes (drave acl add User:NAME read topic orders-*)",
                           metadata->rules.count, ACL_RULES_MAX);
}

static void apply_set_acls(struct metadata *metadata, const struct command_set_acls *command,
                           log_index index, struct metadata_result *result) {
    struct acl_table *rules = &metadata->rules;
    struct acl_rule rule;
    if (!metadata_rules_fit(metadata, command, result)) return;
    for (int32_t i = 0; i < command->removed.count; i++)
        if (metadata_rule_read(&command->removed.items[i], &rule)) acl_table_remove(rules, &rule);
    for (int32_t i = 0; i < command->added.count; i++)
        if (metadata_rule_read(&command->added.items[i], &rule)) acl_table_add(rules, &rule);
    rules->changed = index;
    result->value = (int64_t)rules->count;
}

/* ---- How much whom: likewise ---- */

struct command_quota metadata_quota_command(const struct quota_entity *entity, enum quota_key key,
                                            double value) {
    return (struct command_quota){.types = (int8_t)entity->types,
                                  .user = entity->names[QUOTA_USER],
                                  .client = entity->names[QUOTA_CLIENT],
                                  .ip = entity->names[QUOTA_IP],
                                  .key = (int8_t)key,
                                  .value = value};
}

bool metadata_quota_read(const struct command_quota *from, struct quota_entity *entity,
                         enum quota_key *key) {
    *key = (enum quota_key)from->key;
    *entity = (struct quota_entity){
        .types = (uint8_t)from->types,
        .names = {[QUOTA_USER] = from->user, [QUOTA_CLIENT] = from->client, [QUOTA_IP] = from->ip}};
    if (quota_entity_fault(entity) != NULL || quota_key_name(from->key) == NULL) return false;
    return from->value == 0 || quota_value_fault(entity, *key, from->value) == NULL;
}

static bool is_new(const struct metadata *metadata, const struct command_quota *from) {
    struct quota_entity entity;
    enum quota_key key;
    return metadata_quota_read(from, &entity, &key) && from->value > 0 &&
           quota_table_find(&metadata->quotas, &entity) == NULL;
}

/* Several quotas of one new entity count as several: that is only near the limit. */
static bool quotas_fit(const struct metadata *metadata, const struct command_set_quotas *command,
                       struct metadata_result *result) {
    size_t count = metadata->quotas.count, more = 0;
    for (int32_t i = 0; i < command->quotas.count; i++)
        more += is_new(metadata, &command->quotas.items[i]);
    return more == 0 || count + more <= QUOTA_ENTITIES_MAX ||
           metadata_refuse(
               result, KAFKA_POLICY_VIOLATION,
               "%zu users, clients and addresses have quotas, and %d are the most; take "
               "some away first, or set the default",
               count, QUOTA_ENTITIES_MAX);
}

bool metadata_quotas_check(const struct metadata *metadata,
                           const struct command_set_quotas *command,
                           struct metadata_result *result) {
    if (metadata_feature_level(metadata, FEATURE_QUOTA_VERSION) < 1)
        return metadata_refuse(result, KAFKA_UNSUPPORTED_VERSION,
                               "there are no quotas while " FEATURE_QUOTA_VERSION
                               " is at level 0: give all brokers this version first");
    return quotas_fit(metadata, command, result);
}

static void apply_set_quotas(struct metadata *metadata, const struct command_set_quotas *command,
                             log_index index, struct metadata_result *result) {
    struct quota_table *quotas = &metadata->quotas;
    struct quota_entity entity;
    enum quota_key key;
    if (!quotas_fit(metadata, command, result)) return;
    for (int32_t i = 0; i < command->quotas.count; i++)
        if (metadata_quota_read(&command->quotas.items[i], &entity, &key))
            quota_table_set(quotas, &entity, key, command->quotas.items[i].value);
    quotas->changed = quotas->count > 0 ? index : 0; /* as if there never was one */
    result->value = (int64_t)quotas->count;
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
            if (command.recover_partition.group == METADATA_GROUP)
                metadata_roster_give_up(metadata, &command.recover_partition);
            else
                metadata_replicas_recover(metadata, &command.recover_partition, index, result);
            break;
        case COMMAND_SET_USERS: apply_set_users(metadata, &command.set_users, index, result); break;
        case COMMAND_SET_ACLS: apply_set_acls(metadata, &command.set_acls, index, result); break;
        case COMMAND_SET_QUOTAS:
            apply_set_quotas(metadata, &command.set_quotas, index, result);
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
