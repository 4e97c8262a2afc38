/*
 * The structs of an image's parts and their schemas: for metadata_image.c, which writes them, and
 * image_reader.c, which reads them.
 */
#ifndef BROKER_METADATA_IMAGE_IMAGE_PARTS_H
#define BROKER_METADATA_IMAGE_IMAGE_PARTS_H

#include "broker/metadata/metadata_commands.h"

enum image_kind {
    IMAGE_HEAD = 1,
    IMAGE_BROKER,
    IMAGE_ROSTER,
    IMAGE_RETIRED,
    IMAGE_TOPIC,
    IMAGE_RESOURCE,
    IMAGE_REQUESTS,
    IMAGE_PLANS,
    IMAGE_FEATURES, /* if any was ever set: versions that know none read the others */
    IMAGE_USERS,    /* if the cluster has a secret: versions without users read the others */
    IMAGE_ACLS,     /* if there is any rule, likewise */
    IMAGE_QUOTAS,   /* if there is one */
    IMAGE_KINDS
};

struct image_head {
    int8_t format;
    int64_t version, next_group, next_replica, next_producer_id;
};

struct image_broker {
    int32_t node;
    struct kp_uuid directory;
    struct kp_string rack;
    bool fenced;
    int64_t fenced_ms;
    KP_ARRAY_OF(struct command_endpoint) endpoints;
    KP_ARRAY_OF(struct command_feature) features;
};

struct image_member {
    int32_t node;
    int64_t replica;
    struct kp_uuid directory;
    struct kp_string host;
    int32_t port;
    bool draining, votes, given_up;
};

struct image_roster {
    KP_ARRAY_OF(struct image_member) members;
};

struct image_gone {
    int32_t node;
    struct kp_uuid directory;
};

struct image_retired {
    KP_ARRAY_OF(struct image_gone) gone;
};

struct image_replica {
    int64_t replica;
    int32_t node;
    bool joining, fresh;
};

struct image_partition {
    int64_t group, created, plan, first_replica;
    int32_t first_count, leaving_count;
    int64_t recovery_replica, recovery_term, recovery_index, configured;
    KP_ARRAY_OF(struct image_replica) replicas; /* with those that are leaving */
};

struct image_topic {
    struct kp_string name;
    struct kp_uuid id;
    int64_t created;
    int64_t request_count;
    KP_ARRAY_OF(struct kp_uuid) requests; /* the ring */
    KP_ARRAY_OF(struct command_config) configs;
    KP_ARRAY_OF(struct image_partition) partitions;
};

struct image_resource {
    int8_t type;
    struct kp_string name;
    int64_t created;
    KP_ARRAY_OF(struct command_config) configs;
};

struct image_ring {
    int64_t count;
    KP_ARRAY_OF(struct kp_uuid) requests;
};

struct image_requests {
    KP_ARRAY_OF(struct image_ring) rings;
};

struct image_plans {
    KP_ARRAY_OF(int64_t) groups;
};

struct image_level {
    struct kp_string name;
    int16_t level;
    int16_t highest; /* 0: it was never above that level */
};

struct image_features {
    int64_t set; /* index of the command that set the last one */
    KP_ARRAY_OF(struct image_level) levels;
};

struct image_user_key {
    struct kp_string name;
    int8_t mechanism;
    int32_t iterations;
    struct kp_bytes salt, stored_key, server_key;
    int64_t changed;
};

struct image_users {
    struct kp_bytes secret;
    int64_t changed;
    KP_ARRAY_OF(struct image_user_key) keys;
};

struct image_acls {
    int64_t changed;
    KP_ARRAY_OF(struct command_acl) rules;
};

struct image_quotas {
    int64_t changed;
    KP_ARRAY_OF(struct command_quota) quotas;
};

extern const struct kp_schema image_schemas[IMAGE_KINDS];
extern const struct kp_schema image_member_schema, image_gone_schema, image_replica_schema,
    image_partition_schema, image_ring_schema, image_level_schema, image_user_key_schema;

#endif
