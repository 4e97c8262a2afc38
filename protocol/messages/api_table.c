/*
 * The table of APIs: keys, versions, schemas. The contract is in api_table.h, each range
 * reaches from the oldest to the newest version that the clients in use negotiate.
 */
#include "protocol/messages/api_table.h"

#include "protocol/messages/add_offsets_to_txn.h"
#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/alter_broker.h"
#include "protocol/messages/alter_client_quotas.h"
#include "protocol/messages/alter_configs.h"
#include "protocol/messages/alter_partition_reassignments.h"
#include "protocol/messages/alter_share_group_offsets.h"
#include "protocol/messages/alter_user_scram_credentials.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/broker_status.h"
#include "protocol/messages/client_status.h"
#include "protocol/messages/consumer_group_describe.h"
#include "protocol/messages/consumer_group_heartbeat.h"
#include "protocol/messages/create_acls.h"
#include "protocol/messages/create_partitions.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delayed_records.h"
#include "protocol/messages/delete_acls.h"
#include "protocol/messages/delete_groups.h"
#include "protocol/messages/delete_records.h"
#include "protocol/messages/delete_share_group_offsets.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_acls.h"
#include "protocol/messages/describe_client_quotas.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/describe_groups.h"
#include "protocol/messages/describe_log_dirs.h"
#include "protocol/messages/describe_producers.h"
#include "protocol/messages/describe_quorum.h"
#include "protocol/messages/describe_share_group_offsets.h"
#include "protocol/messages/describe_topic_partitions.h"
#include "protocol/messages/describe_transactions.h"
#include "protocol/messages/describe_user_scram_credentials.h"
#include "protocol/messages/elect_leaders.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/group_activity.h"
#include "protocol/messages/heartbeat.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/join_group.h"
#include "protocol/messages/leave_group.h"
#include "protocol/messages/list_config_resources.h"
#include "protocol/messages/list_groups.h"
#include "protocol/messages/list_offsets.h"
#include "protocol/messages/list_partition_reassignments.h"
#include "protocol/messages/list_transactions.h"
#include "protocol/messages/lost_majorities.h"
#include "protocol/messages/meta_query.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/messages/offset_delete.h"
#include "protocol/messages/offset_fetch.h"
#include "protocol/messages/offset_for_leader_epoch.h"
#include "protocol/messages/partition_traffic.h"
#include "protocol/messages/produce.h"
#include "protocol/messages/sasl_authenticate.h"
#include "protocol/messages/sasl_handshake.h"
#include "protocol/messages/share_acknowledge.h"
#include "protocol/messages/share_fetch.h"
#include "protocol/messages/share_group_describe.h"
#include "protocol/messages/share_group_heartbeat.h"
#include "protocol/messages/sync_group.h"
#include "protocol/messages/txn_offset_commit.h"
#include "protocol/messages/unregister_broker.h"
#include "protocol/messages/update_features.h"
#include "protocol/messages/write_txn_markers.h"

#define MESSAGES(api) .request = &kp_##api##_request_schema, .response = &kp_##api##_response_schema

static const struct kp_api api_table[] = {
    /* librdkafka up to 2.11 compresses only for brokers whose range has Produce 0 (KAFKA-18659);
       nobody sends it. */
    {KP_PRODUCE, "Produce", 0, 3, 13, MESSAGES(produce)},
    {KP_FETCH, "Fetch", 4, 4, 18, MESSAGES(fetch)},
    {KP_LIST_OFFSETS, "ListOffsets", 1, 1, 11, MESSAGES(list_offsets)},
    {KP_METADATA, "Metadata", 0, 0, 13, MESSAGES(metadata)},
    {KP_OFFSET_COMMIT, "OffsetCommit", 2, 2, 10, MESSAGES(offset_commit)},
    {KP_OFFSET_FETCH, "OffsetFetch", 1, 1, 10, MESSAGES(offset_fetch)},
    {KP_FIND_COORDINATOR, "FindCoordinator", 0, 0, 6, MESSAGES(find_coordinator)},
    {KP_JOIN_GROUP, "JoinGroup", 0, 0, 9, MESSAGES(join_group)},
    {KP_HEARTBEAT, "Heartbeat", 0, 0, 4, MESSAGES(heartbeat)},
    {KP_LEAVE_GROUP, "LeaveGroup", 0, 0, 5, MESSAGES(leave_group)},
    {KP_SYNC_GROUP, "SyncGroup", 0, 0, 5, MESSAGES(sync_group)},
    {KP_DESCRIBE_GROUPS, "DescribeGroups", 0, 0, 6, MESSAGES(describe_groups)},
    {KP_LIST_GROUPS, "ListGroups", 0, 0, 5, MESSAGES(list_groups)},
    {KP_SASL_HANDSHAKE, "SaslHandshake", 0, 0, 1, MESSAGES(sasl_handshake)},
    {KP_API_VERSIONS, "ApiVersions", 0, 0, 5, MESSAGES(api_versions)},
    {KP_CREATE_TOPICS, "CreateTopics", 2, 2, 7, MESSAGES(create_topics)},
    {KP_DELETE_TOPICS, "DeleteTopics", 1, 1, 6, MESSAGES(delete_topics)},
    {KP_DELETE_RECORDS, "DeleteRecords", 0, 0, 2, MESSAGES(delete_records)},
    {KP_INIT_PRODUCER_ID, "InitProducerId", 0, 0, 5, MESSAGES(init_producer_id)},
    {KP_OFFSET_FOR_LEADER_EPOCH, "OffsetForLeaderEpoch", 2, 2, 4,
     MESSAGES(offset_for_leader_epoch)},
    {KP_ADD_PARTITIONS_TO_TXN, "AddPartitionsToTxn", 0, 0, 5, MESSAGES(add_partitions_to_txn)},
    {KP_ADD_OFFSETS_TO_TXN, "AddOffsetsToTxn", 0, 0, 4, MESSAGES(add_offsets_to_txn)},
    {KP_END_TXN, "EndTxn", 0, 0, 5, MESSAGES(end_txn)},
    {KP_WRITE_TXN_MARKERS, "WriteTxnMarkers", 1, 1, 2, MESSAGES(write_txn_markers)},
    {KP_TXN_OFFSET_COMMIT, "TxnOffsetCommit", 0, 0, 5, MESSAGES(txn_offset_commit)},
    {KP_DESCRIBE_ACLS, "DescribeAcls", 1, 1, 3, MESSAGES(describe_acls)},
    {KP_CREATE_ACLS, "CreateAcls", 1, 1, 3, MESSAGES(create_acls)},
    {KP_DELETE_ACLS, "DeleteAcls", 1, 1, 3, MESSAGES(delete_acls)},
    {KP_DESCRIBE_CONFIGS, "DescribeConfigs", 1, 1, 4, MESSAGES(describe_configs)},
    {KP_ALTER_CONFIGS, "AlterConfigs", 0, 0, 2, MESSAGES(alter_configs)},
    {KP_DESCRIBE_LOG_DIRS, "DescribeLogDirs", 1, 1, 5, MESSAGES(describe_log_dirs)},
    {KP_SASL_AUTHENTICATE, "SaslAuthenticate", 0, 0, 2, MESSAGES(sasl_authenticate)},
    {KP_CREATE_PARTITIONS, "CreatePartitions", 0, 0, 3, MESSAGES(create_partitions)},
    {KP_DELETE_GROUPS, "DeleteGroups", 0, 0, 3, MESSAGES(delete_groups)},
    {KP_ELECT_LEADERS, "ElectLeaders", 0, 0, 2, MESSAGES(elect_leaders)},
    {KP_INCREMENTAL_ALTER_CONFIGS, "IncrementalAlterConfigs", 0, 0, 1,
     MESSAGES(incremental_alter_configs)},
    {KP_ALTER_PARTITION_REASSIGNMENTS, "AlterPartitionReassignments", 0, 0, 1,
     MESSAGES(alter_partition_reassignments)},
    {KP_LIST_PARTITION_REASSIGNMENTS, "ListPartitionReassignments", 0, 0, 0,
     MESSAGES(list_partition_reassignments)},
    {KP_OFFSET_DELETE, "OffsetDelete", 0, 0, 0, MESSAGES(offset_delete)},
    {KP_DESCRIBE_CLIENT_QUOTAS, "DescribeClientQuotas", 0, 0, 1, MESSAGES(describe_client_quotas)},
    {KP_ALTER_CLIENT_QUOTAS, "AlterClientQuotas", 0, 0, 1, MESSAGES(alter_client_quotas)},
    {KP_DESCRIBE_USER_SCRAM_CREDENTIALS, "DescribeUserScramCredentials", 0, 0, 0,
     MESSAGES(describe_user_scram_credentials)},
    {KP_ALTER_USER_SCRAM_CREDENTIALS, "AlterUserScramCredentials", 0, 0, 0,
     MESSAGES(alter_user_scram_credentials)},
    {KP_DESCRIBE_QUORUM, "DescribeQuorum", 0, 0, 2, MESSAGES(describe_quorum)},
    {KP_UPDATE_FEATURES, "UpdateFeatures", 0, 0, 2, MESSAGES(update_features)},
    {KP_DESCRIBE_CLUSTER, "DescribeCluster", 0, 0, 2, MESSAGES(describe_cluster)},
    {KP_DESCRIBE_PRODUCERS, "DescribeProducers", 0, 0, 0, MESSAGES(describe_producers)},
    {KP_UNREGISTER_BROKER, "UnregisterBroker", 0, 0, 0, MESSAGES(unregister_broker)},
    {KP_DESCRIBE_TRANSACTIONS, "DescribeTransactions", 0, 0, 0, MESSAGES(describe_transactions)},
    {KP_LIST_TRANSACTIONS, "ListTransactions", 0, 0, 2, MESSAGES(list_transactions)},
    {KP_CONSUMER_GROUP_HEARTBEAT, "ConsumerGroupHeartbeat", 0, 0, 1,
     MESSAGES(consumer_group_heartbeat)},
    {KP_CONSUMER_GROUP_DESCRIBE, "ConsumerGroupDescribe", 0, 0, 1,
     MESSAGES(consumer_group_describe)},
    {KP_LIST_CONFIG_RESOURCES, "ListConfigResources", 0, 0, 1, MESSAGES(list_config_resources)},
    {KP_DESCRIBE_TOPIC_PARTITIONS, "DescribeTopicPartitions", 0, 0, 0,
     MESSAGES(describe_topic_partitions)},
    {KP_SHARE_GROUP_HEARTBEAT, "ShareGroupHeartbeat", 1, 1, 1, MESSAGES(share_group_heartbeat)},
    {KP_SHARE_GROUP_DESCRIBE, "ShareGroupDescribe", 1, 1, 1, MESSAGES(share_group_describe)},
    {KP_SHARE_FETCH, "ShareFetch", 1, 1, 2, MESSAGES(share_fetch)},
    {KP_SHARE_ACKNOWLEDGE, "ShareAcknowledge", 1, 1, 2, MESSAGES(share_acknowledge)},
    {KP_DESCRIBE_SHARE_GROUP_OFFSETS, "DescribeShareGroupOffsets", 0, 0, 1,
     MESSAGES(describe_share_group_offsets)},
    {KP_ALTER_SHARE_GROUP_OFFSETS, "AlterShareGroupOffsets", 0, 0, 0,
     MESSAGES(alter_share_group_offsets)},
    {KP_DELETE_SHARE_GROUP_OFFSETS, "DeleteShareGroupOffsets", 0, 0, 0,
     MESSAGES(delete_share_group_offsets)},
    {KP_META_QUERY, "MetaQuery", 0, 0, 0, MESSAGES(meta_query)},
    {KP_BROKER_STATUS, "BrokerStatus", 0, 0, 0, MESSAGES(broker_status)},
    {KP_PARTITION_TRAFFIC, "PartitionTraffic", 0, 0, 0, MESSAGES(partition_traffic)},
    {KP_GROUP_ACTIVITY, "GroupActivity", 0, 0, 0, MESSAGES(group_activity)},
    {KP_ALTER_BROKER, "AlterBroker", 0, 0, 0, MESSAGES(alter_broker)},
    {KP_CLIENT_STATUS, "ClientStatus", 0, 0, 0, MESSAGES(client_status)},
    {KP_LOST_MAJORITIES, "LostMajorities", 0, 0, 0, MESSAGES(lost_majorities)},
    {KP_DELAYED_RECORDS, "DelayedRecords", 0, 0, 0, MESSAGES(delayed_records)},
};

/* All of Kafka's keys, for messages about what is not served. */
static const char *const kafka_api_names[] = {
    "Produce",
    "Fetch",
    "ListOffsets",
    "Metadata",
    "LeaderAndIsr",
    "StopReplica",
    "UpdateMetadata",
    "ControlledShutdown",
    "OffsetCommit",
    "OffsetFetch",
    "FindCoordinator",
    "JoinGroup",
    "Heartbeat",
    "LeaveGroup",
    "SyncGroup",
    "DescribeGroups",
    "ListGroups",
    "SaslHandshake",
    "ApiVersions",
    "CreateTopics",
    "DeleteTopics",
    "DeleteRecords",
    "InitProducerId",
    "OffsetForLeaderEpoch",
    "AddPartitionsToTxn",
    "AddOffsetsToTxn",
    "EndTxn",
    "WriteTxnMarkers",
    "TxnOffsetCommit",
    "DescribeAcls",
    "CreateAcls",
    "DeleteAcls",
    "DescribeConfigs",
    "AlterConfigs",
    "AlterReplicaLogDirs",
    "DescribeLogDirs",
    "SaslAuthenticate",
    "CreatePartitions",
    "CreateDelegationToken",
    "RenewDelegationToken",
    "ExpireDelegationToken",
    "DescribeDelegationToken",
    "DeleteGroups",
    "ElectLeaders",
    "IncrementalAlterConfigs",
    "AlterPartitionReassignments",
    "ListPartitionReassignments",
    "OffsetDelete",
    "DescribeClientQuotas",
    "AlterClientQuotas",
    "DescribeUserScramCredentials",
    "AlterUserScramCredentials",
    "Vote",
    "BeginQuorumEpoch",
    "EndQuorumEpoch",
    "DescribeQuorum",
    "AlterPartition",
    "UpdateFeatures",
    "Envelope",
    "FetchSnapshot",
    "DescribeCluster",
    "DescribeProducers",
    "BrokerRegistration",
    "BrokerHeartbeat",
    "UnregisterBroker",
    "DescribeTransactions",
    "ListTransactions",
    "AllocateProducerIds",
    "ConsumerGroupHeartbeat",
    "ConsumerGroupDescribe",
    "ControllerRegistration",
    "GetTelemetrySubscriptions",
    "PushTelemetry",
    "AssignReplicasToDirs",
    "ListConfigResources",
    "DescribeTopicPartitions",
    "ShareGroupHeartbeat",
    "ShareGroupDescribe",
    "ShareFetch",
    "ShareAcknowledge",
    "AddRaftVoter",
    "RemoveRaftVoter",
    "UpdateRaftVoter",
    "InitializeShareGroupState",
    "ReadShareGroupState",
    "WriteShareGroupState",
    "DeleteShareGroupState",
    "ReadShareGroupStateSummary",
    "StreamsGroupHeartbeat",
    "StreamsGroupDescribe",
    "DescribeShareGroupOffsets",
    "AlterShareGroupOffsets",
    "DeleteShareGroupOffsets",
    "StreamsGroupTopologyDescriptionUpdate",
    "UnregisterController",
};

enum {
    API_COUNT = sizeof(api_table) / sizeof(api_table[0]),
    KAFKA_API_COUNT = sizeof(kafka_api_names) / sizeof(kafka_api_names[0]),
};

const struct kp_api *kp_api_table(size_t *count) {
    *count = API_COUNT;
    return api_table;
}

const struct kp_api *kp_api_find(int key) {
    for (size_t i = 0; i < API_COUNT; i++)
        if (api_table[i].key == key) return &api_table[i];
    return NULL;
}

bool kp_api_serves(const struct kp_api *api, int version) {
    return version >= api->from && version <= api->to;
}

bool kp_api_flexible(const struct kp_api *api, int version) {
    return version >= api->request->flexible_from;
}

bool kp_api_advertised(const struct kp_api *api) {
    return api->key < KP_PRIVATE;
}

bool kp_api_versions_fill(struct kp_api_versions_response *response, struct kp_arena *arena) {
    kp_set_fallbacks(&kp_api_versions_response_schema, response);
    int32_t advertised = 0;
    for (size_t i = 0; i < API_COUNT; i++)
        advertised += kp_api_advertised(&api_table[i]) ? 1 : 0;
    if (kp_new_items(arena, &kp_api_versions_response_api_schema, &response->api_keys,
                     advertised) == NULL)
        return false;
    int32_t at = 0;
    for (size_t i = 0; i < API_COUNT; i++) {
        const struct kp_api *api = &api_table[i];
        if (!kp_api_advertised(api)) continue;
        struct kp_api_versions_response_api *row = &response->api_keys.items[at++];
        row->api_key = api->key;
        row->min_version = api->advertised_from;
        row->max_version = api->to;
    }
    return true;
}

void kp_api_refusal(int key, int version, struct error_text *why) {
    const struct kp_api *api = kp_api_find(key);
    if (api != NULL)
        error_set(
            why, ERR_VERSION,
            "%s version %d is not served; the nearest version that is: %d. Let the client ask with ApiVersions, or configure "
            "an older broker version in it.",
            api->name, version, version < api->from ? api->from : api->to);
    else if (key >= 0 && key < KAFKA_API_COUNT)
        error_set(
            why, ERR_VERSION,
            "%s (API key %d) is not served by this broker. Clients learn what is from ApiVersions.",
            kafka_api_names[key], key);
    else
        error_set(
            why, ERR_VERSION,
            "There is no API with key %d (version %d): this is no Kafka request. Check that the client speaks the Kafka "
            "protocol, without TLS, to this port.",
            key, version);
}
