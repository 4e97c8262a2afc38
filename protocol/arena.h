/*
 * Memory that is freed all at once, with a limit: what a decoded message, or a response under
 * construction, is made of.
 *
 * Happy path: init, alloc and print, close. Failure: at the limit, allocation gives NULL (text:
 * null), for ever after the same. Invariant: `used` is the memory that is held, with what rounding
 * and the ends of blocks cost, and never passes `limit`.
 */
#ifndef PROTOCOL_ARENA_H
#define PROTOCOL_ARENA_H

#include <stddef.h>

#include "protocol/wire.h"

struct kp_arena {
    struct kp_arena_block *blocks; /* the newest first */
    size_t used, limit;            /* bytes of the blocks; the most that they may have */
};

void kp_arena_init(struct kp_arena *arena, size_t limit);
void kp_arena_close(struct kp_arena *arena); /* frees everything; it can be used again after */
/* Zeroed, aligned for any type. NULL only when the limit would be passed. */
void *kp_arena_alloc(struct kp_arena *arena, size_t size);
/* A copy in the arena, or formatted text; terminated by a zero that does not count; null when the
 * limit would be passed. */
struct kp_string kp_arena_string(struct kp_arena *arena, const char *data, size_t len);
struct kp_string kp_arena_printf(struct kp_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
