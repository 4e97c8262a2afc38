/* Members and their assignments, present and target, by id and name. */
#include "broker/coordinator/consumer/consumer_describe.h"

#include <string.h>

#include "broker/coordinator/consumer/consumer_assign.h"
#include "broker/coordinator/consumer/topic_names.h"

enum { MEMBER_CLASSIC = 0, MEMBER_CONSUMER = 1 };

/* A copy; null stays null. False: no room. */
static bool copy_text(struct kp_arena *arena, struct kp_string from, struct kp_string *into) {
    *into = from.len < 0 ? KP_NULL_STRING : kp_arena_string(arena, from.data, (size_t)from.len);
    return from.len < 0 || into->len >= 0;
}

static bool describe_topic(const struct metadata_topic *topic, const struct listed_partition *items,
                           size_t count, struct kp_arena *arena,
                           struct kp_consumer_group_describe_response_topic_partitions *into) {
    memcpy(into->topic_id.bytes, topic->id, sizeof into->topic_id.bytes);
    into->topic_name = kp_arena_string(arena, topic->name, strlen(topic->name));
    into->partitions.items = kp_arena_alloc(arena, (count + 1) * sizeof *into->partitions.items);
    if (into->partitions.items == NULL || into->topic_name.len < 0) return false;
    for (size_t i = 0; i < count; i++)
        into->partitions.items[into->partitions.count++] = items[i].partition;
    return true;
}

static bool describe_list(const struct consumer_group *group, const struct partition_list *list,
                          const struct metadata *metadata, struct kp_arena *arena,
                          struct kp_consumer_group_describe_response_assignment *into) {
    int32_t topics = 0;
    for (size_t i = 0; i < list->count; i++)
        if (i == 0 || list->items[i - 1].topic != list->items[i].topic) topics++;
    if (kp_new_items(arena, &kp_consumer_group_describe_response_topic_partitions_schema,
                     &into->topic_partitions, topics) == NULL &&
        topics > 0)
        return false;
    into->topic_partitions.count = 0;
    for (size_t i = 0, end; i < list->count; i = end) {
        for (end = i; end < list->count && list->items[end].topic == list->items[i].topic;)
            end++;
        const struct metadata_topic *topic = metadata_topic_with_id(
            metadata, group->numbered[list->items[i].topic]->id.bytes);
        if (topic != NULL &&
            !describe_topic(topic, &list->items[i], end - i, arena,
                            &into->topic_partitions.items[into->topic_partitions.count++]))
            return false;
    }
    return true;
}

static bool describe_names(const struct shared_bytes *names, struct kp_arena *arena,
                           struct kp_consumer_group_describe_response_member *into) {
    into->subscribed_topic_names.items = kp_arena_alloc(
        arena, (topic_names_count(names) + 1) * sizeof *into->subscribed_topic_names.items);
    if (into->subscribed_topic_names.items == NULL) return false;
    struct kp_string name;
    for (size_t at = 0; topic_names_next(names, &at, &name);)
        if (!copy_text(arena, name,
                       &into->subscribed_topic_names.items[into->subscribed_topic_names.count++]))
            return false;
    return true;
}

/* What it has, and what it has not given back yet. */
static bool describe_owned(const struct consumer_member *member, const struct metadata *metadata,
                           struct kp_arena *arena,
                           struct kp_consumer_group_describe_response_assignment *into) {
    const struct partition_list *pending = &member->standing.pending;
    struct partition_list owned;
    partition_list_copy(&owned, &member->standing.assigned);
    for (size_t i = 0; i < pending->count; i++)
        partition_list_add(&owned, pending->items[i].topic, pending->items[i].partition, 0);
    partition_list_sort(&owned);
    bool fits = describe_list(member->group, &owned, metadata, arena, into);
    partition_list_close(&owned);
    return fits;
}

static bool describe_member(const struct consumer_member *member, const struct metadata *metadata,
                            struct kp_arena *arena,
                            struct kp_consumer_group_describe_response_member *into) {
    into->member_epoch = member->standing.epoch;
    into->member_type = member->classic != NULL ? MEMBER_CLASSIC : MEMBER_CONSUMER;
    return copy_text(arena, shared_string(member->id), &into->member_id) &&
           copy_text(arena, shared_string(member->instance), &into->instance_id) &&
           copy_text(arena, shared_string(member->rack), &into->rack_id) &&
           copy_text(arena, shared_string(member->client_id), &into->client_id) &&
           copy_text(arena, shared_string(member->client_host), &into->client_host) &&
           copy_text(arena, shared_string(member->regex), &into->subscribed_topic_regex) &&
           describe_owned(member, metadata, arena, &into->assignment) &&
           describe_list(member->group, &member->target, metadata, arena, &into->target_assignment);
}

/* Neighbours often have the same names, which are there once. */
static bool describe_same_names(struct consumer_describing *describing,
                                const struct shared_bytes *names,
                                struct kp_consumer_group_describe_response_member *into) {
    if (describing->before == NULL || !shared_string_is(names, describing->names)) return false;
    into->subscribed_topic_names = describing->before->subscribed_topic_names;
    return true;
}

static bool describe_next(struct consumer_describing *describing,
                          const struct consumer_member *member,
                          struct kp_consumer_group_describe_response_member *into) {
    kp_set_fallbacks(&kp_consumer_group_describe_response_member_schema, into);
    if (!describe_same_names(describing, member->names, into) &&
        !(copy_text(describing->arena, shared_string(member->names), &describing->names) &&
          describe_names(member->names, describing->arena, into)))
        return false;
    describing->before = into;
    return describe_member(member, describing->metadata, describing->arena, into);
}

bool consumer_describe_begin(struct consumer_describing *describing, struct consumer_group *group,
                             const struct metadata *metadata, struct kp_arena *arena,
                             struct kp_consumer_group_describe_response_group *into) {
    into->group_state = kp_string_of(consumer_group_state(group));
    into->group_epoch = group->epoch;
    into->assignment_epoch = group->assignment_epoch;
    into->assignor_name = kp_string_of(consumer_assignor_name(group));
    into->members.items = kp_arena_alloc(arena, group->member_count * sizeof *into->members.items);
    into->members.count = 0;
    *describing = (struct consumer_describing){.into = into,
                                               .metadata = metadata,
                                               .arena = arena,
                                               .names = KP_NULL_STRING,
                                               .room = (int32_t)group->member_count};
    consumer_cursor_open(&describing->members, group);
    return into->members.items != NULL;
}

enum consumer_described consumer_describe_step(struct consumer_describing *describing) {
    struct kp_consumer_group_describe_response_group *into = describing->into;
    const struct consumer_member *member = into->members.count == describing->room
                                               ? NULL
                                               : consumer_cursor_next(&describing->members);
    if (member == NULL) return CONSUMER_DESCRIBED_ALL;
    if (!member->written) return CONSUMER_DESCRIBED_MORE;
    bool fits = describe_next(describing, member, &into->members.items[into->members.count++]);
    return fits ? CONSUMER_DESCRIBED_MORE : CONSUMER_TOO_LARGE;
}

void consumer_describe_end(struct consumer_describing *describing) {
    consumer_cursor_close(&describing->members);
}
