/* Connections in a list, the one that was active longest ago first; one timer looks at them. */
#include "broker/http/http_server.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <utlist.h>

#include "base/container_of.h"
#include "base/io/send_queue.h"
#include "base/mem.h"

enum {
    BACKLOG = 128,
    CHECK_US = 500 * 1000,
    LINGER_US = 2000 *
                1000, /* for what a refused client still sends, so that it reads the answer */
    HEADER_ROOM = 512 + HTTP_LINES_MAX,
    ALLOW_ROOM = 40,
    PEER_ROOM = 64,
    SHORT_BODY = 4096, /* of an answer that is given however much is unread */
};

/* TAKING: a body. STREAMING: pieces of an answer, of which the last one may be unread. */
enum state { READING, TAKING, HANDLING, STREAMING, ANSWERING, LINGERING };

struct http_connection {
    struct http_exchange exchange; /* first */
    struct http_server *server;
    struct env_stream *stream;
    struct send_queue *queue;
    enum state state;
    bool keep_alive, refused;
    uint64_t since_us; /* in this state; READING: since the first byte, or the last answer */
    size_t have, used; /* bytes of `in`; of them those of the request at hand */
    size_t unread;     /* of its answer, charged to the server */
    char *body;        /* of a POST, of the length that is told; NULL: none */
    size_t body_have;
    char address[PEER_ROOM]; /* of the client, without its port */
    char in[HTTP_HEAD_MAX];
    struct http_connection *next, *prev;
};

struct http_server {
    struct env *env;
    struct http_server_options options;
    struct env_listener *listener;
    struct env_timer *timer;
    int port;
    struct http_connection *connections;
    unsigned count;
    size_t unread, bodies; /* bytes */
};

/* ---- Ends ---- */

static void drop_body(struct http_connection *connection) {
    if (connection->body == NULL) return;
    connection->server->bodies -= connection->exchange.request.body_len;
    mem_free(connection->body);
    connection->body = NULL;
    connection->exchange.request.body = NULL;
}

static void connection_close(struct http_connection *connection) {
    struct http_server *server = connection->server;
    DL_DELETE(server->connections, connection);
    server->count--;
    server->unread -= connection->unread;
    if (connection->exchange.handled) {
        connection->exchange.handled = false;
        server->options.gone(server->options.arg, &connection->exchange);
    }
    drop_body(connection);
    send_queue_free(connection->queue);
    env_stream_close(connection->stream);
    mem_free(connection);
}

static void enter(struct http_connection *connection, enum state state) {
    struct http_server *server = connection->server;
    connection->state = state;
    connection->since_us = env_now_us(server->env);
    DL_DELETE(server->connections, connection);
    DL_APPEND(server->connections, connection);
}

/* ---- Who gives way ---- */

static unsigned of_address(const struct http_server *server, const char *address) {
    const struct http_connection *connection;
    unsigned count = 0;
    DL_FOREACH(server->connections, connection) count += strcmp(connection->address, address) == 0;
    return count;
}

/* In which order; the lowest first. */
static int patience(const struct http_connection *connection) {
    switch (connection->state) {
    case READING:
    case TAKING:
    case LINGERING: return 0;
    case ANSWERING:
    case STREAMING: return 1;
    default: return 2;
    }
}

/* `answering`: only one whose client has not taken its answer. NULL: there is none. */
static struct http_connection *gives_way(const struct http_server *server, bool answering) {
    struct http_connection *connection, *found = NULL;
    unsigned most = 0;
    DL_FOREACH(server->connections, connection) {
        unsigned count = of_address(server, connection->address);
        if (answering && connection->state != ANSWERING) continue;
        if (found != NULL &&
            (count < most || (count == most && patience(connection) >= patience(found))))
            continue;
        found = connection;
        most = count;
    }
    return found;
}

static void check(void *arg) {
    struct http_server *server = arg;
    uint64_t now_us = env_now_us(server->env);
    const struct http_server_options *options = &server->options;
    for (struct http_connection *connection = server->connections, *next; connection != NULL;
         connection = next) {
        next = connection->next;
        uint64_t most_us = UINT64_MAX, passed_us = now_us - connection->since_us;
        switch (connection->state) {
        case READING:
            most_us = (uint64_t)(connection->have > 0 ? options->head_ms : options->silent_ms) *
                      1000;
            break;
        case TAKING: most_us = (uint64_t)options->head_ms * 1000; break;
        case ANSWERING: most_us = (uint64_t)options->answer_ms * 1000; break;
        case STREAMING:
            if (connection->unread > 0) most_us = (uint64_t)options->answer_ms * 1000;
            break;
        case LINGERING: most_us = LINGER_US; break;
        case HANDLING: break; /* ends by itself, or with its client */
        }
        if (passed_us >= most_us) connection_close(connection);
    }
    env_timer_start(server->timer, CHECK_US);
}

/* ---- Answers ---- */

static const char *reason(int status) {
    switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 421: return "Misdirected Request";
    case 431: return "Request Header Fields Too Large";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "";
    }
}

/* Of 405: what would be taken there. */
static const char *allowed_line(const struct http_connection *connection, int status, char *into,
                                size_t room) {
    const struct http_server_options *options = &connection->server->options;
    const char *methods = options->allows == NULL
                              ? "GET, HEAD"
                              : options->allows(options->arg, &connection->exchange.request);
    if (status == 405)
        snprintf(into, room, "Allow: %s\r\n", methods);
    else
        into[0] = '\0';
    return into;
}

static const char not_kept[] = "Cache-Control: no-store\r\n";

static void send_answer(struct http_connection *connection, const char *tag, int status,
                        const char *type, const char *lines, struct slice body) {
    struct http_server *server = connection->server;
    char head[HEADER_ROOM], allow[ALLOW_ROOM];
    int len = snprintf(head, sizeof head,
                       "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s"
                       "%sX-Content-Type-Options: nosniff\r\n"
                       "Connection: %s\r\n\r\n",
                       status, reason(status), type, body.len,
                       allowed_line(connection, status, allow, sizeof allow), lines,
                       connection->keep_alive ? "keep-alive" : "close");
    if (connection->exchange.request.head_only) slice_unref(&body);
    drop_body(connection);
    connection->unread = (size_t)len + body.len;
    server->unread += connection->unread;
    enter(connection, ANSWERING);
    send_queue_push(connection->queue, slice_copy(NULL, head, (size_t)len));
    if (body.len > 0)
        send_queue_push(connection->queue, body);
    else
        slice_unref(&body);
    server->options.answered(server->options.arg, tag, status);
}

static void refuse(struct http_connection *connection, int status, const char *text) {
    connection->keep_alive = false;
    connection->refused = true;
    send_answer(connection, NULL, status, "text/plain; charset=utf-8", not_kept,
                slice_copy(NULL, text, strlen(text)));
}

const struct http_request *http_exchange_request(const struct http_exchange *exchange) {
    return &exchange->request;
}

const char *http_exchange_peer(const struct http_exchange *exchange) {
    return ((const struct http_connection *)exchange)->address;
}

void http_respond_with(struct http_exchange *exchange, const char *tag, int status,
                       const char *type, const char *lines, struct slice body) {
    struct http_connection *connection = (struct http_connection *)exchange;
    struct http_server *server = connection->server;
    exchange->handled = false;
    size_t most = server->options.unread_bytes;
    struct http_connection *slow;
    if (body.len > SHORT_BODY && body.len > most) { /* nobody gives way to what is not sent */
        static const char text[] = "this answer is larger than this port may give\n";
        slice_unref(&body);
        body = slice_copy(NULL, text, sizeof text - 1);
        status = 503;
        type = "text/plain; charset=utf-8";
        lines = not_kept;
    }
    bool large = body.len > SHORT_BODY;
    while (large && server->unread + body.len > most && (slow = gives_way(server, true)) != NULL)
        connection_close(slow);
    send_answer(connection, tag, status, type, lines, body);
}

void http_respond(struct http_exchange *exchange, const char *tag, int status, const char *type,
                  struct slice body) {
    http_respond_with(exchange, tag, status, type, not_kept, body);
}

/* ---- Streams ---- */

static void push(struct http_connection *connection, struct slice piece) {
    connection->unread = piece.len;
    connection->server->unread += piece.len;
    connection->since_us = env_now_us(connection->server->env);
    send_queue_push(connection->queue, piece);
}

void http_stream_begin(struct http_exchange *exchange, const char *tag, const char *type,
                       const char *lines) {
    struct http_connection *connection = (struct http_connection *)exchange;
    struct http_server *server = connection->server;
    char head[HEADER_ROOM];
    int len = snprintf(head, sizeof head,
                       "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n%s"
                       "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
                       type, lines);
    enter(connection, STREAMING);
    push(connection, slice_copy(NULL, head, (size_t)len));
    server->options.answered(server->options.arg, tag, 200);
}

bool http_stream_send(struct http_exchange *exchange, struct slice piece) {
    struct http_connection *connection = (struct http_connection *)exchange;
    struct http_server *server = connection->server;
    bool fits = connection->unread == 0 && piece.len <= server->options.unread_bytes &&
                server->unread <= server->options.unread_bytes - piece.len;
    if (fits)
        push(connection, piece);
    else
        slice_unref(&piece);
    return fits;
}

bool http_stream_taken(const struct http_exchange *exchange) {
    return ((const struct http_connection *)exchange)->unread == 0;
}

void http_stream_end(struct http_exchange *exchange) {
    struct http_connection *connection = (struct http_connection *)exchange;
    exchange->handled = false;
    connection->keep_alive = false;
    enter(connection, ANSWERING);
    if (connection->unread == 0) connection_close(connection);
}

/* ---- Requests ---- */

static const char only_get[] = "this port serves GET and HEAD of HTTP/1.1, without a body\n";
static const char no_room[] = "too much is sent at once; send it again\n";

/* It is whole. */
static void hand_over(struct http_connection *connection) {
    struct http_server *server = connection->server;
    env_stream_read(connection->stream, false);
    connection->keep_alive = connection->exchange.request.keep_alive;
    connection->exchange.request.body = connection->body;
    enter(connection, HANDLING);
    connection->exchange.since_us = connection->since_us;
    connection->exchange.handled = true;
    server->options.handle(server->options.arg, &connection->exchange);
}

/* Of a request that is not served; what has come of it, and behind it, is nothing. */
static void turn_away(struct http_connection *connection, int status, const char *text) {
    env_stream_read(connection->stream, false);
    connection->used = connection->have;
    refuse(connection, status, text);
}

/* Who sends a large body may wait to hear that it is wanted (RFC 9110, 10.1.1). */
static bool expects_word(const struct http_request *request) {
    static const char word[] = "100-continue";
    const char *value;
    size_t len;
    return !request->old && http_request_field(request, "expect", &value, &len) == 1 &&
           len == sizeof word - 1 && strncasecmp(value, word, len) == 0;
}

static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

/* Room for the body, and what has come of it. */
static void begin_body(struct http_connection *connection) {
    struct http_server *server = connection->server;
    size_t len = connection->exchange.request.body_len, here = connection->have - connection->used;
    if (len > server->options.body_bytes - server->bodies) {
        turn_away(connection, 503, no_room);
        return;
    }
    if (here > len) here = len;
    server->bodies += len;
    connection->body = mem_alloc(len + 1);
    memcpy(connection->body, connection->in + connection->used, here);
    connection->body_have = here;
    connection->used += here;
    enter(connection, TAKING);
    if (here < len && expects_word(&connection->exchange.request))
        send_queue_push(connection->queue, slice_copy(NULL, go_on, sizeof go_on - 1));
    if (here == len) hand_over(connection);
}

/* Looks at what has come; the connection may be gone when it returns. */
static void look(struct http_connection *connection) {
    const struct http_server_options *options = &connection->server->options;
    const struct http_request *request = &connection->exchange.request;
    const char *text = only_get;
    if (connection->have == 0) return;
    size_t head = 0;
    int parsed = http_request_parse(connection->in, connection->have, &connection->exchange.request,
                                    &head);
    if (parsed == HTTP_MORE) return;
    if (parsed == HTTP_PARSED && request->post) {
        int status = options->takes == NULL ? 405 : options->takes(options->arg, request, &text);
        if (status != 0) parsed = status;
    }
    if (parsed != HTTP_PARSED) {
        turn_away(connection, parsed, text);
        return;
    }
    connection->used = head;
    if (request->post)
        begin_body(connection);
    else
        hand_over(connection);
}

/* The answer was taken. */
static void drained(void *arg) {
    struct http_connection *connection = arg;
    connection->server->unread -= connection->unread;
    connection->unread = 0;
    if (connection->state != ANSWERING) return;
    if (!connection->keep_alive && !connection->refused) {
        connection_close(connection);
        return;
    }
    if (!connection->keep_alive) {
        connection->have = 0;
        enter(connection, LINGERING);
        env_stream_read(connection->stream, true);
        return;
    }
    connection->have -= connection->used;
    memmove(connection->in, connection->in + connection->used, connection->have);
    connection->used = 0;
    enter(connection, READING);
    env_stream_read(connection->stream, true);
    look(connection);
}

static size_t room(void *arg, void **into) {
    struct http_connection *connection = arg;
    if (connection->state == LINGERING) connection->have = 0;
    if (connection->state == TAKING) {
        *into = connection->body + connection->body_have;
        return connection->exchange.request.body_len - connection->body_have;
    }
    *into = connection->in + connection->have;
    return sizeof connection->in - connection->have;
}

static void received(void *arg, size_t len) {
    struct http_connection *connection = arg;
    if (connection->state == LINGERING) return;
    if (connection->state == TAKING) {
        connection->body_have += len;
        if (connection->body_have == connection->exchange.request.body_len) hand_over(connection);
        return;
    }
    if (connection->have == 0) enter(connection, READING);
    connection->have += len;
    look(connection);
}

static void ended(void *arg, int error) {
    (void)error;
    connection_close(arg);
}

/* Who sends no more may still read: curl and probes do not half close, but nc does. */
static const struct env_stream_events stream_events = {.room = room,
                                                       .received = received,
                                                       .ended = ended};

/* ---- Connections ---- */

static void accepted(void *arg, struct env_stream *stream) {
    struct http_server *server = arg;
    if (server->count >= server->options.connections) connection_close(gives_way(server, false));
    struct http_connection *connection = mem_zalloc(sizeof *connection);
    env_stream_peer(stream, connection->address);
    char *port = strrchr(connection->address, ':');
    if (port != NULL) *port = '\0';
    connection->server = server;
    connection->stream = stream;
    connection->since_us = env_now_us(server->env);
    DL_APPEND(server->connections, connection);
    server->count++;
    connection->queue = send_queue_new(server->env, stream, 0, drained, connection);
    env_stream_attach(stream, &stream_events, connection);
    env_stream_read(stream, true);
}

int http_server_open(struct env *env, const struct http_server_options *options,
                     struct http_server **result) {
    struct http_server *server = mem_zalloc(sizeof *server);
    server->env = env;
    server->options = *options;
    int error = env_listen(env, options->host, options->port, BACKLOG, accepted, server,
                           &server->listener, &server->port);
    if (error != ERR_NONE) {
        mem_free(server);
        return error;
    }
    server->timer = env_timer_new(env, check, server);
    env_timer_start(server->timer, CHECK_US);
    *result = server;
    return ERR_NONE;
}

int http_server_port(const struct http_server *server) {
    return server->port;
}

void http_server_close(struct http_server *server) {
    if (server == NULL) return;
    while (server->connections != NULL)
        connection_close(server->connections);
    env_listener_close(server->listener);
    env_timer_free(server->timer);
    mem_free(server);
}
