/*
 * /api/groups: a page of the list of consumer groups, as their coordinators list them, with the lag
 * that their brokers know anyway (drave_group_lag_*), by ?search=, ?sort=, ?order=, ?from=,
 * ?limit=.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "broker/console/asking/status_asks.h"
#include "broker/console/console_internal.h"
#include "broker/console/list_page.h"
#include "protocol/messages/list_groups.h"

static const char *const metrics[] = {"drave_group_lag_records", "drave_group_lag_seconds",
                                      "drave_group_retention_left_seconds",
                                      "drave_share_group_lag_records"};
enum {
    LAG_RECORDS,
    LAG_SECONDS,
    RETENTION_LEFT,
    LAG_NUMBERS,
    SHARE_LAG = LAG_NUMBERS,
    METRICS_ASKED
};

struct group_row {
    struct kp_string group, type, state, protocol_type;
    int32_t coordinator;
    double lag[LAG_NUMBERS]; /* sum, longest, shortest over its topics; NaN: not known */
};

struct listing {
    const struct status_asks *status;
    struct ask **lists; /* of each broker */
    struct group_row *rows;
    size_t count;
};

/* ---- Rows ---- */

static int by_name(const void *a, const void *b) {
    const struct group_row *one = a, *other = b;
    size_t len = (size_t)(one->group.len < other->group.len ? one->group.len : other->group.len);
    int order = memcmp(one->group.data, other->group.data, len);
    return order != 0 ? order
                      : (one->group.len > other->group.len) - (one->group.len < other->group.len);
}

static bool take_groups(struct inquiry *inquiry, struct listing *listing) {
    int32_t brokers = inquiry->cluster->brokers.count;
    size_t most = 1;
    for (int32_t i = 0; i < brokers; i++) {
        const struct kp_list_groups_response *list = listing->lists[i] == NULL
                                                         ? NULL
                                                         : listing->lists[i]->response;
        if (list != NULL && list->groups.count > 0) most += (size_t)list->groups.count;
    }
    listing->rows = inquiry_alloc(inquiry, most * sizeof *listing->rows);
    if (listing->rows == NULL) return false;
    for (int32_t i = 0; i < brokers; i++) {
        const struct ask *ask = listing->lists[i];
        if (ask == NULL || ask->error != ERR_NONE) continue;
        const struct kp_list_groups_response *list = ask->response;
        for (int32_t g = 0; g < list->groups.count; g++) {
            const struct kp_list_groups_response_group *group = &list->groups.items[g];
            if (group->group_id.len < 0) continue;
            listing->rows[listing->count++] = (struct group_row){
                .group = group->group_id,
                .type = group->group_type,
                .state = group->group_state,
                .protocol_type = group->protocol_type,
                .coordinator = ask->node,
                .lag = {NAN, NAN, NAN}};
        }
    }
    qsort(listing->rows, listing->count, sizeof *listing->rows, by_name);
    return true;
}

static void add_number(struct group_row *row, size_t number, double value) {
    double *into = &row->lag[number];
    if (number == LAG_RECORDS && !isnan(*into))
        *into += value;
    else if (isnan(*into) || (number == LAG_SECONDS ? value > *into : value < *into))
        *into = value;
}

/* A group is found by its name as the metrics have it. */
static void take_lag(struct listing *listing, const struct kp_broker_status_response *status) {
    for (size_t m = 0; m < METRICS_ASKED; m++) {
        const struct kp_broker_status_response_metric *metric = status_metric(status, metrics[m]);
        for (int32_t i = 0; metric != NULL && i < metric->samples.count; i++) {
            const struct kp_broker_status_response_sample *sample = &metric->samples.items[i];
            if (sample->labels.count < 1 || listing->count == 0) continue;
            struct group_row key = {.group = sample->labels.items[0]};
            if (key.group.len < 0) continue;
            struct group_row *row = bsearch(&key, listing->rows, listing->count, sizeof key,
                                            by_name);
            if (row != NULL) add_number(row, m == SHARE_LAG ? LAG_RECORDS : m, sample->value);
        }
    }
}

/* ---- A page ---- */

enum group_order { ORDER_GROUP, ORDER_LAG, ORDER_SECONDS };
struct group_wish {
    enum group_order order;
    bool falling;
};

static int compare(const void *a, const void *b, void *arg) {
    const struct group_row *one = *(const struct group_row *const *)a;
    const struct group_row *other = *(const struct group_row *const *)b;
    const struct group_wish *wish = arg;
    size_t number = wish->order == ORDER_LAG ? LAG_RECORDS : LAG_SECONDS;
    double left = isnan(one->lag[number]) ? -1 : one->lag[number];
    double right = isnan(other->lag[number]) ? -1 : other->lag[number];
    if (wish->order != ORDER_GROUP && left != right)
        return (left < right) == wish->falling ? 1 : -1;
    int order = by_name(one, other);
    return wish->order == ORDER_GROUP && wish->falling ? -order : order;
}

static void show_row(struct json *json, const void *shown) {
    const struct group_row *row = shown;
    json_object(json, NULL);
    json_string(json, "group", row->group);
    json_string(json, "type", row->type);
    json_string(json, "state", row->state);
    json_string(json, "protocol_type", row->protocol_type);
    json_int(json, "coordinator", row->coordinator);
    json_real(json, "lag_records", row->lag[LAG_RECORDS]);
    json_real(json, "lag_seconds", row->lag[LAG_SECONDS]);
    json_real(json, "retention_left_seconds", row->lag[RETENTION_LEFT]);
    json_end(json);
}

static void show_page(struct inquiry *inquiry, const struct listing *listing) {
    struct json *json = &inquiry->json;
    struct list_page page = list_page_of(inquiry);
    struct group_wish wish = {.falling = page.falling};
    size_t count = 0;
    if (page.sort != NULL && strcmp(page.sort, "lag") == 0) wish.order = ORDER_LAG;
    if (page.sort != NULL && strcmp(page.sort, "seconds") == 0) wish.order = ORDER_SECONDS;
    const struct group_row **selected = inquiry_alloc(inquiry, (listing->count + 1) *
                                                                   sizeof(struct group_row *));
    if (selected == NULL) return;
    for (size_t i = 0; i < listing->count; i++)
        if (list_page_has(&page, listing->rows[i].group)) selected[count++] = &listing->rows[i];
    qsort_r(selected, count, sizeof *selected, compare, &wish);
    list_page_show(json, &page, "groups", (const void *const *)selected, count, listing->count,
                   show_row);
}

static void told(struct inquiry *inquiry) {
    struct listing *listing = inquiry->state;
    struct json *json = &inquiry->json;
    if (!take_groups(inquiry, listing)) return;
    json_object(json, NULL);
    json_array(json, "missing"); /* brokers whose groups are not in the list */
    for (int32_t i = 0; i < inquiry->cluster->brokers.count; i++) {
        const struct kp_broker_status_response *status = status_asks_of(listing->status, i);
        const struct ask *list = listing->lists[i];
        if (status != NULL) take_lag(listing, status);
        if (list != NULL && list->error != ERR_NONE)
            json_int(json, NULL, inquiry->cluster->brokers.items[i].broker_id);
    }
    json_end(json);
    show_page(inquiry, listing);
    if (inquiry->exchange == NULL) return;
    json_end(json);
    inquiry_respond(inquiry);
}

static void ask_groups(struct inquiry *inquiry) {
    int32_t brokers = inquiry->cluster->brokers.count;
    struct kp_list_groups_request *request = inquiry_alloc(inquiry, sizeof *request);
    struct listing *listing = inquiry_alloc(inquiry, sizeof *listing);
    struct ask **lists = inquiry_alloc(inquiry, ((size_t)brokers + 1) * sizeof(struct ask *));
    if (request == NULL || listing == NULL || lists == NULL) return;
    kp_set_fallbacks(&kp_list_groups_request_schema, request);
    listing->lists = lists;
    listing->status = status_asks_begin(inquiry, metrics, METRICS_ASKED, 0, 0, 0);
    if (listing->status == NULL) return;
    for (int32_t i = 0; i < brokers; i++)
        if (!inquiry->cluster->brokers.items[i].is_fenced)
            lists[i] = inquiry_ask(inquiry, inquiry->cluster->brokers.items[i].broker_id,
                                   KP_LIST_GROUPS, 3, 0, request,
                                   sizeof(struct kp_list_groups_response));
    inquiry->state = listing;
    inquiry_then(inquiry, told);
}

void console_groups(struct inquiry *inquiry) {
    inquiry_cluster(inquiry, ask_groups);
}
