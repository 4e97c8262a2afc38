/*
 * Profiles: clusters by a name, kept in $XDG_CONFIG_HOME/drave/profiles (~/.config/drave/profiles),
 * which only its owner may read.
 *
 *   use=prod
 *
 *   [prod]
 *   bootstrap=node1:9092,node2:9092
 *   timeout=30s
 *   tls.ca=/etc/ssl/our-ca.pem
 *   user=ops
 *   password.file=/home/me/.drave-password
 *   read.only=true
 *   description=the one that earns the money
 *
 * Lines that begin with # are comments, which are lost when drave writes the file. Happy path: the
 * file is read whole, changed in memory, and put in the place of the old one at once. Failures: a
 * line that is none of the above (with its number), a file that cannot be read (ERR_IO) or written.
 * A file that is not there has no profiles.
 */
#ifndef CLIENT_PROFILE_PROFILE_FILE_H
#define CLIENT_PROFILE_PROFILE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { PROFILES_MAX = 256, PROFILE_NAME_MAX = 64 };

struct profile {
    char name[PROFILE_NAME_MAX + 1];
    char *bootstrap, *timeout, *description; /* NULL: not set */
    char *tls_ca, *tls_cert;                 /* files */
    char *user, *password_file, *sasl;       /* who logs in, and by which mechanism */
    bool tls;
    bool read_only;
};

struct profiles {
    struct profile *items;
    size_t count, room;
    char used[PROFILE_NAME_MAX + 1]; /* empty: none */
};

/* Names of settings, for sentences. */
#define PROFILE_SETTINGS                                                                   \
    "bootstrap, timeout, tls, tls.ca, tls.cert, user, password.file, sasl, read.only and " \
    "description"

/* Where the file is; empty: neither XDG_CONFIG_HOME nor HOME is set. */
void profiles_path(char *path, size_t room);
/* To be freed with profiles_free, also after an error. */
int profiles_read(struct profiles *profiles, struct error_text *why);
int profiles_write(const struct profiles *profiles, struct error_text *why);
void profiles_free(struct profiles *profiles);

/* NULL: there is none of that name. */
struct profile *profiles_find(const struct profiles *profiles, const char *name);
/* A new one; ERR_INVALID: no name for one, ERR_LIMIT: there are PROFILES_MAX. */
int profiles_add(struct profiles *profiles, const char *name, struct profile **profile,
                 struct error_text *why);
void profiles_remove(struct profiles *profiles, struct profile *profile);
/* "key=value"; an empty value unsets it. ERR_INVALID: no such setting (with the nearest), or not
 * such a value. */
int profile_set(struct profile *profile, const char *pair, struct error_text *why);
/* ERR_NOT_FOUND, with the nearest name, for a profile that is not there. */
int profile_missing(const struct profiles *profiles, const char *name, struct error_text *why);

#endif
