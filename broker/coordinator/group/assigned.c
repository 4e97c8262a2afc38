/* One run of the list is one topic; all numbers lie in one array. */
#include "broker/coordinator/group/assigned.h"

struct assigned_topic *assigned_topics(struct kp_arena *arena,
                                       const struct assigned_partition *list, size_t count,
                                       int32_t *topics) {
    size_t runs = 0;
    for (size_t i = 0; i < count; i++)
        runs += i == 0 || !kp_uuid_equal(list[i - 1].topic, list[i].topic);
    struct assigned_topic *into = kp_arena_alloc(arena, (runs + 1) * sizeof *into);
    int32_t *numbers = kp_arena_alloc(arena, (count + 1) * sizeof *numbers);
    if (into == NULL || numbers == NULL) return NULL;
    struct assigned_topic *topic = NULL;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !kp_uuid_equal(list[i - 1].topic, list[i].topic)) {
            topic = topic == NULL ? into : topic + 1;
            *topic = (struct assigned_topic){.topic = list[i].topic, .partitions = numbers + i};
        }
        topic->partitions[topic->count++] = list[i].partition;
    }
    *topics = (int32_t)runs;
    return into;
}
