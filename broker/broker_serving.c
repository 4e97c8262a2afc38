/*
 * From a formed cluster to `ready`: group 0 is followed into the table, partitions follow the
 * table, clients are let in once the table is not empty, and this broker registers.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "broker/api/fetch_sessions.h"
#include "broker/broker_internal.h"
#include "broker/config/topic_name.h"
#include "broker/coordinator/serving/group_coordinator.h"

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

static void on_configs_changed(void *arg, const struct metadata_topic *topic) {
    struct broker *broker = arg;
    partition_set_configs_changed(broker->partitions, topic);
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
                                                       .configs_changed = on_configs_changed};

static void accept_clients(struct broker *broker) {
    if (broker->accepting || broker->stopping) return;
    broker->accepting = true;
    server_accept(broker->server);
}

/* All that was applied in this turn. */
static void on_applied_task(struct env_task *task) {
    struct broker *broker = CONTAINER_OF(task, struct broker, applied_task);
    if (broker->metadata_group == NULL) return;
    partition_set_reconcile(broker->partitions, broker->metadata,
                            metadata_group_applied(broker->metadata_group));
    if (metadata_version(broker->metadata) > 0) accept_clients(broker);
}

static void on_applied(void *arg) {
    struct broker *broker = arg;
    env_defer(broker->env, &broker->applied_task);
}

static void on_leading(void *arg) {
    struct broker *broker = arg;
    if (broker->leases != NULL) broker_sessions_restart(broker->leases);
}

static void on_leader_changed(void *arg) {
    struct broker *broker = arg;
    if (broker->leases != NULL && broker->registered) broker_sessions_renew(broker->leases);
}

static const struct metadata_group_events raft_group_events = {on_applied, on_leading,
                                                               on_leader_changed};

/* ---- Ready ---- */

static void on_registered(void *arg) {
    struct broker *broker = arg;
    const struct broker_listener *first = &broker->settings->listeners[0];
    size_t topics = metadata_topic_count(broker->metadata);
    char summary[400], address[HOST_PORT_TEXT];
    if (broker->stopping) return;
    broker->registered = true;
    accept_clients(broker);
    snprintf(summary, sizeof summary, "%s (%" PRIu32 " broker%s, %zu topic%s, %.1f s)",
             host_port_text(first->host, server_port(broker->server, NULL), address),
             broker->record.node_count, broker->record.node_count == 1 ? "" : "s", topics,
             topics == 1 ? "" : "s", (double)(env_now_ms(broker->env) - broker->started_ms) / 1000);
    broker->events.ready(broker->arg, summary);
}

static void begin_registration(struct broker *broker) {
    const struct broker_settings *settings = broker->settings;
    struct registration_facts facts = {.directory = data_dir_uuid(broker->dir),
                                       .endpoint_count = settings->listener_count};
    for (size_t i = 0; i < settings->listener_count; i++) {
        const struct broker_listener *listener = &settings->listeners[i];
        facts.endpoints[i] = (struct metadata_endpoint){
            .listener = listener->name,
            .host = listener->advertised_host,
            .port = listener->advertised_port != 0 ? listener->advertised_port
                                                   : server_port(broker->server, listener->name)};
    }
    broker->registration = registration_start(&broker->log, settings, &facts, broker->metadata,
                                              broker->metadata_group, broker->leases, on_registered,
                                              broker);
}

static void ask_metadata(void *arg, struct producer_ids_ask *question) {
    struct broker *broker = arg;
    producer_ids_ask(broker->producer_ids, question);
}

static void ask_metadata_cancel(void *arg, struct producer_ids_ask *question) {
    struct broker *broker = arg;
    producer_ids_ask_cancel(broker->producer_ids, question);
}

static void *new_group_coordinator(void *arg, struct coordinator_log *log, int32_t partition) {
    struct broker *broker = arg;
    (void)partition;
    struct group_coordinator_options options = {.env = broker->env,
                                                .lines = &broker->log,
                                                .settings = broker->settings,
                                                .memory = &broker->group_memory,
                                                .metadata = broker->metadata,
                                                .ask = ask_metadata,
                                                .ask_cancel = ask_metadata_cancel,
                                                .ask_arg = broker};
    return group_coordinator_new(&options, log);
}

static void forget_asker(void *connection, void *coordinator) {
    group_coordinator_forget_asker(coordinator, connection);
}

void broker_client_gone(void *service, const struct connection *connection) {
    const struct broker_services *services = service;
    if (services->group_coordinators != NULL)
        coordinators_each(services->group_coordinators, forget_asker, (void *)connection);
}

int broker_open_cluster(struct broker *broker, struct error_text *why) {
    broker->applied_task.run = on_applied_task;
    broker->metadata = metadata_new(broker->record.node_count, env_random_u64(broker->env));
    broker->listener = (struct metadata_listener){.events = &metadata_events, .arg = broker};
    metadata_listen(broker->metadata, &broker->listener);
    broker->producer_ids = producer_ids_new(broker->metadata);
    budget_init(&broker->group_memory, broker->settings->group_memory_bytes);
    struct coordinators_options coordinators = {
        .env = broker->env,
        .metadata = broker->metadata,
        .topic = TOPIC_CONSUMER_OFFSETS,
        .write_timeout_ms = broker->settings->offsets_commit_timeout_ms,
        .type = &group_coordinator_state,
        .state_new = new_group_coordinator,
        .arg = broker};
    broker->group_coordinators = coordinators_new(&coordinators);
    struct applier_factory appliers = {coordinators_make, broker->group_coordinators};
    broker->partitions = partition_set_new(broker->shard, broker->settings, broker->leaders,
                                           broker->producer_ids, &appliers);
    int error = metadata_group_open(broker->shard, broker->metadata, &broker->record,
                                    broker->settings, broker->messages, &raft_group_events, broker,
                                    &broker->metadata_group, why);
    if (error != ERR_NONE) return error;
    producer_ids_open(broker->producer_ids, broker->metadata_group);
    broker->auto_creation = auto_creation_new(broker->env, &broker->log, broker->settings,
                                              broker->metadata, broker->metadata_group,
                                              broker->leaders, &broker->record);
    broker->fetch_sessions = fetch_sessions_new(broker->env, broker->settings->fetch_sessions,
                                                broker->settings->fetch_session_bytes);
    broker->leases = broker_sessions_new(broker->env, &broker->log, broker->settings,
                                         broker->metadata, broker->metadata_group,
                                         broker->messages);
    broker->leader_transfers = leader_transfers_new(broker->settings->node_id, broker->metadata,
                                                    broker->partitions, broker->messages);
    broker->leader_asks = leader_asks_new(broker->env, broker->settings->node_id, broker->leaders,
                                          broker->leader_transfers, broker->messages);
    broker->leader_balancer = leader_balancer_new(
        broker->env, &broker->log, broker->settings, broker->metadata, broker->metadata_group,
        broker->leaders, shard_peers(broker->shard), broker->leader_asks);
    broker->isolation = isolation_new(broker->env, &broker->log, broker->settings,
                                      shard_peers(broker->shard), broker->leaders, on_isolated,
                                      broker);
    broker->services = (struct broker_services){.env = broker->env,
                                                .log = &broker->log,
                                                .settings = broker->settings,
                                                .metadata = broker->metadata,
                                                .metadata_group = broker->metadata_group,
                                                .leaders = broker->leaders,
                                                .partitions = broker->partitions,
                                                .producer_ids = broker->producer_ids,
                                                .group_coordinators = broker->group_coordinators,
                                                .auto_creation = broker->auto_creation,
                                                .fetch_sessions = broker->fetch_sessions,
                                                .leader_asks = broker->leader_asks,
                                                .cluster = &broker->record,
                                                .room = log_store_room(broker->store),
                                                .peers = shard_peers(broker->shard),
                                                .deadlines = broker->deadlines,
                                                .twins = &broker->twins};
    begin_registration(broker);
    return ERR_NONE;
}

void broker_close_cluster(struct broker *broker) {
    env_defer_cancel(broker->env, &broker->applied_task);
    registration_free(broker->registration);
    broker_sessions_free(broker->leases);
    isolation_free(broker->isolation);
    leader_balancer_free(broker->leader_balancer);
    leader_asks_free(broker->leader_asks);
    leader_transfers_free(broker->leader_transfers);
    if (broker->partitions != NULL) partition_set_close(broker->partitions);
    fetch_sessions_free(broker->fetch_sessions);
    producer_ids_free(broker->producer_ids);
    auto_creation_free(broker->auto_creation);
    metadata_group_close(broker->metadata_group);
    broker->registration = NULL;
    broker->leases = NULL;
    broker->isolation = NULL;
    broker->leader_balancer = NULL;
    broker->leader_asks = NULL;
    broker->leader_transfers = NULL;
    broker->producer_ids = NULL;
    broker->auto_creation = NULL;
    broker->fetch_sessions = NULL;
    broker->metadata_group = NULL;
}
