/* Putting keys into the table and finding equal ones. Open addressing, at most half full. */
#include "broker/api/key_set.h"

#include "base/check.h"

static struct key_slot *new_slots(struct kp_arena *arena, size_t count, size_t *mask) {
    size_t room = 16;
    while (room < 2 * count)
        room *= 2;
    *mask = room - 1;
    return count < UINT32_MAX ? kp_arena_alloc(arena, room * sizeof(struct key_slot)) : NULL;
}

bool key_set_init(struct key_set *set, struct kp_arena *arena, size_t count, uint64_t seed,
                  struct key (*key_of)(const void *owner, size_t place), const void *owner) {
    *set = (struct key_set){.key_of = key_of, .owner = owner, .seed = seed};
    set->slots = new_slots(arena, count, &set->mask);
    return set->slots != NULL;
}

bool key_set_grow(struct key_set *set, struct kp_arena *arena, size_t count) {
    size_t mask;
    if (2 * count <= set->mask + 1) return true;
    struct key_slot *slots = new_slots(arena, count, &mask);
    if (slots == NULL) return false;
    for (size_t i = 0; i <= set->mask; i++) {
        if (set->slots[i].place == 0) continue;
        size_t at = set->slots[i].hash & mask;
        while (slots[at].place != 0)
            at = (at + 1) & mask;
        slots[at] = set->slots[i];
    }
    set->slots = slots;
    set->mask = mask;
    return true;
}

/* FNV-1a over a secret seed, then mixed: as for the names of the metadata. */
static uint32_t hash_of(const struct key_set *set, struct key key) {
    uint64_t hash = set->seed ^ (uint32_t)key.number * 0x9e3779b97f4a7c15ULL;
    for (int32_t i = 0; i < key.text.len; i++)
        hash = (hash ^ (uint8_t)key.text.data[i]) * 0x100000001b3ULL + (set->seed >> 17);
    hash ^= hash >> 32;
    return (uint32_t)(hash * 0xd6e8feb86659fd93ULL >> 20);
}

/* The slot of that key, or the empty one in which it would be. */
static size_t slot_of(const struct key_set *set, struct key key, uint32_t hash) {
    size_t at = hash & set->mask;
    for (; set->slots[at].place != 0; at = (at + 1) & set->mask) {
        if (set->slots[at].hash != hash) continue;
        struct key other = set->key_of(set->owner, set->slots[at].place - 1);
        if (other.number == key.number && kp_string_equal(other.text, key.text)) break;
    }
    return at;
}

size_t key_set_find(const struct key_set *set, struct key key) {
    size_t at = slot_of(set, key, hash_of(set, key));
    return set->slots[at].place == 0 ? KEY_NONE : set->slots[at].place - 1;
}

size_t key_set_put(struct key_set *set, size_t place) {
    struct key key = set->key_of(set->owner, place);
    uint32_t hash = hash_of(set, key);
    size_t at = slot_of(set, key, hash);
    if (set->slots[at].place != 0) return set->slots[at].place - 1;
    CHECK(place <= set->mask / 2 && place < UINT32_MAX); /* places are below the count that was
                                                            asked for, whatever is in them */
    set->slots[at] = (struct key_slot){.hash = hash, .place = 1 + (uint32_t)place};
    return place;
}

/* Those behind it move up, as far as each may from where its hash wants it: no gap stays in which a
 * search would end. */
void key_set_remove(struct key_set *set, size_t place) {
    struct key key = set->key_of(set->owner, place);
    size_t gap = slot_of(set, key, hash_of(set, key));
    CHECK(set->slots[gap].place == 1 + place); /* it was put in, under this key */
    for (size_t at = (gap + 1) & set->mask; set->slots[at].place != 0; at = (at + 1) & set->mask) {
        size_t from_home = (at - set->slots[at].hash) & set->mask;
        if (from_home < ((at - gap) & set->mask)) continue;
        set->slots[gap] = set->slots[at];
        gap = at;
    }
    set->slots[gap] = (struct key_slot){0};
}
