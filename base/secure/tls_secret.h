/*
 * Secrets that the brokers of a cluster share: who has one is a broker.
 *
 * A file has one secret a line, 32 bytes in base64url (43 characters, as tls_secret_make writes
 * it); empty lines and those that begin with # count for nothing. Who connects uses the first one,
 * who is connected to knows all: a new one is added as the last of every broker, then becomes the
 * first of every broker, then the old one goes.
 *
 * Happy path: tls_secrets_read, tls_context_of_secrets (tls_context.h); in TLS 1.3 key and name of
 * the secret are derived from the line, and both sides prove that they have it (RFC 8446, 2.2).
 * Failures: ERR_INVALID with a sentence that has file and line, and never what stands there; a file
 * that everybody may read is refused.
 * Invariant: the keys are wiped when they are freed.
 */
#ifndef BASE_SECURE_TLS_SECRET_H
#define BASE_SECURE_TLS_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    TLS_SECRET_LINE = 44, /* of a secret, with its terminating 0 */
    TLS_SECRETS_MOST = 8, /* of a file */
};

struct tls_secrets;
struct ssl_ctx_st;

/* Blocks on the file. To be freed by tls_secrets_free. */
int tls_secrets_read(const char *path, struct tls_secrets **secrets, struct error_text *why);
/* NULL does nothing. */
void tls_secrets_free(struct tls_secrets *secrets);
struct tls_secrets *tls_secrets_copy(const struct tls_secrets *secrets);
/* Lets `ssl` prove, and want to be proved, that the other side has a secret; they stay with the
 * caller, and outlive it. */
void tls_secrets_use(const struct tls_secrets *secrets, struct ssl_ctx_st *ssl);
/* A new secret, of the system's randomness. ERR_SYSTEM: it has none. */
int tls_secret_make(char line[TLS_SECRET_LINE]);

#endif
