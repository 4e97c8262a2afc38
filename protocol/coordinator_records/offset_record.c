/*
 * The fields of a committed offset, version by version, as tables; protocol/schema.h says how they
 * are read. The golden records prove each row.
 */
#include "protocol/coordinator_records/offset_record.h"

static const struct kp_field key_fields[] = {
    {"group", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_offset_key, group)},
    {"topic", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_offset_key, topic)},
    {"partition", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_offset_key, partition)},
};
const struct kp_schema kp_offset_key_schema = {
    KP_SCHEMA("OffsetCommitKey", kp_offset_key, key_fields), .flexible_from = INT8_MAX};

static const struct kp_field value_fields[] = {
    {"offset", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_offset_value, offset)},
    {"leaderEpoch", KP_INT32, .versions = KP_SINCE(3), .fallback = -1,
     KP_AT(kp_offset_value, leader_epoch)},
    {"metadata", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_offset_value, metadata)},
    {"commitTimestamp", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_offset_value, commit_time_ms)},
    {"expireTimestamp", KP_INT64, .versions = KP_RANGE(1, 1), .fallback = -1,
     KP_AT(kp_offset_value, expire_time_ms)},
    {"topicId", KP_UUID, .versions = KP_SINCE(4), .tagged = KP_SINCE(4), .tag = 0,
     KP_AT(kp_offset_value, topic_id)},
};
const struct kp_schema kp_offset_value_schema = {
    KP_SCHEMA("OffsetCommitValue", kp_offset_value, value_fields), .flexible_from = 4};
