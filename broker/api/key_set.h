/* Which elements of a request, or of what lasts longer, are the same: a hash table over keys that
 * clients choose, in an arena. */
#ifndef BROKER_API_KEY_SET_H
#define BROKER_API_KEY_SET_H

#include <stdint.h>

#include "protocol/arena.h"

struct key {
    struct kp_string text; /* a name, or the bytes of an id */
    int32_t number;        /* of a partition; or whatever tells keys of one text apart */
};

/* Of a partition, by the topic's id, which stays where it is. */
static inline struct key key_of_partition(const struct kp_uuid *topic, int32_t partition) {
    return (struct key){{(const char *)topic->bytes, sizeof topic->bytes}, partition};
}

struct key_slot {
    uint32_t hash;
    uint32_t place; /* 1 + place; 0: empty */
};

struct key_set {
    struct key (*key_of)(const void *owner,
                         size_t place); /* the key of the element at that place */
    const void *owner;
    uint64_t seed;
    struct key_slot *slots;
    size_t mask;
};

#define KEY_NONE SIZE_MAX

/* For `count` elements. `seed`: random. False: the arena's limit is passed. */
bool key_set_init(struct key_set *set, struct kp_arena *arena, size_t count, uint64_t seed,
                  struct key (*key_of)(const void *owner, size_t place), const void *owner);
/* For more of them; nothing is lost when it returns false: the arena's limit is passed. What the
 * table was before stays in the arena. */
bool key_set_grow(struct key_set *set, struct kp_arena *arena, size_t count);
/* Puts the element in. Returns the place of one with the same key that was there before, or `place`
 * itself if it is the first. */
size_t key_set_put(struct key_set *set, size_t place);
/* The place of the element with that key, or KEY_NONE. */
size_t key_set_find(const struct key_set *set, struct key key);
/* Takes it out, while it still has its key. */
void key_set_remove(struct key_set *set, size_t place);

#endif
