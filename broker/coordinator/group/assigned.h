/*
 * Partitions that a member is given, of a group whose coordinator assigns, and the same under their
 * topics, as heartbeats are answered.
 *
 * Happy path: assigned_topics of a list in which those of a topic stand together. Failures: NULL
 * where the arena's limit is passed.
 */
#ifndef BROKER_COORDINATOR_GROUP_ASSIGNED_H
#define BROKER_COORDINATOR_GROUP_ASSIGNED_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/arena.h"

struct assigned_partition {
    struct kp_uuid topic;
    int32_t partition;
};

struct assigned_topic {
    struct kp_uuid topic;
    int32_t *partitions;
    int32_t count;
};

/* In the arena; *topics of them. */
struct assigned_topic *assigned_topics(struct kp_arena *arena,
                                       const struct assigned_partition *list, size_t count,
                                       int32_t *topics);

#endif
