/* Steps: whatever is asked in one is counted, and the next one runs when none is left. */
#include "broker/console/asking/inquiry.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/find_coordinator.h"

enum { BAD_REQUEST = 400, BAD_GATEWAY = 502, NOT_FOUND = 404, UNAVAILABLE = 503, HOST_ROOM = 256 };

static const char too_much[] = "This is more than the console may hold in memory; ask for less.";

/* ---- Ends ---- */

static void forget(struct inquiry *inquiry) {
    struct asker *asker = inquiry->asker;
    if (inquiry->tried != NULL)
        log_event(asker->log, LOGGED_CONSOLE_CHANGE,
                  "%s; how that ended is not known: no broker has told, or nobody waited",
                  inquiry->tried);
    for (struct ask *ask = inquiry->asks; ask != NULL; ask = ask->next) {
        upstream_cancel(&ask->call);
        slice_unref(&ask->call.frame);
    }
    env_defer_cancel(asker->env, &inquiry->later);
    DL_DELETE(asker->inquiries, inquiry);
    asker->inquiry_count--;
    json_drop(&inquiry->json);
    kp_arena_close(&inquiry->arena);
    mem_free(inquiry);
}

static void end(struct inquiry *inquiry, int status) {
    struct http_exchange *exchange = inquiry->exchange;
    struct slice text = json_take(&inquiry->json);
    json_drop(&inquiry->json); /* a step that was refused in its middle may write on */
    inquiry->exchange = NULL;
    if (inquiry->answered != NULL) {
        inquiry->answered(inquiry, status, text);
        return;
    }
    exchange->wish = NULL;
    http_respond_with(exchange, inquiry->asker->tag, status, "application/json",
                      inquiry->asker->lines, text);
}

void inquiry_respond(struct inquiry *inquiry) {
    if (inquiry->exchange == NULL) return;
    if (inquiry->json.dropped)
        inquiry_refuse(inquiry, UNAVAILABLE, "memory", too_much);
    else
        end(inquiry, 200);
}

void inquiry_refuse(struct inquiry *inquiry, int status, const char *code, const char *format,
                    ...) {
    char text[512];
    va_list arguments;
    if (inquiry->exchange == NULL) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    json_drop(&inquiry->json);
    inquiry->json = (struct json){0};
    json_object(&inquiry->json, NULL);
    json_object(&inquiry->json, "error");
    json_words(&inquiry->json, "code", code);
    json_words(&inquiry->json, "text", text);
    json_end(&inquiry->json);
    json_end(&inquiry->json);
    end(inquiry, status);
}

/* Runs steps until something is asked, or it is answered; then it may be gone. */
static void go_on(struct inquiry *inquiry) {
    if (inquiry->stepping) return;
    inquiry->stepping = true;
    while (inquiry->exchange != NULL && inquiry->pending == 0 && inquiry->then != NULL) {
        void (*then)(struct inquiry *) = inquiry->then;
        inquiry->then = NULL;
        then(inquiry);
    }
    inquiry->stepping = false;
    if (inquiry->exchange != NULL && inquiry->pending == 0) /* too little memory for a step */
        inquiry_refuse(inquiry, UNAVAILABLE, "memory", too_much);
    if (inquiry->exchange == NULL) forget(inquiry);
}

static struct inquiry *inquiry_new(struct asker *asker, struct http_exchange *exchange) {
    struct inquiry *inquiry = mem_zalloc(sizeof *inquiry);
    inquiry->asker = asker;
    inquiry->exchange = exchange;
    inquiry->request = http_exchange_request(exchange);
    kp_arena_init(&inquiry->arena, INQUIRY_MEMORY);
    DL_APPEND(asker->inquiries, inquiry);
    asker->inquiry_count++;
    return inquiry;
}

void inquiry_begin(struct asker *asker, struct http_exchange *exchange,
                   void (*begin)(struct inquiry *inquiry)) {
    struct inquiry *inquiry = inquiry_new(asker, exchange);
    exchange->wish = inquiry;
    inquiry->then = begin;
    go_on(inquiry);
}

struct inquiry *inquiry_begin_step(struct asker *asker, struct http_exchange *exchange,
                                   void (*begin)(struct inquiry *inquiry), const char *at,
                                   void (*answered)(struct inquiry *inquiry, int status,
                                                    struct slice json),
                                   void *owner) {
    struct inquiry *inquiry = inquiry_new(asker, exchange);
    inquiry->at = at == NULL ? NULL : kp_arena_string(&inquiry->arena, at, strlen(at)).data;
    inquiry->answered = answered;
    inquiry->owner = owner;
    inquiry_later(inquiry, begin);
    return inquiry;
}

void inquiry_gone(struct inquiry *inquiry) {
    inquiry->exchange = NULL;
    if (!inquiry->stepping) forget(inquiry);
}

/* ---- What it has ---- */

void *inquiry_alloc(struct inquiry *inquiry, size_t size) {
    void *memory = kp_arena_alloc(&inquiry->arena, size);
    if (memory == NULL) inquiry_refuse(inquiry, UNAVAILABLE, "memory", too_much);
    return memory;
}

/* The request is gone when it was answered. */
static bool find_value(const struct inquiry *inquiry, const char *name, char *into, size_t room) {
    const struct http_request *request = inquiry->request;
    if (inquiry->exchange == NULL) return false;
    if (request->post) return http_query_value(request->body, request->body_len, name, into, room);
    return http_query_value(request->query, request->query_len, name, into, room);
}

const char *inquiry_long_value(struct inquiry *inquiry, const char *name) {
    if (inquiry->exchange == NULL) return NULL;
    size_t room = inquiry->request->body_len + 1;
    char *value = inquiry_alloc(inquiry, room);
    return value != NULL && find_value(inquiry, name, value, room) ? value : NULL;
}

const char *inquiry_value(struct inquiry *inquiry, const char *name) {
    char value[INQUIRY_NAME + 1];
    if (!find_value(inquiry, name, value, sizeof value)) return NULL;
    return kp_arena_string(&inquiry->arena, value, strlen(value)).data;
}

int64_t inquiry_number(struct inquiry *inquiry, const char *name, int64_t fallback, int64_t least,
                       int64_t most) {
    const char *text = inquiry_value(inquiry, name);
    if (text == NULL || *text == '\0') return fallback;
    char *end;
    long long value = strtoll(text, &end, 10);
    if (*end != '\0') {
        inquiry_refuse(inquiry, BAD_REQUEST, name, "%s=%.50s is no number.", name, text);
        return fallback;
    }
    return value < least ? least : value > most ? most : value;
}

/* ---- Asking ---- */

static void done(struct upstream_call *call, int error) {
    struct ask *ask = CONTAINER_OF(call, struct ask, call);
    struct inquiry *inquiry = ask->inquiry;
    ask->over = true;
    ask->error = error;
    inquiry->pending--;
    go_on(inquiry);
}

/* Ours is reached where it listens, which may be another address than the one that it tells. */
static bool address_of(struct inquiry *inquiry, int32_t node, const char **host, int *port) {
    struct asker *asker = inquiry->asker;
    if (node < 0 || node == asker->node) {
        *host = asker->broker_host;
        *port = asker->broker_port(asker->arg);
        return *port > 0;
    }
    for (int32_t i = 0; inquiry->cluster != NULL && i < inquiry->cluster->brokers.count; i++) {
        const struct kp_describe_cluster_response_broker *broker =
            &inquiry->cluster->brokers.items[i];
        if (broker->broker_id != node || broker->is_fenced) continue;
        *host = kp_arena_string(&inquiry->arena, broker->host.data,
                                broker->host.len > 0 ? (size_t)broker->host.len : 0)
                    .data;
        *port = broker->port;
        return *host != NULL && broker->port > 0 && broker->port < 65536;
    }
    return false;
}

struct ask *inquiry_ask(struct inquiry *inquiry, int32_t node, enum kp_api_key key, int version_min,
                        int version_max, const void *request, size_t response_size) {
    const char *host;
    int port;
    if (inquiry->asked == INQUIRY_ASKS || inquiry->exchange == NULL ||
        !address_of(inquiry, node, &host, &port))
        return NULL;
    struct ask *ask = inquiry_alloc(inquiry, sizeof *ask);
    void *response = inquiry_alloc(inquiry, response_size);
    if (ask == NULL || response == NULL) return NULL;
    ask->inquiry = inquiry;
    ask->node = node;
    ask->response = response;
    ask->call = (struct upstream_call){.key = key,
                                       .version_min = version_min,
                                       .version_max = version_max,
                                       .request = request,
                                       .response = response,
                                       .arena = &inquiry->arena,
                                       .done = done};
    LL_PREPEND(inquiry->asks, ask);
    inquiry->asked++;
    inquiry->pending++;
    upstream_ask(inquiry->asker->upstream, host, port, &ask->call);
    return ask;
}

void inquiry_drop_frames(struct inquiry *inquiry, const struct ask *before) {
    for (struct ask *ask = inquiry->asks; ask != before; ask = ask->next)
        slice_unref(&ask->call.frame);
}

void inquiry_then(struct inquiry *inquiry, void (*then)(struct inquiry *inquiry)) {
    inquiry->then = then;
}

static void its_turn(struct env_task *task) {
    struct inquiry *inquiry = CONTAINER_OF(task, struct inquiry, later);
    inquiry->pending--;
    go_on(inquiry);
}

void inquiry_later(struct inquiry *inquiry, void (*then)(struct inquiry *inquiry)) {
    inquiry->then = then;
    inquiry->pending++;
    inquiry->later.run = its_turn;
    env_yield(inquiry->asker->env, &inquiry->later);
}

const void *inquiry_answer(const struct inquiry *inquiry, enum kp_api_key key) {
    const struct ask *ask = inquiry->asks;
    return ask != NULL && ask->call.key == key && ask->error == ERR_NONE ? ask->response : NULL;
}

/* ---- The cluster ---- */

static void cluster_told(struct inquiry *inquiry) {
    const struct ask *ask = inquiry->asks;
    inquiry->cluster = ask->response;
    if (ask->error == ERR_NONE && inquiry->cluster->error_code == 0) {
        inquiry_then(inquiry, inquiry->after);
        return;
    }
    inquiry_refuse(inquiry, BAD_GATEWAY, "broker",
                   "The broker that serves this page does not answer (%s); it starts, hangs or has "
                   "too many clients: its log says more.",
                   ask->error == ERR_NONE ? kafka_error_name(inquiry->cluster->error_code)
                                          : error_phrase(ask->error));
}

void inquiry_cluster(struct inquiry *inquiry, void (*then)(struct inquiry *inquiry)) {
    struct kp_describe_cluster_request *request = inquiry_alloc(inquiry, sizeof *request);
    if (request == NULL) return;
    kp_set_fallbacks(&kp_describe_cluster_request_schema, request);
    request->endpoint_type = 1;
    request->include_fenced_brokers = true;
    inquiry->after = then;
    if (inquiry_ask(inquiry, -1, KP_DESCRIBE_CLUSTER, 2, 0, request,
                    sizeof(struct kp_describe_cluster_response)) == NULL) {
        inquiry_refuse(inquiry, UNAVAILABLE, "starting",
                       "The broker that serves this page takes no clients yet; it starts.");
        return;
    }
    inquiry_then(inquiry, cluster_told);
}

struct metadata_wish {
    const char *topic;
    void (*then)(struct inquiry *inquiry);
};

static void metadata_told(struct inquiry *inquiry) {
    const struct ask *ask = inquiry->asks;
    const struct metadata_wish *wish = inquiry->state;
    if (ask->error != ERR_NONE) {
        inquiry_refuse(inquiry, BAD_GATEWAY, "broker",
                       "The broker that serves this page does not say which topics there are (%s).",
                       error_phrase(ask->error));
        return;
    }
    inquiry->metadata = ask->response;
    inquiry->state = NULL;
    inquiry_then(inquiry, wish->then);
}

static void ask_metadata(struct inquiry *inquiry) {
    const struct metadata_wish *wish = inquiry->state;
    struct kp_metadata_request *request = inquiry_alloc(inquiry, sizeof *request);
    struct kp_metadata_request_topic *topic = inquiry_alloc(inquiry, sizeof *topic);
    if (request == NULL || topic == NULL) return;
    kp_set_fallbacks(&kp_metadata_request_schema, request);
    kp_set_fallbacks(&kp_metadata_request_topic_schema, topic);
    request->allow_auto_topic_creation = false;
    topic->name = kp_string_of(wish->topic);
    request->topics.items = topic;
    request->topics.count = wish->topic == NULL ? -1 : 1;
    if (inquiry_ask(inquiry, -1, KP_METADATA, 4, 0, request, sizeof(struct kp_metadata_response)) ==
        NULL)
        inquiry_refuse(inquiry, UNAVAILABLE, "stopping", "The broker takes no more clients.");
    inquiry_then(inquiry, metadata_told);
}

void inquiry_metadata(struct inquiry *inquiry, const char *topic,
                      void (*then)(struct inquiry *inquiry)) {
    struct metadata_wish *wish = inquiry_alloc(inquiry, sizeof *wish);
    if (wish == NULL) return;
    *wish = (struct metadata_wish){topic, then};
    inquiry->state = wish;
    inquiry_cluster(inquiry, ask_metadata);
}

const struct kp_metadata_response_topic *inquiry_topic(struct inquiry *inquiry, const char *name) {
    for (int32_t i = 0; i < inquiry->metadata->topics.count; i++) {
        const struct kp_metadata_response_topic *topic = &inquiry->metadata->topics.items[i];
        if (topic->error_code == 0 && kp_string_is(topic->name, name)) return topic;
    }
    inquiry_refuse(inquiry, NOT_FOUND, "topic", "There is no topic \"%.250s\".", name);
    return NULL;
}

/* ---- A group's coordinator ---- */

struct coordinator_wish {
    struct kp_string group;
    void (*then)(struct inquiry *inquiry);
};

static void coordinator_told(struct inquiry *inquiry) {
    const struct coordinator_wish *wish = inquiry->state;
    const struct kp_find_coordinator_response *response = inquiry_answer(inquiry,
                                                                         KP_FIND_COORDINATOR);
    int16_t error = 0;
    inquiry->coordinator = -1;
    if (response != NULL && response->coordinators.count > 0) {
        error = response->coordinators.items[0].error_code;
        inquiry->coordinator = response->coordinators.items[0].node_id;
    } else if (response != NULL) {
        error = response->error_code;
        inquiry->coordinator = response->node_id;
    }
    if (error == 0 && inquiry->coordinator >= 0)
        inquiry_then(inquiry, wish->then);
    else
        inquiry_refuse(inquiry, BAD_GATEWAY, "coordinator",
                       "Nobody coordinates this group at the moment (%s); that passes within "
                       "seconds, unless too many brokers are down.",
                       response != NULL                   ? kafka_error_name(error)
                       : inquiry->asks->error == ERR_NONE ? "it is not reached"
                                                          : error_phrase(inquiry->asks->error));
}

static void ask_coordinator(struct inquiry *inquiry) {
    struct coordinator_wish *wish = inquiry->state;
    struct kp_find_coordinator_request *request = inquiry_alloc(inquiry, sizeof *request);
    if (request == NULL) return;
    kp_set_fallbacks(&kp_find_coordinator_request_schema, request);
    request->key = wish->group;
    request->coordinator_keys.items = &wish->group;
    request->coordinator_keys.count = 1;
    inquiry_ask(inquiry, -1, KP_FIND_COORDINATOR, 0, 4, request,
                sizeof(struct kp_find_coordinator_response));
    inquiry_then(inquiry, coordinator_told);
}

void inquiry_coordinator(struct inquiry *inquiry, const char *group,
                         void (*then)(struct inquiry *inquiry)) {
    struct coordinator_wish *wish = inquiry_alloc(inquiry, sizeof *wish);
    if (wish == NULL) return;
    *wish = (struct coordinator_wish){kp_string_of(group), then};
    inquiry->state = wish;
    inquiry_cluster(inquiry, ask_coordinator);
}
