/*
 * Connecting: the name is resolved (an address needs no resolver), then its addresses are tried one
 * after the other.
 *
 *   start -> resolving -> trying -> over
 *              `------------'--------^     (an error, the time is over, or canceled)
 *
 * Invariants: `connected` is called once, or never after a cancel; the memory stays while libuv
 * still has a request of it (`pending`). ERR_REFUSED is said only if every address refused: it
 * means that the process is not there.
 */
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/env_uv/env_uv_internal.h"
#include "base/mem.h"

enum { MOST_ADDRESSES = 8 };

struct env_connect {
    struct env *env;
    void (*connected)(void *arg, int error, struct env_stream *stream);
    void *arg;
    struct env_timer *deadline;
    struct env_task start; /* for an address, which is tried at the end of the turn */
    struct sockaddr_storage addresses[MOST_ADDRESSES];
    unsigned count, next, refused;
    uv_getaddrinfo_t resolve;
    uv_connect_t request;
    struct env_stream *stream; /* being connected */
    int port;
    bool resolving, over;
    unsigned pending; /* callbacks of libuv that will still come */
};

static void free_if_unused(struct env_connect *connect) {
    if (!connect->over || connect->pending > 0) return;
    connect->env->ending--;
    mem_free(connect);
}

/* Takes back all that is under way; the memory goes when libuv has let go of it. */
static void connect_end(struct env_connect *connect) {
    connect->over = true;
    env_timer_free(connect->deadline);
    env_defer_cancel(connect->env, &connect->start);
    /* When it is running already, it runs to its end. */
    if (connect->resolving) uv_cancel((uv_req_t *)&connect->resolve);
    if (connect->stream != NULL) env_uv_stream_drop(connect->stream);
    connect->stream = NULL;
    env_uv_disown(connect->env);
    connect->env->ending++;
    free_if_unused(connect);
}

static void connect_finish(struct env_connect *connect, int error, struct env_stream *stream) {
    void (*connected)(void *arg, int error, struct env_stream *stream) = connect->connected;
    void *arg = connect->arg;
    connect_end(connect);
    connected(arg, error, stream);
}

static void timed_out(void *arg) {
    connect_finish(arg, ERR_TIMEOUT, NULL);
}

/* A connection to a port on which nobody listens may meet itself, if the kernel picks that port for
 * our own end. */
static bool is_connected_to_itself(uv_tcp_t *tcp) {
    struct sockaddr_storage ours = {0}, theirs = {0};
    int our_len = sizeof ours, their_len = sizeof theirs;
    return uv_tcp_getsockname(tcp, (struct sockaddr *)&ours, &our_len) == 0 &&
           uv_tcp_getpeername(tcp, (struct sockaddr *)&theirs, &their_len) == 0 &&
           our_len == their_len && memcmp(&ours, &theirs, (size_t)our_len) == 0;
}

static void try_next(struct env_connect *connect);

static void attempt_failed(struct env_connect *connect, int status) {
    env_uv_stream_drop(connect->stream);
    connect->stream = NULL;
    if (status == UV_ECONNREFUSED) connect->refused++;
    try_next(connect);
}

static void attempt_done(uv_connect_t *request, int status) {
    struct env_connect *connect = request->data;
    connect->pending--;
    if (connect->over) {
        free_if_unused(connect);
        return;
    }
    if (status == 0 && is_connected_to_itself(env_uv_stream_tcp(connect->stream)))
        status = UV_ECONNREFUSED;
    if (status != 0) {
        attempt_failed(connect, status);
        return;
    }
    struct env_stream *stream = connect->stream;
    connect->stream = NULL;
    env_uv_stream_opened(stream);
    connect_finish(connect, ERR_NONE, stream);
}

static void try_next(struct env_connect *connect) {
    if (connect->next == connect->count) {
        int error = connect->count == 0                  ? ERR_NAME
                    : connect->refused == connect->count ? ERR_REFUSED
                                                         : ERR_CONNECTION;
        connect_finish(connect, error, NULL);
        return;
    }
    connect->stream = env_uv_stream_new(connect->env);
    connect->request.data = connect;
    const struct sockaddr *address = (const struct sockaddr *)&connect->addresses[connect->next++];
    int status = uv_tcp_connect(&connect->request, env_uv_stream_tcp(connect->stream), address,
                                attempt_done);
    if (status == 0)
        connect->pending++;
    else
        attempt_failed(connect, status); /* no route: as deep as there are addresses */
}

static void connect_start(struct env_task *task) {
    try_next(CONTAINER_OF(task, struct env_connect, start));
}

static void resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list) {
    struct env_connect *connect = request->data;
    (void)status; /* an error gives no list */
    connect->pending--;
    connect->resolving = false;
    for (const struct addrinfo *at = list; at != NULL && connect->count < MOST_ADDRESSES;
         at = at->ai_next)
        memcpy(&connect->addresses[connect->count++], at->ai_addr, at->ai_addrlen);
    uv_freeaddrinfo(list);
    if (connect->over)
        free_if_unused(connect);
    else
        try_next(connect);
}

/* True if `host` is an address; it is then the only one to be tried. */
static bool is_address(struct env_connect *connect, const char *host) {
    struct sockaddr_storage *address = &connect->addresses[0];
    bool is = uv_ip4_addr(host, connect->port, (struct sockaddr_in *)address) == 0 ||
              uv_ip6_addr(host, connect->port, (struct sockaddr_in6 *)address) == 0;
    connect->count = is ? 1 : 0;
    return is;
}

struct env_connect *env_connect(struct env *env, const char *host, int port, uint64_t timeout_us,
                                void (*connected)(void *arg, int error, struct env_stream *stream),
                                void *arg) {
    CHECK(port > 0 && port <= 65535);
    struct env_connect *connect = mem_zalloc(sizeof *connect);
    *connect = (struct env_connect){.env = env, .connected = connected, .arg = arg, .port = port};
    connect->start.run = connect_start;
    connect->deadline = env_timer_new(env, timed_out, connect);
    env_timer_start(connect->deadline, timeout_us);
    env_uv_own(env);
    if (is_address(connect, env_uv_host(host))) {
        env_defer(env, &connect->start);
        return connect;
    }
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char service[8];
    snprintf(service, sizeof service, "%d", port);
    connect->resolve.data = connect;
    int status = uv_getaddrinfo(&env->loop, &connect->resolve, resolved, host, service, &hints);
    connect->resolving = status == 0;
    if (status == 0)
        connect->pending++;
    else
        env_defer(env, &connect->start); /* a name longer than any: no address to try */
    return connect;
}

void env_connect_cancel(struct env_connect *connect) {
    if (connect != NULL) connect_end(connect);
}
