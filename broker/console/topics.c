/*
 * /api/topics: a page of the list of topics, by ?search=, ?sort=, ?order=, ?from=, ?limit=,
 * ?internal=1, ?troubled=1. The list is asked for once in ROWS_FRESH_US, however many look.
 */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "broker/console/asking/status_asks.h"
#include "broker/console/console_internal.h"
#include "broker/console/list_page.h"

enum {
    ROWS_FRESH_US = 2 * 1000 * 1000,
    ROWS_KEPT_US = 60 * 1000 * 1000,
};

static const char *const metrics[] = {"drave_topic_records", "drave_topic_stored_bytes"};

/* ---- The rows ---- */

static void add_numbers(struct topic_rows *rows, const struct kp_broker_status_response *status) {
    for (size_t m = 0; m < sizeof metrics / sizeof *metrics; m++) {
        const struct kp_broker_status_response_metric *metric = status_metric(status, metrics[m]);
        for (int32_t i = 0; metric != NULL && i < metric->samples.count; i++) {
            const struct kp_broker_status_response_sample *sample = &metric->samples.items[i];
            if (sample->labels.count < 1 || sample->labels.items[0].len <= 0) continue;
            struct topic_row *row = topic_rows_find(rows, sample->labels.items[0].data,
                                                    (size_t)sample->labels.items[0].len);
            if (row == NULL) continue; /* "(other)", or made since */
            double *into = m == 0 ? &row->records : &row->stored_bytes;
            *into = (isnan(*into) ? 0 : *into) + sample->value;
        }
    }
}

static const char *const order_names[] = {[ORDER_NAME] = "name",
                                          [ORDER_PARTITIONS] = "partitions",
                                          [ORDER_RECORDS] = "records",
                                          [ORDER_BYTES] = "size"};

static enum topic_order order_of(const char *name) {
    enum topic_order order = ORDER_NAME;
    for (size_t i = 0; name != NULL && i < sizeof order_names / sizeof *order_names; i++)
        if (strcmp(name, order_names[i]) == 0) order = (enum topic_order)i;
    return order;
}

static void show_row(struct json *json, const void *shown) {
    const struct topic_row *row = shown;
    json_object(json, NULL);
    json_words(json, "name", row->name);
    json_bool(json, "internal", row->internal);
    json_int(json, "partitions", row->partitions);
    json_int(json, "replicas", row->replicas);
    json_int(json, "leaderless", row->leaderless);
    json_int(json, "under_replicated", row->under_replicated);
    json_real(json, "records", row->records);
    json_real(json, "stored_bytes", row->stored_bytes);
    json_end(json);
}

static void respond(struct inquiry *inquiry) {
    struct console *console = console_of(inquiry);
    struct json *json = &inquiry->json;
    struct list_page page = list_page_of(inquiry);
    struct topic_wish wish = {.search = page.search,
                              .internal = inquiry_number(inquiry, "internal", 0, 0, 1) == 1,
                              .troubled = inquiry_number(inquiry, "troubled", 0, 0, 1) == 1,
                              .order = order_of(page.sort),
                              .falling = page.falling};
    size_t count;
    const struct topic_row **selected = topic_rows_select(console->rows, &wish, &count);
    json_object(json, NULL);
    list_page_show(json, &page, "topics", (const void *const *)selected, count,
                   console->rows->count, show_row);
    json_end(json);
    mem_free(selected);
    inquiry_respond(inquiry);
}

/* ---- Asking ---- */

static void told(struct inquiry *inquiry) {
    struct console *console = console_of(inquiry);
    const struct status_asks *asks = inquiry->state;
    struct topic_rows *rows = topic_rows_new(inquiry->metadata);
    for (int32_t i = 0; i < inquiry->cluster->brokers.count; i++) {
        const struct kp_broker_status_response *status = status_asks_of(asks, i);
        if (status != NULL) add_numbers(rows, status);
    }
    topic_rows_free(console->rows);
    console->rows = rows;
    rows->taken_us = env_now_us(inquiry->asker->env);
    env_timer_start(console->forget_rows, ROWS_KEPT_US);
    respond(inquiry);
}

static void ask_numbers(struct inquiry *inquiry) {
    inquiry->state = status_asks_begin(inquiry, metrics, sizeof metrics / sizeof *metrics, 0, 0, 0);
    inquiry_then(inquiry, told);
}

void console_topics(struct inquiry *inquiry) {
    struct console *console = console_of(inquiry);
    if (console->rows != NULL &&
        env_now_us(inquiry->asker->env) - console->rows->taken_us < ROWS_FRESH_US)
        respond(inquiry);
    else
        inquiry_metadata(inquiry, NULL, ask_numbers);
}
