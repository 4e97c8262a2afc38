/*
 * TCP streams of the libuv environment: reading, writing, closing.
 *
 * Happy path of a write: the kernel takes all of it inside env_stream_write, and `done` is called
 * at the end of the turn. Otherwise the rest is libuv's, which calls back when it is gone.
 * Failures: a broken write ends with an error, and the owner gets `ended`, too, because nobody may
 * be reading; so it does when the other side resets the connection. Another side that is gone
 * without a word is found by keepalive probes. Invariants: after `ended` nothing is read and no
 * event comes; an env_write is reported exactly once, also when the stream is closed first.
 */
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/env_uv/env_uv_internal.h"
#include "base/mem.h"

/* A silent connection is probed after so long, and broken after so many probes without an answer.
 */
enum { KEEPALIVE_S = 60, PROBE_S = 10, PROBES = 6 };
enum { RESUMED_OF_A_TURN = 64 }; /* streams that were held */

struct env_stream {
    uv_tcp_t tcp; /* first: handles are cast to streams */
    struct env *env;
    const struct env_stream_events *events; /* NULL until attached */
    void *arg;
    bool reading, ended;
    bool patient, held; /* held: in env->held, not read by libuv whatever `reading` says */
    TAILQ_ENTRY(env_stream) link;
    bool reset; /* by the other side, as the kernel says */
    int broken; /* error of a write, or a reset; to be told by `tell_broken` */
    struct env_hangup hangup;
    struct env_task tell_broken;
    char peer[64];
};

/* How an env_write is used: by libuv while it has it, or as a report. */
struct env_report {
    struct env_report *next;
    struct env_write *write;
    int error;
};
_Static_assert(sizeof(uv_write_t) <= sizeof(((struct env_write *)0)->env_private),
               "a libuv write fits");
_Static_assert(sizeof(struct env_report) <= sizeof(((struct env_write *)0)->env_private),
               "a report fits");

/* ---- Life ---- */

static void tell_broken(struct env_task *task);
static void hung_up(struct env_hangup *hangup, bool broken);

struct env_stream *env_uv_stream_new(struct env *env) {
    struct env_stream *stream = mem_zalloc(sizeof *stream);
    stream->env = env;
    stream->tell_broken.run = tell_broken;
    stream->hangup.happened = hung_up;
    int status = uv_tcp_init(&env->loop, &stream->tcp);
    CHECK(status == 0); /* makes no socket yet */
    return stream;
}

uv_tcp_t *env_uv_stream_tcp(struct env_stream *stream) {
    return &stream->tcp;
}

/* "127.0.0.1:41234", "[::1]:41234" */
static void address_text(const struct sockaddr *address, char into[64]) {
    char host[48] = "";
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
        uv_ip6_name(v6, host, sizeof host);
        snprintf(into, 64, "[%s]:%u", host, ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        uv_ip4_name(v4, host, sizeof host);
        snprintf(into, 64, "%s:%u", host, ntohs(v4->sin_port));
    }
}

static int descriptor(struct env_stream *stream) {
    uv_os_fd_t fd;
    int status = uv_fileno((uv_handle_t *)&stream->tcp, &fd);
    CHECK(status == 0); /* it is open */
    return fd;
}

/* Only a wish: without it the system's own times hold. */
static void probe_silence(struct env_stream *stream) {
    int fd = descriptor(stream), interval_s = PROBE_S, count = PROBES;
    uv_tcp_keepalive(&stream->tcp, 1, KEEPALIVE_S);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

void env_uv_stream_opened(struct env_stream *stream) {
    struct sockaddr_storage address;
    int len = sizeof address;
    uv_tcp_nodelay(&stream->tcp, 1);
    probe_silence(stream);
    if (uv_tcp_getpeername(&stream->tcp, (struct sockaddr *)&address, &len) == 0)
        address_text((struct sockaddr *)&address, stream->peer);
    else
        snprintf(stream->peer, sizeof stream->peer,
                 "a host that has gone"); /* it closed before we looked */
    env_uv_hangup_watch(stream->env, descriptor(stream), &stream->hangup);
    env_uv_own(stream->env);
}

static void stream_closed(uv_handle_t *handle) {
    struct env_stream *stream = (struct env_stream *)handle;
    stream->env->ending--;
    mem_free(stream);
}

void env_uv_stream_drop(struct env_stream *stream) {
    stream->env->ending++;
    uv_close((uv_handle_t *)&stream->tcp, stream_closed);
}

static void let_go(struct env_stream *stream) {
    if (stream->held) TAILQ_REMOVE(&stream->env->held, stream, link);
    stream->held = false;
}

void env_stream_close(struct env_stream *stream) {
    let_go(stream);
    env_defer_cancel(stream->env, &stream->tell_broken);
    env_uv_disown(stream->env);
    env_uv_stream_drop(stream);
}

void env_stream_peer(struct env_stream *stream, char into[64]) {
    memcpy(into, stream->peer, sizeof stream->peer);
}

/* ---- Reading ---- */

void env_stream_attach(struct env_stream *stream, const struct env_stream_events *events,
                       void *arg) {
    CHECK(stream->events == NULL);
    stream->events = events;
    stream->arg = arg;
}

static void stream_end(struct env_stream *stream, int error) {
    let_go(stream);
    if (stream->reading) uv_read_stop((uv_stream_t *)&stream->tcp);
    stream->reading = false;
    stream->ended = true;
    stream->events->ended(stream->arg, error);
}

static void tell_broken(struct env_task *task) {
    struct env_stream *stream = CONTAINER_OF(task, struct env_stream, tell_broken);
    if (!stream->ended && stream->events != NULL) stream_end(stream, stream->broken);
}

static void break_stream(struct env_stream *stream, int error) {
    if (stream->broken != ERR_NONE) return;
    stream->broken = error;
    env_defer(stream->env, &stream->tell_broken);
}

static void hung_up(struct env_hangup *hangup, bool broken) {
    struct env_stream *stream = CONTAINER_OF(hangup, struct env_stream, hangup);
    if (broken) {
        stream->reset = true;
        /* Else reading meets it, behind what came before it. */
        if (!stream->reading) break_stream(stream, ERR_CONNECTION);
    } else if (!stream->ended && stream->events != NULL && stream->events->hung_up != NULL) {
        stream->events->hung_up(stream->arg);
    }
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
    (void)suggested;
    struct env_stream *stream = (struct env_stream *)handle;
    void *into = NULL;
    /* libuv says UV_ENOBUFS then, and reads nothing. */
    if (stream->patient && env_turn_is_long(stream->env)) {
        *buffer = uv_buf_init(NULL, 0);
        return;
    }
    size_t room = stream->events->room(stream->arg, &into);
    CHECK(room > 0 && into != NULL);
    *buffer = uv_buf_init(into, room > INT32_MAX ? INT32_MAX : (unsigned)room);
}

/* It is not asked for before its turn comes: others that have bytes must not be looked at again and
 * again. */
static void stream_hold(struct env_stream *stream) {
    uv_read_stop((uv_stream_t *)&stream->tcp);
    TAILQ_INSERT_TAIL(&stream->env->held, stream, link);
    stream->held = true;
    env_uv_spin(stream->env);
}

/* The system goes back to delaying by itself. Only a wish. */
static void acknowledge(struct env_stream *stream) {
    int on = 1;
    setsockopt(descriptor(stream), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

static void read_done(uv_stream_t *handle, ssize_t len, const uv_buf_t *buffer) {
    (void)buffer;
    struct env_stream *stream = (struct env_stream *)handle;
    if (len > 0 && stream->patient) acknowledge(stream);
    /* May close the stream. */
    if (len > 0)
        stream->events->received(stream->arg, (size_t)len);
    else if (len == UV_ENOBUFS)
        stream_hold(stream);
    else if (len < 0)
        stream_end(stream, env_uv_error((int)len));
}

static void start_reading(struct env_stream *stream) {
    int status = uv_read_start((uv_stream_t *)&stream->tcp, give_room, read_done);
    CHECK(status == 0);
}

bool env_uv_streams_resume(struct env *env) {
    struct env_stream *stream;
    for (int n = 0; n < RESUMED_OF_A_TURN && (stream = TAILQ_FIRST(&env->held)) != NULL; n++) {
        let_go(stream);
        if (stream->reading) start_reading(stream);
    }
    return !TAILQ_EMPTY(&env->held);
}

void env_stream_read(struct env_stream *stream, bool on) {
    CHECK(stream->events != NULL);
    if (stream->ended || stream->reading == on) return;
    stream->reading = on;
    if (!on) {
        uv_read_stop((uv_stream_t *)&stream->tcp);
        if (stream->reset) break_stream(stream, ERR_CONNECTION); /* reading has not come to it */
        return;
    }
    if (!stream->held) start_reading(stream);
}

void env_stream_set_patient(struct env_stream *stream) {
    stream->patient = true;
}

/* ---- Writing ---- */

/* Has `done` called at the end of the turn. */
static void report_later(struct env *env, struct env_write *write, int error) {
    struct env_report *report = (struct env_report *)write->env_private;
    *report = (struct env_report){.write = write, .error = error};
    *env->reports_end = report;
    env->reports_end = &report->next;
    env_uv_spin(env);
}

bool env_uv_report_writes(struct env *env) {
    struct env_report *report = env->reports;
    if (report == NULL) return false;
    env->reports = NULL;
    env->reports_end = &env->reports;
    while (report != NULL) {
        struct env_report *next = report->next;
        struct env_write *write = report->write;
        env_uv_disown(env);
        write->done(write, report->error);
        report = next;
    }
    return true;
}

static void write_done(uv_write_t *request, int status) {
    struct env_stream *stream = (struct env_stream *)request->handle;
    struct env_write *write = request->data;
    int error = env_uv_error(status);
    env_uv_disown(stream->env);
    if (error != ERR_NONE && error != ERR_CANCELED) break_stream(stream, error);
    write->done(write, error);
}

/* Gives what the kernel did not take at once to libuv: all but the first `taken` bytes. */
static int write_rest(struct env_stream *stream, struct env_write *write, uv_buf_t *parts,
                      unsigned n, size_t taken) {
    while (n > 0 && taken >= parts->len) {
        taken -= parts->len;
        parts++;
        n--;
    }
    parts->base += taken;
    parts->len -= taken;
    uv_write_t *request = (uv_write_t *)write->env_private;
    request->data = write;
    return uv_write(request, (uv_stream_t *)&stream->tcp, parts, n, write_done);
}

void env_stream_write(struct env_stream *stream, struct env_write *write, const struct env_iov *iov,
                      unsigned n) {
    CHECK(n <= ENV_WRITE_IOV);
    uv_buf_t parts[ENV_WRITE_IOV];
    size_t len = 0;
    for (unsigned i = 0; i < n; i++) {
        parts[i] = uv_buf_init((char *)iov[i].base, (unsigned)iov[i].len);
        len += iov[i].len;
    }
    CHECK(len <= INT32_MAX); /* libuv counts in unsigned ints */
    env_uv_own(stream->env);
    if (stream->broken != ERR_NONE || len == 0) {
        report_later(stream->env, write, stream->broken);
        return;
    }
    int status = uv_try_write((uv_stream_t *)&stream->tcp, parts, n);
    size_t taken = status > 0 ? (size_t)status : 0;
    if (status > 0 || status == UV_EAGAIN) status = 0;
    if (status == 0 && taken < len) {
        status = write_rest(stream, write, parts, n, taken);
        if (status == 0) return;
    }
    if (status != 0) break_stream(stream, env_uv_error(status));
    report_later(stream->env, write, env_uv_error(status));
}
