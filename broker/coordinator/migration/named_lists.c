/* Names to numbers of a group, and back. */
#include "broker/coordinator/migration/named_lists.h"

#include <string.h>

#include "base/mem.h"
#include "broker/coordinator/consumer/topic_names.h"

void named_list_read(struct consumer_group *group, const struct metadata *metadata,
                     const struct kp_consumer_protocol_partitions *topics, int32_t count,
                     struct partition_list *list) {
    for (int32_t t = 0; t < count; t++) {
        const struct kp_consumer_protocol_partitions *one = &topics[t];
        const struct metadata_topic *topic = metadata_topic_named(metadata, one->topic.data,
                                                                  (size_t)one->topic.len);
        if (topic == NULL || one->partitions.count <= 0) continue;
        struct kp_uuid id;
        memcpy(id.bytes, topic->id, sizeof id.bytes);
        uint32_t number = consumer_topic_number(group, id);
        for (int32_t p = 0; p < one->partitions.count; p++) {
            int32_t partition = one->partitions.items[p];
            if (partition >= 0 && partition < METADATA_PARTITIONS_MAX)
                partition_list_add(list, number, partition, 0);
        }
    }
    partition_list_sort(list);
}

static bool is_told(const struct metadata_topic *topic, const struct shared_bytes *names) {
    if (topic == NULL) return false;
    return names == NULL || topic_names_contain(names, kp_string_of(topic->name));
}

void named_list_write(const struct consumer_group *group, const struct metadata *metadata,
                      const struct partition_list *list, const struct shared_bytes *names,
                      struct kp_bytes like, struct kp_writer *writer) {
    struct kp_consumer_assignment assignment = {.user_data = {NULL, -1}};
    assignment.assigned.items = mem_alloc(list->count * sizeof *assignment.assigned.items);
    int32_t *numbers = mem_alloc(list->count * sizeof *numbers);
    for (size_t i = 0, end; i < list->count; i = end) {
        const struct metadata_topic *topic = metadata_topic_with_id(
            metadata, group->numbered[list->items[i].topic]->id.bytes);
        for (end = i; end < list->count && list->items[end].topic == list->items[i].topic; end++)
            numbers[end] = list->items[end].partition;
        if (!is_told(topic, names)) continue;
        assignment.assigned.items[assignment.assigned.count++] =
            (struct kp_consumer_protocol_partitions){kp_string_of(topic->name),
                                                     {numbers + i, (int32_t)(end - i)}};
    }
    kp_consumer_assignment_write(&assignment, like, writer);
    mem_free(numbers);
    mem_free(assignment.assigned.items);
}
