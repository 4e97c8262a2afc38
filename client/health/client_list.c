/*
 * drave client list: who is connected to the brokers; with topics, who produces to them and reads
 * them.
 *
 * Failures: nobody is reachable (3); a topic that is not there (1). A broker that does not answer
 * is said, and the others are listed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/health/client_ask.h"
#include "client/health/client_topics.h"
#include "client/line/amount.h"
#include "client/line/command.h"
#include "client/line/talk.h"

enum { CELL = 80 };

struct listing {
    bool json;
    int32_t node; /* which is asked */
    json_t *list;
    struct table *table;
};

static const char *cell_of(struct kp_string text, char into[CELL]) {
    snprintf(into, CELL, "%.*s", text.len < 0 ? 0 : (int)text.len, text.len < 0 ? "" : text.data);
    return *into ? into : "-";
}

static void add_json(struct listing *listing,
                     const struct kp_client_status_response_client *client) {
    const struct kp_api *api = kp_api_find(client->last_api);
    json_array_append_new(
        listing->list,
        json_pack(
            "{s:i,s:s%,s:s%,s:s%,s:s%,s:s%,s:f,s:o,s:o,s:I,s:I,s:I,s:I}", "broker",
            (int)listing->node, "client_id", client->client_id.data, (size_t)client->client_id.len,
            "address", client->peer.data, (size_t)client->peer.len, "listener",
            client->listener.data, (size_t)client->listener.len, "software", client->software.data,
            (size_t)client->software.len, "version", client->version.data,
            (size_t)client->version.len, "connected_seconds",
            (double)client->connected_age_ms / 1000, "idle_seconds",
            client->request_age_ms < 0 ? json_null()
                                       : json_real((double)client->request_age_ms / 1000),
            "last_request", client->requests > 0 && api ? json_string(api->name) : json_null(),
            "requests", (json_int_t)client->requests, "errors", (json_int_t)client->errors,
            "received_bytes", (json_int_t)client->received_bytes, "sent_bytes",
            (json_int_t)client->sent_bytes));
}

static void add_row(struct listing *listing,
                    const struct kp_client_status_response_client *client) {
    char node[16], id[CELL], software[CELL], version[CELL], both[2 * CELL], address[CELL],
        since[AMOUNT_ROOM], last[AMOUNT_ROOM + 40] = "-", ago[AMOUNT_ROOM], requests[AMOUNT_ROOM],
                                               errors[AMOUNT_ROOM], in[AMOUNT_ROOM],
                                               out[AMOUNT_ROOM];
    const struct kp_api *api = kp_api_find(client->last_api);
    snprintf(node, sizeof(node), "%d", (int)listing->node);
    snprintf(both, sizeof(both), "%s %s", cell_of(client->software, software),
             client->version.len > 0 ? cell_of(client->version, version) : "");
    if (client->request_age_ms >= 0) {
        snprintf(last, sizeof(last), "%s %s ago", api ? api->name : "",
                 amount_time((double)client->request_age_ms / 1000, ago));
    }
    table_row(listing->table,
              (const char *[]){node, cell_of(client->client_id, id), both,
                               cell_of(client->peer, address),
                               amount_time((double)client->connected_age_ms / 1000, since), last,
                               amount_count((double)client->requests, requests),
                               amount_count((double)client->errors, errors),
                               amount_bytes((double)client->received_bytes, in),
                               amount_bytes((double)client->sent_bytes, out)});
}

static void take(void *arg, const struct kp_client_status_response *answer) {
    struct listing *listing = arg;
    for (int32_t i = 0; i < answer->clients.count; i++) {
        (listing->json ? add_json : add_row)(listing, &answer->clients.items[i]);
    }
}

static void list_of_broker(struct listing *listing, struct cluster_status *status,
                           const struct broker_seen *broker) {
    char address[STATUS_ADDRESS];
    struct error_text why = {""};
    struct admin_client *admin = admin_client_new_quiet(broker_address(broker, address),
                                                        STATUS_ASK_MS);
    listing->node = broker->node;
    if (client_ask_all(admin, &status->arena, take, listing, &why)) {
        say("broker %d tells nothing: %s", (int)broker->node, why.text);
    }
    admin_client_free(admin);
}

static int list_connections(const struct invocation *in) {
    static const char *const columns[] = {"BROKER", "CLIENT ID", "SOFTWARE", "ADDRESS", "CONNECTED",
                                          "LAST",   "REQUESTS",  "ERRORS",   "IN",      "OUT"};
    struct cluster_status status;
    struct listing listing = {.json = in->json};
    int code = cluster_status_list(in, &status);
    if (code == EXIT_DONE) {
        listing.list = json_array();
        listing.table = in->json ? NULL : table_new(columns, sizeof(columns) / sizeof(columns[0]));
        for (size_t i = 0; i < status.count; i++) {
            if (!status.brokers[i].fenced) {
                list_of_broker(&listing, &status, &status.brokers[i]);
            }
        }
        if (in->json) {
            print_json(listing.list);
        } else {
            table_print(listing.table);
            json_decref(listing.list);
        }
    }
    cluster_status_close(&status);
    return code;
}

int command_client_list(struct invocation *in) {
    return in->word_count > 0 ? client_topics_list(in) : list_connections(in);
}
