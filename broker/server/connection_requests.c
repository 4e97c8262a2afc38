/*
 * The requests that a connection holds, oldest first, and the memory that they and their answers
 * are charged for.
 *
 * Happy path: new, add (charged for the frame's message to the budget of requests), give back when
 * it has ended, take and free when its answer has its turn. What the client has not taken of its
 * answers is charged to the budget of answers.
 * Failures: none; a spent budget stops the reading, never what is here already.
 * Invariants: `in_flight` is the length of the list; what was charged is released once, whatever
 * the way in which a request ends.
 */
#include <string.h>

#include "base/check.h"
#include "base/io/send_queue.h"
#include "base/mem.h"
#include "broker/server/connection_internal.h"
#include "broker/server/request_steps.h"

void request_give_back(struct request *request) {
    struct budget *memory = request->ctx.memory;
    size_t charged = request->charged;
    if (request->released != NULL) request->released(request);
    request->released = NULL;
    request_steps_release(request);
    kp_arena_close(&request->arena);
    slice_unref(&request->frame);
    request->charged = 0;
    budget_release(memory, charged);
    budget_end_pass(memory, request);
}

void request_free(struct request *request) {
    struct connection *connection = request->connection;
    request_give_back(request);
    connection->in_flight--;
    connection->host->stats->in_flight--;
    if (request->holds) connection->holds--;
    if (request->waits) connection->waits--;
    if (request->parked) connection->parked--;
    for (uint32_t i = 0; i < request->answer_count; i++) {
        connection->stored_bytes -= request->answer[i].len;
        slice_unref(&request->answer[i]);
    }
    mem_free(request->answer);
    mem_free(request);
}

struct request *request_new(struct connection *connection, struct slice frame) {
    struct request *request = mem_zalloc(sizeof *request);
    request->ctx = (struct request_ctx){.listener = connection->listener,
                                        .principal = "User:ANONYMOUS",
                                        .peer = connection->peer,
                                        .client_id = KP_NULL_STRING,
                                        .memory = connection->host->requests,
                                        .answers = connection->host->answers,
                                        .parking = connection->host->parking};
    request->frame = frame;
    request->connection = connection;
    request->env = connection->host->env;
    request->began_us = env_now_us(request->env);
    return request;
}

void request_charge_message(struct request *request) {
    size_t size = sizeof *request + request->arena.used;
    size_t charged = request->charged;
    request->decoded = request->arena.used;
    request->charged = size;
    if (size > charged) budget_charge(request->ctx.memory, size - charged);
    if (size < charged) budget_release(request->ctx.memory, charged - size);
}

void request_timed(struct request *request) {
    if (request->began_us == 0) return;
    request->took_us = env_now_us(request->env) - request->began_us;
    server_stats_answered(request->connection->host->stats, request->api_key, request->took_us);
    request->began_us = 0;
}

void request_told(struct request *request, const struct kp_writer *answer) {
    const struct kp_told_errors *told = answer->told;
    server_stats_told(request->connection->host->stats, request->api_key, told);
    request->answer_bytes = kp_writer_size(answer);
    request->told = told->count == 0 ? 0 : told->codes[0];
    request->connection->entry.errors += told->count > 0;
}

void request_note(const struct request *request) {
    const struct connection *connection = request->connection;
    struct client_book *book = &connection->host->stats->clients;
    if (book->trace_until_ms == 0) return;
    struct traced_request note = {.client = connection->entry.id,
                                  .wall_ms = env_wall_ms(request->env),
                                  .api_key = request->api_key,
                                  .version = request->api_version,
                                  .error = request->told,
                                  .request_bytes = request->frame.len,
                                  .answer_bytes = request->answer_bytes,
                                  .took_us = request->took_us};
    memcpy(note.client_id, connection->entry.client_id, sizeof note.client_id);
    memcpy(note.peer, connection->peer, sizeof note.peer);
    client_book_note(book, env_now_ms(request->env), &note);
}

void request_name_client(struct request *request, struct kp_string software,
                         struct kp_string version) {
    struct connection *connection = request->connection;
    if (!connection->closed)
        client_book_name(&connection->host->stats->clients, &connection->entry, software, version);
}

bool request_park(struct request *request) {
    struct connection *connection = request->connection;
    struct budget *from = request->ctx.memory, *parked = connection->host->parked;
    if (budget_spent(parked)) return false;
    CHECK(!request->parked && !request->ended); /* the handler's own: once, while it waits */
    request_timed(request);
    request->parked = true;
    connection->parked++;
    request->message = NULL;
    request->ctx.client_id = KP_NULL_STRING;
    size_t charged = request->charged;
    slice_unref(&request->frame);
    request->ctx.memory = parked;
    budget_charge(parked, charged);
    budget_release(from, charged);
    budget_end_pass(from, request);
    return true;
}

void connection_add_request(struct connection *connection, struct request *request) {
    *(connection->last != NULL ? &connection->last->next : &connection->first) = request;
    connection->last = request;
    connection->in_flight++;
    connection->host->stats->in_flight++;
    request_charge_message(request);
}

struct request *connection_take_first(struct connection *connection) {
    struct request *request = connection->first;
    connection->first = request->next;
    if (connection->first == NULL) connection->last = NULL;
    return request;
}

void connection_recount(struct connection *connection) {
    size_t unread = connection->stored_bytes +
                    (connection->queue == NULL ? 0 : send_queue_bytes(connection->queue));
    size_t charged = connection->charged_answers;
    connection->charged_answers = unread;
    if (unread > charged) budget_charge(connection->host->answers, unread - charged);
    if (unread < charged) budget_release(connection->host->answers, charged - unread);
}
