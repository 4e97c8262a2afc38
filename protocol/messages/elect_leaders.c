/*
 * The fields of ElectLeaders, version by version, as tables; protocol/schema.h says how they are
 * read.
 *
 * Specification: the messages ElectLeadersRequest and ElectLeadersResponse of the Kafka protocol.
 * The golden frames prove each row.
 */
#include "protocol/messages/elect_leaders.h"

static const struct kp_field request_topic_fields[] = {
    {"topic", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_elect_leaders_request_topic, topic)},
    {"partitions", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_elect_leaders_request_topic, partitions)},
};
const struct kp_schema kp_elect_leaders_request_topic_schema = {
    KP_SCHEMA("topic", kp_elect_leaders_request_topic, request_topic_fields)};

static const struct kp_field request_fields[] = {
    {"electionType", KP_INT8, .versions = KP_SINCE(1),
     KP_AT(kp_elect_leaders_request, election_type)},
    {"topicPartitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .nullable = KP_SINCE(0), .item = &kp_elect_leaders_request_topic_schema,
     KP_AT(kp_elect_leaders_request, topic_partitions)},
    {"timeoutMs", KP_INT32, .versions = KP_SINCE(0), .fallback = 60000,
     KP_AT(kp_elect_leaders_request, timeout_ms)},
};
const struct kp_schema kp_elect_leaders_request_schema = {
    KP_SCHEMA("ElectLeadersRequest", kp_elect_leaders_request, request_fields), .flexible_from = 2};

static const struct kp_field response_partition_fields[] = {
    {"partitionId", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_elect_leaders_response_partition, partition_id)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(0),
     KP_AT(kp_elect_leaders_response_partition, error_code)},
    {"errorMessage", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     .null_fallback = true, KP_AT(kp_elect_leaders_response_partition, error_message)},
};
const struct kp_schema kp_elect_leaders_response_partition_schema = {
    KP_SCHEMA("partition", kp_elect_leaders_response_partition, response_partition_fields)};

static const struct kp_field response_topic_fields[] = {
    {"topic", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_elect_leaders_response_topic, topic)},
    {"partitionResult", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_elect_leaders_response_partition_schema,
     KP_AT(kp_elect_leaders_response_topic, partition_result)},
};
const struct kp_schema kp_elect_leaders_response_topic_schema = {
    KP_SCHEMA("topic", kp_elect_leaders_response_topic, response_topic_fields)};

static const struct kp_field response_fields[] = {
    {"throttleTimeMs", KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_elect_leaders_response, throttle_time_ms)},
    {"errorCode", KP_INT16, .versions = KP_SINCE(1), KP_AT(kp_elect_leaders_response, error_code)},
    {"replicaElectionResults", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_elect_leaders_response_topic_schema,
     KP_AT(kp_elect_leaders_response, replica_election_results)},
};
const struct kp_schema kp_elect_leaders_response_schema = {
    KP_SCHEMA("ElectLeadersResponse", kp_elect_leaders_response, response_fields),
    .flexible_from = 2};
