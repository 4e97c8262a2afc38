/*
 * What is in files of keys and certificates (PEM), for people who look at them.
 *
 * Happy path: tls_facts_read. Failures: ERR_INVALID and what error_from_errno says, with a sentence
 * that has the file. Nothing is checked, and no key leaves the call. Blocks on files.
 */
#ifndef CLIENT_USERS_TLS_FACTS_H
#define CLIENT_USERS_TLS_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { TLS_FACTS_MAX = 100 };

struct tls_facts {
    char subject[256], issuer[256]; /* RFC 2253 */
    char names[1024];               /* "a.example.com,10.0.0.1", cut where it is too long */
    int64_t begins_s, ends_s;       /* Unix time */
    bool with_key;                  /* the file has its private key */
    bool authority, signs_itself;
};

/* At most TLS_FACTS_MAX, in the order of the file. */
int tls_facts_read(const char *path, struct tls_facts facts[TLS_FACTS_MAX], size_t *count,
                   struct error_text *why);

#endif
