/* The ids alone are kept: 16 bytes a topic, and no pointer into the table. */
#include "broker/api/topic_ids.h"

#include <string.h>

bool topic_ids_take(struct topic_ids *ids, const struct metadata *metadata,
                    struct kp_arena *arena) {
    size_t count = metadata_topic_count(metadata);
    *ids = (struct topic_ids){.items = kp_arena_alloc(arena, (count + 1) * sizeof *ids->items)};
    if (ids->items == NULL) return false;
    for (const struct metadata_topic *topic = NULL;
         (topic = metadata_next_topic(metadata, topic)) != NULL;)
        memcpy(ids->items[ids->count++].bytes, topic->id, sizeof topic->id);
    return true;
}

const struct metadata_topic *topic_ids_at(const struct topic_ids *ids,
                                          const struct metadata *metadata, size_t place) {
    return metadata_topic_with_id(metadata, ids->items[place].bytes);
}
