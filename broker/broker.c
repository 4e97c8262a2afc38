/*
 * A broker's start and end; broker_internal.h says which file does what.
 *
 * Opened in the order of struct broker and closed the other way round. What can fail for a reason
 * that a person must mend comes first: directory, ports, journal. Closing what waits ends the
 * requests that wait for it, so the server goes first and reports last.
 */
#include "broker/broker.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/api/handlers.h"
#include "broker/broker_internal.h"
#include "broker/tls/peer_tls.h"
#include "protocol/messages/api_table.h"
#include "storage/journal/journal.h"

/* Of a stop, as steps that follow each other: what members of share groups hold, handing over,
 * bringing segments to the disk. What the first ones took the others have less: `docker stop` gives
 * all of them together 10 s. */
enum {
    STOP_MS = 7000,
    SETTLE_QUIET_MS = 2000,
    SETTLE_MS = 4000,
    TRANSFER_MS = 3000,
    FLUSH_LEAST_MS = 1000,
};
_Static_assert(SETTLE_MS + FLUSH_LEAST_MS + 1000 <= STOP_MS, "some time is left to hand over");

/* ---- Start ---- */

static void send_leaders(void *arg, int32_t node, struct slice announcement) {
    struct broker *broker = arg;
    broker_messages_send(broker->messages, node, BROKER_MESSAGE_LEADERS, announcement);
}

static void set_handlers(struct dispatch *dispatch) {
    static const struct {
        enum kp_api_key key;
        request_handler *handler;
    } handlers[] = {
        {KP_PRODUCE, api_produce},
        {KP_FETCH, api_fetch},
        {KP_LIST_OFFSETS, api_list_offsets},
        {KP_OFFSET_FOR_LEADER_EPOCH, api_offset_for_leader_epoch},
        {KP_SASL_HANDSHAKE, api_sasl_handshake},
        {KP_SASL_AUTHENTICATE, api_sasl_authenticate},
        {KP_API_VERSIONS, api_api_versions},
        {KP_FIND_COORDINATOR, api_find_coordinator},
        {KP_OFFSET_COMMIT, api_offset_commit},
        {KP_OFFSET_FETCH, api_offset_fetch},
        {KP_OFFSET_DELETE, api_offset_delete},
        {KP_METADATA, api_metadata},
        {KP_JOIN_GROUP, api_join_group},
        {KP_SYNC_GROUP, api_sync_group},
        {KP_HEARTBEAT, api_heartbeat},
        {KP_LEAVE_GROUP, api_leave_group},
        {KP_INIT_PRODUCER_ID, api_init_producer_id},
        {KP_CREATE_TOPICS, api_create_topics},
        {KP_DELETE_TOPICS, api_delete_topics},
        {KP_DELETE_RECORDS, api_delete_records},
        {KP_CREATE_PARTITIONS, api_create_partitions},
        {KP_DESCRIBE_CONFIGS, api_describe_configs},
        {KP_DESCRIBE_CLUSTER, api_describe_cluster},
        {KP_ELECT_LEADERS, api_elect_leaders},
        {KP_ALTER_CONFIGS, api_alter_configs},
        {KP_INCREMENTAL_ALTER_CONFIGS, api_incremental_alter_configs},
        {KP_ALTER_PARTITION_REASSIGNMENTS, api_alter_partition_reassignments},
        {KP_DESCRIBE_TOPIC_PARTITIONS, api_describe_topic_partitions},
        {KP_CONSUMER_GROUP_HEARTBEAT, api_consumer_group_heartbeat},
        {KP_CONSUMER_GROUP_DESCRIBE, api_consumer_group_describe},
        {KP_DESCRIBE_LOG_DIRS, api_describe_log_dirs},
        {KP_DESCRIBE_PRODUCERS, api_describe_producers},
        {KP_ADD_PARTITIONS_TO_TXN, api_add_partitions_to_txn},
        {KP_ADD_OFFSETS_TO_TXN, api_add_offsets_to_txn},
        {KP_END_TXN, api_end_txn},
        {KP_WRITE_TXN_MARKERS, api_write_txn_markers},
        {KP_TXN_OFFSET_COMMIT, api_txn_offset_commit},
        {KP_DESCRIBE_QUORUM, api_describe_quorum},
        {KP_LIST_CONFIG_RESOURCES, api_list_config_resources},
        {KP_DESCRIBE_CLIENT_QUOTAS, api_describe_client_quotas},
        {KP_ALTER_CLIENT_QUOTAS, api_alter_client_quotas},
        {KP_DESCRIBE_USER_SCRAM_CREDENTIALS, api_describe_user_scram_credentials},
        {KP_ALTER_USER_SCRAM_CREDENTIALS, api_alter_user_scram_credentials},
        {KP_DESCRIBE_ACLS, api_describe_acls},
        {KP_CREATE_ACLS, api_create_acls},
        {KP_DELETE_ACLS, api_delete_acls},
        {KP_LIST_PARTITION_REASSIGNMENTS, api_list_partition_reassignments},
        {KP_LIST_TRANSACTIONS, api_list_transactions},
        {KP_DESCRIBE_TRANSACTIONS, api_describe_transactions},
        {KP_DESCRIBE_GROUPS, api_describe_groups},
        {KP_LIST_GROUPS, api_list_groups},
        {KP_DELETE_GROUPS, api_delete_groups},
        {KP_SHARE_GROUP_HEARTBEAT, api_share_group_heartbeat},
        {KP_SHARE_GROUP_DESCRIBE, api_share_group_describe},
        {KP_SHARE_FETCH, api_share_fetch},
        {KP_SHARE_ACKNOWLEDGE, api_share_acknowledge},
        {KP_DESCRIBE_SHARE_GROUP_OFFSETS, api_describe_share_group_offsets},
        {KP_ALTER_SHARE_GROUP_OFFSETS, api_alter_share_group_offsets},
        {KP_DELETE_SHARE_GROUP_OFFSETS, api_delete_share_group_offsets},
        {KP_META_QUERY, api_meta_query},
        {KP_BROKER_STATUS, api_broker_status},
        {KP_PARTITION_TRAFFIC, api_partition_traffic},
        {KP_CLIENT_STATUS, api_client_status},
        {KP_GROUP_ACTIVITY, api_group_activity},
        {KP_ALTER_BROKER, api_alter_broker},
        {KP_UPDATE_FEATURES, api_update_features},
        {KP_UNREGISTER_BROKER, api_unregister_broker},
        {KP_LOST_MAJORITIES, api_lost_majorities},
        {KP_DELAYED_RECORDS, api_delayed_records},
    };
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++)
        dispatch_set(dispatch, handlers[i].key, handlers[i].handler);
}

static int open_server(struct broker *broker, struct error_text *why) {
    struct server_options options = broker_server_options(broker->settings);
    broker->dispatch = dispatch_new(&broker->services);
    set_handlers(broker->dispatch);
    dispatch_on_gone(broker->dispatch, broker_client_gone);
    broker->deadlines = deadlines_new(broker->env);
    return server_open(broker->env, &broker->log, broker->dispatch, &options, &broker->server, why);
}

static int open_store(struct broker *broker, struct error_text *why) {
    const struct broker_settings *settings = broker->settings;
    char path[4096];
    size_t record_len;
    data_dir_cluster_record(broker->dir, &record_len);
    struct log_store_options options = {.journal_file_bytes = settings->journal_file_bytes,
                                        .journal_max_bytes = settings->journal_max_bytes,
                                        .segment_bytes = settings->segment_bytes,
                                        .index_interval_bytes = settings->index_interval_bytes,
                                        .must_exist = record_len >
                                                      0, /* the journal came before the record */
                                        .tail_cache_bytes = settings->tail_cache_bytes,
                                        .open_files = settings->segment_files,
                                        .flush_leaves_bytes = settings->journal_max_bytes / 8,
                                        .disk_path = settings->data_dir,
                                        .disk_min_free_bytes = settings->disk_min_free_bytes};
    int wrote = snprintf(path, sizeof path, "%s/shard-0", settings->data_dir);
    if (wrote < 0 || (size_t)wrote >= sizeof path)
        return error_set(why, ERR_INVALID,
                         "data.dir is longer than %zu characters; name a shorter one",
                         sizeof path - 10);
    return log_store_open(broker->env, &broker->log, path, &options, &broker->store, why);
}

static int open_shard(struct broker *broker, struct error_text *why) {
    const struct broker_settings *settings = broker->settings;
    struct shard_options options = {
        .node = settings->node_id,
        .heartbeat_ms = settings->raft_heartbeat_ms,
        .election_timeout_ms = settings->raft_election_timeout_ms,
        .failover_ms = settings->raft_failover_ms,
        .asks_around = true,
        .absent_ms = settings->replica_absent_ms,
        .fetch_rate = settings->recovery_rate,
        .group_uncommitted_bytes = settings->partition_uncommitted_bytes,
        .uncommitted_bytes = journal_usable_bytes(log_store_journal(broker->store)) / 4,
        .peer_window_bytes = settings->peer_window_bytes,
        .peers = {.node = settings->node_id,
                  .listen_host = settings->peer_host[0] == '\0' ? NULL : settings->peer_host,
                  .listen_port = settings->peer_port,
                  .entry_budget = settings->peer_receive_bytes,
                  .queue_limit = settings->peer_window_bytes,
                  .frame_max = ENTRY_BODY_MAX + (1 << 20),
                  .any_address = !settings->peer_verify_address}};
    int error = peer_tls_prepare(settings, &options.peers, why);
    if (error != ERR_NONE) return error;
    error = shard_open(broker->env, &broker->log, broker->store, &options, &broker_peers_events,
                       broker, &broker->shard, why);
    peer_tls_done(&options.peers);
    return error;
}

static int open_local(struct broker *broker, struct error_text *why) {
    bool made;
    broker->observed = (struct observed){
        .env = broker->env, .log = &broker->log, .settings = broker->settings};
    broker->observer = observer_new(&broker->observed);
    broker->timeline = timeline_new();
    int error = user_founding_new(broker->env, &broker->log, broker->settings->users_file,
                                  &broker->founding, why);
    if (error != ERR_NONE) return error;
    error = data_dir_open(broker->env, broker->settings->data_dir, broker->settings->node_id,
                          &broker->dir, &made, why);
    if (error == ERR_NONE) error = open_server(broker, why);
    if (error == ERR_NONE) error = open_store(broker, why);
    if (error == ERR_NONE) error = open_shard(broker, why);
    if (error != ERR_NONE) return error;
    broker->observed.server = broker->server;
    broker->observed.store = broker->store;
    broker->observed.shard = broker->shard;
    broker->messages = broker_messages_new(broker->env, &broker->log, shard_peers(broker->shard));
    broker->leaders = leader_table_new(broker->env, &broker->log, broker->settings->node_id,
                                       send_leaders, broker);
    return broker_begin_forming(broker, why);
}

int broker_start(struct env *env, const struct log *log, const struct broker_settings *settings,
                 const struct broker_events *events, void *arg, struct broker **result,
                 struct error_text *why) {
    struct broker *broker = mem_zalloc(sizeof *broker);
    broker->env = env;
    broker->log = *log;
    broker->dynamic = dynamic_settings_new(settings);
    broker->settings = dynamic_settings_now(broker->dynamic);
    broker->settings_changed = true; /* nobody has looked yet */
    broker->events = *events;
    broker->arg = arg;
    broker->started_ms = env_now_ms(env);
    int error = open_local(broker, why);
    if (error != ERR_NONE) {
        broker_free(broker);
        return error;
    }
    *result = broker;
    return ERR_NONE;
}

/* ---- End ---- */

static void close_all(struct broker *broker, void (*server_closed)(void *arg)) {
    if (broker->closed) return;
    broker->closed = true;
    observer_free(broker->observer);
    broker->observer = NULL;
    if (broker->server != NULL) server_close(broker->server, server_closed, broker);
    if (broker->server != NULL)
        server_follow(broker->server, &(struct server_tables){.users = NULL});
    broker_close_cluster(broker);
    leader_table_free(broker->leaders);
    deadlines_free(broker->deadlines); /* every request has ended: what it waited for is closed */
    broker_messages_free(broker->messages);
    env_defer_cancel(broker->env, &broker->forming_task);
    env_timer_free(broker->waiting);
    env_timer_free(broker->stop_timer);
    if (broker->shard != NULL) shard_close(broker->shard);
    if (broker->store != NULL) log_store_close(broker->store);
    partition_set_free(broker->partitions); /* after the journal, which knows its waiter */
    coordinators_free(broker->group_coordinators);
    coordinators_free(broker->transaction_coordinators);
    metadata_free(broker->metadata);
    broker->services.metadata = NULL; /* who looks before the last connection has gone: none */
    broker->services.partitions = NULL;
    cluster_forming_free(broker->forming);
    if (broker->dispatch != NULL) dispatch_free(broker->dispatch);
    if (broker->dir != NULL) data_dir_close(broker->dir);
}

static void nobody_waits(void *arg) {
    (void)arg;
}

void broker_free(struct broker *broker) {
    if (broker == NULL) return;
    close_all(broker, nobody_waits);
    user_founding_free(broker->founding);
    timeline_free(broker->timeline);
    dynamic_settings_free(broker->dynamic);
    mem_free(broker->follows);
    broker_forget_early_records(broker);
    mem_free(broker);
}

static void on_server_closed(void *arg) {
    struct broker *broker = arg;
    broker->stopped(broker->stopped_arg);
}

/* Twice at most: when the flush is done, and when its time is over. */
static void on_flushed(void *arg) {
    struct broker *broker = arg;
    if (broker->flushed) return;
    broker->flushed = true;
    close_all(broker, on_server_closed);
}

/* Of the time of a stop, without the last `kept_ms`. */
static uint32_t stop_left_ms(const struct broker *broker, uint32_t kept_ms) {
    uint64_t left_ms = env_ms_until(broker->env, broker->stop_by_ms);
    return left_ms > kept_ms ? (uint32_t)left_ms - kept_ms : 0;
}

static void on_transferred(void *arg) {
    struct broker *broker = arg;
    uint32_t left_ms = stop_left_ms(broker, 0);
    if (left_ms < FLUSH_LEAST_MS) left_ms = FLUSH_LEAST_MS;
    broker->stop_timer = env_timer_new(broker->env, on_flushed, broker);
    env_timer_start(broker->stop_timer, left_ms * UINT64_C(1000));
    log_store_flush(broker->store, on_flushed, broker);
}

static void on_settled(void *arg) {
    struct broker *broker = arg;
    uint32_t left_ms = stop_left_ms(broker, FLUSH_LEAST_MS);
    server_stop_accepting(broker->server); /* until now clients came to what it leads */
    shard_transfer_all(broker->shard, left_ms < TRANSFER_MS ? left_ms : TRANSFER_MS, on_transferred,
                       broker);
}

void broker_stop(struct broker *broker, void (*stopped)(void *arg), void *arg) {
    CHECK(broker->stopped == NULL);
    broker->stopped = stopped;
    broker->stopped_arg = arg;
    broker->stopping = true;
    broker->observed.stopping = true;
    broker->stop_by_ms = env_now_ms(broker->env) + STOP_MS;
    if (broker->leases != NULL) broker_sessions_give_back(broker->leases);
    struct sharing_settling_limits limits = {SETTLE_QUIET_MS, SETTLE_MS};
    if (broker->sharing_exchange == NULL)
        on_settled(broker);
    else
        broker->settling = sharing_settling_new(broker->env, broker->partitions, &limits,
                                                on_settled, broker);
}

/* ---- Looking inside ---- */

int broker_port(const struct broker *broker, const char *listener) {
    return server_port(broker->server, listener);
}

const struct broker_services *broker_services(const struct broker *broker) {
    return &broker->services;
}

struct shard *broker_shard(const struct broker *broker) {
    return broker->shard;
}

struct observer *broker_observer(const struct broker *broker) {
    return broker->observer;
}

void broker_stats_get(const struct broker *broker, struct broker_stats *stats) {
    stats->directories_refused = cluster_forming_directories_refused(broker->forming);
}
