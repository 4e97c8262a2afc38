/*
 * The tables of the metadata group's commands, and the two bytes in front of each: encoding,
 * decoding; and how one is refused.
 */
#include "broker/metadata/metadata_commands.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "broker/config/config_resource.h"
#include "broker/metadata/metadata.h"

static const struct kp_field endpoint_fields[] = {
    {"listener", KP_STRING, .versions = KP_SINCE(0), KP_AT(command_endpoint, listener)},
    {"host", KP_STRING, .versions = KP_SINCE(0), KP_AT(command_endpoint, host)},
    {"port", KP_INT32, .versions = KP_SINCE(0), KP_AT(command_endpoint, port)},
};
const struct kp_schema command_endpoint_schema = {
    KP_SCHEMA("endpoint", command_endpoint, endpoint_fields)};

static const struct kp_field feature_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(command_feature, name)},
    {"min", KP_INT16, .versions = KP_SINCE(0), KP_AT(command_feature, min)},
    {"max", KP_INT16, .versions = KP_SINCE(0), KP_AT(command_feature, max)},
};
const struct kp_schema command_feature_schema = {
    KP_SCHEMA("feature", command_feature, feature_fields)};

static const struct kp_field register_fields[] = {
    {"node", KP_INT32, .versions = KP_SINCE(0), KP_AT(command_register_broker, node)},
    {"directory", KP_UUID, .versions = KP_SINCE(0), KP_AT(command_register_broker, directory)},
    {"rack", KP_STRING, .versions = KP_SINCE(0), KP_AT(command_register_broker, rack)},
    {"endpoints", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &command_endpoint_schema, KP_AT(command_register_broker, endpoints)},
    /* Logs from before brokers could come later do not have them. */
    {"peerHost", KP_STRING, .versions = KP_SINCE(0), .tagged = KP_SINCE(0), .tag = 0,
     KP_AT(command_register_broker, peer_host)},
    {"peerPort", KP_INT32, .versions = KP_SINCE(0), .tagged = KP_SINCE(0), .tag = 1,
     KP_AT(command_register_broker, peer_port)},
    /* From before there were features. */
    {"features", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0), .tagged = KP_SINCE(0),
     .tag = 2, .item = &command_feature_schema, KP_AT(command_register_broker, features)},
};

static const struct kp_field fence_fields[] = {
    {"node", KP_INT32, .versions = KP_SINCE(0), KP_AT(command_fence_broker, node)},
    {"fenced", KP_BOOL, .versions = KP_SINCE(0), KP_AT(command_fence_broker, fenced)},
    /* Logs from before that was told do not have it, and who does not know it passes over it. */
    {"atMs", KP_INT64, .versions = KP_SINCE(0), .tagged = KP_SINCE(0), .tag = 0,
     KP_AT(command_fence_broker, at_ms)},
};

static const struct kp_field config_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(command_config, name)},
    {"value", KP_STRING, .versions = KP_SINCE(0), KP_AT(command_config, value)},
};
const struct kp_schema command_config_schema = {KP_SCHEMA("config", command_config, config_fields)};

static const struct kp_field partition_fields[] = {
    {"nodes", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(command_partition, nodes)},
};
const struct kp_schema command_partition_schema = {
    KP_SCHEMA("partition", command_partition, partition_fields)};

static const struct kp_field create_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(command_create_topic, name)},
    {"id", KP_UUID, .versions = KP_SINCE(0), KP_AT(command_create_topic, id)},
    {"configs", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &command_config_schema, KP_AT(command_create_topic, configs)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &command_partition_schema, KP_AT(command_create_topic, partitions)},
};

static const struct kp_field delete_topic_fields[] = {
    {"id", KP_UUID, .versions = KP_SINCE(0), KP_AT(command_delete_topic, id)},
};

static const struct kp_field create_partitions_fields[] = {
    {"id", KP_UUID, .versions = KP_SINCE(0), KP_AT(command_create_partitions, id)},
    {"request", KP_UUID, .versions = KP_SINCE(0), KP_AT(command_create_partitions, request)},
    {"present", KP_INT32, .versions = KP_SINCE(0), KP_AT(command_create_partitions, present)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &command_partition_schema, KP_AT(command_create_partitions, partitions)},
};

static const struct kp_field allocate_fields[] = {
    {"count", KP_INT32, .versions = KP_SINCE(0), KP_AT(command_allocate_producer_ids, count)},
};

static const struct kp_field config_change_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(command_config_change, name)},
    {"value", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(command_config_change, value)},
};
const struct kp_schema command_config_change_schema = {
    KP_SCHEMA("configChange", command_config_change, config_change_fields)};

static const struct kp_field set_configs_fields[] = {
    {"id", KP_UUID, .versions = KP_SINCE(0), KP_AT(command_set_configs, id)},
    {"request", KP_UUID, .versions = KP_SINCE(0), KP_AT(command_set_configs, request)},
    {"replace", KP_BOOL, .versions = KP_SINCE(0), KP_AT(command_set_configs, replace)},
    {"configs", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &command_config_change_schema, KP_AT(command_set_configs, configs)},
    /* Logs from before there were others have topics only. */
    {"type", KP_INT8, .versions = KP_SINCE(0), .tagged = KP_SINCE(0), .tag = 0,
     .fallback = CONFIG_RESOURCE_TOPIC, KP_AT(command_set_configs, type)},
    {"name", KP_STRING, .versions = KP_SINCE(0), .tagged = KP_SINCE(0), .tag = 1,
     KP_AT(command_set_configs, name)},
};

static const struct kp_field set_replicas_fields[] = {
    {"id", KP_UUID, .versions = KP_SINCE(0), KP_AT(command_set_replicas, id)},
    {"partition", KP_INT32, .versions = KP_SINCE(0), KP_AT(command_set_replicas, partition)},
    {"request", KP_UUID, .versions = KP_SINCE(0), KP_AT(command_set_replicas, request)},
    {"cancel", KP_BOOL, .versions = KP_SINCE(0), KP_AT(command_set_replicas, cancel)},
    {"sameCount", KP_BOOL, .versions = KP_SINCE(0), KP_AT(command_set_replicas, same_count)},
    {"nodes", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(command_set_replicas, nodes)},
};

static const struct kp_field replicas_done_fields[] = {
    {"group", KP_INT64, .versions = KP_SINCE(0), KP_AT(command_replicas_done, group)},
    {"plan", KP_INT64, .versions = KP_SINCE(0), KP_AT(command_replicas_done, plan)},
    {"change", KP_INT64, .versions = KP_SINCE(0), KP_AT(command_replicas_done, change)},
};

static const struct kp_field admit_broker_fields[] = {
    {"node", KP_INT32, .versions = KP_SINCE(0), KP_AT(command_admit_broker, node)},
    {"directory", KP_UUID, .versions = KP_SINCE(0), KP_AT(command_admit_broker, directory)},
    {"host", KP_STRING, .versions = KP_SINCE(0), KP_AT(command_admit_broker, host)},
    {"port", KP_INT32, .versions = KP_SINCE(0), KP_AT(command_admit_broker, port)},
};

static const struct kp_field drain_broker_fields[] = {
    {"node", KP_INT32, .versions = KP_SINCE(0), KP_AT(command_drain_broker, node)},
    {"draining", KP_BOOL, .versions = KP_SINCE(0), KP_AT(command_drain_broker, draining)},
};

static const struct kp_field retire_broker_fields[] = {
    {"node", KP_INT32, .versions = KP_SINCE(0), KP_AT(command_retire_broker, node)},
};

static const struct kp_field replace_broker_fields[] = {
    {"node", KP_INT32, .versions = KP_SINCE(0), KP_AT(command_replace_broker, node)},
    {"former", KP_UUID, .versions = KP_SINCE(0), KP_AT(command_replace_broker, former)},
    {"directory", KP_UUID, .versions = KP_SINCE(0), KP_AT(command_replace_broker, directory)},
    {"host", KP_STRING, .versions = KP_SINCE(0), KP_AT(command_replace_broker, host)},
    {"port", KP_INT32, .versions = KP_SINCE(0), KP_AT(command_replace_broker, port)},
    {"acceptLoss", KP_BOOL, .versions = KP_SINCE(0), KP_AT(command_replace_broker, accept_loss)},
    /* Logs from before replicas were replaced piece by piece: all of them. */
    {"below", KP_INT64, .versions = KP_SINCE(0), .tagged = KP_SINCE(0), .tag = 0,
     .fallback = INT64_MAX, KP_AT(command_replace_broker, below)},
};

static const struct kp_field replace_replicas_fields[] = {
    {"node", KP_INT32, .versions = KP_SINCE(0), KP_AT(command_replace_replicas, node)},
    {"former", KP_UUID, .versions = KP_SINCE(0), KP_AT(command_replace_replicas, former)},
    {"acceptLoss", KP_BOOL, .versions = KP_SINCE(0), KP_AT(command_replace_replicas, accept_loss)},
    {"below", KP_INT64, .versions = KP_SINCE(0), KP_AT(command_replace_replicas, below)},
    {"most", KP_INT32, .versions = KP_SINCE(0), KP_AT(command_replace_replicas, most)},
};

static const struct kp_field recover_partition_fields[] = {
    {"group", KP_INT64, .versions = KP_SINCE(0), KP_AT(command_recover_partition, group)},
    {"replica", KP_INT64, .versions = KP_SINCE(0), KP_AT(command_recover_partition, replica)},
    {"term", KP_INT64, .versions = KP_SINCE(0), KP_AT(command_recover_partition, term)},
    {"index", KP_INT64, .versions = KP_SINCE(0), KP_AT(command_recover_partition, index)},
    {"lost", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0), .tagged = KP_SINCE(0),
     .tag = 0, KP_AT(command_recover_partition, lost)},
    {"unread", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0), .tagged = KP_SINCE(0),
     .tag = 1, KP_AT(command_recover_partition, unread)},
};

static const struct kp_field set_voters_fields[] = {
    {"nodes", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(command_set_voters, nodes)},
    {"former", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(command_set_voters, former)},
};

static const struct kp_field feature_level_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(command_feature_level, name)},
    {"level", KP_INT16, .versions = KP_SINCE(0), KP_AT(command_feature_level, level)},
    {"change", KP_INT8, .versions = KP_SINCE(0), KP_AT(command_feature_level, change)},
};
const struct kp_schema command_feature_level_schema = {
    KP_SCHEMA("featureLevel", command_feature_level, feature_level_fields)};

static const struct kp_field set_features_fields[] = {
    {"levels", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &command_feature_level_schema, KP_AT(command_set_features, levels)},
};

static const struct kp_field user_key_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(command_user_key, name)},
    {"mechanism", KP_INT8, .versions = KP_SINCE(0), KP_AT(command_user_key, mechanism)},
    {"iterations", KP_INT32, .versions = KP_SINCE(0), KP_AT(command_user_key, iterations)},
    {"salt", KP_BYTES, .versions = KP_SINCE(0), KP_AT(command_user_key, salt)},
    {"storedKey", KP_BYTES, .versions = KP_SINCE(0), KP_AT(command_user_key, stored_key)},
    {"serverKey", KP_BYTES, .versions = KP_SINCE(0), KP_AT(command_user_key, server_key)},
};
const struct kp_schema command_user_key_schema = {
    KP_SCHEMA("userKey", command_user_key, user_key_fields)};

static const struct kp_field set_users_fields[] = {
    {"first", KP_BOOL, .versions = KP_SINCE(0), KP_AT(command_set_users, first)},
    {"secret", KP_BYTES, .versions = KP_SINCE(0), KP_AT(command_set_users, secret)},
    {"keys", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &command_user_key_schema, KP_AT(command_set_users, keys)},
};

static const struct kp_field acl_fields[] = {
    {"resource", KP_INT8, .versions = KP_SINCE(0), KP_AT(command_acl, resource)},
    {"pattern", KP_INT8, .versions = KP_SINCE(0), KP_AT(command_acl, pattern)},
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(command_acl, name)},
    {"principal", KP_STRING, .versions = KP_SINCE(0), KP_AT(command_acl, principal)},
    {"host", KP_STRING, .versions = KP_SINCE(0), KP_AT(command_acl, host)},
    {"operation", KP_INT8, .versions = KP_SINCE(0), KP_AT(command_acl, operation)},
    {"permission", KP_INT8, .versions = KP_SINCE(0), KP_AT(command_acl, permission)},
};
const struct kp_schema command_acl_schema = {KP_SCHEMA("acl", command_acl, acl_fields)};

static const struct kp_field set_acls_fields[] = {
    {"removed", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &command_acl_schema, KP_AT(command_set_acls, removed)},
    {"added", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0), .item = &command_acl_schema,
     KP_AT(command_set_acls, added)},
};

static const struct kp_field quota_fields[] = {
    {"types", KP_INT8, .versions = KP_SINCE(0), KP_AT(command_quota, types)},
    {"user", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(command_quota, user)},
    {"client", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(command_quota, client)},
    {"ip", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0), KP_AT(command_quota, ip)},
    {"key", KP_INT8, .versions = KP_SINCE(0), KP_AT(command_quota, key)},
    {"value", KP_FLOAT64, .versions = KP_SINCE(0), KP_AT(command_quota, value)},
};
const struct kp_schema command_quota_schema = {KP_SCHEMA("quota", command_quota, quota_fields)};

static const struct kp_field set_quotas_fields[] = {
    {"quotas", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &command_quota_schema, KP_AT(command_set_quotas, quotas)},
};

/* By type. */
static const struct kp_schema schemas[] = {
    [COMMAND_REGISTER_BROKER] = {KP_SCHEMA("registerBroker", command_register_broker,
                                           register_fields)},
    [COMMAND_FENCE_BROKER] = {KP_SCHEMA("fenceBroker", command_fence_broker, fence_fields)},
    [COMMAND_CREATE_TOPIC] = {KP_SCHEMA("createTopic", command_create_topic, create_topic_fields)},
    [COMMAND_DELETE_TOPIC] = {KP_SCHEMA("deleteTopic", command_delete_topic, delete_topic_fields)},
    [COMMAND_CREATE_PARTITIONS] = {KP_SCHEMA("createPartitions", command_create_partitions,
                                             create_partitions_fields)},
    [COMMAND_ALLOCATE_PRODUCER_IDS] = {KP_SCHEMA("allocateProducerIds",
                                                 command_allocate_producer_ids, allocate_fields)},
    [COMMAND_SET_CONFIGS] = {KP_SCHEMA("setConfigs", command_set_configs, set_configs_fields)},
    [COMMAND_SET_REPLICAS] = {KP_SCHEMA("setReplicas", command_set_replicas, set_replicas_fields)},
    [COMMAND_REPLICAS_DONE] = {KP_SCHEMA("replicasDone", command_replicas_done,
                                         replicas_done_fields)},
    [COMMAND_ADMIT_BROKER] = {KP_SCHEMA("admitBroker", command_admit_broker, admit_broker_fields)},
    [COMMAND_DRAIN_BROKER] = {KP_SCHEMA("drainBroker", command_drain_broker, drain_broker_fields)},
    [COMMAND_RETIRE_BROKER] = {KP_SCHEMA("retireBroker", command_retire_broker,
                                         retire_broker_fields)},
    [COMMAND_REPLACE_BROKER] = {KP_SCHEMA("replaceBroker", command_replace_broker,
                                          replace_broker_fields)},
    [COMMAND_SET_VOTERS] = {KP_SCHEMA("setVoters", command_set_voters, set_voters_fields)},
    [COMMAND_SET_FEATURES] = {KP_SCHEMA("setFeatures", command_set_features, set_features_fields)},
    [COMMAND_REPLACE_REPLICAS] = {KP_SCHEMA("replaceReplicas", command_replace_replicas,
                                            replace_replicas_fields)},
    [COMMAND_RECOVER_PARTITION] = {KP_SCHEMA("recoverPartition", command_recover_partition,
                                             recover_partition_fields)},
    [COMMAND_SET_USERS] = {KP_SCHEMA("setUsers", command_set_users, set_users_fields)},
    [COMMAND_SET_ACLS] = {KP_SCHEMA("setAcls", command_set_acls, set_acls_fields)},
    [COMMAND_SET_QUOTAS] = {KP_SCHEMA("setQuotas", command_set_quotas, set_quotas_fields)},
};
#define TYPES (sizeof schemas / sizeof schemas[0])

/* All members of the union begin where it begins. */
static void *body_of(struct metadata_command *command) {
    return &command->register_broker;
}

void metadata_command_init(struct metadata_command *command, enum metadata_command_type type) {
    CHECK(type > 0 && type < TYPES); /* metadata_command_decode has looked at what was read */
    memset(command, 0, sizeof *command);
    command->type = type;
    kp_set_fallbacks(&schemas[type], body_of(command));
}

int metadata_command_decode(const void *data, size_t len, struct kp_arena *arena,
                            struct metadata_command *command) {
    const uint8_t *bytes = data;
    if (len < 2) return ERR_MALFORMED;
    if (bytes[0] != METADATA_COMMAND_FORMAT || bytes[1] == 0 || bytes[1] >= TYPES)
        return ERR_VERSION;
    metadata_command_init(command, bytes[1]);
    struct kp_reader reader;
    kp_reader_init(&reader, bytes + 2, len - 2);
    return kp_decode(&schemas[command->type], 0, &reader, arena, body_of(command));
}

int metadata_command_encode(const struct metadata_command *command, struct slice *bytes) {
    /* Made by metadata_command_init or decoded. */
    CHECK(command->type > 0 && command->type < TYPES);
    struct kp_writer writer;
    kp_writer_init(&writer, METADATA_COMMAND_MAX);
    kp_write_int8(&writer, METADATA_COMMAND_FORMAT);
    kp_write_int8(&writer, (int8_t)command->type);
    kp_encode(&schemas[command->type], 0, &command->register_broker, &writer);
    uint8_t *data;
    size_t len;
    int error = kp_writer_take(&writer, &data, &len);
    if (error != ERR_NONE) return error;
    *bytes = slice_adopt(NULL, data, len);
    return ERR_NONE;
}

bool metadata_refuse(struct metadata_result *result, int16_t error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    result->error = error;
    vsnprintf(result->message, sizeof result->message, format, args);
    va_end(args);
    return false;
}
