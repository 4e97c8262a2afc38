/*
 * The fields of GroupActivity, version by version, as tables; protocol/schema.h says how they are
 * read.
 */
#include "protocol/messages/group_activity.h"

static const struct kp_field request_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_group_activity_request_topic, name)},
    {"partitions", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_group_activity_request_topic, partitions)},
};
const struct kp_schema kp_group_activity_request_topic_schema = {
    KP_SCHEMA("topic", kp_group_activity_request_topic, request_topic_fields)};

static const struct kp_field request_fields[] = {
    {"groupId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_group_activity_request, group_id)},
    {"shortMs", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_group_activity_request, short_ms)},
    {"longMs", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_group_activity_request, long_ms)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_group_activity_request_topic_schema, KP_AT(kp_group_activity_request, topics)},
};
const struct kp_schema kp_group_activity_request_schema = {
    KP_SCHEMA("GroupActivityRequest", kp_group_activity_request, request_fields),
    .flexible_from = 0};

static const struct kp_field response_member_fields[] = {
    {"memberId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_group_activity_response_member, member_id)},
    {"heardAgeMs", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_group_activity_response_member, heard_age_ms)},
    {"rebalanceTimeoutMs", KP_INT32, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_group_activity_response_member, rebalance_timeout_ms)},
};
const struct kp_schema kp_group_activity_response_member_schema = {
    KP_SCHEMA("member", kp_group_activity_response_member, response_member_fields)};

static const struct kp_field response_event_fields[] = {
    {"ageMs", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_group_activity_response_event, age_ms)},
    {"what", KP_INT8, .versions = KP_SINCE(0), KP_AT(kp_group_activity_response_event, what)},
    {"began", KP_BOOL, .versions = KP_SINCE(0), KP_AT(kp_group_activity_response_event, began)},
    {"memberId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_group_activity_response_event, member_id)},
    {"clientId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_group_activity_response_event, client_id)},
    {"clientHost", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_group_activity_response_event, client_host)},
};
const struct kp_schema kp_group_activity_response_event_schema = {
    KP_SCHEMA("event", kp_group_activity_response_event, response_event_fields)};

static const struct kp_field response_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_group_activity_response_partition, partition_index)},
    {"committedOffset", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_group_activity_response_partition, committed_offset)},
    {"commitAgeMs", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_group_activity_response_partition, commit_age_ms)},
    {"movedAgeMs", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_group_activity_response_partition, moved_age_ms)},
    {"committedShort", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_group_activity_response_partition, committed_short)},
    {"committedLong", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_group_activity_response_partition, committed_long)},
};
const struct kp_schema kp_group_activity_response_partition_schema = {
    KP_SCHEMA("partition", kp_group_activity_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_group_activity_response_topic, name)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_group_activity_response_partition_schema,
     KP_AT(kp_group_activity_response_topic, partitions)},
};
const struct kp_schema kp_group_activity_response_topic_schema = {
    KP_SCHEMA("topic", kp_group_activity_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"errorCode", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_group_activity_response, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_group_activity_response, error_message)},
    {"leadingMs", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_group_activity_response, leading_ms)},
    {"unsettledMs", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_group_activity_response, unsettled_ms)},
    {"members", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_group_activity_response_member_schema, KP_AT(kp_group_activity_response, members)},
    {"events", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_group_activity_response_event_schema, KP_AT(kp_group_activity_response, events)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_group_activity_response_topic_schema, KP_AT(kp_group_activity_response, topics)},
};
const struct kp_schema kp_group_activity_response_schema = {
    KP_SCHEMA("GroupActivityResponse", kp_group_activity_response, response_fields),
    .flexible_from = 0};
