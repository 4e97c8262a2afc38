/*
 * The commands of the metadata group as bytes: what is in the log of group 0 and on the way to the
 * metadata leader.
 *
 * Bytes: u8 format (METADATA_COMMAND_FORMAT), u8 type, then the type's struct in Kafka's flexible
 * encoding (protocol/schema.h), to which tagged fields may be added. Texts and arrays of a decoded
 * command point into the bytes and the arena.
 * Failures of decoding: ERR_MALFORMED, ERR_VERSION (a format or type this program does not know),
 * ERR_TOO_LARGE (arena).
 */
#ifndef BROKER_METADATA_METADATA_COMMANDS_H
#define BROKER_METADATA_METADATA_COMMANDS_H

#include "base/buffer.h"
#include "protocol/schema.h"

enum {
    METADATA_COMMAND_FORMAT = 1,
    METADATA_COMMAND_MAX = 4 << 20,
    METADATA_COMMAND_ARENA = 64 << 20
};

enum metadata_command_type {
    COMMAND_REGISTER_BROKER = 1,
    COMMAND_FENCE_BROKER,
    COMMAND_CREATE_TOPIC,
    COMMAND_DELETE_TOPIC,
    COMMAND_CREATE_PARTITIONS,
    COMMAND_ALLOCATE_PRODUCER_IDS,
    COMMAND_SET_CONFIGS,
    COMMAND_SET_REPLICAS,
    COMMAND_REPLICAS_DONE,
    COMMAND_ADMIT_BROKER,
    COMMAND_DRAIN_BROKER,
    COMMAND_RETIRE_BROKER,
    COMMAND_REPLACE_BROKER,
    COMMAND_SET_VOTERS,
    COMMAND_SET_FEATURES,
    COMMAND_REPLACE_REPLICAS,
    COMMAND_RECOVER_PARTITION,
    COMMAND_SET_USERS,
    COMMAND_SET_ACLS,
    COMMAND_SET_QUOTAS,
};

struct command_endpoint {
    struct kp_string listener, host;
    int32_t port;
};

/* A feature of the cluster, and the levels of it that a broker knows (metadata.h). */
struct command_feature {
    struct kp_string name;
    int16_t min, max;
};

/* A broker says who it is, where it is reached, and what it knows; it is alive then. */
struct command_register_broker {
    int32_t node;
    struct kp_uuid directory;
    struct kp_string rack;
    KP_ARRAY_OF(struct command_endpoint) endpoints;
    struct kp_string peer_host; /* where the other brokers reach it; "": it does not say */
    int32_t peer_port;
    KP_ARRAY_OF(struct command_feature) features;
};

/* The lease of a broker ended, or it is back. */
struct command_fence_broker {
    int32_t node;
    bool fenced;
    int64_t at_ms; /* wall time of the metadata's leader; 0: it does not say */
};

struct command_config {
    struct kp_string name, value;
};

struct command_partition {
    KP_ARRAY_OF(int32_t) nodes; /* the preferred leader first */
};

/* `id` is drawn by the broker that was asked, so that a repeated command is recognised. */
struct command_create_topic {
    struct kp_string name;
    struct kp_uuid id;
    KP_ARRAY_OF(struct command_config) configs;
    KP_ARRAY_OF(struct command_partition) partitions;
};

struct command_delete_topic {
    struct kp_uuid id;
};

/* More partitions behind the `present` ones; `request` is drawn by the broker that was asked. */
struct command_create_partitions {
    struct kp_uuid id;
    struct kp_uuid request;
    int32_t present;
    KP_ARRAY_OF(struct command_partition) partitions;
};

struct command_config_change {
    struct kp_string name, value; /* value null: the topic says nothing of its own any more */
};

/* Settings of a topic, by its id, or of another resource, by its type and name (metadata.h). */
struct command_set_configs {
    struct kp_uuid id;
    int8_t type;            /* enum config_resource_type */
    struct kp_string name;  /* of what is no topic */
    struct kp_uuid request; /* drawn by the broker that was asked */
    bool replace;           /* what is not named goes */
    KP_ARRAY_OF(struct command_config_change) configs;
};

struct command_allocate_producer_ids {
    int32_t count;
};

/* Where the replicas of a partition are to be, the preferred leader first; its leader takes the
 * steps (broker/reassignment). */
struct command_set_replicas {
    struct kp_uuid id;
    int32_t partition;
    struct kp_uuid request; /* drawn by the broker that was asked */
    bool cancel;            /* instead of `nodes`: where they were */
    bool same_count;        /* refused, unless there are as many as now */
    KP_ARRAY_OF(int32_t) nodes;
};

/* They are there: what is leaving has no part in the group any more, and its files go. Nothing if
 * the plan is another one by now. */
struct command_replicas_done {
    int64_t group, plan;
    int64_t change; /* index in the group of the configuration that says so */
};

/* A broker that did not form the cluster belongs to it from now on. */
struct command_admit_broker {
    int32_t node;
    struct kp_uuid directory;
    struct kp_string host; /* where the others reach it, as it said when it asked to be admitted */
    int32_t port;
};

/* It gets no new replicas, and those that it has are moved away; or it is as any other again. */
struct command_drain_broker {
    int32_t node;
    bool draining;
};

/* It does not belong to the cluster any more, nor ever again. */
struct command_retire_broker {
    int32_t node;
};

/* Another directory takes the place of a broker's, which is lost: nothing that the old one promised
 * counts any more. */
struct command_replace_broker {
    int32_t node;
    struct kp_uuid former, directory; /* nothing unless `former` is the broker's now */
    struct kp_string host;            /* as in ADMIT_BROKER */
    int32_t port;
    bool accept_loss; /* of partitions that have no majority without the old one */
    int64_t below;    /* what took the place of a lost one with an id from this one on is done */
};

/* Before REPLACE_BROKER, as often as there is something to do: some of the replicas of that broker
 * get new ids, so that no command changes all that a broker holds. The result is how many are left.
 */
struct command_replace_replicas {
    int32_t node;
    struct kp_uuid former; /* as in REPLACE_BROKER, */
    bool accept_loss;      /* likewise */
    int64_t below;         /* of the first of them the next id that is given */
    int32_t most;          /* at once */
};

/* The majority of a partition's replicas is lost with their directories: one that is left, whose
 * log ends with that entry, goes on alone (decision 64). */
struct command_recover_partition {
    int64_t group, replica;
    int64_t term, index; /* of that entry */
    /* Of the metadata itself: brokers that it goes on without; their directories never come back.
     */
    KP_ARRAY_OF(int32_t) lost;
    KP_ARRAY_OF(int32_t) unread; /* of a partition: brokers that cannot open their replicas */
};

/* Which brokers are to vote on the metadata. */
struct command_set_voters {
    KP_ARRAY_OF(int32_t) nodes;
    KP_ARRAY_OF(int32_t) former; /* if there are any: nothing unless those are to vote now */
};

struct command_feature_level {
    struct kp_string name;
    int16_t level;
    int8_t change; /* enum feature_change (metadata.h) */
};

/* At which levels features are from now on: all of these, or none. */
struct command_set_features {
    KP_ARRAY_OF(struct command_feature_level) levels;
};

/* A key of a user (broker/users/user_table.h) is set, or goes. */
struct command_user_key {
    struct kp_string name;
    int8_t mechanism;   /* enum scram_mechanism */
    int32_t iterations; /* 0: it goes */
    struct kp_bytes salt, stored_key, server_key;
};

/* All of them, or none. The result is how many keys there are. */
struct command_set_users {
    bool first;             /* no keys, unless nobody has one */
    struct kp_bytes secret; /* the cluster's, if it has none yet; empty: it says nothing of it */
    KP_ARRAY_OF(struct command_user_key) keys;
};

/* Of broker/access/acl.h. */
struct command_acl {
    int8_t resource, pattern;
    struct kp_string name, principal, host;
    int8_t operation, permission;
};

/* What goes goes first; what is there stays, what is not there is gone. The result is how many
 * rules there are. */
struct command_set_acls {
    KP_ARRAY_OF(struct command_acl) removed;
    KP_ARRAY_OF(struct command_acl) added;
};

/* Of broker/quotas/quota.h. */
struct command_quota {
    int8_t types;
    struct kp_string user, client, ip; /* null: the default, or there is no such part */
    int8_t key;
    double value; /* 0: it goes */
};

/* In their order. The result is how many entities have quotas. */
struct command_set_quotas {
    KP_ARRAY_OF(struct command_quota) quotas;
};

struct metadata_command {
    enum metadata_command_type type;
    union {
        struct command_register_broker register_broker;
        struct command_fence_broker fence_broker;
        struct command_create_topic create_topic;
        struct command_delete_topic delete_topic;
        struct command_create_partitions create_partitions;
        struct command_allocate_producer_ids allocate_producer_ids;
        struct command_set_configs set_configs;
        struct command_set_replicas set_replicas;
        struct command_replicas_done replicas_done;
        struct command_admit_broker admit_broker;
        struct command_drain_broker drain_broker;
        struct command_retire_broker retire_broker;
        struct command_replace_broker replace_broker;
        struct command_set_voters set_voters;
        struct command_set_features set_features;
        struct command_replace_replicas replace_replicas;
        struct command_recover_partition recover_partition;
        struct command_set_users set_users;
        struct command_set_acls set_acls;
        struct command_set_quotas set_quotas;
    };
};

extern const struct kp_schema command_partition_schema; /* for kp_new_items */
extern const struct kp_schema command_config_schema;
extern const struct kp_schema command_endpoint_schema;
extern const struct kp_schema command_feature_schema;
extern const struct kp_schema command_feature_level_schema;
extern const struct kp_schema command_config_change_schema;
extern const struct kp_schema command_user_key_schema;
extern const struct kp_schema command_acl_schema;
extern const struct kp_schema command_quota_schema;

/* All fields empty. */
void metadata_command_init(struct metadata_command *command, enum metadata_command_type type);
int metadata_command_decode(const void *data, size_t len, struct kp_arena *arena,
                            struct metadata_command *command);
/* *bytes is the caller's. ERR_TOO_LARGE: over METADATA_COMMAND_MAX. */
int metadata_command_encode(const struct metadata_command *command, struct slice *bytes);

#endif
