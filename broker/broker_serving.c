/*
 * From a formed cluster to `ready`: group 0 is followed into the table, partitions follow the
 * table, clients are let in when it is as new as the leader's, and this broker registers. Not
 * before, because clients take what an old table does not name for what does not exist; not only
 * when it has registered, which may be refused, while it leads partitions that clients look for.
 * Without a leader of the metadata no table is newer than ours for all we know, and clients are
 * served by it after a while.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "broker/api/fetch_sessions.h"
#include "broker/api/share_sessions.h"
#include "broker/broker_internal.h"
#include "broker/config/topic_name.h"
#include "broker/coordinator/serving/group_coordinator.h"
#include "broker/healing/start_mending.h"
#include "broker/metadata/asking/feature_raising.h"
#include "broker/metadata/image/metadata_keeper.h"
#include "broker/metadata/metadata_roster.h"
#include "broker/verification/transaction_asks.h"

/* ---- What the metadata says ---- */

static void on_partition_added(void *arg, const struct metadata_partition *partition) {
    struct broker *broker = arg;
    partition_set_added(broker->partitions, partition);
}

static void on_partition_removed(void *arg, const struct metadata_partition *partition) {
    struct broker *broker = arg;
    partition_set_removed(broker->partitions, partition);
    leader_table_forget(broker->leaders, partition->group);
}

static void on_replicas_changed(void *arg, const struct metadata_partition *partition) {
    struct broker *broker = arg;
    partition_set_replicas_changed(broker->partitions, partition);
}

static void on_replica_left(void *arg, const struct metadata_partition *partition,
                            const struct metadata_replica *replica) {
    struct broker *broker = arg;
    partition_set_replica_left(broker->partitions, partition, replica);
}

static void on_configs_changed(void *arg, const struct metadata_topic *topic) {
    struct broker *broker = arg;
    partition_set_configs_changed(broker->partitions, topic);
    if (broker->retention != NULL) retention_look(broker->retention);
}

static void on_resource_changed(void *arg, const struct metadata_resource *resource) {
    broker_resource_changed(arg, resource);
}

static void on_roster_changed(void *arg, const struct roster_broker *row) {
    (void)row;
    broker_roster_changed(arg);
}

/* Clients in the middle of something look elsewhere as after a broken connection; those that come
 * all the same are told what we know, once. */
static void on_isolated(void *arg, bool isolated) {
    struct broker *broker = arg;
    dispatch_part(broker->dispatch, isolated);
    if (isolated) server_close_clients(broker->server);
}

static const struct metadata_events metadata_events = {.partition_added = on_partition_added,
                                                       .partition_removed = on_partition_removed,
                                                       .replicas_changed = on_replicas_changed,
                                                       .replica_left = on_replica_left,
                                                       .configs_changed = on_configs_changed,
                                                       .resource_changed = on_resource_changed,
                                                       .roster_changed = on_roster_changed};

static void accept_clients(void *arg) {
    struct broker *broker = arg;
    if (broker->accepting || broker->stopping) return;
    broker->accepting = true;
    server_accept(broker->server);
}

/* One look says nothing: the process may have slept for as long as the time of the first one, or
 * have opened the metadata just now, and not have listened to anybody. */
void broker_keep_clients_waiting_no_longer(struct broker *broker) {
    bool was_unled = broker->unled;
    if (broker->accepting || broker->stopping) return;
    broker->unled = broker->metadata_group != NULL &&
                    metadata_group_leader(broker->metadata_group) < 0;
    if (was_unled && broker->unled && metadata_version(broker->metadata) > 0)
        accept_clients(broker);
    else
        server_turn_away(broker->server);
}

/* All that was applied in this turn. */
static void on_applied_task(struct env_task *task) {
    struct broker *broker = CONTAINER_OF(task, struct broker, applied_task);
    if (broker->metadata_group == NULL) return;
    broker_follow_settings(broker); /* of what was applied while the cluster was opened */
    broker_follow_roster(broker);
    if (broker_is_in_roster(broker))
        partition_set_reconcile(broker->partitions, broker->metadata,
                                metadata_group_applied(broker->metadata_group));
    reassignments_applied(broker->reassignments);
    feature_raising_look(broker->feature_raising);
    user_founding_look(broker->founding);
    recoveries_applied(broker->recoveries);
}

static void on_applied(void *arg) {
    struct broker *broker = arg;
    broker_follow_settings(broker); /* before anybody is told that it is so */
    env_defer(broker->env, &broker->applied_task);
}

static void on_leading(void *arg) {
    struct broker *broker = arg;
    if (broker->leases != NULL) broker_sessions_restart(broker->leases);
    if (broker->drains != NULL) drains_look(broker->drains);
    if (broker->feature_raising != NULL) feature_raising_look(broker->feature_raising);
    user_founding_look(broker->founding);
    if (broker->metadata_servers != NULL) metadata_servers_look(broker->metadata_servers);
    if (broker->registered) registration_leader_changed(broker->registration);
}

static void on_leader_changed(void *arg) {
    struct broker *broker = arg;
    if (broker->leases != NULL && broker->registered) broker_sessions_renew(broker->leases);
    if (broker->registered) registration_leader_changed(broker->registration);
}

/* Whom we let in, and whom we ask, is by the roster from now on. */
static void on_current_task(struct env_task *task) {
    struct broker *broker = CONTAINER_OF(task, struct broker, current_task);
    if (broker->metadata_group == NULL) return;
    broker_follow_roster(broker);
    shard_settled(broker->shard);
}

static void on_current(void *arg) {
    struct broker *broker = arg;
    env_defer(broker->env, &broker->current_task);
}

static const struct metadata_group_events raft_group_events = {on_applied, on_leading,
                                                               on_leader_changed, on_current};

/* The table of a snapshot names no group that is gone, nor the replicas that left. */
static void on_restored(void *arg) {
    struct broker *broker = arg;
    partition_set_restored(broker->partitions, broker->metadata);
}

/* ---- Ready ---- */

static void on_registered(void *arg) {
    struct broker *broker = arg;
    const struct broker_listener *first = &broker->settings->listeners[0];
    size_t topics = metadata_topic_count(broker->metadata);
    size_t brokers = metadata_roster_count(broker->metadata);
    char summary[400], address[HOST_PORT_TEXT];
    if (broker->stopping) return;
    broker->registered = true;
    broker->observed.registered = true;
    snprintf(summary, sizeof summary, "%s (%zu broker%s, %zu topic%s, %.1f s)",
             host_port_text(first->host, server_port(broker->server, NULL), address), brokers,
             brokers == 1 ? "" : "s", topics, topics == 1 ? "" : "s",
             (double)(env_now_ms(broker->env) - broker->started_ms) / 1000);
    broker->events.ready(broker->arg, summary);
}

static void begin_registration(struct broker *broker) {
    static const struct registration_events events = {accept_clients, on_registered};
    struct registration_facts facts = broker_facts(broker);
    broker->registration = registration_start(&broker->log, broker->settings, &facts,
                                              broker->metadata, broker->metadata_group,
                                              broker->leases, &events, broker);
}

static void ask_metadata(void *arg, struct producer_ids_ask *question) {
    struct broker *broker = arg;
    producer_ids_ask(broker->producer_ids, question);
}

static void ask_metadata_cancel(void *arg, struct producer_ids_ask *question) {
    struct broker *broker = arg;
    producer_ids_ask_cancel(broker->producer_ids, question);
}

static void on_rebalance(void *arg, const struct group *group, enum kp_group_event what) {
    struct broker *broker = arg;
    if (broker->recorder != NULL) recorder_rebalance(broker->recorder, group, what);
}

static void on_rebalanced(void *arg, uint64_t took_us) {
    struct broker *broker = arg;
    buckets_add(&broker->rebalance_us, &bounds_latency, took_us);
}

static void order_sharing(void *arg, struct sharing_order *order) {
    struct broker *broker = arg;
    const struct metadata_partition *coordinator = coordinators_partition_of(
        broker->group_coordinators, order->group.data, (size_t)order->group.len);
    order->orderer.group = coordinator == NULL ? 0 : coordinator->group;
    sharing_order_begin(broker->sharing_exchange, order);
}

static void *new_group_coordinator(void *arg, struct coordinator_log *log, int32_t partition) {
    struct broker *broker = arg;
    (void)partition;
    struct group_coordinator_options options = {
        .env = broker->env,
        .lines = &broker->log,
        .settings = broker->settings,
        .memory = &broker->group_memory,
        .metadata = broker->metadata,
        .ask = ask_metadata,
        .ask_cancel = ask_metadata_cancel,
        .ask_arg = broker,
        .watch = &broker->group_watch,
        .sharing = {order_sharing, sharing_order_cancel, broker}};
    return group_coordinator_new(&options, log);
}

static void forget_asker(void *connection, void *coordinator) {
    group_coordinator_forget_asker(coordinator, connection);
}

/* The state of a partition, if it is one of a coordinator. */
static void make_coordinator(void *arg, const struct metadata_partition *partition,
                             struct applier *applier) {
    struct broker *broker = arg;
    coordinators_make(broker->group_coordinators, partition, applier);
    coordinators_make(broker->transaction_coordinators, partition, applier);
}

void broker_client_gone(void *service, const struct connection *connection) {
    struct broker_services *services = service;
    if (services->share_sessions != NULL) share_sessions_gone(services, connection);
    if (services->group_coordinators != NULL)
        coordinators_each(services->group_coordinators, forget_asker, (void *)connection);
}

/* What moves leads and replicas, and takes away what is too old. */
static void open_movers(struct broker *broker) {
    broker->leader_transfers = leader_transfers_new(broker->settings->node_id, broker->metadata,
                                                    broker->partitions, broker->messages);
    broker->leader_asks = leader_asks_new(broker->env, broker->settings->node_id, broker->leaders,
                                          broker->leader_transfers, broker->messages);
    broker->leader_balancer = leader_balancer_new(
        broker->env, &broker->log, broker->settings, broker->metadata, broker->metadata_group,
        broker->leaders, shard_peers(broker->shard), broker->leader_asks);
    broker->retention = retention_new(broker->env, broker->settings, broker->store,
                                      broker->partitions);
    broker->cleaner = cleaner_new(broker->env, &broker->log, broker->settings, broker->store,
                                  broker->partitions, broker->messages);
    broker->healer = healer_new(broker->env, &broker->log, broker->settings, broker->shard,
                                broker->metadata, broker->partitions, broker->messages);
    broker->reassignments = reassignments_new(broker->env, &broker->log, broker->settings,
                                              broker->metadata, broker->metadata_group,
                                              broker->partitions, broker->leader_transfers);
    broker->recoveries = recoveries_new(broker->env, &broker->log, broker->metadata,
                                        broker->metadata_group, broker->partitions);
    broker->drains = drains_new(broker->env, &broker->log, broker->metadata,
                                broker->metadata_group);
    broker->metadata_servers = metadata_servers_new(broker->env, &broker->log, broker->settings,
                                                    broker->metadata, broker->metadata_group);
}

/* What brings the ends of transactions to their partitions. */
static void open_markers(struct broker *broker) {
    broker->marker_exchange = marker_exchange_new(
        &(struct marker_exchange_options){.env = broker->env,
                                          .log = &broker->log,
                                          .node = broker->settings->node_id,
                                          .partitions = broker->partitions,
                                          .messages = broker->messages});
    broker->marker_sender = marker_sender_new(
        &(struct marker_sender_options){.env = broker->env,
                                        .log = &broker->log,
                                        .metadata = broker->metadata,
                                        .leaders = broker->leaders,
                                        .road = marker_exchange_road(broker->marker_exchange),
                                        .ask = ask_metadata,
                                        .ask_cancel = ask_metadata_cancel,
                                        .ask_arg = broker});
}

/* What share groups need between brokers. */
static void open_sharing(struct broker *broker) {
    broker->sharing_exchange = sharing_exchange_new(
        &(struct sharing_exchange_options){.env = broker->env,
                                           .log = &broker->log,
                                           .settings = broker->settings,
                                           .node = broker->settings->node_id,
                                           .leaders = broker->leaders,
                                           .partitions = broker->partitions,
                                           .messages = broker->messages});
    broker->letter_exchange = letter_exchange_new(
        &(struct letter_exchange_options){.env = broker->env,
                                          .log = &broker->log,
                                          .node = broker->settings->node_id,
                                          .partitions = broker->partitions,
                                          .messages = broker->messages});
    broker->letter_mover = letter_mover_new(
        &(struct letter_mover_options){.env = broker->env,
                                       .log = &broker->log,
                                       .settings = broker->settings,
                                       .metadata = broker->metadata,
                                       .leaders = broker->leaders,
                                       .partitions = broker->partitions,
                                       .ids = broker->producer_ids,
                                       .exchange = broker->letter_exchange});
    broker->expired_sweep = expired_sweep_new(broker->env, broker->partitions);
    partition_set_letters_to(broker->partitions,
                             &(struct letter_carrier){letter_mover_look, broker->letter_mover});
}

static void close_sharing(struct broker *broker) {
    if (broker->partitions != NULL) partition_set_letters_to(broker->partitions, NULL);
    expired_sweep_free(broker->expired_sweep);
    letter_mover_free(broker->letter_mover);
    letter_exchange_free(broker->letter_exchange);
    sharing_settling_free(broker->settling);
    sharing_exchange_free(broker->sharing_exchange);
    broker->expired_sweep = NULL;
    broker->letter_mover = NULL;
    broker->letter_exchange = NULL;
    broker->settling = NULL;
    broker->sharing_exchange = NULL;
}

static void open_services(struct broker *broker) {
    producer_ids_open(broker->producer_ids, broker->metadata_group);
    broker->auto_creation = auto_creation_new(broker->env, &broker->log, broker->settings,
                                              broker->metadata, broker->metadata_group,
                                              broker->leaders);
    broker->fetch_sessions = fetch_sessions_new(broker->env, broker->settings->fetch_sessions,
                                                broker->settings->fetch_session_bytes);
    broker->share_sessions = share_sessions_new(SHARE_SESSIONS_MAX, SHARE_PLACES_MAX);
    broker->leases = broker_sessions_new(broker->env, &broker->log, broker->settings,
                                         broker->metadata, broker->metadata_group,
                                         broker->messages);
    broker->feature_raising = feature_raising_new(&broker->log, broker->metadata,
                                                  broker->metadata_group);
    user_founding_open(broker->founding, broker->metadata, broker->metadata_group);
    server_follow(broker->server,
                  &(struct server_tables){.users = metadata_users(broker->metadata),
                                          .rules = metadata_rules(broker->metadata),
                                          .quotas = metadata_quotas(broker->metadata)});
    open_movers(broker);
    open_markers(broker);
    open_sharing(broker);
    broker->isolation = isolation_new(broker->env, &broker->log, broker->settings,
                                      shard_peers(broker->shard), broker->leaders, on_isolated,
                                      broker);
    broker->services = (struct broker_services){
        .env = broker->env,
        .log = &broker->log,
        .settings = broker->settings,
        .metadata = broker->metadata,
        .metadata_group = broker->metadata_group,
        .leaders = broker->leaders,
        .partitions = broker->partitions,
        .producer_ids = broker->producer_ids,
        .group_coordinators = broker->group_coordinators,
        .transaction_coordinators = broker->transaction_coordinators,
        .auto_creation = broker->auto_creation,
        .fetch_sessions = broker->fetch_sessions,
        .share_sessions = broker->share_sessions,
        .sharing_exchange = broker->sharing_exchange,
        .leader_asks = broker->leader_asks,
        .drains = broker->drains,
        .cluster = &broker->record,
        .applicants = &broker->applicants,
        .room = log_store_room(broker->store),
        .peers = shard_peers(broker->shard),
        .deadlines = broker->deadlines,
        .observer = broker->observer,
        .tls = server_tls(broker->server),
        .timeline = broker->timeline,
        .clients = server_clients(broker->server),
        .twins = &broker->twins};
    broker_open_watchers(broker);
    broker_follow_roster(broker);
    begin_registration(broker);
}

/* ---- Group 0 ---- */

int broker_open_metadata(struct broker *broker, struct error_text *why) {
    struct metadata_group_keeper keeper = metadata_keeper_hooks(broker->metadata_keeper);
    int error = metadata_group_open(broker->shard, broker->metadata, &broker->record,
                                    broker->settings, broker->messages, &keeper, &raft_group_events,
                                    broker, &broker->metadata_group, why);
    if (error == ERR_CORRUPT &&
        start_mending_begin(broker->start_mending, &broker->record, broker->settings->node_id))
        return ERR_NONE;
    if (error != ERR_NONE) return error;
    open_services(broker);
    broker_hear_early_records(broker);
    return ERR_NONE;
}

int broker_open_cluster(struct broker *broker, void (*mended)(void *arg), struct error_text *why) {
    broker->applied_task.run = on_applied_task;
    broker->current_task.run = on_current_task;
    broker->metadata = metadata_new(broker->record.node_count, env_random_u64(broker->env));
    broker->listener = (struct metadata_listener){.events = &metadata_events, .arg = broker};
    metadata_listen(broker->metadata, &broker->listener);
    broker_open_roster(broker);
    broker->producer_ids = producer_ids_new(broker->metadata);
    group_memory_init(&broker->group_memory, broker->settings->group_memory_bytes,
                      env_random_u64(broker->env));
    struct coordinators_options coordinators = {
        .env = broker->env,
        .metadata = broker->metadata,
        .topic = TOPIC_CONSUMER_OFFSETS,
        .write_timeout_ms = broker->settings->offsets_commit_timeout_ms,
        .type = &group_coordinator_state,
        .state_new = new_group_coordinator,
        .arg = broker};
    broker->group_watch = (struct group_watch){on_rebalance, broker, on_rebalanced};
    broker->group_coordinators = coordinators_new(&coordinators);
    broker_open_transactions(broker);
    struct applier_factory appliers = {make_coordinator, broker};
    broker->partitions = partition_set_new(
        broker->shard, broker->settings, broker->leaders, broker->producer_ids,
        transaction_asks_asker(broker->transaction_asks), &appliers);
    broker->metadata_keeper = metadata_keeper_new(broker->env, &broker->log, broker->metadata,
                                                  broker->settings->metadata_snapshot_bytes,
                                                  on_restored, broker);
    broker->start_mending = start_mending_new(broker->shard, broker->messages, mended, broker);
    return broker_open_metadata(broker, why);
}

void broker_close_cluster(struct broker *broker) {
    env_defer_cancel(broker->env, &broker->applied_task);
    env_defer_cancel(broker->env, &broker->current_task);
    broker_close_watchers(broker);
    registration_free(broker->registration);
    feature_raising_free(broker->feature_raising);
    user_founding_close(broker->founding);
    broker_sessions_free(broker->leases);
    isolation_free(broker->isolation);
    retention_free(broker->retention);
    cleaner_free(broker->cleaner);
    healer_free(broker->healer);
    leader_balancer_free(broker->leader_balancer);
    drains_free(broker->drains);
    metadata_servers_free(broker->metadata_servers);
    reassignments_free(broker->reassignments);
    recoveries_free(broker->recoveries);
    leader_asks_free(broker->leader_asks);
    leader_transfers_free(broker->leader_transfers);
    broker->observed.markers = NULL;
    broker->observed.letters = NULL;
    marker_sender_free(broker->marker_sender);
    marker_exchange_free(broker->marker_exchange);
    close_sharing(broker);
    if (broker->partitions != NULL) partition_set_close(broker->partitions);
    broker_close_transactions(broker);
    fetch_sessions_free(broker->fetch_sessions);
    share_sessions_free(broker->share_sessions);
    producer_ids_free(broker->producer_ids);
    auto_creation_free(broker->auto_creation);
    start_mending_free(broker->start_mending);
    broker->start_mending = NULL;
    metadata_group_close(broker->metadata_group);
    metadata_keeper_free(broker->metadata_keeper);
    broker->metadata_keeper = NULL;
    broker->registration = NULL;
    broker->feature_raising = NULL;
    broker->leases = NULL;
    broker->isolation = NULL;
    broker->retention = NULL;
    broker->cleaner = NULL;
    broker->healer = NULL;
    broker->leader_balancer = NULL;
    broker->drains = NULL;
    broker->metadata_servers = NULL;
    broker->reassignments = NULL;
    broker->recoveries = NULL;
    broker->marker_sender = NULL;
    broker->marker_exchange = NULL;
    broker->leader_asks = NULL;
    broker->leader_transfers = NULL;
    broker->producer_ids = NULL;
    broker->auto_creation = NULL;
    broker->fetch_sessions = NULL;
    broker->share_sessions = NULL;
    broker->metadata_group = NULL;
}
