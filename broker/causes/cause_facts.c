/* Members and what they own, then commits, joined by sorting; then what happened lately. */
#include "broker/causes/cause_facts.h"

#include <stdlib.h>
#include <string.h>

#include "broker/coordinator/classic/classic_group.h"
#include "broker/coordinator/consumer/consumer_group.h"
#include "broker/coordinator/consumer/consumer_heartbeat.h"
#include "broker/coordinator/group/group_history.h"
#include "broker/coordinator/offsets/offset_store.h"
#include "broker/coordinator/share/share_group.h"
#include "protocol/messages/consumer_protocol.h"

enum { LONG_TIMES = 10 };

struct taking {
    struct why_facts *facts;
    struct kp_arena *arena;
    const struct metadata *metadata;
    bool consumers; /* of a classic group: what members have is to be read */
    bool unsettled;
};

static const char *text_of(struct taking *taking, struct kp_string string) {
    struct kp_string copy = string.len < 0
                                ? KP_NULL_STRING
                                : kp_arena_string(taking->arena, string.data, (size_t)string.len);
    return copy.len < 0 ? "" : copy.data;
}

/* ---- Members ---- */

static struct why_partition *add_partition(struct why_facts *facts, const char *topic,
                                           int32_t partition, int32_t member) {
    if (facts->partition_count == CAUSE_PARTITIONS) return NULL;
    struct why_partition *one = &facts->partitions[facts->partition_count++];
    *one = why_partition_unknown(topic, partition, member);
    return one;
}

/* Its name in the arena; NULL: there are enough members. */
static struct why_member *add_member(struct taking *taking, struct kp_string id,
                                     struct kp_string client_id, struct kp_string host) {
    struct why_facts *facts = taking->facts;
    if (facts->member_count == CAUSE_MEMBERS) return NULL;
    struct why_member *member = &facts->members[facts->member_count++];
    *member = (struct why_member){.id = text_of(taking, id),
                                  .client_id = text_of(taking, client_id),
                                  .host = text_of(taking, host)};
    return member;
}

static void own(struct taking *taking, struct why_member *member, const char *topic,
                int32_t partition) {
    member->owned++;
    add_partition(taking->facts, topic, partition, (int32_t)(member - taking->facts->members));
}

static void own_classic(struct taking *taking, struct why_member *member, struct kp_bytes bytes) {
    struct kp_consumer_assignment assignment;
    if (bytes.len <= 0 ||
        kp_consumer_assignment_read(bytes, taking->arena, &assignment) != ERR_NONE)
        return;
    for (int32_t t = 0; t < assignment.assigned.count; t++) {
        const struct kp_consumer_protocol_partitions *owned = &assignment.assigned.items[t];
        const char *topic = text_of(taking, owned->topic);
        for (int32_t p = 0; p < owned->partitions.count; p++)
            own(taking, member, topic, owned->partitions.items[p]);
    }
}

static void take_classic_member(void *arg, const struct classic_view_member *from) {
    struct taking *taking = arg;
    struct why_member *member = add_member(taking, from->id, from->client_id, from->client_host);
    if (member == NULL) return;
    member->heard_age_ms = from->heard_age_ms;
    member->rebalance_timeout_ms = from->rebalance_timeout_ms;
    own_classic(taking, member, from->assignment);
}

static void take_classic(struct taking *taking, struct group *group) {
    struct classic_view view;
    taking->facts->type = "classic";
    classic_look(group, &view, take_classic_member, taking);
    taking->facts->state = classic_state_name(view.state);
    taking->unsettled = view.state == CLASSIC_PREPARING || view.state == CLASSIC_COMPLETING;
}

static void own_consumer(struct taking *taking, struct why_member *member,
                         const struct consumer_member *from) {
    const struct partition_list *assigned = &from->standing.assigned;
    const struct consumer_group *group = from->group;
    uint32_t number = UINT32_MAX;
    const char *name = NULL;
    for (size_t i = 0; from->has_standing && i < assigned->count; i++) {
        const struct listed_partition *one = &assigned->items[i];
        if (one->topic != number) {
            const struct metadata_topic *topic = metadata_topic_with_id(
                taking->metadata, group->numbered[one->topic]->id.bytes);
            number = one->topic;
            name = topic == NULL ? NULL : text_of(taking, kp_string_of(topic->name));
        }
        if (name != NULL) own(taking, member, name, one->partition);
    }
}

static void take_consumer(struct taking *taking, const struct consumer_group *group) {
    const struct consumer_member *from, *next;
    taking->facts->type = "consumer";
    taking->facts->state = consumer_group_state(group);
    taking->unsettled = strcmp(taking->facts->state, "Stable") != 0 &&
                        strcmp(taking->facts->state, "Empty") != 0;
    HASH_ITER(hh, group->members, from, next) {
        if (!from->written) continue;
        struct why_member *member = add_member(taking, shared_string(from->id),
                                               shared_string(from->client_id),
                                               shared_string(from->client_host));
        if (member == NULL) return;
        member->heard_age_ms = consumer_heard_age_ms(from);
        member->rebalance_timeout_ms = from->rebalance_timeout_ms;
        own_consumer(taking, member, from);
    }
}

/* ---- Commits ---- */

static int by_place(const void *a, const void *b) {
    const struct why_partition *one = a, *other = b;
    int order = strcmp(one->topic, other->topic);
    return order != 0 ? order
                      : (one->partition > other->partition) - (one->partition < other->partition);
}

static void take_commit(const struct group *group, const struct committed_offset *offset,
                        struct why_partition *into) {
    int64_t now_ms = env_wall_ms(group->table->env);
    const struct progress *history = offset_store_history(group, offset);
    into->committed = offset->offset;
    into->commit_age_ms = now_ms > offset->commit_time_ms ? now_ms - offset->commit_time_ms : 0;
    if (history == NULL) return;
    into->moved_age_ms = now_ms > history->moved_ms ? now_ms - history->moved_ms : 0;
    into->consumed[WHY_SHORT] = progress_rate(history, now_ms, CAUSE_WINDOW_MS);
    into->consumed[WHY_LONG] = progress_rate(history, now_ms, LONG_TIMES * CAUSE_WINDOW_MS);
}

static void take_commits(struct taking *taking, const struct group *group) {
    struct why_facts *facts = taking->facts;
    size_t owned = facts->partition_count;
    qsort(facts->partitions, owned, sizeof *facts->partitions, by_place);
    const struct topic_offsets *topic = offset_store_first_topic(group);
    for (; topic != NULL; topic = topic->next) {
        const char *name = text_of(taking, topic_offsets_name(topic));
        for (uint32_t i = 0; i < topic->table.count; i++) {
            const struct committed_offset *offset = &topic->table.items[i];
            struct why_partition place = {.topic = name, .partition = offset->partition};
            struct why_partition *one = bsearch(&place, facts->partitions, owned, sizeof place,
                                                by_place);
            if (one == NULL) one = add_partition(facts, name, offset->partition, WHY_NOBODY);
            if (one == NULL) return;
            take_commit(group, offset, one);
        }
    }
}

/* ---- What happened lately ---- */

static void take_events(struct taking *taking, const struct group *group) {
    struct why_facts *facts = taking->facts;
    uint64_t now_ms = env_now_ms(group->table->env);
    facts->unsettled_ms = WHY_UNKNOWN;
    for (size_t i = 0; i < group_history_count(group); i++) {
        const struct group_event *from = group_history_at(group, i);
        struct why_event *event = &facts->events[facts->event_count++];
        *event = (struct why_event){.age_ms = (int64_t)(now_ms - from->at_ms),
                                    .what = from->what,
                                    .began = from->began,
                                    .member_id = text_of(taking, shared_string(from->member_id)),
                                    .client_id = text_of(taking, shared_string(from->client_id)),
                                    .host = text_of(taking, shared_string(from->client_host))};
        if (taking->unsettled && event->began) facts->unsettled_ms = event->age_ms;
    }
}

static void find_partitions(struct cause_facts *into, const struct metadata *metadata) {
    for (size_t i = 0; i < into->facts.partition_count; i++) {
        const struct why_partition *one = &into->facts.partitions[i];
        const struct metadata_topic *topic = metadata_topic_named(metadata, one->topic,
                                                                  strlen(one->topic));
        const struct metadata_partition *known = topic == NULL
                                                     ? NULL
                                                     : metadata_partition_at(topic, one->partition);
        into->partitions[i] = known == NULL ? 0 : known->group;
    }
}

/* ---- A share group ---- */

static void add_places(struct taking *taking, const struct share_topic *begun) {
    const struct metadata_topic *topic = metadata_topic_with_id(taking->metadata, begun->id.bytes);
    if (topic == NULL) return;
    const char *name = text_of(taking, kp_string_of(topic->name));
    for (int32_t p = 0; p < begun->count; p++)
        if (begun->stages[p] == SHARE_BEGUN) add_partition(taking->facts, name, p, WHY_NOBODY);
}

/* False: the arena's limit is passed. */
static bool take_share(struct taking *taking, struct cause_facts *into,
                       const struct share_group *group) {
    for (size_t i = 0; i < group->places.count; i++)
        add_places(taking, &group->places.topics[i]);
    size_t count = into->facts.partition_count;
    into->shared = (struct why_share_facts){
        .group = into->facts.group,
        .state = share_group_state(group),
        .window_ms = CAUSE_WINDOW_MS,
        .member_count = group->member_count,
        .partitions = kp_arena_alloc(taking->arena, (count + 1) * sizeof *into->shared.partitions),
        .partition_count = count};
    into->told = kp_arena_alloc(taking->arena, (count + 1) * sizeof *into->told);
    if (into->shared.partitions == NULL || into->told == NULL) return false;
    for (size_t i = 0; i < count; i++)
        into->shared.partitions[i] = (struct why_share_partition){
            .topic = into->facts.partitions[i].topic,
            .partition = into->facts.partitions[i].partition,
            .start = WHY_UNKNOWN,
            .lag = WHY_UNKNOWN,
            .age_ms = WHY_UNKNOWN};
    find_partitions(into, taking->metadata);
    return true;
}

bool cause_facts_take(struct cause_facts *into, struct kp_arena *arena, struct group *group,
                      const struct metadata *metadata) {
    struct taking taking = {.facts = &into->facts, .arena = arena, .metadata = metadata};
    struct why_facts *facts = &into->facts;
    *into = (struct cause_facts){
        .facts = {.group = text_of(&taking, group->id),
                  .window_ms = CAUSE_WINDOW_MS,
                  .told = true,
                  .leading_ms = (int64_t)(env_now_ms(group->table->env) -
                                          group->table->leading_since_ms),
                  .members = kp_arena_alloc(arena, CAUSE_MEMBERS * sizeof *facts->members),
                  .partitions = kp_arena_alloc(arena, CAUSE_PARTITIONS * sizeof *facts->partitions),
                  .events = kp_arena_alloc(arena, GROUP_EVENTS_MAX * sizeof *facts->events)},
        .partitions = kp_arena_alloc(arena, CAUSE_PARTITIONS * sizeof *into->partitions)};
    if (facts->members == NULL || facts->partitions == NULL || facts->events == NULL ||
        into->partitions == NULL)
        return false;
    if (group->share != NULL) return take_share(&taking, into, group->share);
    if (group->consumer == NULL)
        take_classic(&taking, group);
    else
        take_consumer(&taking, group->consumer);
    take_commits(&taking, group);
    take_events(&taking, group);
    find_partitions(into, metadata);
    classic_settle(group);
    return true;
}
