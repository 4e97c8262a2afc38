/* Views of drave top beside those of brokers and topics: groups, clients, replication, events. */
#include "client/health/top_views.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/health/client_ask.h"
#include "client/health/event_line.h"
#include "client/line/talk.h"

enum { ROWS_SHOWN = 30, EVENTS_SHOWN = 20, CELL = 80, ARENA_MAX = 64 << 20 };

/* ---- Groups ---- */

struct group_row {
    struct kp_string group, topic;
    double lag, seconds, left, missed, trend;
    const struct kp_broker_status_response *said; /* by its coordinator */
};

/* The value with these two labels; NaN: there is none. */
static double number_of_two(const struct kp_broker_status_response *said, const char *metric,
                            struct kp_string first, struct kp_string second) {
    for (int32_t m = 0; said && m < said->metrics.count; m++) {
        const struct kp_broker_status_response_metric *one = &said->metrics.items[m];
        for (int32_t s = 0; kp_string_is(one->name, metric) && s < one->samples.count; s++) {
            const struct kp_broker_status_response_sample *sample = &one->samples.items[s];
            if (sample->labels.count == 2 && kp_string_equal(sample->labels.items[0], first) &&
                kp_string_equal(sample->labels.items[1], second)) {
                return sample->value;
            }
        }
    }
    return NAN;
}

static double number_of_group(const struct kp_broker_status_response *said, const char *metric,
                              struct kp_string group) {
    char name[300];
    snprintf(name, sizeof(name), "%.*s", (int)group.len, group.data);
    return status_number(said, metric, name);
}

static int by_seconds(const void *a, const void *b) {
    const struct group_row *one = a, *other = b;
    if (one->seconds != other->seconds) {
        return one->seconds > other->seconds ? -1 : 1;
    }
    return (one->lag < other->lag) - (one->lag > other->lag);
}

/* Its lag a look ago; NaN: it was not asked. */
static double lag_before(const struct top *top, const struct broker_seen *broker,
                         const struct group_row *row) {
    const struct broker_seen *before = top->has_before
                                           ? cluster_status_broker(&top->before, broker->node)
                                           : NULL;
    return number_of_two(before ? before->status : NULL, "drave_group_lag_records", row->group,
                         row->topic);
}

static void take_groups(const struct top *top, const struct broker_seen *broker,
                        struct group_row **rows, size_t *count, size_t *room) {
    const struct kp_broker_status_response *said = broker->status;
    for (int32_t m = 0; said && m < said->metrics.count; m++) {
        const struct kp_broker_status_response_metric *one = &said->metrics.items[m];
        if (!kp_string_is(one->name, "drave_group_lag_records")) {
            continue;
        }
        for (int32_t s = 0; s < one->samples.count; s++) {
            const struct kp_broker_status_response_sample *sample = &one->samples.items[s];
            struct group_row row = {.group = sample->labels.items[0],
                                    .topic = sample->labels.items[1],
                                    .lag = sample->value,
                                    .said = said};
            double passed_s = (double)(top->now_ms - top->before_ms) / 1000;
            row.trend = (row.lag - lag_before(top, broker, &row)) / passed_s;
            row.seconds = number_of_two(said, "drave_group_lag_seconds", row.group, row.topic);
            row.left = number_of_two(said, "drave_group_retention_left_seconds", row.group,
                                     row.topic);
            row.missed = number_of_two(said, "drave_group_records_missed", row.group, row.topic);
            *rows = mem_grow(*rows, *count, room, sizeof(**rows));
            (*rows)[(*count)++] = row;
        }
    }
}

static void add_group(struct table *table, const struct group_row *row) {
    char group[CELL], topic[CELL], trend[AMOUNT_ROOM + 8] = "-", amount[AMOUNT_ROOM],
                                                       texts[6][AMOUNT_ROOM];
    snprintf(group, sizeof(group), "%.*s", (int)row->group.len, row->group.data);
    snprintf(topic, sizeof(topic), "%.*s", (int)row->topic.len, row->topic.data);
    if (!isnan(row->trend)) {
        snprintf(trend, sizeof(trend), "%s%s/s", row->trend < 0 ? "-" : "+",
                 amount_count(fabs(row->trend), amount));
    }
    table_row(
        table,
        (const char *[]){
            group, topic,
            amount_count(number_of_group(row->said, "drave_group_members", row->group), texts[0]),
            amount_count(row->lag, texts[1]), amount_time(row->seconds, texts[2]), trend,
            isnan(row->left) ? NULL : amount_time(row->left, texts[3]),
            amount_count(row->missed, texts[4]),
            amount_count(number_of_group(row->said, "drave_group_rebalances_total", row->group),
                         texts[5])});
}

void top_show_groups(const struct top *top) {
    static const char *const columns[] = {"GROUP", "TOPIC", "MEMBERS", "LAG",       "BEHIND",
                                          "TREND", "LEFT",  "MISSED",  "REBALANCES"};
    struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
    struct group_row *rows = NULL;
    size_t count = 0, room = 0;
    for (size_t i = 0; i < top->now.count; i++) {
        take_groups(top, &top->now.brokers[i], &rows, &count, &room);
    }
    if (count > 0) {
        qsort(rows, count, sizeof(*rows), by_seconds);
    }
    for (size_t i = 0; i < count && i < ROWS_SHOWN; i++) {
        add_group(table, &rows[i]);
    }
    mem_free(rows);
    table_print(table);
}

/* ---- Clients ---- */

struct client_row {
    struct top_client now;
    char client_id[CELL], software[2 * CELL], peer[CELL];
    double requests, bytes; /* in a second; NaN: it was not there before */
    int64_t errors;
};

struct client_rows {
    const struct top *top;
    int32_t node;
    double passed_s; /* since the last look; 0: there was none */
    struct client_row *items;
    size_t count, room;
};

static const struct top_client *client_before(const struct top *top, int32_t node, int64_t id) {
    for (size_t i = 0; i < top->client_count; i++) {
        if (top->clients[i].node == node && top->clients[i].id == id) {
            return &top->clients[i];
        }
    }
    return NULL;
}

static void take_clients(void *arg, const struct kp_client_status_response *answer) {
    struct client_rows *rows = arg;
    for (int32_t i = 0; i < answer->clients.count; i++) {
        const struct kp_client_status_response_client *one = &answer->clients.items[i];
        struct client_row row = {
            .now = {rows->node, one->id, one->requests, one->received_bytes + one->sent_bytes},
            .errors = one->errors};
        const struct top_client *before = client_before(rows->top, rows->node, one->id);
        bool known = before && rows->passed_s > 0;
        row.requests = known ? (double)(row.now.requests - before->requests) / rows->passed_s : NAN;
        row.bytes = known ? (double)(row.now.bytes - before->bytes) / rows->passed_s : NAN;
        snprintf(row.client_id, sizeof(row.client_id), "%.*s", (int)one->client_id.len,
                 one->client_id.data);
        snprintf(row.software, sizeof(row.software), "%.*s %.*s", (int)one->software.len,
                 one->software.data, (int)one->version.len, one->version.data);
        snprintf(row.peer, sizeof(row.peer), "%.*s", (int)one->peer.len, one->peer.data);
        rows->items = mem_grow(rows->items, rows->count, &rows->room, sizeof(*rows->items));
        rows->items[rows->count++] = row;
    }
}

static int by_bytes(const void *a, const void *b) {
    const struct client_row *one = a, *other = b;
    double first = isnan(one->bytes) ? -1 : one->bytes,
           second = isnan(other->bytes) ? -1 : other->bytes;
    if (first != second) {
        return first > second ? -1 : 1;
    }
    return (one->now.bytes < other->now.bytes) - (one->now.bytes > other->now.bytes);
}

static void ask_clients(struct client_rows *rows) {
    struct kp_arena arena;
    kp_arena_init(&arena, ARENA_MAX);
    for (size_t i = 0; i < rows->top->now.count; i++) {
        const struct broker_seen *broker = &rows->top->now.brokers[i];
        char address[STATUS_ADDRESS];
        struct error_text why = {""};
        if (!broker->status) {
            continue;
        }
        struct admin_client *admin = admin_client_new_quiet(broker_address(broker, address),
                                                            STATUS_ASK_MS);
        rows->node = broker->node;
        client_ask_all(admin, &arena, take_clients, rows,
                       &why); /* its row says that it is silent */
        admin_client_free(admin);
    }
    kp_arena_close(&arena);
}

static void keep_clients(struct top *top, const struct client_rows *rows) {
    mem_free(top->clients);
    top->clients = mem_alloc((rows->count + 1) * sizeof(*top->clients));
    top->client_count = rows->count;
    for (size_t i = 0; i < rows->count; i++) {
        top->clients[i] = rows->items[i].now;
    }
    top->clients_ms = now_ms();
}

void top_show_clients(struct top *top) {
    static const char *const columns[] = {"BROKER", "CLIENT ID", "SOFTWARE", "ADDRESS",
                                          "REQ/S",  "BYTES",     "REQUESTS", "ERRORS"};
    struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
    struct client_rows rows = {.top = top};
    if (top->clients) {
        rows.passed_s = (double)(now_ms() - top->clients_ms) / 1000;
    }
    ask_clients(&rows);
    if (rows.count > 0) {
        qsort(rows.items, rows.count, sizeof(*rows.items), by_bytes);
    }
    for (size_t i = 0; i < rows.count && i < ROWS_SHOWN; i++) {
        const struct client_row *row = &rows.items[i];
        char node[16], texts[4][AMOUNT_ROOM];
        snprintf(node, sizeof(node), "%d", (int)row->now.node);
        table_row(table,
                  (const char *[]){node, *row->client_id ? row->client_id : NULL, row->software,
                                   row->peer, amount_count(row->requests, texts[0]),
                                   top_per_second(row->bytes, texts[1]),
                                   amount_count((double)row->now.requests, texts[2]),
                                   amount_count((double)row->errors, texts[3])});
    }
    keep_clients(top, &rows);
    mem_free(rows.items);
    table_print(table);
}

/* ---- Replication ---- */

void top_show_replication(const struct top *top) {
    static const char *const columns[] = {"FROM", "TO", "LINK", "LAG", "SENT", "RECEIVED"};
    struct table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < top->now.count; i++) {
        for (size_t k = 0; k < top->now.count; k++) {
            const struct broker_seen *from = &top->now.brokers[i], *to = &top->now.brokers[k];
            char node[16], peer[16], texts[3][AMOUNT_ROOM];
            if (i == k || !from->status) {
                continue;
            }
            snprintf(node, sizeof(node), "%d", (int)from->node);
            snprintf(peer, sizeof(peer), "%d", (int)to->node);
            table_row(
                table,
                (const char *[]){
                    node, peer,
                    status_number(from->status, "drave_peer_up", peer) > 0 ? "up" : "down",
                    amount_count(status_number(from->status, "drave_replica_lag_entries", peer),
                                 texts[0]),
                    top_per_second(top_rate(top, from, "drave_peer_sent_bytes_total", peer),
                                   texts[1]),
                    top_per_second(top_rate(top, from, "drave_peer_received_bytes_total", peer),
                                   texts[2])});
        }
    }
    table_print(table);
}

/* ---- Events ---- */

struct event_row {
    int32_t node;
    const struct kp_broker_status_response_event *event;
};

static int newest_first(const void *a, const void *b) {
    const struct event_row *one = a, *other = b;
    int64_t first = one->event->time_ms, second = other->event->time_ms;
    return (first < second) - (first > second);
}

/* What all brokers note of the metadata is shown once. */
static bool is_shown(const struct event_row *rows, size_t count, const struct event_row *row) {
    for (size_t i = 0; row->event->ref != 0 && i < count; i++) {
        if (rows[i].event->ref == row->event->ref &&
            kp_string_equal(rows[i].event->kind, row->event->kind)) {
            return true;
        }
    }
    return false;
}

void top_show_events(const struct top *top) {
    struct event_row *rows = NULL;
    size_t count = 0, room = 0, shown = 0;
    for (size_t i = 0; i < top->now.count; i++) {
        const struct broker_seen *broker = &top->now.brokers[i];
        for (int32_t e = 0; broker->status && e < broker->status->events.count; e++) {
            rows = mem_grow(rows, count, &room, sizeof(*rows));
            rows[count++] = (struct event_row){broker->node, &broker->status->events.items[e]};
        }
    }
    if (count > 0) {
        qsort(rows, count, sizeof(*rows), newest_first);
    }
    for (size_t i = 0; i < count && shown < EVENTS_SHOWN; i++) {
        char line[EVENT_LINE];
        if (is_shown(rows, i, &rows[i])) {
            continue;
        }
        event_line(rows[i].event, rows[i].node, line);
        print_text("%s\n", line);
        shown++;
    }
    mem_free(rows);
}
