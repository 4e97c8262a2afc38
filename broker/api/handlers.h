/*
 * The handlers of all APIs: one file each, named for its API. Their service is the struct
 * broker_services.
 */
#ifndef BROKER_API_HANDLERS_H
#define BROKER_API_HANDLERS_H

#include "broker/server/request.h"

/* What moves records. */
request_handler api_produce, api_fetch, api_list_offsets, api_offset_for_leader_epoch;
/* What every client begins with. */
request_handler api_consumer_group_heartbeat, api_consumer_group_describe;
/* Members of share groups. */
request_handler api_share_group_heartbeat, api_share_group_describe, api_share_fetch,
    api_share_acknowledge, api_describe_share_group_offsets, api_alter_share_group_offsets,
    api_delete_share_group_offsets;
request_handler api_api_versions, api_find_coordinator, api_metadata, api_init_producer_id,
    api_describe_topic_partitions;
/* Who a client is. */
request_handler api_sasl_handshake, api_sasl_authenticate, api_alter_user_scram_credentials;
/* Who may do what. */
request_handler api_describe_acls, api_create_acls, api_delete_acls;
/* How much whom. */
request_handler api_describe_client_quotas, api_alter_client_quotas;
/* What members of consumer groups ask. */
request_handler api_join_group, api_sync_group, api_heartbeat, api_leave_group;
/* What consumer groups have read. */
request_handler api_offset_commit, api_offset_fetch, api_offset_delete;
/* Who is in the cluster, which topics it has, how they are set. */
request_handler api_create_topics, api_delete_topics, api_delete_records, api_create_partitions,
    api_describe_configs, api_describe_cluster, api_alter_configs, api_incremental_alter_configs,
    api_meta_query, api_elect_leaders, api_alter_partition_reassignments, api_alter_broker,
    api_update_features, api_unregister_broker;
/* What interfaces for people ask for: looked at, never changed. */
request_handler api_describe_log_dirs, api_describe_producers, api_describe_quorum,
    api_list_config_resources, api_describe_user_scram_credentials,
    api_list_partition_reassignments, api_list_transactions, api_describe_transactions;
/* What producers ask of their transactions, and what ends them. */
request_handler api_add_partitions_to_txn, api_add_offsets_to_txn, api_end_txn,
    api_txn_offset_commit, api_write_txn_markers;
/* What a broker knows of itself. */
request_handler api_broker_status, api_lost_majorities;
/* Why a consumer group lags behind. */
request_handler api_partition_traffic, api_group_activity, api_client_status, api_delayed_records;
/* Who looks at consumer groups, and takes them away. */
request_handler api_describe_groups, api_list_groups, api_delete_groups;

#endif
