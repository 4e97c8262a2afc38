/* An array: a member has few partitions. */
#include "client/sharing/share_places.h"

#include "base/mem.h"

void share_places_add(struct share_places *places, struct kp_uuid topic, int32_t partition) {
    if (!share_places_have(places, topic, partition)) {
        places->items = mem_grow(places->items, places->count, &places->room,
                                 sizeof(*places->items));
        places->items[places->count++] = (struct share_place){topic, partition};
    }
}

bool share_places_have(const struct share_places *places, struct kp_uuid topic, int32_t partition) {
    for (size_t i = 0; i < places->count; i++) {
        if (places->items[i].partition == partition &&
            kp_uuid_equal(places->items[i].topic, topic)) {
            return true;
        }
    }
    return false;
}

void share_places_clear(struct share_places *places) {
    places->count = 0;
}

void share_places_free(struct share_places *places) {
    mem_free(places->items);
    *places = (struct share_places){.items = NULL};
}
