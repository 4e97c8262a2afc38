/*
 * What a cluster keeps of a password: a key for each mechanism, with a salt of its own.
 *
 * Happy path: user_keys_make; then the keys are sent, or written as lines of bootstrap.users.file.
 * Failure: ERR_SYSTEM, a system without random bytes. The caller wipes what it is given.
 */
#ifndef CLIENT_USERS_USER_KEYS_H
#define CLIENT_USERS_USER_KEYS_H

#include "base/error.h"
#include "base/secure/scram.h"

struct made_key {
    enum scram_mechanism mechanism;
    int32_t iterations;
    uint8_t salt[SCRAM_SALT_USUAL], salted[SCRAM_HASH_MAX];
};

struct made_keys {
    struct made_key keys[SCRAM_MECHANISMS];
    int count;
};

/* `only` SCRAM_NONE: for each mechanism. */
int user_keys_make(const char *password, enum scram_mechanism only, int32_t iterations,
                   struct made_keys *made);

enum { USER_LINE_MAX = 640 }; /* of a line, with its end; a name has 255 bytes at most */
/* "alice:SCRAM-SHA-256:4096:salt:stored:server", without the end of the line. */
void user_key_line(const char *user, const struct made_key *key, char into[USER_LINE_MAX]);

#endif
