/* The tables of an image's parts. */
#include "broker/metadata/image/image_parts.h"

#define EACH .versions = KP_SINCE(0)

static const struct kp_field head_fields[] = {
    {"format", KP_INT8, EACH, KP_AT(image_head, format)},
    {"version", KP_INT64, EACH, KP_AT(image_head, version)},
    {"nextGroup", KP_INT64, EACH, KP_AT(image_head, next_group)},
    {"nextReplica", KP_INT64, EACH, KP_AT(image_head, next_replica)},
    {"nextProducerId", KP_INT64, EACH, KP_AT(image_head, next_producer_id)},
};

static const struct kp_field broker_fields[] = {
    {"node", KP_INT32, EACH, KP_AT(image_broker, node)},
    {"directory", KP_UUID, EACH, KP_AT(image_broker, directory)},
    {"rack", KP_STRING, EACH, KP_AT(image_broker, rack)},
    {"fenced", KP_BOOL, EACH, KP_AT(image_broker, fenced)},
    {"endpoints", KP_ARRAY, .element = KP_STRUCT, EACH, .item = &command_endpoint_schema,
     KP_AT(image_broker, endpoints)},
    {"features", KP_ARRAY, .element = KP_STRUCT, EACH, .tagged = KP_SINCE(0), .tag = 0,
     .item = &command_feature_schema, KP_AT(image_broker, features)},
    {"fencedMs", KP_INT64, EACH, .tagged = KP_SINCE(0), .tag = 1, KP_AT(image_broker, fenced_ms)},
};

static const struct kp_field member_fields[] = {
    {"node", KP_INT32, EACH, KP_AT(image_member, node)},
    {"replica", KP_INT64, EACH, KP_AT(image_member, replica)},
    {"directory", KP_UUID, EACH, KP_AT(image_member, directory)},
    {"host", KP_STRING, EACH, KP_AT(image_member, host)},
    {"port", KP_INT32, EACH, KP_AT(image_member, port)},
    {"draining", KP_BOOL, EACH, KP_AT(image_member, draining)},
    {"votes", KP_BOOL, EACH, KP_AT(image_member, votes)},
    {"givenUp", KP_BOOL, EACH, .tagged = KP_SINCE(0), .tag = 0, KP_AT(image_member, given_up)},
};
const struct kp_schema image_member_schema = {KP_SCHEMA("member", image_member, member_fields)};

static const struct kp_field roster_fields[] = {
    {"members", KP_ARRAY, .element = KP_STRUCT, EACH, .item = &image_member_schema,
     KP_AT(image_roster, members)},
};

static const struct kp_field gone_fields[] = {
    {"node", KP_INT32, EACH, KP_AT(image_gone, node)},
    {"directory", KP_UUID, EACH, KP_AT(image_gone, directory)},
};
const struct kp_schema image_gone_schema = {KP_SCHEMA("gone", image_gone, gone_fields)};

static const struct kp_field retired_fields[] = {
    {"gone", KP_ARRAY, .element = KP_STRUCT, EACH, .item = &image_gone_schema,
     KP_AT(image_retired, gone)},
};

static const struct kp_field replica_fields[] = {
    {"replica", KP_INT64, EACH, KP_AT(image_replica, replica)},
    {"node", KP_INT32, EACH, KP_AT(image_replica, node)},
    {"joining", KP_BOOL, EACH, KP_AT(image_replica, joining)},
    {"fresh", KP_BOOL, EACH, .tagged = KP_SINCE(0), .tag = 0, KP_AT(image_replica, fresh)},
};
const struct kp_schema image_replica_schema = {KP_SCHEMA("replica", image_replica, replica_fields)};

static const struct kp_field partition_fields[] = {
    {"group", KP_INT64, EACH, KP_AT(image_partition, group)},
    {"created", KP_INT64, EACH, KP_AT(image_partition, created)},
    {"plan", KP_INT64, EACH, KP_AT(image_partition, plan)},
    {"firstReplica", KP_INT64, EACH, KP_AT(image_partition, first_replica)},
    {"firstCount", KP_INT32, EACH, KP_AT(image_partition, first_count)},
    {"leavingCount", KP_INT32, EACH, KP_AT(image_partition, leaving_count)},
    {"replicas", KP_ARRAY, .element = KP_STRUCT, EACH, .item = &image_replica_schema,
     KP_AT(image_partition, replicas)},
    {"recoveryReplica", KP_INT64, EACH, .tagged = KP_SINCE(0), .tag = 0,
     KP_AT(image_partition, recovery_replica)},
    {"recoveryTerm", KP_INT64, EACH, .tagged = KP_SINCE(0), .tag = 1,
     KP_AT(image_partition, recovery_term)},
    {"recoveryIndex", KP_INT64, EACH, .tagged = KP_SINCE(0), .tag = 2,
     KP_AT(image_partition, recovery_index)},
    {"configured", KP_INT64, EACH, .tagged = KP_SINCE(0), .tag = 3,
     KP_AT(image_partition, configured)},
};
const struct kp_schema image_partition_schema = {
    KP_SCHEMA("partition", image_partition, partition_fields)};

static const struct kp_field topic_fields[] = {
    {"name", KP_STRING, EACH, KP_AT(image_topic, name)},
    {"id", KP_UUID, EACH, KP_AT(image_topic, id)},
    {"created", KP_INT64, EACH, KP_AT(image_topic, created)},
    {"requestCount", KP_INT64, EACH, KP_AT(image_topic, request_count)},
    {"requests", KP_ARRAY, .element = KP_UUID, EACH, KP_AT(image_topic, requests)},
    {"configs", KP_ARRAY, .element = KP_STRUCT, EACH, .item = &command_config_schema,
     KP_AT(image_topic, configs)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, EACH, .item = &image_partition_schema,
     KP_AT(image_topic, partitions)},
};

static const struct kp_field resource_fields[] = {
    {"type", KP_INT8, EACH, KP_AT(image_resource, type)},
    {"name", KP_STRING, EACH, KP_AT(image_resource, name)},
    {"created", KP_INT64, EACH, KP_AT(image_resource, created)},
    {"configs", KP_ARRAY, .element = KP_STRUCT, EACH, .item = &command_config_schema,
     KP_AT(image_resource, configs)},
};

static const struct kp_field ring_fields[] = {
    {"count", KP_INT64, EACH, KP_AT(image_ring, count)},
    {"requests", KP_ARRAY, .element = KP_UUID, EACH, KP_AT(image_ring, requests)},
};
const struct kp_schema image_ring_schema = {KP_SCHEMA("ring", image_ring, ring_fields)};

static const struct kp_field requests_fields[] = {
    {"rings", KP_ARRAY, .element = KP_STRUCT, EACH, .item = &image_ring_schema,
     KP_AT(image_requests, rings)},
};

static const struct kp_field plans_fields[] = {
    {"groups", KP_ARRAY, .element = KP_INT64, EACH, KP_AT(image_plans, groups)},
};

static const struct kp_field level_fields[] = {
    {"name", KP_STRING, EACH, KP_AT(image_level, name)},
    {"level", KP_INT16, EACH, KP_AT(image_level, level)},
    {"highest", KP_INT16, EACH, .tagged = KP_SINCE(0), .tag = 0, KP_AT(image_level, highest)},
};
const struct kp_schema image_level_schema = {KP_SCHEMA("level", image_level, level_fields)};

static const struct kp_field features_fields[] = {
    {"set", KP_INT64, EACH, KP_AT(image_features, set)},
    {"levels", KP_ARRAY, .element = KP_STRUCT, EACH, .item = &image_level_schema,
     KP_AT(image_features, levels)},
};

static const struct kp_field user_key_fields[] = {
    {"name", KP_STRING, EACH, KP_AT(image_user_key, name)},
    {"mechanism", KP_INT8, EACH, KP_AT(image_user_key, mechanism)},
    {"iterations", KP_INT32, EACH, KP_AT(image_user_key, iterations)},
    {"salt", KP_BYTES, EACH, KP_AT(image_user_key, salt)},
    {"storedKey", KP_BYTES, EACH, KP_AT(image_user_key, stored_key)},
    {"serverKey", KP_BYTES, EACH, KP_AT(image_user_key, server_key)},
    {"changed", KP_INT64, EACH, KP_AT(image_user_key, changed)},
};
const struct kp_schema image_user_key_schema = {
    KP_SCHEMA("userKey", image_user_key, user_key_fields)};

static const struct kp_field users_fields[] = {
    {"secret", KP_BYTES, EACH, KP_AT(image_users, secret)},
    {"changed", KP_INT64, EACH, KP_AT(image_users, changed)},
    {"keys", KP_ARRAY, .element = KP_STRUCT, EACH, .item = &image_user_key_schema,
     KP_AT(image_users, keys)},
};

static const struct kp_field acls_fields[] = {
    {"changed", KP_INT64, EACH, KP_AT(image_acls, changed)},
    {"rules", KP_ARRAY, .element = KP_STRUCT, EACH, .item = &command_acl_schema,
     KP_AT(image_acls, rules)},
};

static const struct kp_field quotas_fields[] = {
    {"changed", KP_INT64, EACH, KP_AT(image_quotas, changed)},
    {"quotas", KP_ARRAY, .element = KP_STRUCT, EACH, .item = &command_quota_schema,
     KP_AT(image_quotas, quotas)},
};

const struct kp_schema image_schemas[IMAGE_KINDS] = {
    [IMAGE_HEAD] = {KP_SCHEMA("head", image_head, head_fields)},
    [IMAGE_BROKER] = {KP_SCHEMA("broker", image_broker, broker_fields)},
    [IMAGE_ROSTER] = {KP_SCHEMA("roster", image_roster, roster_fields)},
    [IMAGE_RETIRED] = {KP_SCHEMA("retired", image_retired, retired_fields)},
    [IMAGE_TOPIC] = {KP_SCHEMA("topic", image_topic, topic_fields)},
    [IMAGE_RESOURCE] = {KP_SCHEMA("resource", image_resource, resource_fields)},
    [IMAGE_REQUESTS] = {KP_SCHEMA("requests", image_requests, requests_fields)},
    [IMAGE_PLANS] = {KP_SCHEMA("plans", image_plans, plans_fields)},
    [IMAGE_FEATURES] = {KP_SCHEMA("features", image_features, features_fields)},
    [IMAGE_USERS] = {KP_SCHEMA("users", image_users, users_fields)},
    [IMAGE_ACLS] = {KP_SCHEMA("acls", image_acls, acls_fields)},
    [IMAGE_QUOTAS] = {KP_SCHEMA("quotas", image_quotas, quotas_fields)},
};
