/*
 * The fields of ShareGroupDescribe, version by version, as tables; protocol/schema.h says how they
 * are read.
 *
 * Specification: the messages ShareGroupDescribeRequest and ShareGroupDescribeResponse of the Kafka
 * protocol. The golden frames prove each row.
 */
#include "protocol/messages/share_group_describe.h"

static const struct kp_field request_fields[] = {
    {"groupIds", KP_ARRAY, .element = KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_describe_request, group_ids)},
    {"includeAuthorizedOperations", KP_BOOL, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_describe_request, include_authorized_operations)},
};

const struct kp_schema kp_share_group_describe_request_schema = {
    KP_SCHEMA("ShareGroupDescribeRequest", kp_share_group_describe_request, request_fields),
    .flexible_from = 0};

static const struct kp_field response_topic_partitions_fields[] = {
    {"topicId", KP_UUID, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_describe_response_topic_partitions, topic_id)},
    {"topicName", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_describe_response_topic_partitions, topic_name)},
    {"partitions", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_describe_response_topic_partitions, partitions)},
};

const struct kp_schema kp_share_group_describe_response_topic_partitions_schema = {
    KP_SCHEMA("topic_partitions", kp_share_group_describe_response_topic_partitions,
              response_topic_partitions_fields)};

static const struct kp_field response_assignment_fields[] = {
    {"topicPartitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_share_group_describe_response_topic_partitions_schema,
     KP_AT(kp_share_group_describe_response_assignment, topic_partitions)},
};

const struct kp_schema kp_share_group_describe_response_assignment_schema = {KP_SCHEMA(
    "assignment", kp_share_group_describe_response_assignment, response_assignment_fields)};

static const struct kp_field response_member_fields[] = {
    {"memberId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_describe_response_member, member_id)},
    {"rackId", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0), .null_fallback = true,
     KP_AT(kp_share_group_describe_response_member, rack_id)},
    {"memberEpoch", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_describe_response_member, member_epoch)},
    {"clientId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_describe_response_member, client_id)},
    {"clientHost", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_describe_response_member, client_host)},
    {"subscribedTopicNames", KP_ARRAY, .element = KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_describe_response_member, subscribed_topic_names)},
    {"assignment", KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_share_group_describe_response_assignment_schema,
     KP_AT(kp_share_group_describe_response_member, assignment)},
};

const struct kp_schema kp_share_group_describe_response_member_schema = {
    KP_SCHEMA("member", kp_share_group_describe_response_member, response_member_fields)};

static const struct kp_field response_group_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_describe_response_group, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_share_group_describe_response_group, error_message)},
    {"groupId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_describe_response_group, group_id)},
    {"groupState", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_describe_response_group, group_state)},
    {"groupEpoch", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_describe_response_group, group_epoch)},
    {"assignmentEpoch", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_describe_response_group, assignment_epoch)},
    {"assignorName", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_describe_response_group, assignor_name)},
    {"members", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_share_group_describe_response_member_schema,
     KP_AT(kp_share_group_describe_response_group, members)},
    {"authorizedOperations", KP_INT32, .versions = KP_SINCE(0), .fallback = INT32_MIN,
     KP_AT(kp_share_group_describe_response_group, authorized_operations)},
};

const struct kp_schema kp_share_group_describe_response_group_schema = {
    KP_SCHEMA("group", kp_share_group_describe_response_group, response_group_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_share_group_describe_response, throttle_time_ms)},
    {"groups", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_share_group_describe_response_group_schema,
     KP_AT(kp_share_group_describe_response, groups)},
};

const struct kp_schema kp_share_group_describe_response_schema = {
    KP_SCHEMA("ShareGroupDescribeResponse", kp_share_group_describe_response, response_fields),
    .flexible_from = 0};
