/*
 * ClientStatus (key 10006, ours): who is connected here, and what they ask.
 *
 * One answer has CLIENTS_OF_AN_ANSWER and REQUESTS_OF_AN_ANSWER at most, made in one turn: they are
 * copies of small things in memory. Failures: CLUSTER_AUTHORIZATION_FAILED; an answer beyond what
 * one may take closes the connection. Invariant: who asks is among the clients himself.
 */
#include "protocol/messages/client_status.h"

#include <string.h>

#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/clients/client_book.h"
#include "protocol/kafka_error.h"

enum { CLIENTS_OF_AN_ANSWER = 500, REQUESTS_OF_AN_ANSWER = 500 };

/* The entry may go before the answer is encoded. False, here and below: the limit is passed. */
static bool copy_text(struct kp_arena *arena, const char *text, struct kp_string *into) {
    *into = kp_arena_string(arena, text, strlen(text));
    return into->len >= 0;
}

static bool tell_client(struct kp_arena *arena, const struct client_entry *entry, uint64_t now_ms,
                        struct kp_client_status_response_client *into) {
    const struct client_software *software = entry->software;
    into->id = (int64_t)entry->id;
    into->connected_age_ms = (int64_t)(now_ms - entry->since_ms);
    into->request_age_ms = entry->requests == 0 ? -1 : (int64_t)(now_ms - entry->last_ms);
    into->last_api = entry->last_api;
    into->requests = (int64_t)entry->requests;
    into->errors = (int64_t)entry->errors;
    into->received_bytes = (int64_t)entry->received_bytes;
    into->sent_bytes = (int64_t)entry->sent_bytes;
    return copy_text(arena, entry->listener, &into->listener) &&
           copy_text(arena, entry->peer, &into->peer) &&
           copy_text(arena, entry->client_id, &into->client_id) &&
           copy_text(arena, software == NULL ? "" : software->name, &into->software) &&
           copy_text(arena, software == NULL ? "" : software->version, &into->version);
}

static bool tell_clients(const struct client_book *book, uint64_t now_ms, uint64_t after,
                         struct kp_arena *arena, struct kp_client_status_response *out) {
    const struct client_entry *entry = client_book_next(book, after);
    if (entry == NULL) return true;
    if (kp_new_items(arena, &kp_client_status_response_client_schema, &out->clients,
                     CLIENTS_OF_AN_ANSWER) == NULL)
        return false;
    int32_t count = 0;
    for (; entry != NULL && count < CLIENTS_OF_AN_ANSWER; entry = entry->next)
        if (!tell_client(arena, entry, now_ms, &out->clients.items[count++])) return false;
    out->clients.count = count;
    return true;
}

static bool tell_request(struct kp_arena *arena, const struct traced_request *traced,
                         struct kp_client_status_response_request *into) {
    into->id = (int64_t)traced->id;
    into->client = (int64_t)traced->client;
    into->time_ms = traced->wall_ms;
    into->api_key = traced->api_key;
    into->api_version = traced->version;
    into->error = traced->error;
    into->request_bytes = (int64_t)traced->request_bytes;
    into->answer_bytes = (int64_t)traced->answer_bytes;
    into->took_us = (int64_t)traced->took_us;
    return copy_text(arena, traced->peer, &into->peer) &&
           copy_text(arena, traced->client_id, &into->client_id);
}

static bool tell_requests(const struct client_book *book, uint64_t after, struct kp_arena *arena,
                          struct kp_client_status_response *out) {
    const struct traced_request *traced = client_book_traced(book, after);
    if (traced == NULL) return true;
    if (kp_new_items(arena, &kp_client_status_response_request_schema, &out->requests,
                     REQUESTS_OF_AN_ANSWER) == NULL)
        return false;
    int32_t count = 0;
    for (; traced != NULL && count < REQUESTS_OF_AN_ANSWER;
         traced = client_book_traced(book, traced->id))
        if (!tell_request(arena, traced, &out->requests.items[count++])) return false;
    out->requests.count = count;
    return true;
}

void api_client_status(void *service, struct request *request) {
    const struct kp_client_status_request *in = request->message;
    const struct broker_services *services = service;
    struct client_book *book = services->clients;
    uint64_t now_ms = env_now_ms(services->env);
    struct kp_client_status_response out;
    kp_set_fallbacks(&kp_client_status_response_schema, &out);
    out.error_message = KP_NULL_STRING;
    bool fits = true;
    if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_CLUSTER, NULL, 0)) {
        out.error_code = KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        out.error_message = kp_string_of(kafka_error_message(out.error_code));
    } else {
        if (in->clients_after >= 0)
            fits = tell_clients(book, now_ms, (uint64_t)in->clients_after, &request->arena, &out);
        if (fits && in->traced_after >= 0) {
            client_book_trace(book, now_ms, in->traced_client);
            fits = tell_requests(book, (uint64_t)in->traced_after, &request->arena, &out);
        }
    }
    if (fits)
        request_respond(request, &out);
    else
        request_close_too_large(request);
}
