/*
 * Who hung up: tells of the end of the other side while nobody reads. libuv tells only those who
 * read or write.
 *
 * One epoll of our own beside libuv's, into which each socket goes once, edge-triggered and for
 * EPOLLRDHUP only: bytes that arrive wake nobody here. libuv watches that epoll as one more
 * descriptor. The kernel takes a socket out when it is closed, and events are fetched one by one,
 * so that one whose callback closes another stream does not leave its event behind.
 * Failures: a socket that cannot be watched (the kernel is out of memory) is only told of by its
 * reads and writes.
 */
#include <sys/epoll.h>
#include <unistd.h>

#include "base/check.h"
#include "base/env_uv/env_uv_internal.h"

enum { EVENTS_OF_A_TURN = 256 };

static void hung_up(uv_poll_t *handle, int status, int events) {
    struct env *env = handle->data;
    struct epoll_event event;
    (void)status;
    (void)events;
    for (int i = 0; i < EVENTS_OF_A_TURN && (i == 0 || !env_turn_is_long(env)); i++) {
        if (epoll_wait(env->hangups_fd, &event, 1, 0) != 1) break;
        struct env_hangup *hangup = event.data.ptr;
        hangup->happened(hangup, (event.events & (EPOLLERR | EPOLLHUP)) != 0);
    }
}

int env_uv_hangups_init(struct env *env) {
    env->hangups_fd = epoll_create1(EPOLL_CLOEXEC);
    if (env->hangups_fd < 0) return env_uv_error(UV_EMFILE);
    int status = uv_poll_init(&env->loop, &env->hangups, env->hangups_fd);
    if (status == 0) status = uv_poll_start(&env->hangups, UV_READABLE, hung_up);
    CHECK(status == 0); /* the descriptor is new, and an epoll can be polled */
    env->hangups.data = env;
    uv_unref((uv_handle_t *)&env->hangups);
    return ERR_NONE;
}

static void hangups_closed(uv_handle_t *handle) {
    struct env *env = handle->data;
    close(env->hangups_fd);
    env->ending--;
}

void env_uv_hangups_close(struct env *env) {
    env->ending++;
    uv_close((uv_handle_t *)&env->hangups, hangups_closed);
}

void env_uv_hangup_watch(struct env *env, int fd, struct env_hangup *hangup) {
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = hangup};
    if (epoll_ctl(env->hangups_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        log_limited(
            &env->log, &env->accept_limiter, LOGGED_HANGUP_UNWATCHED,
            "the end of a connection may be noticed late: the system cannot watch one more");
}
