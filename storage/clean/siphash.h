/*
 * SipHash-2-4 with 128 bits: a hash of bytes that strangers choose, under a secret that they do not
 * know, so that they cannot make two of their inputs collide. (J.-P. Aumasson, D. J. Bernstein,
 * "SipHash: a fast short-input PRF".)
 *
 * Pure; never fails.
 */
#ifndef STORAGE_CLEAN_SIPHASH_H
#define STORAGE_CLEAN_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

enum { SIPHASH_SECRET_SIZE = 16 };

void siphash_128(const uint8_t secret[SIPHASH_SECRET_SIZE], const void *data, size_t len,
                 uint64_t hash[2]);

#endif
