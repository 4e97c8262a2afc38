/* A table of hashes, never more than half full. */
#include "broker/share/waiting_keys.h"

#include "base/mem.h"

enum { SLOTS_LEAST = 64 };

static uint64_t *slot_of(const struct waiting_keys *keys, uint64_t key) {
    size_t at = (size_t)(key >> 32) & (keys->slot_count - 1);
    while (keys->slots[at] != 0 && keys->slots[at] != key)
        at = (at + 1) & (keys->slot_count - 1);
    return &keys->slots[at];
}

static void grow(struct waiting_keys *keys) {
    struct waiting_keys larger = {.count = keys->count,
                                  .slot_count = keys->slot_count == 0 ? SLOTS_LEAST
                                                                      : 2 * keys->slot_count};
    larger.slots = mem_zalloc(larger.slot_count * sizeof *larger.slots);
    for (size_t i = 0; i < keys->slot_count; i++)
        if (keys->slots[i] != 0) *slot_of(&larger, keys->slots[i]) = keys->slots[i];
    mem_free(keys->slots);
    *keys = larger;
}

bool waiting_keys_has(const struct waiting_keys *keys, uint64_t key) {
    return keys->count > 0 && *slot_of(keys, key) == key;
}

bool waiting_keys_add(struct waiting_keys *keys, uint64_t key) {
    if (waiting_keys_has(keys, key)) return true;
    if (keys->count >= WAITING_KEYS_MOST) return false;
    if (2 * (keys->count + 1) > keys->slot_count) grow(keys);
    *slot_of(keys, key) = key;
    keys->count++;
    return true;
}

void waiting_keys_close(struct waiting_keys *keys) {
    mem_free(keys->slots);
    *keys = (struct waiting_keys){0};
}
