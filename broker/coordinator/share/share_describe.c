/* A share group as ShareGroupDescribe shows it. */
#include <string.h>

#include "broker/coordinator/share/share_group_internal.h"
#include "broker/metadata/metadata.h"

static bool describe_topics(const struct share_member *member, const struct metadata *metadata,
                            struct kp_arena *arena,
                            struct kp_share_group_describe_response_assignment *into) {
    size_t count = member->assigned_count;
    int32_t *numbers = kp_arena_alloc(arena, (count + 1) * sizeof *numbers);
    struct kp_share_group_describe_response_topic_partitions *topic = NULL;
    if (numbers == NULL ||
        kp_new_items(arena, &kp_share_group_describe_response_topic_partitions_schema,
                     &into->topic_partitions, (int32_t)count + 1) == NULL)
        return false;
    into->topic_partitions.count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct assigned_partition *one = &member->assigned[i];
        const struct metadata_topic *known = metadata_topic_with_id(metadata, one->topic.bytes);
        if (known == NULL) continue;
        if (topic == NULL || !kp_uuid_equal(topic->topic_id, one->topic)) {
            topic = &into->topic_partitions.items[into->topic_partitions.count++];
            topic->topic_id = one->topic;
            topic->topic_name = kp_arena_string(arena, known->name, strlen(known->name));
            topic->partitions.items = numbers + i;
        }
        topic->partitions.items[topic->partitions.count++] = one->partition;
    }
    return true;
}

static bool describe_names(const struct share_member *member, struct kp_arena *arena,
                           struct kp_share_group_describe_response_member *into) {
    int32_t count = 0;
    for (size_t at = 0; at < member->names_len; at += strlen(member->names + at) + 1)
        count++;
    struct kp_string *names = kp_arena_alloc(arena, ((size_t)count + 1) * sizeof *names);
    if (names == NULL) return false;
    into->subscribed_topic_names.items = names;
    into->subscribed_topic_names.count = count;
    for (size_t at = 0; at < member->names_len; at += strlen(member->names + at) + 1)
        *names++ = kp_arena_string(arena, member->names + at, strlen(member->names + at));
    return true;
}

bool share_group_describe(const struct share_group *group, const struct metadata *metadata,
                          struct kp_arena *arena,
                          struct kp_share_group_describe_response_group *into) {
    struct kp_share_group_describe_response_member *out = kp_new_items(
        arena, &kp_share_group_describe_response_member_schema, &into->members,
        (int32_t)group->member_count + 1);
    if (out == NULL) return false;
    into->members.count = (int32_t)group->member_count;
    into->group_state = kp_string_of(share_group_state(group));
    into->group_epoch = into->assignment_epoch = group->epoch;
    into->assignor_name = kp_string_of("simple");
    for (const struct share_member *member = group->members; member != NULL;
         member = member->hh.next, out++) {
        out->member_id = kp_arena_string(arena, member->id, strlen(member->id));
        out->member_epoch = member->epoch;
        out->client_id = kp_arena_string(arena, member->client_id, strlen(member->client_id));
        out->client_host = kp_arena_string(arena, member->client_host, strlen(member->client_host));
        if (!describe_names(member, arena, out) ||
            !describe_topics(member, metadata, arena, &out->assignment))
            return false;
    }
    return true;
}
