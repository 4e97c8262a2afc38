/* Which elements of a request are the same: a hash table over keys that clients choose, in the
 * request's arena. */
#ifndef BROKER_API_KEY_SET_H
#define BROKER_API_KEY_SET_H

#include <stdint.h>

#include "protocol/arena.h"

struct key {
    struct kp_string text; /* a name, or the bytes of an id */
    int32_t number;        /* of a partition; or whatever tells keys of one text apart */
};

struct key_set {
    struct key (*key_of)(const void *owner,
                         size_t place); /* the key of the element at that place */
    const void *owner;
    uint64_t seed;
    uint32_t *slots; /* 1 + place; 0: empty */
    size_t mask;
};

/* For `count` elements. `seed`: random. False: the arena's limit is passed. */
bool key_set_init(struct key_set *set, struct kp_arena *arena, size_t count, uint64_t seed,
                  struct key (*key_of)(const void *owner, size_t place), const void *owner);
/* Puts the element in. Returns the place of one with the same key that was there before, or `place`
 * itself if it is the first. */
size_t key_set_put(struct key_set *set, size_t place);

#endif
