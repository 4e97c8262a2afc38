/*
 * Keys of records that were passed over in one look over a log, so that no later record of theirs
 * is given before them.
 *
 * Happy path: zeroed; added, asked for, closed. Failures: WAITING_KEYS_MOST, and no more. Pure.
 * Invariant: a key is not 0.
 */
#ifndef BROKER_SHARE_WAITING_KEYS_H
#define BROKER_SHARE_WAITING_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WAITING_KEYS_MOST = 64 * 1024 };

struct waiting_keys {
    uint64_t *slots; /* hash of them; 0: free */
    size_t count, slot_count;
};

bool waiting_keys_has(const struct waiting_keys *keys, uint64_t key);
/* False: there are too many, and it is not there. */
bool waiting_keys_add(struct waiting_keys *keys, uint64_t key);
void waiting_keys_close(struct waiting_keys *keys); /* leaves it empty */

#endif
