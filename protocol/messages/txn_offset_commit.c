/*
 * The fields of TxnOffsetCommit, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages TxnOffsetCommitRequest and TxnOffsetCommitResponse of the Kafka
 * protocol. The golden frames prove each row.
 */
#include "protocol/messages/txn_offset_commit.h"

static const struct kp_field request_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_txn_offset_commit_request_partition, partition_index)},
    {"committedOffset", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_txn_offset_commit_request_partition, committed_offset)},
    {"committedLeaderEpoch", KP_INT32, .versions = KP_SINCE(2), .fallback = -1,
     KP_AT(kp_txn_offset_commit_request_partition, committed_leader_epoch)},
    {"committedMetadata", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_txn_offset_commit_request_partition, committed_metadata)},
};
const struct kp_schema kp_txn_offset_commit_request_partition_schema = {
    KP_SCHEMA("partition", kp_txn_offset_commit_request_partition, request_partition_fields)};

static const struct kp_field request_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_txn_offset_commit_request_topic, name)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_txn_offset_commit_request_partition_schema,
     KP_AT(kp_txn_offset_commit_request_topic, partitions)},
};
const struct kp_schema kp_txn_offset_commit_request_topic_schema = {
    KP_SCHEMA("topic", kp_txn_offset_commit_request_topic, request_topic_fields)};

static const struct kp_field request_fields[] = {
    {"transactionalId", KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_txn_offset_commit_request, transactional_id)},
    {"groupId", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_txn_offset_commit_request, group_id)},
    {"producerId", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_txn_offset_commit_request, producer_id)},
    {"producerEpoch", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_txn_offset_commit_request, producer_epoch)},
    {"generationIdOrMemberEpoch", KP_INT32, .versions = KP_SINCE(3), .fallback = -1,
     KP_AT(kp_txn_offset_commit_request, generation_id_or_member_epoch)},
    {"memberId", KP_STRING, .versions = KP_SINCE(3),
     KP_AT(kp_txn_offset_commit_request, member_id)},
    {"groupInstanceId", KP_STRING, .versions = KP_SINCE(3), .nullable = KP_SINCE(3),
     .null_fallback = true, KP_AT(kp_txn_offset_commit_request, group_instance_id)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_txn_offset_commit_request_topic_schema,
     KP_AT(kp_txn_offset_commit_request, topics)},
};
const struct kp_schema kp_txn_offset_commit_request_schema = {
    KP_SCHEMA("TxnOffsetCommitRequest", kp_txn_offset_commit_request, request_fields),
    .flexible_from = 3};

static const struct kp_field response_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_txn_offset_commit_response_partition, partition_index)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_txn_offset_commit_response_partition, error_code)},
};
const struct kp_schema kp_txn_offset_commit_response_partition_schema = {
    KP_SCHEMA("partition", kp_txn_offset_commit_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"name", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_txn_offset_commit_response_topic, name)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_txn_offset_commit_response_partition_schema,
     KP_AT(kp_txn_offset_commit_response_topic, partitions)},
};
const struct kp_schema kp_txn_offset_commit_response_topic_schema = {
    KP_SCHEMA("topic", kp_txn_offset_commit_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_txn_offset_commit_response, throttle_time_ms)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_txn_offset_commit_response_topic_schema,
     KP_AT(kp_txn_offset_commit_response, topics)},
};
const struct kp_schema kp_txn_offset_commit_response_schema = {
    KP_SCHEMA("TxnOffsetCommitResponse", kp_txn_offset_commit_response, response_fields),
    .flexible_from = 3};
