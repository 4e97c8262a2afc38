/*
 * TLS of the listeners that speak it: one context for all of them, which follows its files.
 *
 * Happy path: open, which reads the files; take for each connection; a look at the files every
 * tls_reload_ms, off the loop: what has changed is read, and holds for connections that come then.
 * Failures: at open a sentence; later the old context stays, with one line for each content that
 * cannot be used. A certificate that ends soon, or that does not name the host that clients are
 * told, is said.
 */
#ifndef BROKER_TLS_TLS_LISTENING_H
#define BROKER_TLS_TLS_LISTENING_H

#include "base/log.h"
#include "base/secure/either_stream.h"
#include "broker/config/broker_settings.h"

struct tls_wish {
    const struct tls_options *files; /* NULL: no listener speaks it */
    uint32_t handshakes_max, setup_ms, reload_ms;
};

struct tls_listening;
/* *tls NULL: no listener speaks it. The listeners stay. What is encrypted ahead of the sockets is
 * charged to `sent`. */
int tls_listening_open(struct env *env, struct log *log, const struct tls_wish *wish,
                       const struct broker_listener *listeners, size_t listener_count,
                       struct budget *sent, struct tls_listening **tls, struct error_text *why);
/* Takes the stream over. */
struct either_stream tls_listening_take(struct tls_listening *tls, struct env_stream *stream);
/* Its connections may live on. NULL does nothing. */
void tls_listening_close(struct tls_listening *tls);

#endif
