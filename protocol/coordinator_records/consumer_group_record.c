/* The fields of the records of KIP-848 groups, as tables; protocol/schema.h says how they are read.
 * The golden records prove each row. */
#include "protocol/coordinator_records/consumer_group_record.h"

/* ---- Keys ---- */

static const struct kp_field group_key_fields[] = {
    {"groupId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_consumer_group_key, group)},
};
const struct kp_schema kp_consumer_group_key_schema = {
    KP_SCHEMA("ConsumerGroupMetadataKey", kp_consumer_group_key, group_key_fields),
    .flexible_from = INT8_MAX};

static const struct kp_field member_key_fields[] = {
    {"groupId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_consumer_member_key, group)},
    {"memberId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_consumer_member_key, member)},
};
const struct kp_schema kp_consumer_member_key_schema = {
    KP_SCHEMA("ConsumerGroupMemberMetadataKey", kp_consumer_member_key, member_key_fields),
    .flexible_from = INT8_MAX};

static const struct kp_field regex_key_fields[] = {
    {"groupId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_consumer_regex_key, group)},
    {"regularExpression", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_consumer_regex_key, regex)},
};
const struct kp_schema kp_consumer_regex_key_schema = {
    KP_SCHEMA("ConsumerGroupRegularExpressionKey", kp_consumer_regex_key, regex_key_fields),
    .flexible_from = INT8_MAX};

/* ---- The group ---- */

static const struct kp_field group_fields[] = {
    {"epoch", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_consumer_group_value, epoch)},
    {"metadataHash", KP_INT64, .versions = KP_SINCE(0), .tagged = KP_SINCE(0), .tag = 0,
     KP_AT(kp_consumer_group_value, metadata_hash)},
};
const struct kp_schema kp_consumer_group_value_schema = {
    KP_SCHEMA("ConsumerGroupMetadataValue", kp_consumer_group_value, group_fields)};

/* ---- Members ---- */

static const struct kp_field classic_protocol_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_consumer_classic_protocol, name)},
    {"metadata", KP_BYTES, .versions = KP_SINCE(0), KP_AT(kp_consumer_classic_protocol, metadata)},
};
const struct kp_schema kp_consumer_classic_protocol_schema = {
    KP_SCHEMA("ClassicProtocol", kp_consumer_classic_protocol, classic_protocol_fields)};

static const struct kp_field classic_member_fields[] = {
    {"sessionTimeoutMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_classic_member, session_timeout_ms)},
    {"supportedProtocols", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_consumer_classic_protocol_schema, KP_AT(kp_consumer_classic_member, protocols)},
};
const struct kp_schema kp_consumer_classic_member_schema = {
    KP_SCHEMA("ClassicMemberMetadata", kp_consumer_classic_member, classic_member_fields)};

static const struct kp_field member_fields[] = {
    {"instanceId", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_consumer_member_value, instance_id)},
    {"rackId", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_consumer_member_value, rack_id)},
    {"clientId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_consumer_member_value, client_id)},
    {"clientHost", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_member_value, client_host)},
    {"subscribedTopicNames", KP_ARRAY, .element = KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_member_value, topic_names)},
    {"subscribedTopicRegex", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_consumer_member_value, topic_regex)},
    {"rebalanceTimeoutMs", KP_INT32, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_consumer_member_value, rebalance_timeout_ms)},
    {"serverAssignor", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_consumer_member_value, assignor)},
    {"classicMemberMetadata", KP_OPTIONAL, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .tagged = KP_SINCE(0), .tag = 0, .item = &kp_consumer_classic_member_schema,
     KP_AT(kp_consumer_member_value, classic)},
};
const struct kp_schema kp_consumer_member_value_schema = {
    KP_SCHEMA("ConsumerGroupMemberMetadataValue", kp_consumer_member_value, member_fields)};

/* ---- Targets, and what members have ---- */

static const struct kp_field target_fields[] = {
    {"assignmentEpoch", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_target_value, assignment_epoch)},
    {"assignmentTimestamp", KP_INT64, .versions = KP_SINCE(0), .tagged = KP_SINCE(0), .tag = 0,
     KP_AT(kp_consumer_target_value, time_ms)},
};
const struct kp_schema kp_consumer_target_value_schema = {KP_SCHEMA(
    "ConsumerGroupTargetAssignmentMetadataValue", kp_consumer_target_value, target_fields)};

static const struct kp_field partitions_fields[] = {
    {"topicId", KP_UUID, .versions = KP_SINCE(0), KP_AT(kp_consumer_partitions, topic_id)},
    {"partitions", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_partitions, partitions)},
};
const struct kp_schema kp_consumer_partitions_schema = {
    KP_SCHEMA("TopicPartition", kp_consumer_partitions, partitions_fields)};

static const struct kp_field current_partitions_fields[] = {
    {"topicId", KP_UUID, .versions = KP_SINCE(0), KP_AT(kp_consumer_partitions, topic_id)},
    {"partitions", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_partitions, partitions)},
    {"assignmentEpochs", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     .nullable = KP_SINCE(0), .null_fallback = true, .tagged = KP_SINCE(0), .tag = 0,
     KP_AT(kp_consumer_partitions, epochs)},
};
const struct kp_schema kp_consumer_current_partitions_schema = {
    KP_SCHEMA("TopicPartitions", kp_consumer_partitions, current_partitions_fields)};

static const struct kp_field member_target_fields[] = {
    {"topicPartitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_consumer_partitions_schema, KP_AT(kp_consumer_member_target_value, topics)},
};
const struct kp_schema kp_consumer_member_target_value_schema = {
    KP_SCHEMA("ConsumerGroupTargetAssignmentMemberValue", kp_consumer_member_target_value,
              member_target_fields)};

static const struct kp_field current_fields[] = {
    {"memberEpoch", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_current_value, member_epoch)},
    {"previousMemberEpoch", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_current_value, previous_epoch)},
    {"state", KP_INT8, .versions = KP_SINCE(0), KP_AT(kp_consumer_current_value, state)},
    {"assignedPartitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_consumer_current_partitions_schema, KP_AT(kp_consumer_current_value, assigned)},
    {"partitionsPendingRevocation", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_consumer_current_partitions_schema, KP_AT(kp_consumer_current_value, pending)},
};
const struct kp_schema kp_consumer_current_value_schema = {KP_SCHEMA(
    "ConsumerGroupCurrentMemberAssignmentValue", kp_consumer_current_value, current_fields)};

static const struct kp_field regex_fields[] = {
    {"topics", KP_ARRAY, .element = KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_regex_value, topic_names)},
    {"version", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_regex_value, metadata_version)},
    {"timestamp", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_consumer_regex_value, time_ms)},
};
const struct kp_schema kp_consumer_regex_value_schema = {
    KP_SCHEMA("ConsumerGroupRegularExpressionValue", kp_consumer_regex_value, regex_fields)};
