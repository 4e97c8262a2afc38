/*
 * Clients that have to log in: what of theirs becomes a request, and what changes when they are
 * known. The steps are those of broker/login/login.h; the handlers take them (broker/api/sasl_*.c).
 * Where nobody logs in, a certificate says who it is, found at the first request.
 */
#include "base/check.h"
#include "base/io/foreign_protocol.h"
#include "base/io/frame_reader.h"
#include "base/mem.h"
#include "broker/access/access.h"
#include "broker/login/logins.h"
#include "broker/server/connection_internal.h"
#include "broker/tls/tls_listening.h"
#include "protocol/messages/api_table.h"
#include "protocol/messages/sasl_authenticate.h"

enum { BARE_ARENA = 64 << 10 };

/* A token that is a frame of its own. */
static void become_token(struct request *request) {
    kp_arena_init(&request->arena, BARE_ARENA);
    struct kp_sasl_authenticate_request *message = kp_arena_alloc(&request->arena, sizeof *message);
    CHECK(message != NULL); /* BARE_ARENA is more */
    message->auth_bytes.data = request->frame.data;
    message->auth_bytes.len = (int32_t)request->frame.len;
    request->message = message;
    request->api_key = KP_SASL_AUTHENTICATE;
    request->bare = true;
}

void connection_begin_login(struct connection *connection, const struct connection_manner *manner) {
    const struct connection_host *host = connection->host;
    if (!manner->logs_in) {
        connection->tls = manner->tls;
        return;
    }
    connection->login = login_new(host->logins);
    strangers_add(host->strangers, &connection->stranger, env_now_us(host->env));
}

void connection_end_login(struct connection *connection) {
    login_free(connection->login);
    mem_free(connection->certified);
}

const char *connection_principal(const struct connection *connection) {
    return connection->certified != NULL ? connection->certified
                                         : login_principal(connection->login);
}

/* Once, before its first request is served. */
static int look_at_certificate(struct connection *connection, struct request *request,
                               struct error_text *why) {
    if (connection->tls == NULL) return ERR_NONE;
    int error = tls_listening_principal(connection->tls, connection->stream.secure,
                                        &connection->certified, why);
    if (error != ERR_NONE) return error;
    connection->tls = NULL;
    request->ctx.principal = connection_principal(connection);
    return ERR_NONE;
}

int connection_admit(struct connection *connection, struct request *request,
                     struct error_text *why) {
    struct login *login = connection->login;
    if (login == NULL) return look_at_certificate(connection, request, why);
    if (login_is_done(login) && !logins_still_know(login->logins, login))
        return error_set(why, ERR_DENIED, "its user was deleted");
    switch (login_takes(login, request->frame.data, request->frame.len, env_now_us(request->env))) {
    case LOGIN_PASS: return ERR_NONE;
    case LOGIN_BARE: become_token(request); return ERR_NONE;
    case LOGIN_CLOSE: break;
    case LOGIN_EXPIRED:
        return error_set(
            why, ERR_DENIED,
            "it was logged in for connections.max.reauth.ms, or until its token ended, and has not "
            "done so again");
    }
    return error_set(
        why, ERR_DENIED,
        "it sent what is not due before it has logged in; if it is a Kafka client, give it "
        "security.protocol=%s and a user",
        connection->stream.secure != NULL ? "SASL_SSL" : "SASL_PLAINTEXT");
}

void connection_explain_length(const struct connection *connection, int error, uint32_t length,
                               struct error_text *why) {
    const struct login *login = connection->login;
    bool unknown = login != NULL && !login_is_done(login);
    const char *foreign = foreign_protocol(length);
    if (foreign != NULL)
        error_set(
            why, error,
            "it speaks %s, and this listener serves Kafka's protocol in plain text; if it is a Kafka client, give "
            "it security.protocol=%s, else another port",
            foreign, login == NULL ? "PLAINTEXT" : "SASL_PLAINTEXT");
    else if (unknown)
        error_set(why, error,
                  "its request claims to have %u bytes; before it has logged in they have up to %u "
                  "(sasl.server.max.receive.size)",
                  length, logins_options(login->logins)->frame_max);
    else
        error_set(
            why, error,
            "its request claims to have %u bytes; requests have 8 to %u (socket.request.max.bytes)",
            length, connection->host->max_request_bytes);
}

bool connection_may_serve(struct request *request) {
    const struct access *access = request->ctx.access;
    request->ctx.api_key = request->api_key;
    return access == NULL || access_serves(access, request->api_key);
}

struct login *request_login(struct request *request) {
    return request->connection->login;
}

void request_logged_in(struct request *request) {
    struct connection *connection = request->connection;
    if (connection->closed) return;
    strangers_remove(connection->host->strangers, &connection->stranger);
    frame_reader_set_max(connection->reader, connection->host->max_request_bytes);
}

void request_login_failed(struct request *request) {
    struct connection *connection = request->connection;
    strangers_remove(connection->host->strangers, &connection->stranger);
}

void request_close_behind(struct request *request) {
    request->close_after = true;
}
