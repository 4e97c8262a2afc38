/*
 * The peers of a broker, and the way to a cluster: hellos are judged, the record is made durable,
 * the rest is opened.
 *
 * The judging itself is cluster_forming.c, which decides and does nothing; what follows from its
 * decisions is done at the end of the turn, never inside a callback of the peers.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "base/mutant.h"
#include "broker/broker_internal.h"

enum { WAITING_LINE_US = 2 * 1000 * 1000 };

void broker_fail(struct broker *broker, const char *sentence) {
    if (broker->closed || broker->stopping) return;
    broker->stopping = true;
    env_timer_stop(broker->waiting);
    broker->events.failed(broker->arg, sentence);
}

/* ---- What peers report ---- */

static int on_judge(void *arg, const struct peer_hello *hello, struct error_text *refusal) {
    struct broker *broker = arg;
    int error = cluster_forming_judge(broker->forming, hello, refusal);
    if (error == ERR_NOT_FOUND)
        applicants_note(&broker->applicants, hello, env_now_ms(broker->env));
    env_defer(broker->env, &broker->forming_task);
    return error;
}

static void on_up(void *arg, int32_t node) {
    struct broker *broker = arg;
    leader_table_peer_up(broker->leaders, node);
    broker_tell_admitted(broker, node);
    broker_tell_addresses(broker, node);
    broker_introduce(broker, node);
}

static void on_down(void *arg, int32_t node, bool dead) {
    struct broker *broker = arg;
    if (broker->closed) return;
    if (dead)
        leader_table_peer_dead(broker->leaders, node);
    else
        leader_table_peer_down(broker->leaders, node);
    broker_messages_down(broker->messages);
}

static void on_message(void *arg, int32_t node, uint8_t kind, struct slice payload) {
    struct broker *broker = arg;
    if (kind == BROKER_MESSAGE_REQUEST || kind == BROKER_MESSAGE_ANSWER) {
        broker_messages_receive(broker->messages, node, kind, payload);
        return;
    }
    if (kind == BROKER_MESSAGE_LEADERS) {
        leader_table_receive(broker->leaders, node, &payload);
    } else if (kind == BROKER_MESSAGE_RECORD) {
        cluster_forming_heard_record(broker->forming, payload.data, payload.len);
        broker_heard_record(broker, node, &payload);
        env_defer(broker->env, &broker->forming_task);
    } else if (kind == BROKER_MESSAGE_ADMITTED) {
        broker_heard_admitted(broker, &payload);
    } else if (kind == BROKER_MESSAGE_ADDRESSES) {
        broker_heard_addresses(broker, &payload);
    } else if (kind == BROKER_MESSAGE_INVITATIONS) {
        broker_heard_invitations(broker, node, &payload);
    }
    slice_unref(&payload);
}

static void on_refused(void *arg, int32_t node, bool for_good, const char *sentence) {
    struct broker *broker = arg;
    (void)node;
    snprintf(broker->last_refusal, sizeof broker->last_refusal, "%s", sentence);
    if (!for_good) return;
    cluster_forming_refused(broker->forming, sentence);
    env_defer(broker->env, &broker->forming_task);
}

const struct peers_events broker_peers_events = {.judge = on_judge,
                                                 .up = on_up,
                                                 .down = on_down,
                                                 .message = on_message,
                                                 .refused = on_refused};

/* ---- The way to a cluster ---- */

static void say_hello(struct broker *broker) {
    char list[FORMING_LIST_MAX];
    uint8_t record[CLUSTER_RECORD_MAX];
    const struct cluster_record *formed = cluster_forming_record(broker->forming);
    cluster_forming_list(broker->settings, list);
    struct peer_hello hello = {
        .version = PEER_PROTOCOL_VERSION,
        .minor = PEER_PROTOCOL_MINOR,
        .node = broker->settings->node_id,
        .cluster_id = formed == NULL ? "" : formed->id,
        .nodes = list,
        .record = record,
        .record_len = formed == NULL ? 0 : (uint32_t)cluster_record_encode(formed, record)};
    memcpy(hello.directory, data_dir_uuid(broker->dir), PEER_UUID_SIZE);
    peers_set_hello(shard_peers(broker->shard), &hello);
}

static void tell_record(struct broker *broker) {
    uint8_t record[CLUSTER_RECORD_MAX];
    size_t len = cluster_record_encode(&broker->record, record);
    for (size_t i = 0; i < broker->settings->node_count; i++)
        if (broker->settings->nodes[i].node != broker->settings->node_id)
            broker_messages_send(broker->messages, broker->settings->nodes[i].node,
                                 BROKER_MESSAGE_RECORD, slice_copy(NULL, record, len));
}

/* What kept the log of group 0 from being opened is mended, or was tried. */
static void on_mended(void *arg) {
    struct broker *broker = arg;
    struct error_text why;
    if (broker->stopping || broker->closed) return;
    if (broker_open_metadata(broker, &why) != ERR_NONE) broker_fail(broker, why.text);
}

/* The record is there: makes it durable if it is new, and opens everything else. */
static int enter_cluster(struct broker *broker, struct error_text *why) {
    broker->record = *cluster_forming_record(broker->forming);
    if (data_dir_cluster_id(broker->dir)[0] == '\0') {
        uint8_t record[CLUSTER_RECORD_MAX];
        size_t len = cluster_record_encode(&broker->record, record);
        int error = data_dir_set_cluster_record(broker->dir, broker->record.id, record, len, why);
        if (error != ERR_NONE) return error;
        log_event(&broker->log, LOGGED_CLUSTER_FORMED,
                  broker->record.joined_replica == 0 ? "cluster %s is formed"
                                                     : "this broker belongs to cluster %s now",
                  broker->record.id);
    }
    say_hello(broker);
    tell_record(broker);
    return broker_open_cluster(broker, on_mended, why);
}

static void on_forming_task(struct env_task *task) {
    struct broker *broker = CONTAINER_OF(task, struct broker, forming_task);
    struct error_text why;
    if (broker->stopping || broker->closed) return;
    if (cluster_forming_state(broker->forming) == FORMING_REFUSED)
        broker_fail(broker, cluster_forming_refusal(broker->forming));
    else if (broker->metadata == NULL && cluster_forming_state(broker->forming) == FORMING_DONE &&
             enter_cluster(broker, &why) != ERR_NONE)
        broker_fail(broker, why.text);
}

static void tell_waiting(struct broker *broker) {
    char whom[512];
    cluster_forming_waits_for(broker->forming, whom, sizeof whom);
    if (cluster_forming_would_replace(broker->forming))
        log_event(&broker->log, LOGGED_CLUSTER_WAITS,
                  "waiting: the cluster has broker %" PRId32
                  " with another data directory. Give this broker that one back (data.dir), or if "
                  "it is lost: drave broker replace %" PRId32,
                  broker->settings->node_id, broker->settings->node_id);
    else if (cluster_forming_is_outside(broker->forming))
        log_event(&broker->log, LOGGED_CLUSTER_WAITS,
                  "waiting to be admitted to the cluster that is there: drave broker add %" PRId32,
                  broker->settings->node_id);
    else
        log_event(&broker->log, LOGGED_CLUSTER_WAITS,
                  "waiting for the other brokers before the cluster can be formed: %s%s%s%s", whom,
                  broker->last_refusal[0] == '\0' ? "" : " (", broker->last_refusal,
                  broker->last_refusal[0] == '\0' ? "" : ")");
}

/* Also of one that belongs to a cluster, or thinks so: those that do not know it (any more) say so.
 */
static void on_waiting(void *arg) {
    struct broker *broker = arg;
    if (broker->registered) return;
    if (broker->metadata == NULL) tell_waiting(broker);
    broker_keep_clients_waiting_no_longer(broker);
    peers_knock(shard_peers(broker->shard));
    env_timer_start(broker->waiting, WAITING_LINE_US);
}

/* The record of the directory against who we are. */
static int check_record(const struct broker *broker, const struct cluster_record *record,
                        struct error_text *why) {
    const struct broker_settings *settings = broker->settings;
    if (!cluster_record_names(record, settings->node_id, data_dir_uuid(broker->dir)) &&
        !MUTANT(MUTANT_WIPED_REPLICA_VOTES))
        return error_set(why, ERR_INVALID,
                         "%s was made for another broker of cluster %s than broker %" PRId32
                         "; correct node.id or data.dir",
                         settings->data_dir, record->id, settings->node_id);
    return ERR_NONE;
}

int broker_begin_forming(struct broker *broker, struct error_text *why) {
    const struct broker_settings *settings = broker->settings;
    struct cluster_record record;
    size_t len;
    const void *stored = data_dir_cluster_record(broker->dir, &len);
    if (len > 0) {
        if (cluster_record_decode(stored, len, &record) != ERR_NONE)
            return error_set(why, ERR_CORRUPT,
                             "the cluster record in %s/drave.meta is damaged; restore the file",
                             settings->data_dir);
        int error = check_record(broker, &record, why);
        if (error != ERR_NONE) return error;
    }
    broker->forming = cluster_forming_new(settings, data_dir_uuid(broker->dir),
                                          len > 0 ? &record : NULL);
    broker->forming_task.run = on_forming_task;
    broker->waiting = env_timer_new(broker->env, on_waiting, broker);
    env_timer_start(broker->waiting, WAITING_LINE_US);
    say_hello(broker);
    for (size_t i = 0; i < settings->node_count; i++)
        if (settings->nodes[i].node != settings->node_id)
            peers_add(shard_peers(broker->shard), settings->nodes[i].node, settings->nodes[i].host,
                      settings->nodes[i].port);
    if (len > 0 && !MUTANT(MUTANT_NOT_ASKED_AROUND)) /* whether we belong to them still */
        peers_knock(shard_peers(broker->shard));
    env_defer(broker->env, &broker->forming_task);
    return ERR_NONE;
}
