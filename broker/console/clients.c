/*
 * /api/clients: a page of who is connected, to all brokers, by ?search= (in what they call
 * themselves, their software or their address), ?sort= (name, requests, received, sent, errors),
 * ?order=, ?from=, ?limit=.
 *
 * Happy path: each broker is asked for its clients, on behind the last one that it told, until it
 * has told all, or CLIENTS_MAX are known. Failures: a broker that does not answer is named.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/console/console_internal.h"
#include "broker/console/list_page.h"
#include "protocol/messages/client_status.h"

enum { CLIENTS_MAX = 20000, ROUNDS_MAX = 100 };

struct client_row {
    const struct kp_client_status_response_client *client;
    int32_t node;
};

/* Of one broker. */
struct roster {
    const struct ask *ask; /* of this round; NULL: it has told all, or does not answer */
    int64_t last;
    bool more, missing;
};

struct gathering {
    struct roster *rosters; /* of each broker in inquiry->cluster */
    struct client_row *rows;
    size_t count;
    unsigned rounds;
};

/* ---- The page ---- */

static const char *const orders[] = {"name", "requests", "received", "sent", "errors"};
enum { BY_NAME, BY_REQUESTS, BY_RECEIVED, BY_SENT, BY_ERRORS };
struct client_order {
    size_t by;
    bool falling;
};

static int64_t number_of(const struct client_row *row, size_t by) {
    return by == BY_REQUESTS   ? row->client->requests
           : by == BY_RECEIVED ? row->client->received_bytes
           : by == BY_SENT     ? row->client->sent_bytes
                               : row->client->errors;
}

static int by_name(struct kp_string one, struct kp_string other) {
    size_t left = one.len < 0 ? 0 : (size_t)one.len, right = other.len < 0 ? 0 : (size_t)other.len;
    size_t least = left < right ? left : right;
    int order = least == 0 ? 0 : memcmp(one.data, other.data, least);
    return order != 0 ? order : (left > right) - (left < right);
}

static int compare(const void *a, const void *b, void *arg) {
    const struct client_row *one = *(const struct client_row *const *)a;
    const struct client_row *other = *(const struct client_row *const *)b;
    const struct client_order *order = arg;
    int result = 0;
    if (order->by == BY_NAME)
        result = by_name(one->client->client_id, other->client->client_id);
    else
        result = (number_of(one, order->by) > number_of(other, order->by)) -
                 (number_of(one, order->by) < number_of(other, order->by));
    if (result == 0) result = (one->node > other->node) - (one->node < other->node);
    if (result == 0) result = one->client->id > other->client->id ? 1 : -1;
    return order->falling ? -result : result;
}

static void show_row(struct json *json, const void *shown) {
    const struct client_row *row = shown;
    const struct kp_client_status_response_client *client = row->client;
    json_object(json, NULL);
    json_int(json, "broker", row->node);
    json_long(json, "id", client->id);
    json_string(json, "client_id", client->client_id);
    json_string(json, "software", client->software);
    json_string(json, "version", client->version);
    json_string(json, "peer", client->peer);
    json_string(json, "listener", client->listener);
    json_real(json, "connected_ms", (double)client->connected_age_ms);
    json_real(json, "request_ms", (double)client->request_age_ms);
    const struct kp_api *api = kp_api_find(client->last_api);
    json_words(json, "last", api == NULL ? NULL : api->name);
    json_real(json, "requests", (double)client->requests);
    json_real(json, "errors", (double)client->errors);
    json_real(json, "received_bytes", (double)client->received_bytes);
    json_real(json, "sent_bytes", (double)client->sent_bytes);
    json_end(json);
}

static void show(struct inquiry *inquiry) {
    const struct gathering *gathering = inquiry->state;
    struct json *json = &inquiry->json;
    struct list_page page = list_page_of(inquiry);
    struct client_order order = {BY_NAME, page.falling};
    const struct client_row **selected = inquiry_alloc(inquiry, (gathering->count + 1) *
                                                                    sizeof(struct client_row *));
    size_t count = 0;
    if (selected == NULL) return;
    for (size_t i = 0; page.sort != NULL && i < sizeof orders / sizeof *orders; i++)
        if (strcmp(page.sort, orders[i]) == 0) order.by = i;
    for (size_t i = 0; i < gathering->count; i++) {
        const struct kp_client_status_response_client *client = gathering->rows[i].client;
        if (list_page_has(&page, client->client_id) || list_page_has(&page, client->software) ||
            list_page_has(&page, client->peer))
            selected[count++] = &gathering->rows[i];
    }
    qsort_r(selected, count, sizeof *selected, compare, &order);
    json_object(json, NULL);
    json_array(json, "missing"); /* brokers that do not tell, or have more than is told */
    for (int32_t b = 0; b < inquiry->cluster->brokers.count; b++)
        if (gathering->rosters[b].missing || gathering->rosters[b].more)
            json_int(json, NULL, inquiry->cluster->brokers.items[b].broker_id);
    json_end(json);
    list_page_show(json, &page, "clients", (const void *const *)selected, count, gathering->count,
                   show_row);
    json_end(json);
    inquiry_respond(inquiry);
}

/* ---- Asking ---- */

static void take(struct gathering *gathering, struct roster *roster, int32_t node) {
    const struct ask *ask = roster->ask;
    const struct kp_client_status_response *told = ask == NULL ? NULL : ask->response;
    roster->more = false;
    roster->missing = ask == NULL || ask->error != ERR_NONE || told->error_code != 0;
    if (roster->missing) return;
    for (int32_t i = 0; i < told->clients.count; i++) {
        roster->more = true;
        if (gathering->count == CLIENTS_MAX) return;
        roster->last = told->clients.items[i].id;
        gathering->rows[gathering->count++] = (struct client_row){&told->clients.items[i], node};
    }
}

static void ask_round(struct inquiry *inquiry);

static void told(struct inquiry *inquiry) {
    struct gathering *gathering = inquiry->state;
    bool more = false;
    for (int32_t b = 0; b < inquiry->cluster->brokers.count; b++) {
        struct roster *roster = &gathering->rosters[b];
        if (roster->more) take(gathering, roster, inquiry->cluster->brokers.items[b].broker_id);
        more = more || roster->more;
    }
    if (more && gathering->count < CLIENTS_MAX && ++gathering->rounds < ROUNDS_MAX)
        ask_round(inquiry);
    else
        show(inquiry);
}

static void ask_round(struct inquiry *inquiry) {
    struct gathering *gathering = inquiry->state;
    for (int32_t b = 0; b < inquiry->cluster->brokers.count; b++) {
        struct roster *roster = &gathering->rosters[b];
        struct kp_client_status_request *request = roster->more
                                                       ? inquiry_alloc(inquiry, sizeof *request)
                                                       : NULL;
        if (request == NULL) continue;
        kp_set_fallbacks(&kp_client_status_request_schema, request);
        request->traced_client = KP_NULL_STRING;
        request->clients_after = roster->last;
        request->traced_after = -1;
        roster->ask = inquiry_ask(inquiry, inquiry->cluster->brokers.items[b].broker_id,
                                  KP_CLIENT_STATUS, 0, 0, request,
                                  sizeof(struct kp_client_status_response));
    }
    inquiry_then(inquiry, told);
}

static void begin(struct inquiry *inquiry) {
    size_t brokers = (size_t)inquiry->cluster->brokers.count;
    struct gathering *gathering = inquiry_alloc(inquiry, sizeof *gathering);
    struct roster *rosters = inquiry_alloc(inquiry, (brokers + 1) * sizeof *rosters);
    struct client_row *rows = inquiry_alloc(inquiry, CLIENTS_MAX * sizeof *rows);
    if (gathering == NULL || rosters == NULL || rows == NULL) return;
    for (size_t b = 0; b < brokers; b++)
        rosters[b].more = !inquiry->cluster->brokers.items[b].is_fenced;
    gathering->rosters = rosters;
    gathering->rows = rows;
    inquiry->state = gathering;
    ask_round(inquiry);
}

void console_clients(struct inquiry *inquiry) {
    inquiry_cluster(inquiry, begin);
}
