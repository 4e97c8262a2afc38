/*
 * drave broker list: who is in the cluster, how each is, what it holds.
 *
 * Failures: nobody is reachable (3). A broker that does not answer has a row all the same, and a
 * line that says why.
 */
#include <math.h>
#include <stdio.h>

#include "client/health/cluster_status.h"
#include "client/kafka/cluster_view.h"
#include "client/line/amount.h"
#include "client/line/command.h"
#include "client/line/talk.h"

enum { TREE_MAX = 4 << 20 };

static const char *const metrics[] = {"drave_partitions", "drave_partitions_behind",
                                      "drave_disk_free_bytes", "drave_disk_size_bytes",
                                      "drave_replica_lag_entries"};

/* What is shown of one; NaN: not known. */
struct row {
    const struct broker_seen *broker;
    double leads, replicas, in_sync, free_bytes, size_bytes, lag, uptime_s;
    const char *state;
    json_t *tree; /* what the metadata tree says of it; NULL: nothing */
};

/* What the others that lead something say that it lacks. */
static double lag_of(const struct cluster_status *status, int32_t node) {
    double sum = NAN;
    char peer[16];
    snprintf(peer, sizeof(peer), "%d", (int)node);
    for (size_t i = 0; i < status->count; i++) {
        double lag = status_number(status->brokers[i].status, "drave_replica_lag_entries", peer);
        if (!isnan(lag)) {
            sum = (isnan(sum) ? 0 : sum) + lag;
        }
    }
    return isnan(sum) && status->count == 1 ? 0 : sum;
}

static json_t *tree_of(const json_t *tree, int32_t node) {
    size_t i;
    json_t *broker;
    json_array_foreach(tree, i, broker) {
        if (json_integer_value(json_object_get(broker, "id")) == node) {
            return broker;
        }
    }
    return NULL;
}

static const char *state_of(const struct broker_seen *broker, const json_t *tree) {
    const struct kp_broker_status_response_health *ready = status_health(broker->status, "ready");
    if (broker->fenced) {
        return "away";
    }
    if (json_is_object(json_object_get(tree, "draining"))) {
        return "draining";
    }
    return !broker->status ? "no answer" : ready && ready->ok ? "ready" : "not ready";
}

static struct row row_of(const struct cluster_status *status, const struct broker_seen *broker,
                         const json_t *brokers) {
    json_t *tree = tree_of(brokers, broker->node);
    const struct kp_broker_status_response *said = broker->status;
    double behind = status_number(said, "drave_partitions_behind", NULL);
    struct row row = {.broker = broker,
                      .leads = status_number(said, "drave_partitions", "leader"),
                      .replicas = status_number(said, "drave_partitions", NULL),
                      .free_bytes = status_number(said, "drave_disk_free_bytes", NULL),
                      .size_bytes = status_number(said, "drave_disk_size_bytes", NULL),
                      .lag = lag_of(status, broker->node),
                      .uptime_s = said ? (double)said->uptime_ms / 1000 : NAN,
                      .state = state_of(broker, tree),
                      .tree = tree};
    /* Replicas that are not open yet are behind, and not counted as held. */
    row.in_sync = behind > row.replicas ? 0 : row.replicas - behind;
    return row;
}

static json_t *number_or_null(double value) {
    return isnan(value) ? json_null() : json_integer((json_int_t)value);
}

static json_t *json_of(const struct row *row) {
    const struct broker_seen *broker = row->broker;
    char address[STATUS_ADDRESS];
    json_t *version = broker->status ? json_stringn(broker->status->version.data,
                                                    (size_t)broker->status->version.len)
                                     : json_null();
    const struct kp_broker_status_response_health *ready = status_health(broker->status, "ready");
    json_t *draining = json_object_get(row->tree, "draining");
    return json_pack("{s:i,s:s,s:s,s:o,s:b,s:b,s:s,s:O?,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "id",
                     (int)broker->node, "address", broker_address(broker, address), "rack",
                     broker->rack, "version", version, "alive", !broker->fenced, "ready",
                     ready && ready->ok, "state", row->state, "draining", draining,
                     "uptime_seconds", number_or_null(row->uptime_s), "leads",
                     number_or_null(row->leads), "replicas", number_or_null(row->replicas),
                     "in_sync", number_or_null(row->in_sync), "disk_free_bytes",
                     number_or_null(row->free_bytes), "disk_size_bytes",
                     number_or_null(row->size_bytes), "lag_entries", number_or_null(row->lag));
}

static void add_row(struct table *table, const struct row *row, bool leads_metadata) {
    const struct broker_seen *broker = row->broker;
    char id[16], address[STATUS_ADDRESS], version[64] = "-", up[AMOUNT_ROOM], leads[AMOUNT_ROOM],
                                          replicas[AMOUNT_ROOM], in_sync[AMOUNT_ROOM],
                                          free_text[AMOUNT_ROOM], disk[48] = "-", lag[AMOUNT_ROOM];
    snprintf(id, sizeof(id), "%d%s", (int)broker->node, leads_metadata ? " *" : "");
    if (broker->status) {
        snprintf(version, sizeof(version), "%.*s", (int)broker->status->version.len,
                 broker->status->version.data);
    }
    amount_bytes(row->free_bytes, free_text);
    if (row->size_bytes > 0) {
        snprintf(disk, sizeof(disk), "%s %.0f %%", free_text,
                 100 * row->free_bytes / row->size_bytes);
    }
    table_row(table, (const char *[]){
                         id, broker_address(broker, address), *broker->rack ? broker->rack : NULL,
                         row->state, version, amount_time(row->uptime_s, up),
                         amount_count(row->leads, leads), amount_count(row->replicas, replicas),
                         amount_count(row->in_sync, in_sync), disk, amount_count(row->lag, lag)});
}

static void say_trouble(const struct broker_seen *broker, const json_t *tree) {
    char left[DRAIN_TEXT];
    if (cluster_drain_text(tree, left)) {
        print_text("broker %d is being drained: %s\n", (int)broker->node, left);
    }
    const struct kp_broker_status_response_health *ready = status_health(broker->status, "ready");
    if (broker->fenced) {
        print_text("broker %d: the cluster has not heard of it; start it\n", (int)broker->node);
    } else if (!broker->status) {
        print_text("broker %d: %s\n", (int)broker->node, broker->why.text);
    }
    for (int32_t i = 0; ready && i < ready->reasons.count; i++) {
        print_text("broker %d: %.*s\n", (int)broker->node, (int)ready->reasons.items[i].text.len,
                   ready->reasons.items[i].text.data);
    }
}

static void print_list(const struct cluster_status *status, const json_t *brokers) {
    static const char *const columns[] = {"BROKER",  "ADDRESS",   "RACK",  "STATE",
                                          "VERSION", "UP",        "LEADS", "REPLICAS",
                                          "IN SYNC", "DISK FREE", "LAG"};
    struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < status->count; i++) {
        struct row row = row_of(status, &status->brokers[i], brokers);
        add_row(table, &row, status->brokers[i].node == status->metadata_leader);
    }
    table_print(table);
    for (size_t i = 0; i < status->count; i++) {
        say_trouble(&status->brokers[i], tree_of(brokers, status->brokers[i].node));
    }
}

/* What any broker says of all; what it does not say is not shown. */
static json_t *ask_tree(const struct invocation *in) {
    struct kp_arena arena;
    struct error_text why = {""};
    json_t *brokers = json_array();
    struct admin_client *admin = admin_client_new_quiet(in->bootstrap, STATUS_ASK_MS);
    kp_arena_init(&arena, TREE_MAX);
    cluster_brokers_ask(admin, &arena, brokers, &why);
    kp_arena_close(&arena);
    admin_client_free(admin);
    return brokers;
}

int command_broker_list(struct invocation *in) {
    struct cluster_status status;
    int code = cluster_status_ask(in, &(struct status_wish){.metrics = metrics, .count = 5},
                                  &status);
    json_t *brokers = code == EXIT_DONE ? ask_tree(in) : json_array();
    if (code == EXIT_DONE && in->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < status.count; i++) {
            struct row row = row_of(&status, &status.brokers[i], brokers);
            json_array_append_new(list, json_of(&row));
        }
        print_json(list);
    } else if (code == EXIT_DONE) {
        print_list(&status, brokers);
    }
    json_decref(brokers);
    cluster_status_close(&status);
    return code;
}
