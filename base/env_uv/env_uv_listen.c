/*
 * Listening.
 *
 * The host is resolved at once, because listeners are made at start. A name with several addresses
 * listens on the first IPv4 one, else on the first: "localhost" is 127.0.0.1. libuv sets
 * SO_REUSEADDR and not SO_REUSEPORT, and tells of a taken port only when the listening starts.
 * While paused, one accepted connection may wait in libuv, the others in the kernel.
 */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/env_uv/env_uv_internal.h"
#include "base/mem.h"

struct env_listener {
    uv_tcp_t tcp; /* first: handles are cast to listeners */
    struct env *env;
    void (*accepted)(void *arg, struct env_stream *stream);
    void *arg;
    bool paused;
    bool waiting; /* libuv holds a connection that we did not take while paused */
    struct env_task resume;
};

static void accept_one(struct env_listener *listener) {
    struct env_stream *stream = env_uv_stream_new(listener->env);
    int status = uv_accept((uv_stream_t *)&listener->tcp, (uv_stream_t *)env_uv_stream_tcp(stream));
    if (status != 0) {
        env_uv_stream_drop(stream);
        return;
    }
    env_uv_stream_opened(stream);
    listener->accepted(listener->arg, stream); /* may close the listener */
}

static void connection_came(uv_stream_t *handle, int status) {
    struct env_listener *listener = (struct env_listener *)handle;
    struct env *env = listener->env;
    if (status != 0) {
        log_limited(
            &env->log, &env->accept_limiter, LOGGED_ACCEPT_FAILED,
            "a connection was not accepted (%s); raise the limit of open files (ulimit -n) if this goes on",
            uv_strerror(status));
    } else if (listener->paused) {
        listener->waiting = true;
    } else if (env_turn_is_long(env)) { /* a thousand may wait in the kernel: libuv accepts no more
                                           before this one is taken */
        listener->waiting = true;
        /* It may be a broker; what it says is another matter. */
        env_yield_first(env, &listener->resume);
    } else {
        accept_one(listener);
    }
}

static void listen_resume(struct env_task *task) {
    struct env_listener *listener = CONTAINER_OF(task, struct env_listener, resume);
    if (listener->paused || !listener->waiting) return;
    listener->waiting = false;
    accept_one(listener);
}

void env_listener_pause(struct env_listener *listener, bool pause) {
    listener->paused = pause;
    if (!pause && listener->waiting) env_defer(listener->env, &listener->resume);
}

static void listener_closed(uv_handle_t *handle) {
    struct env_listener *listener = (struct env_listener *)handle;
    listener->env->ending--;
    mem_free(listener);
}

static void begin_close(struct env_listener *listener) {
    listener->env->ending++;
    uv_close((uv_handle_t *)&listener->tcp, listener_closed);
}

void env_listener_close(struct env_listener *listener) {
    if (listener == NULL) return;
    env_defer_cancel(listener->env, &listener->resume);
    env_uv_disown(listener->env);
    begin_close(listener);
}

const char *env_uv_host(const char *host) {
    return strcasecmp(host, "localhost") == 0 ? "127.0.0.1" : host;
}

static int resolve_here(const char *host, int port, struct sockaddr_storage *address) {
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *list;
    char service[8];
    snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(env_uv_host(host), service, &hints, &list) != 0) return ERR_NAME;
    const struct addrinfo *chosen = list;
    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next)
        if (at->ai_family == AF_INET && chosen->ai_family != AF_INET) chosen = at;
    memcpy(address, chosen->ai_addr, chosen->ai_addrlen);
    freeaddrinfo(list);
    return ERR_NONE;
}

/* Binds, listens and learns the port. */
static int listen_on(struct env_listener *listener, const struct sockaddr *address, int backlog,
                     int *bound_port) {
    struct sockaddr_storage bound;
    int len = sizeof bound;
    int status = uv_tcp_bind(&listener->tcp, address, 0);
    if (status == 0) status = uv_listen((uv_stream_t *)&listener->tcp, backlog, connection_came);
    if (status == 0) status = uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&bound, &len);
    if (status != 0) return env_uv_error(status);
    *bound_port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                                    : ((struct sockaddr_in *)&bound)->sin_port);
    return ERR_NONE;
}

int env_listen(struct env *env, const char *host, int port, int backlog,
               void (*accepted)(void *arg, struct env_stream *stream), void *arg,
               struct env_listener **result, int *bound_port) {
    CHECK(port >= 0 && port <= 65535);
    struct sockaddr_storage address;
    int error = resolve_here(host, port, &address);
    if (error != ERR_NONE) return error;
    struct env_listener *listener = mem_zalloc(sizeof *listener);
    listener->env = env;
    listener->accepted = accepted;
    listener->arg = arg;
    listener->resume.run = listen_resume;
    int status = uv_tcp_init(&env->loop, &listener->tcp);
    CHECK(status == 0);
    error = listen_on(listener, (struct sockaddr *)&address, backlog, bound_port);
    if (error != ERR_NONE) {
        begin_close(listener);
        return error;
    }
    env_uv_own(env);
    *result = listener;
    return ERR_NONE;
}
