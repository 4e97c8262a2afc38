/* Putting keys into the table and finding equal ones. Open addressing, at most half full. */
#include "broker/api/key_set.h"

#include "base/check.h"

bool key_set_init(struct key_set *set, struct kp_arena *arena, size_t count, uint64_t seed,
                  struct key (*key_of)(const void *owner, size_t place), const void *owner) {
    size_t room = 16;
    while (room < 2 * count)
        room *= 2;
    *set = (struct key_set){.key_of = key_of, .owner = owner, .seed = seed, .mask = room - 1};
    set->slots = count < UINT32_MAX ? kp_arena_alloc(arena, room * sizeof *set->slots) : NULL;
    return set->slots != NULL;
}

/* FNV-1a over a secret seed, then mixed: as for the names of the metadata. */
static uint64_t hash_of(const struct key_set *set, struct key key) {
    uint64_t hash = set->seed ^ (uint32_t)key.number * 0x9e3779b97f4a7c15ULL;
    for (int32_t i = 0; i < key.text.len; i++)
        hash = (hash ^ (uint8_t)key.text.data[i]) * 0x100000001b3ULL + (set->seed >> 17);
    hash ^= hash >> 32;
    return hash * 0xd6e8feb86659fd93ULL >> 20;
}

size_t key_set_put(struct key_set *set, size_t place) {
    struct key key = set->key_of(set->owner, place);
    size_t at = hash_of(set, key) & set->mask;
    for (; set->slots[at] != 0; at = (at + 1) & set->mask) {
        struct key other = set->key_of(set->owner, set->slots[at] - 1);
        if (other.number == key.number && kp_string_equal(other.text, key.text))
            return set->slots[at] - 1;
    }
    CHECK(place <= set->mask / 2 &&
          place < UINT32_MAX); /* places are below the count of key_set_init, whatever is in them */
    set->slots[at] = 1 + (uint32_t)place;
    return place;
}
