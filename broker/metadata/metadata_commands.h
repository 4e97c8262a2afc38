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
};

struct command_endpoint {
    struct kp_string listener, host;
    int32_t port;
};

/* A broker says who it is and where it is reached; it is alive then. */
struct command_register_broker {
    int32_t node;
    struct kp_uuid directory;
    struct kp_string rack;
    KP_ARRAY_OF(struct command_endpoint) endpoints;
};

/* The lease of a broker ended, or it is back. */
struct command_fence_broker {
    int32_t node;
    bool fenced;
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
    };
};

extern const struct kp_schema command_partition_schema; /* for kp_new_items */
extern const struct kp_schema command_config_schema;
extern const struct kp_schema command_endpoint_schema;
extern const struct kp_schema command_config_change_schema;

/* All fields empty. */
void metadata_command_init(struct metadata_command *command, enum metadata_command_type type);
int metadata_command_decode(const void *data, size_t len, struct kp_arena *arena,
                            struct metadata_command *command);
/* *bytes is the caller's. ERR_TOO_LARGE: over METADATA_COMMAND_MAX. */
int metadata_command_encode(const struct metadata_command *command, struct slice *bytes);

#endif
