/*
 * Handshakes: who may begin one, each step on the lane, and how long it may take.
 *
 *   SILENT --first byte--> WAITING --a turn is free--> SHAKING --done--> OPEN
 *      `---- no TLS, no time ----------`------------------`---> OVER
 *
 * Who dials begins without a byte. The first step costs up to some milliseconds, and thousands may
 * come at once: none is made on the loop. While a step is made the stream is not read, so that the
 * job has the SSL and the bytes for itself.
 */
#include <stdio.h>

#include <openssl/err.h>

#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/secure/secure_internal.h"

enum {
    STALL_MS = 1000, /* a client that takes longer for a step gives way to those who wait */
    LOOK_MS = 200,
    AGAIN_MS = 200, /* a deadline passes while a step is made */
    TLS_HANDSHAKE_RECORD = 22,
};

/* ---- Turns ---- */

static void start_step(struct secure_stream *stream) {
    secure_bio_keep(stream);
    env_stream_read(stream->stream, false);
    stream->working = true;
    env_lane_run(stream->host->lane, &stream->job);
}

static void begin(struct secure_stream *stream) {
    struct secure_host *host = stream->host;
    stream->state = SECURE_SHAKING;
    stream->ssl = secure_bio_ssl(stream);
    stream->stepped_us = env_now_us(host->env);
    DL_APPEND(host->shaking, stream);
    host->shaking_count++;
    start_step(stream);
}

static void look_for_stalled(void *arg);

static void wait_for_a_turn(struct secure_stream *stream) {
    struct secure_host *host = stream->host;
    stream->state = SECURE_WAITING;
    secure_bio_keep(stream);
    env_stream_read(stream->stream, false);
    /* Who came last is first: of those who have waited long many are no clients at all, and a crowd
     * of clients is through soon, whatever its order. */
    DL_PREPEND(host->waiting, stream);
    if (host->stall_timer == NULL)
        host->stall_timer = env_timer_new(host->env, look_for_stalled, host);
    if (host->waiting_count++ == 0) env_timer_start(host->stall_timer, (uint64_t)LOOK_MS * 1000);
}

static bool is_free(const struct secure_host *host) {
    return host->shaking_count < host->limits.handshakes_max;
}

static void give_turns(struct secure_host *host) {
    while (host->waiting != NULL && is_free(host)) {
        struct secure_stream *stream = host->waiting;
        DL_DELETE(host->waiting, stream);
        host->waiting_count--;
        begin(stream);
    }
    if (host->waiting == NULL && host->stall_timer != NULL) env_timer_stop(host->stall_timer);
}

void secure_handshake_leave(struct secure_stream *stream) {
    struct secure_host *host = stream->host;
    CHECK(!stream->working); /* else the job's end would find nobody */
    env_timer_free(stream->deadline);
    stream->deadline = NULL;
    if (stream->state == SECURE_WAITING) {
        DL_DELETE(host->waiting, stream);
        host->waiting_count--;
    } else if (stream->state == SECURE_SHAKING) {
        DL_DELETE(host->shaking, stream);
        host->shaking_count--;
    }
    stream->state = SECURE_OVER;
    give_turns(host);
}

/* Others wait: who has let us wait for long gives way, longest first, one for each. */
static void look_for_stalled(void *arg) {
    struct secure_host *host = arg;
    uint64_t now_us = env_now_us(host->env);
    uint32_t wanted = host->waiting_count;
    host->refs++;
    for (struct secure_stream *stream = host->shaking, *next; stream != NULL && wanted > 0;
         stream = next) {
        next = stream->next;
        if (stream->working) continue;
        if (now_us - stream->stepped_us < (uint64_t)STALL_MS * 1000) break;
        wanted--;
        stream->above->fail(stream,
                            "its TLS handshake stands still, and others wait for their turn");
        next = wanted > 0 ? host->shaking : NULL; /* the owner may have closed others */
    }
    if (host->waiting != NULL) env_timer_start(host->stall_timer, (uint64_t)LOOK_MS * 1000);
    secure_host_unref(host);
}

/* ---- Steps ---- */

static void step_work(struct env_job *job) {
    struct secure_stream *stream = CONTAINER_OF(job, struct secure_stream, job);
    ERR_clear_error(); /* of this thread */
    OSSL_HANDSHAKE_STATE before = SSL_get_state(stream->ssl);
    int result = SSL_do_handshake(stream->ssl), error = SSL_get_error(stream->ssl, result);
    stream->step = result == 1 ? STEP_DONE : error == SSL_ERROR_WANT_READ ? STEP_MORE : STEP_FAILED;
    if (stream->step == STEP_FAILED) secure_bio_reason(stream->ssl, stream->reason);
    stream->moved = SSL_get_state(stream->ssl) != before;
    ERR_clear_error();
}

static void step_done(struct env_job *job) {
    struct secure_stream *stream = CONTAINER_OF(job, struct secure_stream, job);
    struct secure_host *host = stream->host;
    stream->working = false;
    if (stream->stream == NULL) {
        secure_handshake_leave(stream);
        stream->above->free_if_gone(stream);
        return;
    }
    if (stream->moved) {
        DL_DELETE(host->shaking, stream);
        DL_APPEND(host->shaking, stream);
        stream->stepped_us = env_now_us(host->env);
    }
    if (stream->step == STEP_DONE) {
        host->shaken++;
        secure_handshake_leave(stream);
        stream->above->opened(stream);
    } else if (stream->step == STEP_FAILED) {
        struct error_text why;
        error_set(&why, ERR_CONNECTION, "its TLS handshake failed: %.200s", stream->reason);
        stream->above->fail(stream, why.text);
    } else {
        stream->above->send_on(stream);
        env_stream_read(stream->stream, true);
    }
}

static void begin_or_wait(struct secure_stream *stream) {
    if (stream->host->waiting == NULL && is_free(stream->host))
        begin(stream);
    else
        wait_for_a_turn(stream);
}

static void go_plain(struct secure_stream *stream) {
    stream->plain = true;
    secure_bio_keep(stream);
    secure_handshake_leave(stream);
    stream->above->opened(stream);
}

void secure_handshake_bytes(struct secure_stream *stream) {
    if (stream->state == SECURE_SHAKING) {
        start_step(stream);
        return;
    }
    if (stream->in[0] == TLS_HANDSHAKE_RECORD)
        begin_or_wait(stream);
    else if (stream->lenient)
        go_plain(stream);
    else
        stream->above->fail(stream, stream->host->limits.not_tls);
}

/* ---- Deadlines ---- */

static void time_is_over(void *arg) {
    struct secure_stream *stream = arg;
    const struct secure_limits *limits = &stream->host->limits;
    struct error_text why;
    if (stream->working) {
        env_timer_start(stream->deadline, (uint64_t)AGAIN_MS * 1000);
        return;
    }
    error_set(&why, ERR_TIMEOUT, "its TLS handshake has not %s within %u ms (%s)",
              stream->state == SECURE_SILENT    ? "begun"
              : stream->state == SECURE_WAITING ? "had its turn"
                                                : "ended",
              limits->timeout_ms, limits->timeout_name);
    stream->above->fail(stream, why.text);
}

void secure_handshake_expect(struct secure_stream *stream, const struct secure_above *above) {
    struct secure_host *host = stream->host;
    stream->above = above;
    stream->job.work = step_work;
    stream->job.done = step_done;
    stream->deadline = env_timer_new(host->env, time_is_over, stream);
    env_timer_start(stream->deadline, (uint64_t)host->limits.timeout_ms * 1000);
    if (stream->dials)
        begin_or_wait(stream);
    else
        env_stream_read(stream->stream, true);
}
