/*
 * Public keys of others, and what they have signed: RSA and elliptic curves, with the algorithms of
 * JSON Web Signatures (RFC 7518, 3.3 to 3.5).
 *
 * Happy path: a key of its numbers, as a JSON Web Key has them; signature_is_good. Failures: NULL,
 * numbers that are no key (a point that is on no curve, RSA of less than 2,048 or more than 8,192
 * bits); false, a signature that is not good. Invariants: a key takes the algorithms of its own
 * kind alone, so that nobody who signs chooses how he is checked; no algorithm has a secret that
 * both sides know, and none is "none". Keys never change, and may be used on any thread. About 30
 * us a signature of RSA with 2,048 bits, 100 of P-256, 1 ms of P-384.
 */
#ifndef BASE_SECURE_SIGNATURE_H
#define BASE_SECURE_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>

enum signature_algorithm {
    SIGNATURE_NONE,
    SIGNATURE_RS256,
    SIGNATURE_RS384,
    SIGNATURE_RS512,
    SIGNATURE_PS256,
    SIGNATURE_ES256,
    SIGNATURE_ES384,
    SIGNATURE_ALGORITHMS
};

enum { SIGNATURE_MAX = 1024 /* bytes */ };

/* By its name ("RS256"); SIGNATURE_NONE: it is none of these. */
enum signature_algorithm signature_named(const char *name);

struct signature_key;
/* Modulus and exponent, the first byte first. */
struct signature_key *signature_key_rsa(const void *n, size_t n_len, const void *e, size_t e_len);
/* A point of "P-256" or "P-384": both numbers in the curve's whole length. */
struct signature_key *signature_key_ec(const char *curve, const void *x, size_t x_len,
                                       const void *y, size_t y_len);
void signature_key_free(struct signature_key *key); /* NULL does nothing */

bool signature_key_takes(const struct signature_key *key, enum signature_algorithm algorithm);
/* The key takes the algorithm. */
bool signature_is_good(const struct signature_key *key, enum signature_algorithm algorithm,
                       const void *data, size_t len, const void *signature, size_t signature_len);

#endif
