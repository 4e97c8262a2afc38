/*
 * TLS over a stream of the environment, with the calls and the promises of that (base/env.h).
 *
 * Happy path: secure_stream_over, attach; the handshake is done by itself, its heavy part on a lane
 * of the host; then bytes arrive and leave as on a plain stream. Failures: who speaks no TLS, a
 * handshake that fails or takes too long, a record that was changed on its way: `ended` with
 * ERR_CONNECTION, and secure_stream_why has the sentence; the alert has left by then. An end
 * to which the other side has not agreed in TLS's way is an end: what travels here has lengths.
 * Invariants: until the first byte has come a stream has no memory of TLS; at most handshakes_max
 * are between their first byte and their end, further ones wait, and while some wait the one that
 * has got on with it longest ago goes, after STALL_MS; all must have ended timeout_ms after they
 * came. Who changes its keys more than seldom is ended. A stream that is not read keeps at most one
 * read (32 KiB) and a record. What is encrypted ahead of the socket is at most one flight (128 KiB
 * and a record), charged to `sent`.
 */
#ifndef BASE_SECURE_SECURE_STREAM_H
#define BASE_SECURE_SECURE_STREAM_H

#include "base/budget.h"
#include "base/env.h"
#include "base/secure/tls_context.h"

struct secure_limits {
    uint32_t handshakes_max;
    uint32_t timeout_ms;
    const char *timeout_name; /* the setting, for sentences */
    const char *not_tls;      /* the sentence for who speaks none */
    struct budget *sent;      /* NULL: nobody counts */
    bool first;               /* what leaves goes before clients' work: env_yield_first */
    uint64_t rekey_bytes;     /* sent with one key, at most (RFC 8446, 5.5); 0: 64 GiB */
};

/* What the streams of one loop share. It lives until it is freed and its last stream is gone. */
struct secure_host;
struct secure_host *secure_host_new(struct env *env, const struct secure_limits *limits);
/* Its streams are closed; handshakes that are at work end by themselves. NULL does nothing. */
void secure_host_free(struct secure_host *host);
struct secure_counts {
    uint64_t shaken, failed; /* handshakes so far */
    uint32_t under_way, waiting;
};
struct secure_counts secure_host_counts(const struct secure_host *host);

struct secure_stream;
/* Takes the stream over, and a reference to the context. The serving side. */
struct secure_stream *secure_stream_over(struct secure_host *host, struct tls_context *context,
                                         struct env_stream *stream);
/* The same, and whose first byte is not of TLS is served plainly, for copies of all bytes. */
struct secure_stream *secure_stream_over_either(struct secure_host *host,
                                                struct tls_context *context,
                                                struct env_stream *stream);
/* The side that connected: it begins to speak when it is attached. */
struct secure_stream *secure_stream_dial(struct secure_host *host, struct tls_context *context,
                                         struct env_stream *stream);
void secure_stream_attach(struct secure_stream *stream, const struct env_stream_events *events,
                          void *arg);
void secure_stream_read(struct secure_stream *stream, bool on);
/* At least one byte. */
void secure_stream_write(struct secure_stream *stream, struct env_write *write,
                         const struct env_iov *iov, unsigned n);
void secure_stream_close(struct secure_stream *stream);
/* Whether all that is delivered came through TLS. */
bool secure_stream_is_tls(const struct secure_stream *stream);
/* Whether its handshake was done, or was not needed. */
bool secure_stream_is_agreed(const struct secure_stream *stream);
/* Whether the two cannot agree: what they have does not fit, and trying again changes nothing. */
bool secure_stream_is_refused(const struct secure_stream *stream);
/* The name in the certificate that the other side has shown, which was verified, as
 * base/secure/tls_name.h writes it. Not before the first byte was delivered. ERR_NOT_FOUND: it has
 * shown none; ERR_INVALID: it has no such text of less than `room` bytes. */
int secure_stream_name(const struct secure_stream *stream, char *into, size_t room);
/* Why TLS ended it; NULL: it did not, or nothing had come yet. */
const char *secure_stream_why(const struct secure_stream *stream);

#endif
