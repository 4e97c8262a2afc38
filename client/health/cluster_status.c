/* One broker after the other, each over a connection of its own. */
#include "client/health/cluster_status.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/kafka/cluster_view.h"
#include "client/line/command.h"
#include "client/line/moment.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/describe_cluster.h"

enum { ARENA_MAX = 256 << 20 };

/* ---- One ---- */

static int refused(const struct kp_broker_status_response *response, struct kp_arena *arena,
                   struct error_text *why) {
    return response->error_code == 0
               ? ERR_NONE
               : error_set(why, ERR_DENIED, "%s", cluster_text(arena, response->error_message));
}

/* Puts what `more` has behind what is there. False: the arena is full. */
static bool add_events(struct kp_arena *arena, struct kp_broker_status_response *response,
                       const struct kp_broker_status_response *more) {
    size_t had = (size_t)response->events.count, got = (size_t)more->events.count;
    struct kp_broker_status_response_event *all = kp_arena_alloc(arena, (had + got) * sizeof(*all));
    if (!all) {
        return false;
    }
    memcpy(all, response->events.items, had * sizeof(*all));
    memcpy(all + had, more->events.items, got * sizeof(*all));
    response->events.items = all;
    response->events.count = (int32_t)(had + got);
    return true;
}

/* A broker tells so many in an answer: asks until there are no more. What is not told within the
 * time is told to who asks again. */
static int ask_events(struct admin_client *admin, struct kp_arena *arena,
                      struct kp_broker_status_response *response, struct error_text *why) {
    int64_t until_ms = moment_now() + STATUS_ASK_MS;
    struct kp_broker_status_request request;
    struct kp_broker_status_response more;
    kp_set_fallbacks(&kp_broker_status_request_schema, &request);
    request.reasons_max = 0;
    request.events_max = INT32_MAX;
    while (response->error_code == 0 && response->events.count > 0 && moment_now() < until_ms) {
        request.events_after = response->events.items[response->events.count - 1].id;
        int error = admin_request(admin, KP_BROKER_STATUS, 0, &request, arena, &more, NULL, why);
        if (error) {
            return error;
        }
        if (more.events.count == 0 || !add_events(arena, response, &more)) {
            break;
        }
    }
    return ERR_NONE;
}

int broker_status_ask(const char *address, const struct status_wish *wish, struct kp_arena *arena,
                      struct kp_broker_status_response *response, struct error_text *why) {
    struct kp_broker_status_request request;
    struct admin_client *admin = admin_client_new_quiet(address, STATUS_ASK_MS);
    kp_set_fallbacks(&kp_broker_status_request_schema, &request);
    request.reasons_max = STATUS_REASONS;
    request.events_max = wish->events ? INT32_MAX : 0;
    request.metrics.items = kp_arena_alloc(arena,
                                           (wish->count + 1) * sizeof(*request.metrics.items));
    for (size_t i = 0; request.metrics.items && i < wish->count; i++) {
        request.metrics.items[request.metrics.count++] = kp_string_of(wish->metrics[i]);
    }
    if (wish->all) {
        request.metrics.count = -1;
    }
    int error = admin_request(admin, KP_BROKER_STATUS, 0, &request, arena, response, NULL, why);
    if (!error && wish->events) {
        error = ask_events(admin, arena, response, why);
    }
    admin_client_free(admin);
    return error ? error : refused(response, arena, why);
}

/* ---- All ---- */

static int by_id(const void *a, const void *b) {
    const struct broker_seen *one = a, *other = b;
    return (one->node > other->node) - (one->node < other->node);
}

const char *broker_address(const struct broker_seen *broker, char into[STATUS_ADDRESS]) {
    bool v6 = strchr(broker->host, ':') != NULL;
    snprintf(into, STATUS_ADDRESS, "%s%s%s:%d", v6 ? "[" : "", broker->host, v6 ? "]" : "",
             broker->port);
    return into;
}

static void ask_one(struct cluster_status *status, const struct status_wish *wish,
                    struct broker_seen *broker) {
    char address[STATUS_ADDRESS];
    struct kp_broker_status_response *response = kp_arena_alloc(&status->arena, sizeof(*response));
    int64_t began_ms = moment_now();
    if (!broker->fenced && response &&
        broker_status_ask(broker_address(broker, address), wish, &status->arena, response,
                          &broker->why) == ERR_NONE) {
        broker->status = response;
        broker->within_ms = (moment_now() - began_ms + 1) / 2;
        broker->asked_ms = began_ms + broker->within_ms;
    }
}

static void take_brokers(struct cluster_status *status,
                         const struct kp_describe_cluster_response *response) {
    struct kp_arena *arena = &status->arena;
    status->cluster_id = cluster_text(arena, response->cluster_id);
    status->metadata_leader = response->controller_id;
    status->brokers = mem_zalloc(((size_t)response->brokers.count + 1) * sizeof(*status->brokers));
    for (int32_t i = 0; i < response->brokers.count; i++) {
        const struct kp_describe_cluster_response_broker *broker = &response->brokers.items[i];
        status->brokers[status->count++] = (struct broker_seen){
            .node = broker->broker_id,
            .host = cluster_text(arena, broker->host),
            .port = broker->port,
            .rack = cluster_text(arena, broker->rack),
            .fenced = broker->is_fenced};
    }
    qsort(status->brokers, status->count, sizeof(*status->brokers), by_id);
}

int cluster_status_list(const struct invocation *in, struct cluster_status *status) {
    struct kp_describe_cluster_request request;
    struct kp_describe_cluster_response response;
    struct error_text why = {""};
    *status = (struct cluster_status){.metadata_leader = -1};
    kp_arena_init(&status->arena, ARENA_MAX);
    kp_set_fallbacks(&kp_describe_cluster_request_schema, &request);
    request.endpoint_type = 1;
    request.include_fenced_brokers = true;
    struct admin_client *admin = admin_client_for(in);
    int error = admin_request(admin, KP_DESCRIBE_CLUSTER, 2, &request, &status->arena, &response,
                              NULL, &why);
    admin_client_free(admin);
    if (error) {
        return admin_failed(error, &why);
    }
    take_brokers(status, &response);
    return EXIT_DONE;
}

int cluster_status_ask(const struct invocation *in, const struct status_wish *wish,
                       struct cluster_status *status) {
    int code = cluster_status_list(in, status);
    for (size_t i = 0; i < status->count; i++) {
        ask_one(status, wish, &status->brokers[i]);
    }
    return code;
}

void cluster_status_close(struct cluster_status *status) {
    mem_free(status->brokers);
    kp_arena_close(&status->arena);
}

const struct broker_seen *cluster_status_broker(const struct cluster_status *status, int32_t node) {
    for (size_t i = 0; i < status->count; i++) {
        if (status->brokers[i].node == node) {
            return &status->brokers[i];
        }
    }
    return NULL;
}

/* ---- What it has said ---- */

double status_number(const struct kp_broker_status_response *response, const char *metric,
                     const char *label) {
    double sum = NAN;
    for (int32_t m = 0; response && m < response->metrics.count; m++) {
        const struct kp_broker_status_response_metric *one = &response->metrics.items[m];
        if (!kp_string_is(one->name, metric)) {
            continue;
        }
        for (int32_t s = 0; s < one->samples.count; s++) {
            const struct kp_broker_status_response_sample *sample = &one->samples.items[s];
            if (!label ||
                (sample->labels.count > 0 && kp_string_is(sample->labels.items[0], label))) {
                sum = (isnan(sum) ? 0 : sum) + sample->value;
            }
        }
    }
    return sum;
}

const struct kp_broker_status_response_health *status_health(
    const struct kp_broker_status_response *response, const char *name) {
    for (int32_t i = 0; response && i < response->health.count; i++) {
        if (kp_string_is(response->health.items[i].name, name)) {
            return &response->health.items[i];
        }
    }
    return NULL;
}
