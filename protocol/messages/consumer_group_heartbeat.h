/*
 * ConsumerGroupHeartbeat (key 68): a member of a KIP-848 group says what it wants and owns, and
 * hears what it is to own. Version 1: regular expressions, member ids of the client.
 *
 * Versions 0 to 1. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_CONSUMER_GROUP_HEARTBEAT_H
#define PROTOCOL_MESSAGES_CONSUMER_GROUP_HEARTBEAT_H

#include "protocol/schema.h"

struct kp_consumer_group_heartbeat_topic_partitions {
    struct kp_uuid topic_id;
    KP_ARRAY_OF(int32_t) partitions;
};

struct kp_consumer_group_heartbeat_request {
    struct kp_string group_id;
    struct kp_string member_id;
    int32_t member_epoch;         /* 0: joins; -1: leaves; -2: a static member leaves for a while */
    struct kp_string instance_id; /* null: not a static member */
    struct kp_string rack_id;     /* null: none */
    int32_t rebalance_timeout_ms; /* -1: as before */
    KP_ARRAY_OF(struct kp_string) subscribed_topic_names; /* null: as before */
    struct kp_string subscribed_topic_regex;              /* 1+; null: as before */
    struct kp_string server_assignor;                     /* null: as before */
    KP_ARRAY_OF(struct kp_consumer_group_heartbeat_topic_partitions)
    topic_partitions; /* what it owns; null: as before */
};

struct kp_consumer_group_heartbeat_response_assignment {
    KP_ARRAY_OF(struct kp_consumer_group_heartbeat_topic_partitions) topic_partitions;
};

struct kp_consumer_group_heartbeat_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    struct kp_string error_message;
    struct kp_string member_id;
    int32_t member_epoch;
    int32_t heartbeat_interval_ms;
    struct kp_consumer_group_heartbeat_response_assignment *assignment; /* null: as before */
};

extern const struct kp_schema kp_consumer_group_heartbeat_topic_partitions_schema;
extern const struct kp_schema kp_consumer_group_heartbeat_request_schema;
extern const struct kp_schema kp_consumer_group_heartbeat_response_assignment_schema;
extern const struct kp_schema kp_consumer_group_heartbeat_response_schema;

#endif
