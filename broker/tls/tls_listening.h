/*
 * TLS of the listeners that speak it: one context for all of them, which follows its files.
 *
 * Happy path: open, which reads the files; take for each connection; a look at the files every
 * tls_reload_ms, and when somebody asks for one, off the loop: what has changed is read, and holds
 * for connections that come then. Failures: at open a sentence; later the old context stays, with
 * one line for each content that cannot be used, and for each look that was asked for. A
 * certificate that ends soon, or that does not name the host that clients are told, is said.
 */
#ifndef BROKER_TLS_TLS_LISTENING_H
#define BROKER_TLS_TLS_LISTENING_H

#include "base/log.h"
#include "base/secure/either_stream.h"
#include "broker/config/broker_settings.h"

struct tls_wish {
    const struct tls_options *files; /* NULL: no listener speaks it */
    const char *principals;          /* ssl.principal.mapping.rules */
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
/* Whom the certificate of that client names: "User:...", for mem_free; NULL: it has shown none. Not
 * before its first byte was delivered. ERR_DENIED: it is nobody who may come in. */
int tls_listening_principal(const struct tls_listening *tls, const struct secure_stream *stream,
                            char **principal, struct error_text *why);
/* Whoever asked for a look; stays until `done`. */
struct tls_look {
    /* The files are in force, new or not; else ERR_INVALID and a sentence: what was read before is.
     * Never inside of the call. */
    void (*done)(struct tls_look *look, int error, const char *why);
    struct tls_look *next; /* ours */
};
/* Looks at the files as they are from now on. NULL: nobody waits for it, and the log says what came
 * of it. */
void tls_listening_look(struct tls_listening *tls, struct tls_look *look);
/* Unix time until which the certificates that clients are shown are good, in ms. */
int64_t tls_listening_expires_ms(const struct tls_listening *tls);
/* Its connections may live on; nobody waits for a look. NULL does nothing. */
void tls_listening_close(struct tls_listening *tls);

#endif
