/*
 * Bytes of a stream that speaks TLS, once its handshake is over.
 *
 *   in:  socket -> host->read -> SSL -> the owner's room      (what the owner does not want: kept)
 *   out: the owner's writes -> records in `out` -> one flight at a time -> their `done`
 *
 * Whatever goes on after an event of the owner counts in `inside`: the owner may close the stream
 * there, and it is freed when the last of them is over, when no job has it and no flight is under
 * way, because both end by themselves.
 */
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "base/secure/secure_internal.h"
#include "base/secure/tls_name.h"

_Static_assert(sizeof(struct secure_pending) <= sizeof(((struct env_write *)0)->env_private),
               "a pending write fits");

/* ---- Ends ---- */

static void set_charge(struct secure_stream *stream, size_t bytes) {
    struct budget *sent = stream->host->limits.sent;
    size_t before = stream->charged;
    if (sent == NULL) return;
    stream->charged = bytes;
    if (bytes > before) budget_charge(sent, bytes - before);
    if (bytes < before) budget_release(sent, before - bytes);
}

/* Takes the first of the owner's writes out, and reports it. */
static void report_first(struct secure_stream *stream, int error) {
    struct secure_pending *pending = stream->first;
    struct env_write *write = pending->write;
    stream->first = pending->next;
    if (stream->first == NULL) stream->last = NULL;
    mem_free(pending->iov);
    write->done(write, error);
}

static void free_all(struct secure_stream *stream) {
    struct secure_host *host = stream->host;
    CHECK(stream->first == NULL && stream->charged == 0);
    SSL_free(stream->ssl);
    tls_context_unref(stream->context);
    mem_free(stream->kept);
    mem_free(stream->out);
    mem_free(stream->flown);
    mem_free(stream);
    secure_host_unref(host);
}

static void free_if_gone(struct secure_stream *stream) {
    if (stream->stream != NULL || stream->inside > 0 || stream->working || stream->flying ||
        stream->task.queued)
        return;
    stream->inside++;
    while (stream->first != NULL)
        report_first(stream, ERR_CANCELED);
    stream->inside--;
    free_all(stream);
}

static void update_socket(struct secure_stream *stream);
static void send_on(struct secure_stream *stream);

static void leave(struct secure_stream *stream) {
    stream->inside--;
    if (stream->stream != NULL)
        update_socket(stream);
    else
        free_if_gone(stream);
}

/* Told once; whatever is to leave, the alert first of all, leaves before. */
static void tell_end(struct secure_stream *stream, int error) {
    if (stream->stream == NULL || stream->state == SECURE_OVER) return;
    stream->inside++;
    if (stream->state != SECURE_OPEN) secure_handshake_leave(stream);
    stream->state = SECURE_OVER;
    env_stream_read(stream->stream, false);
    send_on(stream);
    stream->events->ended(stream->arg, error);
    leave(stream);
}

static void fail(struct secure_stream *stream, const char *why) {
    if (stream->state != SECURE_OPEN) stream->host->failed++;
    if (why != NULL) error_set(&stream->why, ERR_CONNECTION, "%s", why);
    tell_end(stream, ERR_CONNECTION);
}

static void fail_record(struct secure_stream *stream) {
    char reason[256];
    struct error_text why;
    if (secure_bio_rekeys_too_much(stream)) {
        fail(stream, "it changes the keys of TLS again and again, and sends next to nothing");
        return;
    }
    secure_bio_reason(stream->ssl, reason);
    error_set(&why, ERR_CONNECTION, "what it sent is no TLS, or was changed on its way: %.200s",
              reason);
    fail(stream, why.text);
}

/* ---- Bytes out ---- */

/* The next bytes of the owner's write to be encrypted: where they lie, or gathered if they are
 * short. */
static size_t gather(struct secure_stream *stream, struct secure_pending *pending,
                     const uint8_t **bytes) {
    const struct env_iov *piece = &pending->iov[pending->part];
    size_t left = piece->len - pending->offset, len = 0;
    if (left >= SECURE_RECORD) {
        *bytes = (const uint8_t *)piece->base + pending->offset;
        pending->offset += SECURE_RECORD;
        return SECURE_RECORD;
    }
    *bytes = stream->host->record;
    while (pending->part < pending->n && len < SECURE_RECORD) {
        piece = &pending->iov[pending->part];
        left = piece->len - pending->offset;
        size_t n = left < SECURE_RECORD - len ? left : SECURE_RECORD - len;
        memcpy(stream->host->record + len, (const uint8_t *)piece->base + pending->offset, n);
        len += n;
        pending->offset += n;
        if (pending->offset < piece->len) break;
        pending->part++;
        pending->offset = 0;
    }
    return len;
}

static struct secure_pending *next_to_seal(const struct secure_stream *stream) {
    struct secure_pending *pending = stream->first;
    while (pending != NULL && pending->sealed)
        pending = pending->next;
    return pending;
}

/* AES-GCM keeps its promises for 2^24.5 records with one key; links of brokers live for months. */
static uint64_t rekey_bytes(const struct secure_stream *stream) {
    uint64_t most = stream->host->limits.rekey_bytes;
    return most > 0 ? most : UINT64_C(64) << 30;
}

static bool put(struct secure_stream *stream, const uint8_t *bytes, size_t len) {
    size_t done = 0;
    if (stream->plain) return secure_bio_put(stream, bytes, len);
    ERR_clear_error();
    stream->key_bytes += len;
    if (stream->key_bytes > rekey_bytes(stream) && SSL_version(stream->ssl) >= TLS1_3_VERSION) {
        stream->key_bytes = 0;
        if (SSL_key_update(stream->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1) return false;
    }
    return SSL_write_ex(stream->ssl, bytes, len, &done) == 1 && done == len;
}

/* False: TLS cannot go on. */
static bool seal(struct secure_stream *stream) {
    struct secure_pending *pending;
    while (stream->out_len < SECURE_FLIGHT && (pending = next_to_seal(stream)) != NULL) {
        const uint8_t *bytes;
        size_t len = gather(stream, pending, &bytes);
        if (len > 0 && !put(stream, bytes, len)) return false;
        while (pending->part < pending->n && pending->offset == pending->iov[pending->part].len) {
            pending->part++;
            pending->offset = 0;
        }
        pending->sealed = pending->part == pending->n;
    }
    return true;
}

static void go_on_later(struct secure_stream *stream) {
    env_defer(stream->host->env, &stream->task);
}

static void break_writes(struct secure_stream *stream, int error) {
    stream->broken = error;
    if (stream->first != NULL) go_on_later(stream);
}

static void send_on(struct secure_stream *stream) {
    if (stream->flying || stream->working || stream->stream == NULL) return;
    if (stream->state == SECURE_OPEN && stream->broken == ERR_NONE && !seal(stream)) {
        char reason[256];
        secure_bio_reason(stream->ssl, reason);
        error_set(&stream->why, ERR_CONNECTION, "TLS cannot go on: %.200s", reason);
        break_writes(stream, ERR_CONNECTION);
    }
    if (stream->out_len == 0) return;
    stream->flown = stream->out;
    stream->flown_len = stream->out_len;
    stream->out = NULL;
    stream->out_len = stream->out_room = 0;
    stream->flying = true;
    set_charge(stream, stream->flown_len);
    struct env_iov piece = {stream->flown, stream->flown_len};
    env_stream_write(stream->stream, &stream->flight, &piece, 1);
}

/* The flights of a thousand streams may end at once, and the next ones of all are much to encrypt.
 */
static void send_in_time(struct secure_stream *stream) {
    struct env *env = stream->host->env;
    if (stream->stream == NULL || next_to_seal(stream) == NULL || !env_turn_is_long(env))
        send_on(stream);
    else if (stream->host->limits.first)
        env_yield_first(env, &stream->task);
    else
        env_yield(env, &stream->task);
}

static bool has_more(const struct secure_stream *stream) {
    return stream->in_len > 0 || (!stream->plain && SSL_pending(stream->ssl) > 0);
}

static void update_socket(struct secure_stream *stream) {
    if (stream->stream == NULL || stream->state != SECURE_OPEN || stream->inside > 0) return;
    bool all_taken = !has_more(stream);
    env_stream_read(stream->stream, stream->wanted && all_taken);
    if (stream->wanted && !all_taken) go_on_later(stream);
}

static void flight_done(struct env_write *write, int error) {
    struct secure_stream *stream = CONTAINER_OF(write, struct secure_stream, flight);
    stream->flying = false;
    mem_free(stream->flown);
    stream->flown = NULL;
    set_charge(stream, 0);
    stream->inside++;
    while (stream->first != NULL && stream->first->sealed)
        report_first(stream, stream->stream == NULL ? ERR_CANCELED : error);
    if (error != ERR_NONE && stream->broken == ERR_NONE) break_writes(stream, error);
    send_in_time(stream);
    leave(stream);
}

void secure_stream_write(struct secure_stream *stream, struct env_write *write,
                         const struct env_iov *iov, unsigned n) {
    struct secure_pending *pending = (struct secure_pending *)write->env_private;
    CHECK(n > 0 && n <= ENV_WRITE_IOV);
    *pending = (struct secure_pending){.write = write, .n = n};
    pending->iov = mem_alloc(n * sizeof *iov);
    memcpy(pending->iov, iov, n * sizeof *iov);
    *(stream->last != NULL ? &stream->last->next : &stream->first) = pending;
    stream->last = pending;
    if (stream->broken != ERR_NONE || stream->state == SECURE_OVER)
        break_writes(stream, ERR_CONNECTION);
    else
        send_on(stream);
}

/* ---- Bytes in ---- */

/* Whether a record with something in it is here: it is decrypted, and its bytes wait. Room is asked
 * of the owner for what is there alone, because he keeps memory for it. */
static bool next_record(struct secure_stream *stream, int *ended) {
    uint8_t first;
    size_t n;
    if (stream->plain || !has_more(stream)) return has_more(stream);
    ERR_clear_error();
    if (SSL_peek_ex(stream->ssl, &first, 1, &n) == 1) return true;
    int error = SSL_get_error(stream->ssl, 0);
    if (error == SSL_ERROR_ZERO_RETURN)
        *ended = ERR_EOF;
    else if (error != SSL_ERROR_WANT_READ)
        *ended = ERR_CONNECTION;
    return false;
}

static size_t take(struct secure_stream *stream, void *into, size_t room) {
    size_t n = 0;
    if (stream->plain) return secure_bio_take(stream, into, room);
    int read = SSL_read_ex(stream->ssl, into, room, &n);
    CHECK(read == 1); /* it was peeked at */
    return n;
}

static void deliver(struct secure_stream *stream) {
    int ended = ERR_NONE;
    stream->inside++;
    while (stream->stream != NULL && stream->state == SECURE_OPEN && stream->wanted &&
           next_record(stream, &ended)) {
        void *into = NULL;
        size_t room = stream->events->room(stream->arg, &into);
        CHECK(room > 0);
        size_t n = take(stream, into, room);
        CHECK(n > 0 && n <= room);
        stream->opened_bytes += n;
        stream->events->received(stream->arg, n);
    }
    secure_bio_keep(stream);
    if (stream->stream != NULL && ended == ERR_EOF) tell_end(stream, ERR_EOF);
    if (stream->stream != NULL && ended == ERR_CONNECTION) fail_record(stream);
    send_on(stream); /* what TLS says by itself */
    leave(stream);
}

static void go_on(struct env_task *task) {
    struct secure_stream *stream = CONTAINER_OF(task, struct secure_stream, task);
    stream->inside++;
    while (stream->first != NULL && stream->broken != ERR_NONE && !stream->flying)
        report_first(stream, stream->broken);
    stream->inside--;
    if (stream->stream == NULL)
        free_if_gone(stream);
    else if (stream->state == SECURE_OPEN)
        deliver(stream);
}

static void opened(struct secure_stream *stream) {
    stream->state = SECURE_OPEN;
    stream->agreed = true;
    send_on(stream);
    update_socket(stream);
}

static const struct secure_above above_handshakes = {.opened = opened,
                                                     .send_on = send_on,
                                                     .fail = fail,
                                                     .free_if_gone = free_if_gone};

static size_t give_room(void *arg, void **into) {
    struct secure_stream *stream = arg;
    *into = stream->host->read;
    return stream->state == SECURE_SILENT ? SECURE_FIRST_BYTES : SECURE_READ_BYTES;
}

static void bytes_came(void *arg, size_t len) {
    struct secure_stream *stream = arg;
    /* It is read only when all that came before was taken. */
    CHECK(stream->in_len == 0 && !stream->working);
    mem_free(stream->kept);
    stream->kept = NULL;
    stream->in = stream->host->read;
    stream->in_len = len;
    if (stream->state == SECURE_OPEN)
        deliver(stream);
    else
        secure_handshake_bytes(stream);
}

static void stream_ended(void *arg, int error) {
    struct secure_stream *stream = arg;
    stream->inside++;
    if (stream->working)
        stream->events->ended(stream->arg, error); /* its job ends by itself */
    else
        tell_end(stream, error);
    leave(stream);
}

static void stream_hung_up(void *arg) {
    struct secure_stream *stream = arg;
    if (stream->events->hung_up == NULL) return;
    stream->inside++;
    stream->events->hung_up(stream->arg);
    leave(stream);
}

static const struct env_stream_events stream_events = {.room = give_room,
                                                       .received = bytes_came,
                                                       .ended = stream_ended,
                                                       .hung_up = stream_hung_up};

/* ---- The owner's side ---- */

static struct secure_stream *stream_new(struct secure_host *host, struct tls_context *context,
                                        struct env_stream *stream) {
    struct secure_stream *secure = mem_zalloc(sizeof *secure);
    host->refs++;
    secure->host = host;
    secure->context = tls_context_ref(context);
    secure->stream = stream;
    secure->task.run = go_on;
    secure->flight.done = flight_done;
    return secure;
}

struct secure_stream *secure_stream_over(struct secure_host *host, struct tls_context *context,
                                         struct env_stream *stream) {
    return stream_new(host, context, stream);
}

struct secure_stream *secure_stream_over_either(struct secure_host *host,
                                                struct tls_context *context,
                                                struct env_stream *stream) {
    struct secure_stream *secure = stream_new(host, context, stream);
    secure->lenient = true;
    return secure;
}

struct secure_stream *secure_stream_dial(struct secure_host *host, struct tls_context *context,
                                         struct env_stream *stream) {
    struct secure_stream *secure = stream_new(host, context, stream);
    secure->dials = true;
    return secure;
}

void secure_stream_attach(struct secure_stream *stream, const struct env_stream_events *events,
                          void *arg) {
    CHECK(stream->events == NULL);
    stream->events = events;
    stream->arg = arg;
    env_stream_attach(stream->stream, &stream_events, stream);
    secure_handshake_expect(stream, &above_handshakes);
}

void secure_stream_read(struct secure_stream *stream, bool on) {
    stream->wanted = on;
    update_socket(stream);
}

void secure_stream_close(struct secure_stream *stream) {
    if (stream->state == SECURE_OPEN && !stream->flying && !stream->plain) {
        ERR_clear_error();
        SSL_shutdown(stream->ssl); /* says so, and waits for nothing */
        send_on(stream);
    }
    env_stream_close(stream->stream);
    stream->stream = NULL;
    set_charge(stream, 0);
    if (stream->deadline != NULL && !stream->working) secure_handshake_leave(stream);
    if (!stream->working) stream->state = SECURE_OVER; /* else its turn is still its own */
    go_on_later(stream); /* reports are for later, and who closes may be inside */
}

bool secure_stream_is_tls(const struct secure_stream *stream) {
    return !stream->plain;
}

bool secure_stream_is_agreed(const struct secure_stream *stream) {
    return stream->agreed;
}

bool secure_stream_is_refused(const struct secure_stream *stream) {
    return !stream->agreed && stream->step == STEP_FAILED;
}

int secure_stream_name(const struct secure_stream *stream, char *into, size_t room) {
    if (stream->plain || stream->ssl == NULL || stream->working) return ERR_NOT_FOUND;
    const X509 *shown = SSL_get0_peer_certificate(stream->ssl);
    if (shown == NULL) return ERR_NOT_FOUND;
    return tls_name_text(X509_get_subject_name(shown), into, room) ? ERR_NONE : ERR_INVALID;
}

const char *secure_stream_why(const struct secure_stream *stream) {
    return stream->why.text[0] != '\0' ? stream->why.text : NULL;
}
