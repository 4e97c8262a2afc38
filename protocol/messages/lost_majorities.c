/*
 * The fields of LostMajorities, version by version, as tables; protocol/schema.h says how they are
 * read.
 */
#include "protocol/messages/lost_majorities.h"

#define EACH .versions = KP_SINCE(0)

static const struct kp_field request_fields[] = {
    {"fromTopic", KP_INT64, EACH, KP_AT(kp_lost_majorities_request, from_topic)},
    {"fromPartition", KP_INT32, EACH, KP_AT(kp_lost_majorities_request, from_partition)},
};
const struct kp_schema kp_lost_majorities_request_schema = {
    KP_SCHEMA("LostMajoritiesRequest", kp_lost_majorities_request, request_fields),
    .flexible_from = 0};

static const struct kp_field voter_fields[] = {
    {"replica", KP_INT64, EACH, KP_AT(kp_lost_majorities_response_voter, replica)},
    {"brokerId", KP_INT32, EACH, KP_AT(kp_lost_majorities_response_voter, broker_id)},
};
const struct kp_schema kp_lost_majorities_response_voter_schema = {
    KP_SCHEMA("voter", kp_lost_majorities_response_voter, voter_fields)};

static const struct kp_field group_fields[] = {
    {"group", KP_INT64, EACH, KP_AT(kp_lost_majorities_response_group, group)},
    {"topic", KP_STRING, EACH, KP_AT(kp_lost_majorities_response_group, topic)},
    {"partition", KP_INT32, EACH, KP_AT(kp_lost_majorities_response_group, partition)},
    {"replica", KP_INT64, EACH, KP_AT(kp_lost_majorities_response_group, replica)},
    {"lastTerm", KP_INT64, EACH, KP_AT(kp_lost_majorities_response_group, last_term)},
    {"lastIndex", KP_INT64, EACH, KP_AT(kp_lost_majorities_response_group, last_index)},
    {"commitIndex", KP_INT64, EACH, KP_AT(kp_lost_majorities_response_group, commit_index)},
    {"commitHeard", KP_INT64, EACH, KP_AT(kp_lost_majorities_response_group, commit_heard)},
    {"logStartOffset", KP_INT64, EACH, KP_AT(kp_lost_majorities_response_group, log_start_offset)},
    {"highWatermark", KP_INT64, EACH, KP_AT(kp_lost_majorities_response_group, high_watermark)},
    {"logEndOffset", KP_INT64, EACH, KP_AT(kp_lost_majorities_response_group, log_end_offset)},
    {"inSync", KP_INT8, EACH, KP_AT(kp_lost_majorities_response_group, in_sync)},
    {"chosen", KP_BOOL, EACH, KP_AT(kp_lost_majorities_response_group, chosen)},
    {"voters", KP_ARRAY, .element = KP_STRUCT, EACH,
     .item = &kp_lost_majorities_response_voter_schema,
     KP_AT(kp_lost_majorities_response_group, voters)},
    {"closed", KP_BOOL, EACH, .tagged = KP_SINCE(0), .tag = 0,
     KP_AT(kp_lost_majorities_response_group, closed)},
};
const struct kp_schema kp_lost_majorities_response_group_schema = {
    KP_SCHEMA("group", kp_lost_majorities_response_group, group_fields)};

static const struct kp_field response_fields[] = {
    {"errorCode", KP_INT16, EACH, KP_AT(kp_lost_majorities_response, error_code)},
    {"errorMessage", KP_STRING, EACH, .nullable = KP_SINCE(0),
     KP_AT(kp_lost_majorities_response, error_message)},
    {"nodeId", KP_INT32, EACH, KP_AT(kp_lost_majorities_response, node_id)},
    {"metadataLeader", KP_INT32, EACH, KP_AT(kp_lost_majorities_response, metadata_leader)},
    {"groups", KP_ARRAY, .element = KP_STRUCT, EACH,
     .item = &kp_lost_majorities_response_group_schema, KP_AT(kp_lost_majorities_response, groups)},
    {"nextTopic", KP_INT64, EACH, KP_AT(kp_lost_majorities_response, next_topic)},
    {"nextPartition", KP_INT32, EACH, KP_AT(kp_lost_majorities_response, next_partition)},
};
const struct kp_schema kp_lost_majorities_response_schema = {
    KP_SCHEMA("LostMajoritiesResponse", kp_lost_majorities_response, response_fields),
    .flexible_from = 0};
