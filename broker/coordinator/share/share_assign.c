/*
 * Which member fetches which partitions: of P partitions of a topic and M members that read it,
 * each member gets every M-th, or where there are more members each gets one, and a partition has
 * several. A function of who reads what; members are ordered by their ids.
 */
#include <string.h>

#include "base/mem.h"
#include "broker/coordinator/share/share_group_internal.h"
#include "broker/metadata/metadata.h"

static const struct metadata_topic *topic_of(const struct share_group *group, const char *name) {
    return metadata_topic_named(group->row->table->metadata, name, strlen(name));
}

/* FNV-1a, over what decides who fetches what. */
static uint64_t mix(uint64_t hash, const void *data, size_t len) {
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    return hash;
}

/* A sum, so that the order of the topics does not count. */
void share_group_follow(struct share_group *group) {
    uint64_t version = metadata_version(group->row->table->metadata), sum = 0;
    if (group->metadata_version == version) return;
    for (const struct share_readers *readers = group->readers; readers != NULL;
         readers = readers->hh.next) {
        const struct metadata_topic *topic = topic_of(group, readers->name);
        if (topic == NULL) continue;
        uint64_t hash = mix(UINT64_C(14695981039346656037), topic->id, sizeof topic->id);
        sum += mix(hash, &topic->partition_count, sizeof topic->partition_count);
    }
    if (sum != group->topics_hash && group->metadata_version != 0) group->epoch++;
    group->topics_hash = sum;
    group->metadata_version = version;
}

static void add(struct assigned_partition **list, size_t *count, size_t *capacity,
                const struct metadata_topic *topic, int32_t partition) {
    *list = mem_grow(*list, *count, capacity, sizeof **list);
    struct assigned_partition *one = &(*list)[(*count)++];
    memcpy(one->topic.bytes, topic->id, sizeof one->topic.bytes);
    one->partition = partition;
}

bool share_member_assign(struct share_member *member) {
    const struct share_group *group = member->group;
    if (member->assigned_epoch == group->epoch &&
        member->assigned_version == group->metadata_version)
        return false;
    member->assigned_epoch = group->epoch;
    member->assigned_version = group->metadata_version;
    struct assigned_partition *list = NULL;
    size_t count = 0, capacity = 0;
    for (size_t at = 0; at < member->names_len; at += strlen(member->names + at) + 1) {
        const char *name = member->names + at;
        const struct metadata_topic *topic = topic_of(group, name);
        int32_t members, place;
        if (topic == NULL || topic->partition_count == 0) continue;
        share_readers_place(member, name, &members, &place);
        if (members > topic->partition_count)
            add(&list, &count, &capacity, topic, place % topic->partition_count);
        else
            for (int32_t p = place; p < topic->partition_count; p += members)
                add(&list, &count, &capacity, topic, p);
    }
    bool same = count == member->assigned_count &&
                (count == 0 || memcmp(list, member->assigned, count * sizeof *list) == 0);
    mem_free(member->assigned);
    member->assigned = list;
    member->assigned_count = count;
    return !same;
}
