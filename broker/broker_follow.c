/*
 * Settings that change while the broker runs: what is set for brokers in the metadata is laid over
 * what its file says, and brought to those who have a copy; files that are read anew.
 *
 * Happy path: behind each batch of applied commands that changed it, before clients are let in
 * after a start. Whoever reads broker->settings when he needs it has it then; limits are set;
 * partitions come over the next turns of the loop. Failures: what cannot hold here is left out,
 * with a line on the log. Invariant: equal tables and files give equal settings, whichever came
 * before.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/api/fetch_sessions.h"
#include "broker/broker_internal.h"
#include "broker/config/listener_settings.h"
#include "broker/server/file_shares.h"
#include "storage/disk_space.h"
#include "storage/log/partition_log.h"

enum { SLOW_REQUEST_MS = 10000 };

struct server_options broker_server_options(const struct broker_settings *settings) {
    return (struct server_options){
        .listeners = settings->listeners,
        .listener_count = settings->listener_count,
        .tls = {.files = listener_settings_tls(settings) ? &settings->tls : NULL,
                .principals = settings_text(settings->values, "ssl.principal.mapping.rules"),
                .handshakes_max = settings->tls_handshakes_max,
                .setup_ms = settings->tls_setup_ms,
                .reload_ms = settings->tls_reload_ms},
        .logins = {.mechanisms = settings->login_mechanisms,
                   .delay_ms = settings->login_delay_ms,
                   .lifetime_ms = settings->login_lifetime_ms,
                   .frame_max = settings->login_frame_max,
                   .tokens = {.path = settings->tokens.path,
                              .rules = {.issuer = settings->tokens.issuer,
                                        .audiences = settings->tokens.audiences,
                                        .user_claim = settings->tokens.user_claim,
                                        .skew_s = settings->tokens.skew_s},
                              .look_ms = settings->tokens.look_ms}},
        .access = {.mode = settings->authorizer,
                   .allow_everyone = settings->allow_everyone,
                   .super_users = settings->super_users},
        .quotas = {.shape = {.samples = settings->quota_samples,
                             .sample_ms = settings->quota_sample_ms},
                   .longest_ms = settings->connections_max_idle_ms},
        .setup_ms = settings->tls_setup_ms,
        .request_bytes = settings->queued_max_request_bytes,
        .parked_bytes = settings->queued_max_parked_bytes,
        .answer_bytes = settings->queued_max_request_bytes,
        .max_request_bytes = settings->socket_request_max_bytes,
        .max_in_flight = settings->max_requests_per_connection,
        .max_connections = settings->max_connections,
        .own_places = FILE_SHARE_OWN,
        .few_files = settings->few_files,
        .max_connections_per_ip = settings->max_connections_per_ip,
        .max_connection_rate = settings->max_connection_rate,
        .max_idle_ms = settings->connections_max_idle_ms,
        .max_slow_ms = SLOW_REQUEST_MS};
}

struct registration_facts broker_facts(const struct broker *broker) {
    const struct broker_settings *settings = broker->settings;
    struct registration_facts facts = {.directory = data_dir_uuid(broker->dir),
                                       .endpoint_count = settings->listener_count};
    for (size_t i = 0; i < settings->node_count; i++) {
        if (settings->nodes[i].node != settings->node_id) continue;
        facts.peer_host = settings->nodes[i].host; /* "" of one that is alone */
        facts.peer_port = settings->nodes[i].port;
    }
    for (size_t i = 0; i < settings->listener_count; i++) {
        const struct broker_listener *listener = &settings->listeners[i];
        facts.endpoints[i] = (struct metadata_endpoint){
            .listener = listener->name,
            .host = listener->advertised_host,
            .port = listener->advertised_port != 0 ? listener->advertised_port
                                                   : server_port(broker->server, listener->name)};
    }
    return facts;
}

static bool is_of(const struct metadata_resource *resource, int32_t node) {
    int32_t named;
    return resource->name[0] == '\0' ||
           (config_node_id(resource->name, strlen(resource->name), &named) && named == node);
}

void broker_resource_changed(struct broker *broker, const struct metadata_resource *resource) {
    if (resource->type == CONFIG_RESOURCE_BROKER && is_of(resource, broker->settings->node_id))
        broker->settings_changed = true;
}

/* What is set for the broker of that name ("": for all); NULL: nothing. */
static const struct config_set *set_of(const struct broker *broker, const char *name) {
    const struct metadata_resource *resource = metadata_resource_named(
        broker->metadata, CONFIG_RESOURCE_BROKER, name, strlen(name));
    return resource == NULL ? NULL : &resource->configs;
}

static void on_left_out(void *arg, const char *sentence) {
    struct broker *broker = arg;
    log_event(&broker->log, LOGGED_SETTINGS_WARNING, "%s", sentence);
}

void broker_follow_settings(struct broker *broker) {
    const struct broker_settings *now = broker->settings;
    enum log_level level = now->log_level; /* of before */
    char own[16];
    if (!broker->settings_changed || broker->registration == NULL) return;
    broker->settings_changed = false;
    snprintf(own, sizeof own, "%" PRId32, now->node_id);
    if (!dynamic_settings_follow(broker->dynamic, set_of(broker, ""), set_of(broker, own),
                                 on_left_out, broker))
        return;
    if (now->log_level != level) broker->log.level = now->log_level;
    struct server_options options = broker_server_options(now);
    server_set_limits(broker->server, &options);
    budget_set_limit(&broker->group_memory.budget, now->group_memory_bytes);
    budget_set_limit(&broker->transaction_memory, now->transaction_memory_bytes);
    fetch_sessions_set_limits(broker->fetch_sessions, now->fetch_sessions,
                              now->fetch_session_bytes);
    log_store_set_tail_cache(broker->store, now->tail_cache_bytes);
    disk_space_set_min_free(log_store_room(broker->store), now->disk_min_free_bytes);
    shard_set_fetch_rate(broker->shard, now->recovery_rate);
    partition_set_settings_changed(broker->partitions);
    retention_look(broker->retention);
    struct registration_facts facts = broker_facts(broker);
    registration_update(broker->registration, &facts);
    log_event(&broker->log, LOGGED_SETTINGS_CHANGED,
              "settings of brokers have changed; drave config diff broker:%s shows how", own);
}

bool broker_read_anew(struct broker *broker) {
    struct tls_listening *tls = server_tls(broker->server);
    struct token_door *tokens = logins_tokens(server_guards_of(broker->server).logins);
    if (tls != NULL) tls_listening_look(tls, NULL);
    if (tokens != NULL) token_door_look(tokens);
    return tls != NULL || tokens != NULL;
}
