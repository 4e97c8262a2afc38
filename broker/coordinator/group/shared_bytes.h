/*
 * Bytes that several hold: ids, names and subscriptions, of which the members of a consumer group
 * have mostly the same, and which answers need after their member has gone.
 *
 * Happy path: take gives a reference of its own, the last release frees. Bytes that many are
 * expected to have are taken from a pool: equal ones are one. Failures: none.
 * Invariant: they never change; NULL stands for null, and every function takes it.
 */
#ifndef BROKER_COORDINATOR_GROUP_SHARED_BYTES_H
#define BROKER_COORDINATOR_GROUP_SHARED_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

struct shared_bytes;
struct shared_pool;

/* `seed`: random, for clients choose the bytes. */
struct shared_pool *shared_pool_new(uint64_t seed);
void shared_pool_free(
    struct shared_pool *pool); /* all of its bytes are released; NULL is nothing */
size_t shared_pool_bytes(const struct shared_pool *pool); /* memory that it holds */

/* Copies; len -1 gives NULL. `pool` NULL: of its own, not looked for. */
struct shared_bytes *shared_bytes_of(struct shared_pool *pool, const void *data, int32_t len);
struct shared_bytes *shared_string_of(struct shared_pool *pool, struct kp_string string);
struct shared_bytes *shared_bytes_take(struct shared_bytes *bytes);
void shared_bytes_release(struct shared_bytes *bytes);

/* Borrowed: as long as the reference. */
struct kp_string shared_string(const struct shared_bytes *bytes);
struct kp_bytes shared_bytes_view(const struct shared_bytes *bytes);
bool shared_bytes_equal(const struct shared_bytes *a, const struct shared_bytes *b);
bool shared_string_is(const struct shared_bytes *bytes, struct kp_string string);

#endif
