/*
 * What one side of TLS is set up with: its key and certificates, whom it trusts, what it speaks.
 *
 * Happy path: the files that the settings name are read and checked, and a context comes of them,
 * which any number of connections use; a new one takes its place when files have changed, and the
 * old one goes with its last connection. Failures: ERR_INVALID with a sentence that has the setting
 * (tls_options.names), the file and what to do; nothing is opened then.
 * Invariants: TLS 1.2 and 1.3 alone; no renegotiation, tickets, compression, early data; key
 * agreement by short curves alone, so that a client cannot choose what a handshake costs us. Who
 * connects and names no CAs trusts those of the system; who serves never does. It may be made on
 * any thread: the calls block on files.
 */
#ifndef BASE_SECURE_TLS_CONTEXT_H
#define BASE_SECURE_TLS_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/secure/tls_secret.h"

enum tls_client_auth { TLS_CLIENT_ANYBODY, TLS_CLIENT_ASKED, TLS_CLIENT_CERTIFIED };

/* A file of keys and certificates. "" everywhere: there is none. */
struct tls_store {
    const char *path;
    const char *type; /* "PEM", "PKCS12", "JKS" (which means PKCS12); "": the file says it itself */
    const char *password;
};

struct tls_options {
    bool client;               /* of one who connects */
    struct tls_store own;      /* key and certificate, with those between it and its CA */
    const char *key_password;  /* of the key in `own`, when that is encrypted by itself */
    struct tls_store trusted;  /* CAs */
    const char *protocols;     /* "TLSv1.2,TLSv1.3" */
    const char *cipher_suites; /* names of IANA or OpenSSL with commas; "": those that are good */
    enum tls_client_auth client_auth;
    /* How whoever reads a sentence calls them: "ssl.keystore" and "ssl.truststore", to which
     * .location, .password and .type are added; "--cert" is taken as it is. */
    const char *own_name, *trusted_name;
};

/* With texts of its own: for who reads files later, on another thread. tls_options_drop. */
struct tls_options tls_options_copy(const struct tls_options *options);
void tls_options_drop(struct tls_options *options); /* wipes the passwords */

struct tls_context;
/* To be given back by tls_context_unref. */
int tls_context_new(const struct tls_options *options, struct tls_context **context,
                    struct error_text *why);
/* Of one that has no certificate, and no other side but those who have a secret: TLS 1.3 alone. The
 * secrets are copied. ERR_SYSTEM. */
int tls_context_of_secrets(const struct tls_secrets *secrets, bool client,
                           struct tls_context **context, struct error_text *why);
struct tls_context *tls_context_ref(struct tls_context *context); /* on the loop, as what follows */
void tls_context_unref(struct tls_context *context);              /* NULL does nothing */
struct ssl_ctx_st *tls_context_ssl(const struct tls_context *context);

/* Unix time until which its own certificate is good, and those that go with it, in ms; INT64_MAX:
 * it has none. */
int64_t tls_context_expires_ms(const struct tls_context *context);
/* Whether the own certificate is for that host, as clients check it: by its SAN. */
bool tls_context_covers(const struct tls_context *context, const char *host);

/* Whether others than its owner and its group may read the file with the own key. Blocks on it. */
bool tls_files_own_is_open(const struct tls_options *options);
/* What the files of `options` hold at present, as one number: another one when a byte of any has
 * changed. 0: one of them cannot be read. Blocks on files. */
uint64_t tls_files_fingerprint(const struct tls_options *options);

#endif
