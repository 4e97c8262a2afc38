/* Probing from the place that the hash gives, to the next free one. */
#include "storage/clean/key_map.h"

#include "base/mem.h"

struct key_slot {
    uint64_t hash[2];
    int64_t offset_after; /* the offset + 1; 0: free */
};
_Static_assert(sizeof(struct key_slot) == 24, "the size of the map is a setting: 24 bytes a key");

void key_map_open(struct key_map *map, size_t bytes, const uint8_t secret[SIPHASH_SECRET_SIZE]) {
    *map = (struct key_map){.room = bytes / sizeof(struct key_slot)};
    if (map->room < 2) map->room = 2; /* one is always free, where a search ends */
    map->most = map->room - (map->room + 9) / 10;
    map->slots = mem_zalloc(map->room * sizeof *map->slots);
    for (size_t i = 0; i < SIPHASH_SECRET_SIZE; i++)
        map->secret[i] = secret[i];
}

void key_map_close(struct key_map *map) {
    mem_free(map->slots);
    *map = (struct key_map){0};
}

/* The slot of the key, or the free one where it would be. */
static struct key_slot *slot_of(const struct key_map *map, const void *key, size_t len,
                                uint64_t hash[2]) {
    siphash_128(map->secret, key, len, hash);
    size_t at = (size_t)(hash[0] % map->room);
    while (map->slots[at].offset_after != 0 &&
           (map->slots[at].hash[0] != hash[0] || map->slots[at].hash[1] != hash[1]))
        at = at + 1 < map->room ? at + 1 : 0;
    return &map->slots[at];
}

bool key_map_put(struct key_map *map, const void *key, size_t len, kafka_offset offset) {
    uint64_t hash[2];
    struct key_slot *slot = slot_of(map, key, len, hash);
    if (slot->offset_after == 0) {
        if (map->count == map->most) return false;
        map->count++;
        slot->hash[0] = hash[0];
        slot->hash[1] = hash[1];
    }
    if (slot->offset_after < offset + 1) slot->offset_after = offset + 1;
    return true;
}

kafka_offset key_map_find(const struct key_map *map, const void *key, size_t len) {
    uint64_t hash[2];
    return slot_of(map, key, len, hash)->offset_after - 1;
}
