/*
 * What a password becomes in SCRAM (RFC 5802, 7677): keys by which a login is checked, and from
 * which the password cannot be read back.
 *
 * Happy path: password, salt and iterations give the salted password, that the two keys of the
 * server; a client proves that it has the first of them. Failures: none; lengths are the caller's
 * to check. Whatever is secret is for scram_wipe when it is used no more.
 */
#ifndef BASE_SECURE_SCRAM_H
#define BASE_SECURE_SCRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kafka's numbers (KIP-554). */
enum scram_mechanism { SCRAM_NONE = 0, SCRAM_SHA_256 = 1, SCRAM_SHA_512 = 2, SCRAM_MECHANISMS };

enum {
    SCRAM_HASH_MAX = 64,
    SCRAM_SALT_MIN = 8,
    SCRAM_SALT_MAX = 64,
    SCRAM_SALT_USUAL = 16,
    SCRAM_ITERATIONS_MIN = 4096, /* as in Kafka, */
    SCRAM_ITERATIONS_MAX = 16384,
    SCRAM_ITERATIONS_USUAL = 4096, /* ... whose tools begin with this */
};

struct scram_keys {
    uint8_t stored[SCRAM_HASH_MAX], server[SCRAM_HASH_MAX];
};

const char *scram_name(enum scram_mechanism mechanism); /* "SCRAM-SHA-256" */
/* SCRAM_NONE: it is none of them. */
enum scram_mechanism scram_named(const char *name, size_t len);
size_t scram_hash_size(enum scram_mechanism mechanism);

/* scram_hash_size bytes into `salted`. About a millisecond for 4096 iterations. */
void scram_salt_password(enum scram_mechanism mechanism, const void *password, size_t password_len,
                         const uint8_t *salt, size_t salt_len, int32_t iterations,
                         uint8_t salted[SCRAM_HASH_MAX]);
void scram_keys_of(enum scram_mechanism mechanism, const uint8_t *salted, struct scram_keys *keys);

void scram_hmac(enum scram_mechanism mechanism, const void *key, size_t key_len, const void *data,
                size_t len, uint8_t into[SCRAM_HASH_MAX]);
/* The client's proof: ClientKey XOR HMAC(StoredKey, all that was said). */
void scram_proof_of(enum scram_mechanism mechanism, const uint8_t *salted, const void *said,
                    size_t said_len, uint8_t proof[SCRAM_HASH_MAX]);
bool scram_proof_is_good(enum scram_mechanism mechanism, const struct scram_keys *keys,
                         const void *said, size_t said_len, const uint8_t *proof);
/* In a time that does not tell where they differ. */
bool scram_same(const void *one, const void *other, size_t len);
void scram_wipe(void *secret, size_t len);

#endif
