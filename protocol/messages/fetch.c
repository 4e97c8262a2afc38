/*
 * The fields of Fetch, version by version, as tables; protocol/schema.h says how they are read.
 *
 * Specification: the messages FetchRequest and FetchResponse of the Kafka protocol. The golden
 * frames prove each row.
 */
#include "protocol/messages/fetch.h"

static const struct kp_field request_partition_fields[] = {
    {"partition", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_fetch_request_partition, partition)},
    {"currentLeaderEpoch", KP_INT32, .versions = KP_SINCE(9), .fallback = -1,
     KP_AT(kp_fetch_request_partition, current_leader_epoch)},
    {"fetchOffset", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_fetch_request_partition, fetch_offset)},
    {"lastFetchedEpoch", KP_INT32, .versions = KP_SINCE(12), .fallback = -1,
     KP_AT(kp_fetch_request_partition, last_fetched_epoch)},
    {"logStartOffset", KP_INT64, .versions = KP_SINCE(5), .fallback = -1,
     KP_AT(kp_fetch_request_partition, log_start_offset)},
    {"partitionMaxBytes", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_fetch_request_partition, partition_max_bytes)},
    {"replicaDirectoryId", KP_UUID, .versions = KP_SINCE(17), .tagged = KP_SINCE(17), .tag = 0,
     KP_AT(kp_fetch_request_partition, replica_directory_id)},
    {"highWatermark", KP_INT64, .versions = KP_SINCE(18), .tagged = KP_SINCE(18), .tag = 1,
     .fallback = INT64_MAX, KP_AT(kp_fetch_request_partition, high_watermark)},
};
const struct kp_schema kp_fetch_request_partition_schema = {
    KP_SCHEMA("partition", kp_fetch_request_partition, request_partition_fields)};

static const struct kp_field request_topic_fields[] = {
    {"topic", KP_STRING, .versions = KP_RANGE(0, 12), KP_AT(kp_fetch_request_topic, topic)},
    {"topicId", KP_UUID, .versions = KP_SINCE(13), KP_AT(kp_fetch_request_topic, topic_id)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_fetch_request_partition_schema, KP_AT(kp_fetch_request_topic, partitions)},
};
const struct kp_schema kp_fetch_request_topic_schema = {
    KP_SCHEMA("topic", kp_fetch_request_topic, request_topic_fields)};

static const struct kp_field request_forgotten_topic_fields[] = {
    {"topic", KP_STRING, .versions = KP_RANGE(7, 12),
     KP_AT(kp_fetch_request_forgotten_topic, topic)},
    {"topicId", KP_UUID, .versions = KP_SINCE(13),
     KP_AT(kp_fetch_request_forgotten_topic, topic_id)},
    {"partitions", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(7),
     KP_AT(kp_fetch_request_forgotten_topic, partitions)},
};
const struct kp_schema kp_fetch_request_forgotten_topic_schema = {
    KP_SCHEMA("forgotten_topic", kp_fetch_request_forgotten_topic, request_forgotten_topic_fields)};

static const struct kp_field request_replica_state_fields[] = {
    {"replicaId", KP_INT32, .versions = KP_SINCE(15), .fallback = -1,
     KP_AT(kp_fetch_request_replica_state, replica_id)},
    {"replicaEpoch", KP_INT64, .versions = KP_SINCE(15), .fallback = -1,
     KP_AT(kp_fetch_request_replica_state, replica_epoch)},
};
const struct kp_schema kp_fetch_request_replica_state_schema = {
    KP_SCHEMA("replica_state", kp_fetch_request_replica_state, request_replica_state_fields)};

static const struct kp_field request_fields[] = {
    {"clusterId", KP_STRING, .versions = KP_SINCE(12), .nullable = KP_SINCE(12),
     .tagged = KP_SINCE(12), .tag = 0, .null_fallback = true, KP_AT(kp_fetch_request, cluster_id)},
    {"replicaId", KP_INT32, .versions = KP_RANGE(0, 14), .fallback = -1,
     KP_AT(kp_fetch_request, replica_id)},
    {"replicaState", KP_STRUCT, .versions = KP_SINCE(15), .tagged = KP_SINCE(15), .tag = 1,
     .item = &kp_fetch_request_replica_state_schema, KP_AT(kp_fetch_request, replica_state)},
    {"maxWaitMs", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_fetch_request, max_wait_ms)},
    {"minBytes", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_fetch_request, min_bytes)},
    {"maxBytes", KP_INT32, .versions = KP_SINCE(3), .fallback = INT32_MAX,
     KP_AT(kp_fetch_request, max_bytes)},
    {"isolationLevel", KP_INT8, .versions = KP_SINCE(4), KP_AT(kp_fetch_request, isolation_level)},
    {"sessionId", KP_INT32, .versions = KP_SINCE(7), KP_AT(kp_fetch_request, session_id)},
    {"sessionEpoch", KP_INT32, .versions = KP_SINCE(7), .fallback = -1,
     KP_AT(kp_fetch_request, session_epoch)},
    {"topics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_fetch_request_topic_schema, KP_AT(kp_fetch_request, topics)},
    {"forgottenTopicsData", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(7),
     .item = &kp_fetch_request_forgotten_topic_schema,
     KP_AT(kp_fetch_request, forgotten_topics_data)},
    {"rackId", KP_STRING, .versions = KP_SINCE(11), KP_AT(kp_fetch_request, rack_id)},
};
const struct kp_schema kp_fetch_request_schema = {
    KP_SCHEMA("FetchRequest", kp_fetch_request, request_fields), .flexible_from = 12};

static const struct kp_field response_epoch_end_fields[] = {
    {"epoch", KP_INT32, .versions = KP_SINCE(12), .fallback = -1,
     KP_AT(kp_fetch_response_epoch_end, epoch)},
    {"endOffset", KP_INT64, .versions = KP_SINCE(12), .fallback = -1,
     KP_AT(kp_fetch_response_epoch_end, end_offset)},
};
const struct kp_schema kp_fetch_response_epoch_end_schema = {
    KP_SCHEMA("epoch_end", kp_fetch_response_epoch_end, response_epoch_end_fields)};

static const struct kp_field response_snapshot_id_fields[] = {
    {"endOffset", KP_INT64, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_fetch_response_snapshot_id, end_offset)},
    {"epoch", KP_INT32, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_fetch_response_snapshot_id, epoch)},
};
const struct kp_schema kp_fetch_response_snapshot_id_schema = {
    KP_SCHEMA("snapshot_id", kp_fetch_response_snapshot_id, response_snapshot_id_fields)};

static const struct kp_field response_aborted_transaction_fields[] = {
    {"producerId", KP_INT64, .versions = KP_SINCE(4),
     KP_AT(kp_fetch_response_aborted_transaction, producer_id)},
    {"firstOffset", KP_INT64, .versions = KP_SINCE(4),
     KP_AT(kp_fetch_response_aborted_transaction, first_offset)},
};
const struct kp_schema kp_fetch_response_aborted_transaction_schema = {
    KP_SCHEMA("aborted_transaction", kp_fetch_response_aborted_transaction,
              response_aborted_transaction_fields)};

static const struct kp_field response_partition_fields[] = {
    {"partitionIndex", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_fetch_response_partition, partition_index)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_fetch_response_partition, error_code)},
    {"highWatermark", KP_INT64, .versions = KP_SINCE(0),
     KP_AT(kp_fetch_response_partition, high_watermark)},
    {"lastStableOffset", KP_INT64, .versions = KP_SINCE(4), .fallback = -1,
     KP_AT(kp_fetch_response_partition, last_stable_offset)},
    {"logStartOffset", KP_INT64, .versions = KP_SINCE(5), .fallback = -1,
     KP_AT(kp_fetch_response_partition, log_start_offset)},
    {"divergingEpoch", KP_STRUCT, .versions = KP_SINCE(12), .tagged = KP_SINCE(12), .tag = 0,
     .item = &kp_fetch_response_epoch_end_schema,
     KP_AT(kp_fetch_response_partition, diverging_epoch)},
    {"currentLeader", KP_STRUCT, .versions = KP_SINCE(12), .tagged = KP_SINCE(12), .tag = 1,
     .item = &kp_leader_id_and_epoch_schema, KP_AT(kp_fetch_response_partition, current_leader)},
    {"snapshotId", KP_STRUCT, .versions = KP_SINCE(12), .tagged = KP_SINCE(12), .tag = 2,
     .item = &kp_fetch_response_snapshot_id_schema,
     KP_AT(kp_fetch_response_partition, snapshot_id)},
    {"abortedTransactions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(4),
     .nullable = KP_SINCE(4), .item = &kp_fetch_response_aborted_transaction_schema,
     KP_AT(kp_fetch_response_partition, aborted_transactions)},
    {"preferredReadReplica", KP_INT32, .versions = KP_SINCE(11), .fallback = -1,
     KP_AT(kp_fetch_response_partition, preferred_read_replica)},
    {"records", KP_RECORDS, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_fetch_response_partition, records)},
};
const struct kp_schema kp_fetch_response_partition_schema = {
    KP_SCHEMA("partition", kp_fetch_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"topic", KP_STRING, .versions = KP_RANGE(0, 12), KP_AT(kp_fetch_response_topic, topic)},
    {"topicId", KP_UUID, .versions = KP_SINCE(13), KP_AT(kp_fetch_response_topic, topic_id)},
    {"partitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_fetch_response_partition_schema, KP_AT(kp_fetch_response_topic, partitions)},
};
const struct kp_schema kp_fetch_response_topic_schema = {
    KP_SCHEMA("topic", kp_fetch_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(1),
     KP_AT(kp_fetch_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(7), KP_AT(kp_fetch_response, error_code)},
    {"sessionId", KP_INT32, .versions = KP_SINCE(7), KP_AT(kp_fetch_response, session_id)},
    {"responses", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_fetch_response_topic_schema, KP_AT(kp_fetch_response, responses)},
    {"nodeEndpoints", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(16),
     .tagged = KP_SINCE(16), .tag = 0, .item = &kp_node_endpoint_schema,
     KP_AT(kp_fetch_response, node_endpoints)},
};
const struct kp_schema kp_fetch_response_schema = {
    KP_SCHEMA("FetchResponse", kp_fetch_response, response_fields), .flexible_from = 12};
