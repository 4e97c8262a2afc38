/*
 * Partitions by the id of their topic, as members of a share group name them: a small set.
 */
#ifndef CLIENT_SHARING_SHARE_PLACES_H
#define CLIENT_SHARING_SHARE_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

struct share_place {
    struct kp_uuid topic;
    int32_t partition;
};

/* All zero: empty. */
struct share_places {
    struct share_place *items;
    size_t count, room;
};

/* One that is there already is not added again. */
void share_places_add(struct share_places *places, struct kp_uuid topic, int32_t partition);
bool share_places_have(const struct share_places *places, struct kp_uuid topic, int32_t partition);
void share_places_clear(struct share_places *places); /* it can be filled again */
void share_places_free(struct share_places *places);

#endif
