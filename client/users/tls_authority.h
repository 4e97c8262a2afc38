/*
 * A CA for a lab or a small cluster, and what it issues: files of keys and certificates that
 * tls_context.h reads.
 *
 * Happy path: tls_authority_make writes NAME.pem and NAME.key, tls_authority_read finds them again,
 * tls_authority_issue writes key and certificate of one broker or client into one file, and
 * tls_authority_renew puts a new pair for the same names in its place. Keys are of P-256, and
 * certificates have who they are for as SAN, what they are good for as extended key usage.
 * Failures: ERR_INVALID, ERR_SYSTEM, ERR_EXISTS and what error_from_errno says, with a sentence
 * that has the file. Invariants: a file that is there is never written over but by what renews it,
 * at once; a key is readable by its owner alone from its first byte on. Blocks on files; for the
 * command line.
 */
#ifndef CLIENT_USERS_TLS_AUTHORITY_H
#define CLIENT_USERS_TLS_AUTHORITY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { TLS_NAME_MAX = 64, TLS_HOSTS_MAX = 16, TLS_DAYS_MAX = 36500 };

struct tls_authority;

int tls_authority_make(const char *certificate_path, const char *key_path, int days,
                       struct tls_authority **authority, struct error_text *why);
int tls_authority_read(const char *certificate_path, const char *key_path,
                       struct tls_authority **authority, struct error_text *why);
void tls_authority_free(struct tls_authority *authority); /* NULL does nothing */

struct tls_wish {
    const char *name; /* of the subject: 1 to TLS_NAME_MAX letters, digits and . _ - @ */
    /* Of one who serves (and connects): names and addresses; 0: of one who connects only. */
    const char *hosts[TLS_HOSTS_MAX];
    size_t host_count;
    int days;
};

/* Whether it makes sense: ERR_INVALID with the sentence. */
int tls_wish_check(const struct tls_wish *wish, struct error_text *why);
int tls_authority_issue(const struct tls_authority *authority, const struct tls_wish *wish,
                        const char *path, struct error_text *why);
/* Another key, the same subject, names and uses. Who reads the file meets the old pair or the new
 * one, and whoever could read it can. `dry`: nothing is written. ERR_INVALID: it has no certificate
 * of this CA's. */
int tls_authority_renew(const struct tls_authority *authority, const char *path, int days, bool dry,
                        struct error_text *why);

#endif
