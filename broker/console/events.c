/*
 * /api/events: what happened lately on each broker, as each of them remembers it; ?limit= of a
 * broker, the last ones. A page puts them into one order.
 *
 * A broker tells so many in an answer, the oldest first: it is asked until there are no more.
 */
#include "broker/console/asking/status_asks.h"
#include "broker/console/console_internal.h"

enum { PAGE = 200, PAGE_MAX = 1000, ROUNDS_MAX = 16 };

/* Of one broker. */
struct story {
    bool answers, more;
    struct ask *ask;                                                /* of this round */
    int64_t last;                                                   /* id */
    const struct kp_broker_status_response_event *events[PAGE_MAX]; /* a ring of the last ones */
    size_t count;                                                   /* ever put there */
};

struct telling {
    struct story **stories; /* of each broker */
    int rounds;
};

static void show_event(struct json *json, const struct kp_broker_status_response_event *event) {
    json_object(json, NULL);
    json_long(json, "id", event->id);
    json_real(json, "time_ms", (double)event->time_ms);
    json_string(json, "kind", event->kind);
    json_int(json, "node", event->node_id);
    json_string(json, "cause", event->cause);
    json_string(json, "subject", event->subject);
    json_real(json, "count", (double)event->count);
    json_real(json, "took_ms", (double)event->took_ms);
    json_long(json, "ref", event->ref);
    json_end(json);
}

static void show(struct inquiry *inquiry) {
    struct json *json = &inquiry->json;
    struct telling *telling = inquiry->state;
    size_t limit = (size_t)inquiry_number(inquiry, "limit", PAGE, 1, PAGE_MAX);
    json_object(json, NULL);
    json_array(json, "brokers");
    for (int32_t b = 0; b < inquiry->cluster->brokers.count; b++) {
        const struct story *story = telling->stories[b];
        json_object(json, NULL);
        json_int(json, "id", inquiry->cluster->brokers.items[b].broker_id);
        json_bool(json, "answers", story->answers);
        json_array(json, "events");
        for (size_t i = story->count > limit ? story->count - limit : 0; i < story->count; i++)
            show_event(json, story->events[i % PAGE_MAX]);
        json_end(json);
        json_end(json);
    }
    json_end(json);
    json_end(json);
    inquiry_respond(inquiry);
}

static void take(struct story *story) {
    const struct ask *ask = story->ask;
    story->ask = NULL;
    story->more = false;
    if (ask == NULL || ask->error != ERR_NONE) return;
    const struct kp_broker_status_response *status = ask->response;
    if (status->error_code != 0) return;
    story->answers = true;
    for (int32_t i = 0; i < status->events.count; i++)
        story->events[story->count++ % PAGE_MAX] = &status->events.items[i];
    if (status->events.count == 0) return;
    int64_t last = status->events.items[status->events.count - 1].id;
    story->more = last > story->last;
    story->last = last;
}

static void ask_round(struct inquiry *inquiry);

static void told(struct inquiry *inquiry) {
    struct telling *telling = inquiry->state;
    bool more = false;
    for (int32_t b = 0; b < inquiry->cluster->brokers.count; b++) {
        if (telling->stories[b]->more) take(telling->stories[b]);
        more = more || telling->stories[b]->more;
    }
    if (more && ++telling->rounds < ROUNDS_MAX)
        ask_round(inquiry);
    else
        show(inquiry);
}

static void ask_round(struct inquiry *inquiry) {
    struct telling *telling = inquiry->state;
    for (int32_t b = 0; b < inquiry->cluster->brokers.count; b++) {
        struct story *story = telling->stories[b];
        struct kp_broker_status_request *request = story->more
                                                       ? inquiry_alloc(inquiry, sizeof *request)
                                                       : NULL;
        if (request == NULL) continue;
        kp_set_fallbacks(&kp_broker_status_request_schema, request);
        request->events_max = INT32_MAX;
        request->events_after = story->last;
        story->ask = inquiry_ask(inquiry, inquiry->cluster->brokers.items[b].broker_id,
                                 KP_BROKER_STATUS, 0, 0, request,
                                 sizeof(struct kp_broker_status_response));
    }
    inquiry_then(inquiry, told);
}

static void begin(struct inquiry *inquiry) {
    int32_t brokers = inquiry->cluster->brokers.count;
    struct telling *telling = inquiry_alloc(inquiry, sizeof *telling);
    struct story **stories = inquiry_alloc(inquiry, ((size_t)brokers + 1) * sizeof(struct story *));
    if (telling == NULL || stories == NULL) return;
    for (int32_t b = 0; b < brokers; b++) {
        stories[b] = inquiry_alloc(inquiry, sizeof *stories[b]);
        if (stories[b] == NULL) return;
        stories[b]->more = true;
    }
    telling->stories = stories;
    inquiry->state = telling;
    ask_round(inquiry);
}

void console_events(struct inquiry *inquiry) {
    inquiry_cluster(inquiry, begin);
}
