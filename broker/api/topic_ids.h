/* All topics of the cluster as a request met them: for walks that go on in later turns, when the
 * table may be another. */
#ifndef BROKER_API_TOPIC_IDS_H
#define BROKER_API_TOPIC_IDS_H

#include "broker/metadata/metadata.h"
#include "protocol/arena.h"

struct topic_ids {
    struct kp_uuid *items; /* in the order in which the topics were made */
    size_t count;
};

/* False: the arena's limit is passed. */
bool topic_ids_take(struct topic_ids *ids, const struct metadata *metadata, struct kp_arena *arena);
/* NULL: it was deleted meanwhile. */
const struct metadata_topic *topic_ids_at(const struct topic_ids *ids,
                                          const struct metadata *metadata, size_t place);

#endif
