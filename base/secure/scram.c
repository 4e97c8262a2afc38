/* OpenSSL's hashes. */
#include "base/secure/scram.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.h"

static const char *const names[SCRAM_MECHANISMS] = {"", "SCRAM-SHA-256", "SCRAM-SHA-512"};
static const size_t sizes[SCRAM_MECHANISMS] = {0, 32, 64};

static const EVP_MD *hash_of(enum scram_mechanism mechanism) {
    return mechanism == SCRAM_SHA_512 ? EVP_sha512() : EVP_sha256();
}

const char *scram_name(enum scram_mechanism mechanism) {
    return names[mechanism];
}

enum scram_mechanism scram_named(const char *name, size_t len) {
    for (int m = SCRAM_SHA_256; m < SCRAM_MECHANISMS; m++)
        if (strlen(names[m]) == len && memcmp(names[m], name, len) == 0)
            return (enum scram_mechanism)m;
    return SCRAM_NONE;
}

size_t scram_hash_size(enum scram_mechanism mechanism) {
    return sizes[mechanism];
}

/* ---- Keys ---- */

void scram_hmac(enum scram_mechanism mechanism, const void *key, size_t key_len, const void *data,
                size_t len, uint8_t into[SCRAM_HASH_MAX]) {
    /* It fails only without memory or with a hash that OpenSSL lacks. */
    CHECK(HMAC(hash_of(mechanism), key_len == 0 ? "" : key, (int)key_len, data, len, into, NULL) !=
          NULL);
}

void scram_salt_password(enum scram_mechanism mechanism, const void *password, size_t password_len,
                         const uint8_t *salt, size_t salt_len, int32_t iterations,
                         uint8_t salted[SCRAM_HASH_MAX]) {
    /* As above; iterations are at least 1. */
    CHECK(PKCS5_PBKDF2_HMAC(password, (int)password_len, salt, (int)salt_len, iterations,
                            hash_of(mechanism), (int)sizes[mechanism], salted) == 1);
}

static void client_key_of(enum scram_mechanism mechanism, const uint8_t *salted,
                          uint8_t into[SCRAM_HASH_MAX]) {
    static const char label[] = "Client Key";
    scram_hmac(mechanism, salted, sizes[mechanism], label, sizeof label - 1, into);
}

static void hash(enum scram_mechanism mechanism, const uint8_t *data,
                 uint8_t into[SCRAM_HASH_MAX]) {
    CHECK(EVP_Digest(data, sizes[mechanism], into, NULL, hash_of(mechanism), NULL) == 1);
}

void scram_keys_of(enum scram_mechanism mechanism, const uint8_t *salted, struct scram_keys *keys) {
    static const char label[] = "Server Key";
    uint8_t client[SCRAM_HASH_MAX];
    memset(keys, 0, sizeof *keys);
    client_key_of(mechanism, salted, client);
    hash(mechanism, client, keys->stored);
    scram_hmac(mechanism, salted, sizes[mechanism], label, sizeof label - 1, keys->server);
    scram_wipe(client, sizeof client);
}

void scram_proof_of(enum scram_mechanism mechanism, const uint8_t *salted, const void *said,
                    size_t said_len, uint8_t proof[SCRAM_HASH_MAX]) {
    uint8_t client[SCRAM_HASH_MAX], stored[SCRAM_HASH_MAX];
    client_key_of(mechanism, salted, client);
    hash(mechanism, client, stored);
    scram_hmac(mechanism, stored, sizes[mechanism], said, said_len, proof);
    for (size_t i = 0; i < sizes[mechanism]; i++)
        proof[i] ^= client[i];
    scram_wipe(client, sizeof client);
}

bool scram_proof_is_good(enum scram_mechanism mechanism, const struct scram_keys *keys,
                         const void *said, size_t said_len, const uint8_t *proof) {
    uint8_t client[SCRAM_HASH_MAX], stored[SCRAM_HASH_MAX];
    scram_hmac(mechanism, keys->stored, sizes[mechanism], said, said_len, client);
    for (size_t i = 0; i < sizes[mechanism]; i++)
        client[i] ^= proof[i];
    hash(mechanism, client, stored);
    bool good = scram_same(stored, keys->stored, sizes[mechanism]);
    scram_wipe(client, sizeof client);
    return good;
}

bool scram_same(const void *one, const void *other, size_t len) {
    return CRYPTO_memcmp(one, other, len) == 0;
}

void scram_wipe(void *secret, size_t len) {
    OPENSSL_cleanse(secret, len);
}
