/*
 * A group of KIP-848 as records: types 3 to 8 and 16. Kafka's ConsumerGroup*Key,
 * ConsumerGroup*Value.
 *
 * Version 0 of every value; fields that Kafka added later are tagged. A group is its epoch (3), its
 * members (5), what the assignor wants (6 of the group, 7 of each member), what each member has
 * (8), and the topics that its regular expressions stand for (16). Type 4, of Kafka 4.0 alone, says
 * nothing that is needed.
 */
#ifndef PROTOCOL_COORDINATOR_RECORDS_CONSUMER_GROUP_RECORD_H
#define PROTOCOL_COORDINATOR_RECORDS_CONSUMER_GROUP_RECORD_H

#include "protocol/schema.h"

/* ---- Keys: of types 3, 6; of 5, 7, 8; of 16 ---- */

struct kp_consumer_group_key {
    struct kp_string group;
};

struct kp_consumer_member_key {
    struct kp_string group, member;
};

struct kp_consumer_regex_key {
    struct kp_string group, regex;
};

/* ---- Values ---- */

struct kp_consumer_group_value { /* 3 */
    int32_t epoch;
    int64_t metadata_hash; /* of the topics that it subscribes to; 0: none */
};

struct kp_consumer_classic_protocol {
    struct kp_string name;
    struct kp_bytes metadata;
};

/* Of a member that uses the classic protocol in such a group. */
struct kp_consumer_classic_member {
    int32_t session_timeout_ms;
    KP_ARRAY_OF(struct kp_consumer_classic_protocol) protocols;
};

struct kp_consumer_member_value {          /* 5 */
    struct kp_string instance_id, rack_id; /* null: none */
    struct kp_string client_id, client_host;
    KP_ARRAY_OF(struct kp_string) topic_names;
    struct kp_string topic_regex;               /* null: none */
    int32_t rebalance_timeout_ms;               /* -1: not known */
    struct kp_string assignor;                  /* null: the group's */
    struct kp_consumer_classic_member *classic; /* NULL: a member of KIP-848 */
};

struct kp_consumer_target_value { /* 6 */
    int32_t assignment_epoch;
    int64_t time_ms; /* when it was worked out; 0: not known */
};

struct kp_consumer_partitions {
    struct kp_uuid topic_id;
    KP_ARRAY_OF(int32_t) partitions;
    KP_ARRAY_OF(int32_t) epochs; /* 8 only: since when each is assigned; null: not known */
};

struct kp_consumer_member_target_value { /* 7 */
    KP_ARRAY_OF(struct kp_consumer_partitions) topics;
};

struct kp_consumer_current_value { /* 8 */
    int32_t member_epoch, previous_epoch;
    int8_t state;
    KP_ARRAY_OF(struct kp_consumer_partitions) assigned;
    KP_ARRAY_OF(struct kp_consumer_partitions) pending; /* to be given back */
};

struct kp_consumer_regex_value { /* 16 */
    KP_ARRAY_OF(struct kp_string) topic_names;
    int64_t metadata_version, time_ms;
};

extern const struct kp_schema kp_consumer_group_key_schema;
extern const struct kp_schema kp_consumer_member_key_schema;
extern const struct kp_schema kp_consumer_regex_key_schema;
extern const struct kp_schema kp_consumer_group_value_schema;
extern const struct kp_schema kp_consumer_classic_protocol_schema;
extern const struct kp_schema kp_consumer_classic_member_schema;
extern const struct kp_schema kp_consumer_member_value_schema;
extern const struct kp_schema kp_consumer_target_value_schema;
extern const struct kp_schema kp_consumer_partitions_schema;
extern const struct kp_schema kp_consumer_current_partitions_schema;
extern const struct kp_schema kp_consumer_member_target_value_schema;
extern const struct kp_schema kp_consumer_current_value_schema;
extern const struct kp_schema kp_consumer_regex_value_schema;

#endif
