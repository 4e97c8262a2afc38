/* Keys by base/secure/scram.h, and their lines. */
#include "client/users/user_keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/secure/base64.h"

int user_keys_make(const char *password, enum scram_mechanism only, int32_t iterations,
                   struct made_keys *made) {
    made->count = 0;
    for (int m = SCRAM_SHA_256; m < SCRAM_MECHANISMS; m++) {
        if (only != SCRAM_NONE && (int)only != m) {
            continue;
        }
        struct made_key *key = &made->keys[made->count++];
        *key = (struct made_key){.mechanism = (enum scram_mechanism)m, .iterations = iterations};
        if (getrandom(key->salt, sizeof(key->salt), 0) != (ssize_t)sizeof(key->salt)) {
            return ERR_SYSTEM;
        }
        scram_salt_password(key->mechanism, password, strlen(password), key->salt,
                            sizeof(key->salt), iterations, key->salted);
    }
    return ERR_NONE;
}

void user_key_line(const char *user, const struct made_key *key, char into[USER_LINE_MAX]) {
    char salt[BASE64_SIZE(SCRAM_SALT_USUAL)], stored[BASE64_SIZE(SCRAM_HASH_MAX)],
        server[BASE64_SIZE(SCRAM_HASH_MAX)];
    struct scram_keys keys;
    size_t size = scram_hash_size(key->mechanism);
    scram_keys_of(key->mechanism, key->salted, &keys);
    base64_encode(BASE64_PADDED, key->salt, sizeof(key->salt), salt);
    base64_encode(BASE64_PADDED, keys.stored, size, stored);
    base64_encode(BASE64_PADDED, keys.server, size, server);
    snprintf(into, USER_LINE_MAX, "%s:%s:%" PRId32 ":%s:%s:%s", user, scram_name(key->mechanism),
             key->iterations, salt, stored, server);
    scram_wipe(&keys, sizeof(keys));
}
