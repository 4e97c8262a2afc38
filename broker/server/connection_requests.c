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
#include "base/io/frame_reader.h"
#include "base/io/send_queue.h"
#include "base/mem.h"
#include "broker/server/connection_internal.h"
#include "broker/server/request_steps.h"
#include "protocol/messages/api_table.h"

enum {
    UNREAD_MAX = 4 << 20, /* a client that leaves so much of its answers unread is not read */
    WAITS_MAX = 2,        /* requests whose work waits: one is worked on, one is ready */
};

void connection_update_reading(struct connection *connection) {
    if (connection->closed) return;
    bool busy = connection->muted_until_us > 0 || connection->holds > 0 ||
                connection->waits >= WAITS_MAX ||
                connection->in_flight >= connection->host->max_in_flight ||
                connection->charged_answers >= UNREAD_MAX;
    /* one that is abandoned is read to its end, which is near, so that nothing of it stays */
    frame_reader_pause(connection->reader,
                       connection->closing || (busy && connection->queue != NULL));
}

/* What proves who somebody is does not stay in memory. */
static void request_wipe(struct request *request) {
    bool secret = request->api_key == KP_SASL_AUTHENTICATE ||
                  request->api_key == KP_ALTER_USER_SCRAM_CREDENTIALS;
    if (secret && request->frame.len > 0)
        scram_wipe((void *)request->frame.data, request->frame.len);
}

/* Who went on past the limit keeps others waiting until its client has taken most of the answer. */
static void end_pass_of(struct request *request) {
    struct connection *connection = request->connection;
    struct budget *answers = request->ctx.answers;
    if (answers->passer != request) return;
    if (connection->charged_answers <= ANSWER_ORDINARY) {
        budget_end_pass(answers, request);
        return;
    }
    connection->passes_since_us = env_now_us(request->env);
    budget_pass_on(answers, request, connection);
}

void request_give_back(struct request *request) {
    struct budget *memory = request->ctx.memory;
    size_t charged = request->charged;
    if (request->released != NULL) request->released(request);
    request->released = NULL;
    request_steps_release(request);
    end_pass_of(request);
    kp_arena_close(&request->arena);
    request_wipe(request);
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
                                        .principal = connection_principal(connection),
                                        .peer = connection->peer,
                                        .access = connection->host->access,
                                        .connected_us = connection->connected_us,
                                        .client_id = KP_NULL_STRING,
                                        .memory = connection->host->requests,
                                        .answers = connection->host->answers,
                                        .parking = connection->host->parking};
    request->frame = frame;
    request->connection = connection;
    request->env = connection->host->env;
    request->began_us = env_now_us(request->env);
    request->read_us = frame_reader_took_us(connection->reader);
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

void request_leaves(const struct request *request) {
    if (request->ended_us == 0) return;
    struct server_stats *stats = request->connection->host->stats;
    buckets_add(&stats->produce_read_us, &bounds_sync, request->read_us);
    buckets_add(&stats->produce_answer_us, &bounds_sync,
                env_now_us(request->env) - request->ended_us);
}

void request_note(struct request *request) {
    const struct connection *connection = request->connection;
    struct client_book *book = &connection->host->stats->clients;
    if (request->api_key == KP_PRODUCE && request->message != NULL)
        request->ended_us = env_now_us(request->env);
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

bool request_client_is(const struct request *request, const char *software) {
    const struct client_software *said = request->connection->entry.software;
    return said != NULL && strcmp(said->name, software) == 0;
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
    if (unread <= ANSWER_ORDINARY) {
        connection->passes_since_us = 0;
        budget_end_pass(connection->host->answers, connection);
    }
}
