/*
 * Users and the keys by which their logins are checked: a part of the metadata table, the same on
 * every broker. A user is there as long as he has a key; he has one at most of each mechanism.
 *
 * Happy path: rows are set and removed by commands, and looked up by logins. Failures: none; who
 * sets keys asks first whether they are sound, and whether there is room. Pure. Invariants: rows
 * are in the order of names and mechanisms, so that walks are the same everywhere; what points to a
 * row is valid until the next change.
 */
#ifndef BROKER_USERS_USER_TABLE_H
#define BROKER_USERS_USER_TABLE_H

#include "base/secure/scram.h"

enum {
    USER_NAME_MAX = 255,
    USER_KEYS_MAX = 10000, /* all of them are written in one turn of the loop, in 2 ms */
    USER_SECRET_SIZE = 32,
};

struct user_key {
    char *name; /* terminated; the table's */
    enum scram_mechanism mechanism;
    int32_t iterations;
    size_t salt_len;
    uint8_t salt[SCRAM_SALT_MAX];
    struct scram_keys keys;
    uint64_t changed; /* index in group 0 of the command that set it */
};

/* A table that is all zero is empty. */
struct user_table {
    struct user_key *rows;
    size_t count, room;
    uint64_t changed; /* index of the last command that changed a row; 0: none did */
    bool has_secret;
    uint8_t secret[USER_SECRET_SIZE]; /* of the cluster: of it come the salts of those who are not
                                         there (broker/login/logins.h) */
};

void user_table_close(struct user_table *table);

/* NULL: there is none. */
const struct user_key *user_table_find(const struct user_table *table, const char *name, size_t len,
                                       enum scram_mechanism mechanism);
/* Of any mechanism, SCRAM-SHA-256 first. */
const struct user_key *user_table_any(const struct user_table *table, const char *name, size_t len);
/* The first row of the first user whose name is not below this one; table->count: there is none. */
size_t user_table_from(const struct user_table *table, const char *name, size_t len);

/* Whether a key may be kept: NULL, or what is wrong with it, for the middle of a sentence. */
const char *user_name_fault(const char *name, size_t len);
/* A name as SASL messages have it, =2C for a comma and =3D for an equals sign (RFC 5801, saslname).
 * False: it is none, or none that a user may have. */
bool user_name_of_sasl(const char *from, size_t len, char into[USER_NAME_MAX + 1]);
const char *user_key_fault(const struct user_key *key);

/* Copied, the name too; in the place of what was there. */
void user_table_set(struct user_table *table, const struct user_key *key);
/* Nothing if there is none. */
void user_table_remove(struct user_table *table, const char *name, size_t len,
                       enum scram_mechanism mechanism, uint64_t index);

#endif
