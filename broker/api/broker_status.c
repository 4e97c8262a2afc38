/*
 * BrokerStatus (key 10001, ours): what this broker knows of itself.
 *
 * The observer gives a snapshot, one for all who ask within a second; health, events and so many
 * samples at a time are written in steps. Failures: CLUSTER_AUTHORIZATION_FAILED; an answer that
 * grows too large closes the connection. When the client goes, nobody waits any more. Invariant:
 * whatever is asked for, a step writes a few hundred items at most, and is charged. Topics and
 * groups that the client may not describe have no name in it (status_sight.h).
 */
#include "protocol/messages/broker_status.h"

#include <string.h>

#include "base/container_of.h"
#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/api/status_sight.h"
#include "broker/cluster/cluster_record.h"
#include "broker/observe/observer.h"
#include "broker/observe/timeline.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum {
    SAMPLES_OF_A_STEP = 64,
    REASONS_OF_AN_ANSWER = 100, /* of each kind of health */
    EVENTS_OF_AN_ANSWER = 100,
    NAMES_MAX = 2 * METRICS,
};

struct telling_status {
    struct observer_wish wish;
    struct request *request;
    const struct broker_services *services;
    struct snapshot *snapshot; /* a reference; NULL: none yet */
    struct kp_broker_status_response response;
    enum { TELL_HEALTH, TELL_EVENTS, TELL_METRICS } part; /* that comes next */
    int metric;                                           /* the next of the table */
    uint32_t at; /* the next sample of it that is told; 0: it has not begun */
    bool wanted[METRICS];
};

/* ---- Health ---- */

static const char *const health_names[HEALTH_KINDS] =
    {[HEALTH_READY] = "ready", [HEALTH_STOPPABLE] = "stoppable", [HEALTH_CLUSTER] = "cluster"};

static int32_t capped(int32_t wanted, int32_t most) {
    return wanted < 0 ? 0 : wanted < most ? wanted : most;
}

/* False, here and below: the arena's limit is passed. */
static bool tell_reasons(const struct request_ctx *ctx, struct kp_arena *arena,
                         const struct health *health, size_t most,
                         struct kp_broker_status_response_health *into) {
    size_t count = health->count < most ? health->count : most;
    into->left_out = (int32_t)(health->count - count + health->left_out);
    if (count == 0) return true;
    if (kp_new_items(arena, &kp_broker_status_response_reason_schema, &into->reasons,
                     (int32_t)count) == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        into->reasons.items[i].code = kp_string_of(health->reasons[i].code);
        into->reasons.items[i].text = status_reason(ctx, &health->reasons[i], arena);
        if (into->reasons.items[i].text.len < 0) return false;
    }
    return true;
}

static bool tell_health(struct telling_status *telling) {
    const struct kp_broker_status_request *in = telling->request->message;
    struct kp_arena *arena = &telling->request->arena;
    size_t most = (size_t)capped(in->reasons_max, REASONS_OF_AN_ANSWER);
    bool fits = kp_new_items(arena, &kp_broker_status_response_health_schema,
                             &telling->response.health, HEALTH_KINDS) != NULL;
    for (int kind = 0; fits && kind < HEALTH_KINDS; kind++) {
        const struct health *health = &telling->snapshot->health[kind];
        struct kp_broker_status_response_health *into = &telling->response.health.items[kind];
        into->name = kp_string_of(health_names[kind]);
        into->ok = health->ok;
        fits = tell_reasons(&telling->request->ctx, arena, health, most, into);
    }
    return fits;
}

/* ---- Numbers ---- */

static bool tell_sample(struct telling_status *telling, const struct metric_row *row,
                        const struct sample *sample,
                        struct kp_broker_status_response_sample *into) {
    const struct snapshot *snapshot = telling->snapshot;
    struct kp_arena *arena = &telling->request->arena;
    unsigned labels = metric_labels(row);
    into->value = sample->value;
    into->labels.items = kp_arena_alloc(arena, METRIC_LABELS_MAX * sizeof *into->labels.items);
    if (into->labels.items == NULL) return false;
    into->labels.count = (int32_t)labels;
    for (unsigned i = 0; i < labels; i++) {
        size_t len;
        const char *text = snapshot_text_of(snapshot, sample->labels[i], &len);
        into->labels.items[i] = status_label(&telling->request->ctx, row->labels[i],
                                             (struct kp_string){.data = text, .len = (int32_t)len});
    }
    if (row->type != METRIC_HISTOGRAM) return true;
    const struct buckets *buckets = &snapshot->histograms[sample->histogram];
    into->value = (double)buckets->sum * row->kind->unit;
    into->counts.count = row->kind->count + 1;
    into->counts.items = kp_arena_alloc(arena, sizeof buckets->counts);
    for (int i = 0; into->counts.items != NULL && i < into->counts.count; i++)
        into->counts.items[i] = (int64_t)buckets->counts[i];
    return into->counts.items != NULL;
}

static bool begin_metric(struct telling_status *telling, const struct metric_row *row) {
    const struct snapshot *snapshot = telling->snapshot;
    struct kp_arena *arena = &telling->request->arena;
    struct kp_broker_status_response_metric *into =
        &telling->response.metrics.items[telling->response.metrics.count];
    int32_t samples = 0;
    for (uint32_t at = telling->at; at != 0; at = snapshot->samples[at].next)
        samples++;
    into->name = kp_string_of(row->name);
    into->labels.items = kp_arena_alloc(arena, METRIC_LABELS_MAX * sizeof *into->labels.items);
    if (into->labels.items == NULL || kp_new_items(arena, &kp_broker_status_response_sample_schema,
                                                   &into->samples, samples) == NULL)
        return false;
    into->samples.count = 0;
    for (unsigned i = 0; i < metric_labels(row); i++)
        into->labels.items[into->labels.count++] = kp_string_of(row->labels[i]);
    if (row->type == METRIC_HISTOGRAM) {
        into->bounds.items = kp_arena_alloc(arena, BUCKETS_MAX * sizeof *into->bounds.items);
        if (into->bounds.items == NULL) return false;
        for (int i = 0; i < row->kind->count; i++)
            into->bounds.items[into->bounds.count++] = (double)row->kind->upto[i] * row->kind->unit;
    }
    telling->response.metrics.count++;
    return true;
}

/* The samples of the metric at hand, so many. */
static bool tell_samples(struct telling_status *telling, const struct metric_row *row) {
    struct kp_broker_status_response_metric *into =
        &telling->response.metrics.items[telling->response.metrics.count - 1];
    for (int n = 0; telling->at != 0 && n < SAMPLES_OF_A_STEP; n++) {
        const struct sample *sample = &telling->snapshot->samples[telling->at];
        if (!tell_sample(telling, row, sample, &into->samples.items[into->samples.count]))
            return false;
        into->samples.count++;
        telling->at = sample->next;
    }
    return true;
}

static bool tell_metrics(struct telling_status *telling) {
    const struct metric_row *row = &metric_table()[telling->metric];
    if (telling->at == 0) {
        telling->at = telling->wanted[telling->metric] ? telling->snapshot->first[telling->metric]
                                                       : 0;
        if (telling->at != 0 && !begin_metric(telling, row)) return false;
    }
    if (!tell_samples(telling, row)) return false;
    if (telling->at == 0) telling->metric++;
    return true;
}

/* ---- Events ---- */

static bool tell_event(struct telling_status *telling, const struct event *event) {
    struct kp_arena *arena = &telling->request->arena;
    struct kp_broker_status_response_event *into =
        &telling->response.events.items[telling->response.events.count++];
    into->id = (int64_t)event->id;
    into->time_ms = event->wall_ms;
    into->kind = kp_string_of(event_kind_name(event->kind));
    into->node_id = event->node;
    into->cause = kp_string_of(event->cause);
    into->subject = status_subject(&telling->request->ctx, event, arena);
    into->count = (int64_t)event->count;
    into->took_ms = event->took_ms;
    into->ref = (int64_t)event->ref;
    return into->subject.len >= 0;
}

/* The first of those that the client does not know; who wants all asks on behind the last. */
static bool tell_events(struct telling_status *telling) {
    const struct kp_broker_status_request *in = telling->request->message;
    const struct timeline *timeline = telling->services->timeline;
    uint64_t after = in->events_after < 0 ? 0 : (uint64_t)in->events_after;
    uint64_t now_ms = env_now_ms(telling->services->env);
    int32_t most = capped(in->events_max, EVENTS_OF_AN_ANSWER);
    const struct event *event;
    if (most == 0 || timeline_next(timeline, now_ms, after) == NULL) return true;
    if (kp_new_items(&telling->request->arena, &kp_broker_status_response_event_schema,
                     &telling->response.events, most) == NULL)
        return false;
    telling->response.events.count = 0;
    while (telling->response.events.count < most &&
           (event = timeline_next(timeline, now_ms, after)) != NULL) {
        if (!tell_event(telling, event)) return false;
        after = event->id;
    }
    return true;
}

/* ---- The request ---- */

static bool begin_metrics(struct telling_status *telling) {
    bool fits = kp_new_items(&telling->request->arena, &kp_broker_status_response_metric_schema,
                             &telling->response.metrics, METRICS) != NULL;
    telling->response.metrics.count = 0;
    return fits;
}

static bool tell_part(struct telling_status *telling) {
    switch (telling->part) {
    case TELL_HEALTH: telling->part = TELL_EVENTS; return tell_health(telling);
    case TELL_EVENTS:
        telling->part = TELL_METRICS;
        return tell_events(telling) && begin_metrics(telling);
    case TELL_METRICS: break;
    }
    return tell_metrics(telling);
}

static bool tell_next(struct request *request) {
    struct telling_status *telling = request->state;
    if (telling->metric == METRICS) {
        request_respond_kept(request, &telling->response);
        return false;
    }
    if (tell_part(telling)) return true;
    request_close_too_large(request);
    return false;
}

static void observed(struct observer_wish *wish, struct snapshot *snapshot) {
    struct telling_status *telling = CONTAINER_OF(wish, struct telling_status, wish);
    telling->snapshot = snapshot_ref(snapshot);
    request_steps(telling->request, tell_next);
}

static void client_gone(struct request *request) {
    struct telling_status *telling = request->state;
    observer_ask_cancel(&telling->wish);
    request_respond_nothing(request);
}

static void released(struct request *request) {
    struct telling_status *telling = request->state;
    snapshot_unref(telling->snapshot);
}

static void mark_wanted(struct telling_status *telling) {
    const struct kp_broker_status_request *in = telling->request->message;
    for (int row = 0; row < METRICS; row++) {
        telling->wanted[row] = in->metrics.count < 0;
        for (int32_t i = 0; i < in->metrics.count && !telling->wanted[row]; i++)
            telling->wanted[row] = kp_string_is(in->metrics.items[i], metric_table()[row].name);
    }
}

static void fill_node(struct telling_status *telling) {
    const struct broker_services *services = telling->services;
    struct kp_broker_status_response *into = &telling->response;
    into->node_id = services->settings->node_id;
    into->rack = kp_string_of(services->settings->rack);
    into->version = kp_string_of(DRAVE_VERSION);
    into->cluster_id = kp_string_of(services->cluster->id);
    into->uptime_ms = (int64_t)observer_uptime_ms(services->observer);
    into->time_ms = env_wall_ms(services->env);
}

static void refuse(struct request *request, int16_t code, const char *why) {
    struct kp_broker_status_response response;
    kp_set_fallbacks(&kp_broker_status_response_schema, &response);
    response.error_code = code;
    response.error_message = kp_string_of(why);
    request_respond(request, &response);
}

void api_broker_status(void *service, struct request *request) {
    const struct kp_broker_status_request *in = request->message;
    const struct broker_services *services = service;
    struct telling_status *telling = kp_arena_alloc(&request->arena, sizeof *telling);
    if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_CLUSTER, NULL, 0)) {
        refuse(request, KAFKA_CLUSTER_AUTHORIZATION_FAILED,
               kafka_error_message(KAFKA_CLUSTER_AUTHORIZATION_FAILED));
        return;
    }
    if (in->metrics.count > NAMES_MAX) {
        refuse(request, KAFKA_INVALID_REQUEST,
               "Ask for fewer metrics by name, or for all of them (null).");
        return;
    }
    if (telling == NULL) {
        request_close_too_large(request);
        return;
    }
    telling->request = request;
    telling->services = services;
    telling->wish.done = observed;
    kp_set_fallbacks(&kp_broker_status_response_schema, &telling->response);
    telling->response.error_message = KP_NULL_STRING;
    mark_wanted(telling);
    fill_node(telling);
    request->state = telling;
    request->canceled = client_gone;
    request->released = released;
    observer_ask(services->observer, &telling->wish);
}
