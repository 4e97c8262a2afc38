/* Partitions come from two sides, members and commits, and are joined by sorting. */
#include "broker/console/group_view.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/messages/consumer_protocol.h"

enum { FIRST_ROOM = 64 };

static const char *text_of(struct inquiry *inquiry, struct kp_string string) {
    if (string.len < 0) return "";
    const char *text = kp_arena_string(&inquiry->arena, string.data, (size_t)string.len).data;
    return text == NULL ? "" : text;
}

/* ---- Partitions ---- */

static bool add_partition(struct inquiry *inquiry, struct group_view *view, const char *topic,
                          int32_t partition, int32_t member, int64_t committed) {
    struct why_facts *facts = &view->facts;
    if (facts->partition_count == view->room) {
        size_t room = view->room == 0 ? FIRST_ROOM : 2 * view->room;
        struct why_partition *more = inquiry_alloc(inquiry, room * sizeof *more);
        if (more == NULL) return false;
        if (facts->partition_count > 0)
            memcpy(more, facts->partitions, facts->partition_count * sizeof *more);
        facts->partitions = more;
        view->room = room;
    }
    struct why_partition *one = &facts->partitions[facts->partition_count++];
    *one = why_partition_unknown(topic, partition, member);
    one->committed = committed;
    return true;
}

static int by_partition(const void *a, const void *b) {
    const struct why_partition *one = a, *other = b;
    int order = strcmp(one->topic, other->topic);
    return order != 0 ? order
                      : (one->partition > other->partition) - (one->partition < other->partition);
}

bool group_view_sort(struct inquiry *inquiry, struct group_view *view) {
    struct why_facts *facts = &view->facts;
    size_t kept = 0;
    if (facts->partition_count > 0)
        qsort(facts->partitions, facts->partition_count, sizeof *facts->partitions, by_partition);
    for (size_t i = 0; i < facts->partition_count; i++) {
        const struct why_partition *one = &facts->partitions[i];
        struct why_partition *last = kept > 0 ? &facts->partitions[kept - 1] : NULL;
        if (last != NULL && by_partition(last, one) == 0) {
            if (one->member != WHY_NOBODY) last->member = one->member;
            if (one->committed != WHY_UNKNOWN) last->committed = one->committed;
        } else {
            facts->partitions[kept++] = *one;
        }
    }
    facts->partition_count = kept;
    view->asked = inquiry_alloc(inquiry, (kept + 1) * sizeof *view->asked);
    return view->asked != NULL;
}

bool group_view_take_offsets(struct inquiry *inquiry, struct group_view *view,
                             const struct kp_offset_fetch_response *response) {
    const struct kp_offset_fetch_response_topic *topics = response->topics.items;
    int32_t count = response->topics.count;
    if (response->groups.count > 0) {
        topics = response->groups.items[0].topics.items;
        count = response->groups.items[0].topics.count;
    }
    for (int32_t t = 0; t < count; t++) {
        const char *topic = text_of(inquiry, topics[t].name);
        for (int32_t p = 0; p < topics[t].partitions.count; p++) {
            const struct kp_offset_fetch_response_partition *one = &topics[t].partitions.items[p];
            if (one->error_code != 0 || one->committed_offset < 0) continue;
            view->found = true;
            if (!add_partition(inquiry, view, topic, one->partition_index, WHY_NOBODY,
                               one->committed_offset))
                return false;
        }
    }
    return true;
}

/* ---- Members ---- */

static bool begin_members(struct inquiry *inquiry, struct group_view *view, int32_t count) {
    view->found = true;
    view->facts.members = inquiry_alloc(inquiry, ((size_t)count + 1) * sizeof *view->facts.members);
    return view->facts.members != NULL;
}

static struct why_member *add_member(struct inquiry *inquiry, struct group_view *view,
                                     struct kp_string id, struct kp_string instance,
                                     struct kp_string client_id, struct kp_string host) {
    struct why_member *member = &view->facts.members[view->facts.member_count++];
    *member = (struct why_member){.id = text_of(inquiry, id),
                                  .instance = instance.len < 0 ? NULL : text_of(inquiry, instance),
                                  .client_id = text_of(inquiry, client_id),
                                  .host = text_of(inquiry, host),
                                  .heard_age_ms = WHY_UNKNOWN,
                                  .rebalance_timeout_ms = WHY_UNKNOWN};
    return member;
}

static bool own(struct inquiry *inquiry, struct group_view *view, struct why_member *member,
                struct kp_string topic_name, const int32_t *partitions, int32_t count) {
    int32_t place = (int32_t)(member - view->facts.members);
    const char *topic = text_of(inquiry, topic_name);
    for (int32_t i = 0; i < count; i++) {
        member->owned++;
        if (!add_partition(inquiry, view, topic, partitions[i], place, WHY_UNKNOWN)) return false;
    }
    return true;
}

bool group_view_take_consumer(struct inquiry *inquiry, struct group_view *view,
                              const struct kp_consumer_group_describe_response_group *group) {
    if (group->error_code != 0) return true;
    view->facts.type = "consumer";
    view->facts.state = text_of(inquiry, group->group_state);
    view->protocol = text_of(inquiry, group->assignor_name);
    if (!begin_members(inquiry, view, group->members.count)) return false;
    for (int32_t m = 0; m < group->members.count; m++) {
        const struct kp_consumer_group_describe_response_member *from = &group->members.items[m];
        struct why_member *member = add_member(inquiry, view, from->member_id, from->instance_id,
                                               from->client_id, from->client_host);
        for (int32_t t = 0; t < from->assignment.topic_partitions.count; t++) {
            const struct kp_consumer_group_describe_response_topic_partitions *owned =
                &from->assignment.topic_partitions.items[t];
            if (!own(inquiry, view, member, owned->topic_name, owned->partitions.items,
                     owned->partitions.count))
                return false;
        }
    }
    return true;
}

/* A member of another kind of group (Connect, Schema Registry) has bytes of its own: it is shown
 * without partitions. */
static bool own_classic(struct inquiry *inquiry, struct group_view *view, struct why_member *member,
                        struct kp_bytes bytes) {
    struct kp_consumer_assignment assignment;
    if (bytes.len <= 0 ||
        kp_consumer_assignment_read(bytes, &inquiry->arena, &assignment) != ERR_NONE)
        return true;
    for (int32_t t = 0; t < assignment.assigned.count; t++)
        if (!own(inquiry, view, member, assignment.assigned.items[t].topic,
                 assignment.assigned.items[t].partitions.items,
                 assignment.assigned.items[t].partitions.count))
            return false;
    return true;
}

bool group_view_take_classic(struct inquiry *inquiry, struct group_view *view,
                             const struct kp_describe_groups_response_group *group) {
    /* Before version 6 a group that is not there is Dead, without an error. */
    if (group->error_code != 0 || kp_string_is(group->group_state, "Dead")) return true;
    bool consumers = kp_string_is(group->protocol_type, "consumer");
    view->facts.type = "classic";
    view->facts.state = text_of(inquiry, group->group_state);
    view->protocol = text_of(inquiry, group->protocol_data);
    if (!begin_members(inquiry, view, group->members.count)) return false;
    for (int32_t m = 0; m < group->members.count; m++) {
        const struct kp_describe_groups_response_member *from = &group->members.items[m];
        struct why_member *member = add_member(inquiry, view, from->member_id,
                                               from->group_instance_id, from->client_id,
                                               from->client_host);
        if (consumers && !own_classic(inquiry, view, member, from->member_assignment)) return false;
    }
    return true;
}

/* ---- What is remembered ---- */

static void take_members(struct why_facts *facts,
                         const struct kp_group_activity_response *activity) {
    for (size_t m = 0; m < facts->member_count; m++)
        for (int32_t i = 0; i < activity->members.count; i++) {
            const struct kp_group_activity_response_member *told = &activity->members.items[i];
            if (!kp_string_is(told->member_id, facts->members[m].id)) continue;
            facts->members[m].heard_age_ms = told->heard_age_ms;
            facts->members[m].rebalance_timeout_ms = told->rebalance_timeout_ms;
        }
}

/* They are told in the order in which they were asked for: each is found behind the one before
 * (*at), also where members claim to have very many. */
static void take_commits(struct why_facts *facts,
                         const struct kp_group_activity_response_topic *topic, size_t *at) {
    size_t count = facts->partition_count;
    for (int32_t p = 0; p < topic->partitions.count; p++) {
        const struct kp_group_activity_response_partition *told = &topic->partitions.items[p];
        for (size_t seen = 0; seen < count; seen++, *at = (*at + 1) % count) {
            struct why_partition *one = &facts->partitions[*at];
            if (one->partition != told->partition_index || !kp_string_is(topic->name, one->topic))
                continue;
            one->commit_age_ms = told->commit_age_ms;
            one->moved_age_ms = told->moved_age_ms;
            one->consumed[WHY_SHORT] = told->committed_short;
            one->consumed[WHY_LONG] = told->committed_long;
            break;
        }
    }
}

bool group_view_take_activity(struct inquiry *inquiry, struct group_view *view,
                              const struct kp_group_activity_response *activity) {
    struct why_facts *facts = &view->facts;
    facts->window_ms = FACTS_SHORT_MS;
    facts->leading_ms = facts->unsettled_ms = WHY_UNKNOWN;
    if (activity == NULL || activity->error_code != 0) return true;
    facts->told = true;
    facts->leading_ms = activity->leading_ms;
    facts->unsettled_ms = activity->unsettled_ms;
    facts->event_count = (size_t)activity->events.count;
    facts->events = inquiry_alloc(inquiry, (facts->event_count + 1) * sizeof *facts->events);
    if (facts->events == NULL) return false;
    for (size_t i = 0; i < facts->event_count; i++) {
        const struct kp_group_activity_response_event *from = &activity->events.items[i];
        facts->events[i] = (struct why_event){.age_ms = from->age_ms,
                                              .what = (enum kp_group_event)from->what,
                                              .began = from->began,
                                              .member_id = text_of(inquiry, from->member_id),
                                              .client_id = text_of(inquiry, from->client_id),
                                              .host = text_of(inquiry, from->client_host)};
    }
    take_members(facts, activity);
    size_t at = 0;
    for (int32_t t = 0; t < activity->topics.count; t++)
        take_commits(facts, &activity->topics.items[t], &at);
    return true;
}

/* ---- What the leaders tell ---- */

/* Lag counts from the log's start where what is committed lies below it. */
void group_view_take_told(struct group_view *view) {
    struct why_facts *facts = &view->facts;
    for (size_t i = 0; i < facts->partition_count; i++) {
        struct why_partition *one = &facts->partitions[i];
        const struct kp_partition_traffic_response_partition *told = view->asked[i].told;
        if (told == NULL) continue;
        one->watched = true;
        one->log_start = told->log_start_offset;
        one->end = told->high_watermark;
        one->produced[WHY_SHORT] = told->produced_short;
        one->produced[WHY_LONG] = told->produced_long;
        if (one->committed != WHY_UNKNOWN) {
            int64_t from = one->committed > one->log_start ? one->committed : one->log_start;
            one->lag = one->end > from ? one->end - from : 0;
            one->age_ms = one->lag == 0 ? 0 : told->arrived_age_ms;
        }
        if (one->member != WHY_NOBODY) why_take_readers(one, &facts->members[one->member], told);
    }
}
