/*
 * A group of the classic protocol as a record: type 2. Kafka's GroupMetadataKey,
 * GroupMetadataValue.
 *
 * Versions of the value 0 to 4; written: 3, as Kafka does. It holds a finished rebalance, or a
 * group without members; what is between two of them is never written.
 */
#ifndef PROTOCOL_COORDINATOR_RECORDS_CLASSIC_GROUP_RECORD_H
#define PROTOCOL_COORDINATOR_RECORDS_CLASSIC_GROUP_RECORD_H

#include "protocol/schema.h"

struct kp_classic_group_key {
    struct kp_string group;
};

struct kp_classic_group_member {
    struct kp_string member_id;
    struct kp_string group_instance_id; /* 3+; null: a dynamic member */
    struct kp_string client_id, client_host;
    int32_t rebalance_timeout_ms; /* 1+; -1: that of the session */
    int32_t session_timeout_ms;
    struct kp_bytes subscription, assignment;
};

struct kp_classic_group_value {
    struct kp_string protocol_type; /* "" of a group that never had members */
    int32_t generation;
    struct kp_string protocol, leader; /* null without members */
    int64_t state_time_ms;             /* 2+: since when it is in this state; -1: not known */
    KP_ARRAY_OF(struct kp_classic_group_member) members; /* none: Empty */
};

extern const struct kp_schema kp_classic_group_key_schema;
extern const struct kp_schema kp_classic_group_value_schema;
extern const struct kp_schema kp_classic_group_member_schema;

#endif
