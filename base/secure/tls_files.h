/*
 * Keys and certificates out of files: PEM (PKCS#8, PKCS#1, SEC1; in any order) and PKCS12.
 *
 * Happy path: tls_files_own, tls_files_trusted. Failures: ERR_INVALID with a sentence that has the
 * setting and the file, what it holds instead, and how to convert it. Invariant: nobody is ever
 * asked for a password at a terminal. Files are read by stdio, because drave, which has no
 * environment, reads them, too.
 */
#ifndef BASE_SECURE_TLS_FILES_H
#define BASE_SECURE_TLS_FILES_H

#include <openssl/ssl.h>

#include "base/secure/tls_context.h"

enum { TLS_FILE_MOST = 1 << 20 };

/* Puts the key, its certificate and those between it and its CA into `ctx`. */
int tls_files_own(const struct tls_options *options, SSL_CTX *ctx, struct error_text *why);
/* Puts the CAs into `ctx`, and tells clients their names if `names`. */
int tls_files_trusted(const struct tls_options *options, SSL_CTX *ctx, bool names,
                      struct error_text *why);

#endif
