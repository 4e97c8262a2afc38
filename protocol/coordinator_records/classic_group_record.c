/*
 * The fields of a classic group, version by version, as tables; protocol/schema.h says how they are
 * read. The golden records prove each row.
 */
#include "protocol/coordinator_records/classic_group_record.h"

static const struct kp_field key_fields[] = {
    {"group", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_classic_group_key, group)},
};
const struct kp_schema kp_classic_group_key_schema = {
    KP_SCHEMA("GroupMetadataKey", kp_classic_group_key, key_fields), .flexible_from = INT8_MAX};

static const struct kp_field member_fields[] = {
    {"memberId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_classic_group_member, member_id)},
    {"groupInstanceId", KP_STRING, .versions = KP_SINCE(3), .nullable = KP_SINCE(3),
     .null_fallback = true, KP_AT(kp_classic_group_member, group_instance_id)},
    {"clientId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_classic_group_member, client_id)},
    {"clientHost", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_classic_group_member, client_host)},
    {"rebalanceTimeout", KP_INT32, .versions = KP_SINCE(1), .fallback = -1,
     KP_AT(kp_classic_group_member, rebalance_timeout_ms)},
    {"sessionTimeout", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_classic_group_member, session_timeout_ms)},
    {"subscription", KP_BYTES, .versions = KP_SINCE(0),
     KP_AT(kp_classic_group_member, subscription)},
    {"assignment", KP_BYTES, .versions = KP_SINCE(0), KP_AT(kp_classic_group_member, assignment)},
};
const struct kp_schema kp_classic_group_member_schema = {
    KP_SCHEMA("MemberMetadata", kp_classic_group_member, member_fields)};

static const struct kp_field value_fields[] = {
    {"protocolType", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_classic_group_value, protocol_type)},
    {"generation", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_classic_group_value, generation)},
    {"protocol", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_classic_group_value, protocol)},
    {"leader", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_classic_group_value, leader)},
    {"currentStateTimestamp", KP_INT64, .versions = KP_SINCE(2), .fallback = -1,
     KP_AT(kp_classic_group_value, state_time_ms)},
    {"members", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_classic_group_member_schema, KP_AT(kp_classic_group_value, members)},
};
const struct kp_schema kp_classic_group_value_schema = {
    KP_SCHEMA("GroupMetadataValue", kp_classic_group_value, value_fields), .flexible_from = 4};
