/* Joining what the description, the measured lag, the coordinator and the leaders say. */
#include "client/why/gather.h"

#include <string.h>

#include "client/kafka/group_traffic.h"

enum { LONG_TIMES = 10 };

/* ---- Members ---- */

static void take_members(const struct group_view *view,
                         const struct kp_group_activity_response *activity,
                         struct why_facts *facts) {
    facts->member_count = view->member_count;
    for (size_t m = 0; m < view->member_count; m++) {
        const struct group_member *from = &view->members[m];
        struct why_member *member = &facts->members[m];
        *member = (struct why_member){.id = from->id,
                                      .instance = from->instance,
                                      .client_id = from->client_id,
                                      .host = from->host,
                                      .owned = from->owned_count,
                                      .heard_age_ms = WHY_UNKNOWN,
                                      .rebalance_timeout_ms = WHY_UNKNOWN};
        for (int32_t i = 0; activity && i < activity->members.count; i++) {
            const struct kp_group_activity_response_member *told = &activity->members.items[i];
            if (kp_string_is(told->member_id, from->id)) {
                member->heard_age_ms = told->heard_age_ms;
                member->rebalance_timeout_ms = told->rebalance_timeout_ms;
            }
        }
    }
}

/* ---- Partitions ---- */

static int32_t find_member(const struct group_view *view, const char *id) {
    for (size_t m = 0; id && m < view->member_count; m++) {
        if (strcmp(view->members[m].id, id) == 0) {
            return (int32_t)m;
        }
    }
    return WHY_NOBODY;
}

/* By when it came, unless that is known only to be longer ago. */
static int64_t age_of(const struct group_offset *one,
                      const struct kp_partition_traffic_response_partition *told) {
    int64_t stamped_ms = one->lag_seconds < 0 ? WHY_UNKNOWN : (int64_t)(one->lag_seconds * 1000);
    if (one->lag_records == 0) {
        return 0;
    }
    if (!told || told->arrived_age_ms < 0) {
        return stamped_ms;
    }
    return told->arrived_at_least && stamped_ms > told->arrived_age_ms ? stamped_ms
                                                                       : told->arrived_age_ms;
}

static void take_partition(const struct group_view *view, const struct group_offset *one,
                           const struct kp_partition_traffic_response_partition *told,
                           const struct kp_group_activity_response_partition *committed,
                           const struct why_facts *facts, struct why_partition *partition) {
    *partition = (struct why_partition){
        .topic = one->topic,
        .partition = one->partition,
        .member = find_member(view, one->member),
        .committed = one->committed,
        .log_start = one->log_start,
        .end = one->high_watermark,
        .lag = one->lag_records,
        .age_ms = age_of(one, told),
        .commit_age_ms = committed ? committed->commit_age_ms : WHY_UNKNOWN,
        .moved_age_ms = committed ? committed->moved_age_ms : WHY_UNKNOWN,
        .produced = {told ? told->produced_short : WHY_UNKNOWN,
                     told ? told->produced_long : WHY_UNKNOWN},
        .consumed = {committed ? committed->committed_short : WHY_UNKNOWN,
                     committed ? committed->committed_long : WHY_UNKNOWN},
        .watched = told != NULL,
    };
    if (told && partition->member != WHY_NOBODY) {
        why_take_readers(partition, &facts->members[partition->member], told);
    }
}

/* ---- Events ---- */

static void take_events(struct kp_arena *arena, const struct kp_group_activity_response *activity,
                        struct why_facts *facts) {
    facts->event_count = (size_t)activity->events.count;
    for (size_t i = 0; i < facts->event_count; i++) {
        const struct kp_group_activity_response_event *from = &activity->events.items[i];
        facts->events[i] = (struct why_event){
            .age_ms = from->age_ms,
            .what = (enum kp_group_event)from->what,
            .began = from->began,
            .member_id = cluster_text(arena, from->member_id),
            .client_id = cluster_text(arena, from->client_id),
            .host = cluster_text(arena, from->client_host),
        };
    }
}

void why_gather(const struct invocation *in, struct kp_arena *arena, const struct group_view *view,
                int64_t window_ms, struct why_facts *facts) {
    const struct group_windows windows = {window_ms, LONG_TIMES * window_ms};
    const struct kp_group_activity_response_partition **committed;
    const struct kp_group_activity_response *activity = group_ask_activity(in, arena, view,
                                                                           &windows, &committed);
    const struct kp_partition_traffic_response_partition **told = group_ask_traffic(in, arena, view,
                                                                                    &windows);
    size_t events = activity ? (size_t)activity->events.count : 0;
    *facts = (struct why_facts){
        .group = view->group,
        .type = view->type,
        .state = view->state,
        .window_ms = window_ms,
        .told = activity != NULL,
        .leading_ms = activity ? activity->leading_ms : WHY_UNKNOWN,
        .unsettled_ms = activity ? activity->unsettled_ms : WHY_UNKNOWN,
        .members = kp_arena_alloc(arena, (view->member_count + 1) * sizeof(*facts->members)),
        .partitions = kp_arena_alloc(arena, (view->offset_count + 1) * sizeof(*facts->partitions)),
        .events = kp_arena_alloc(arena, (events + 1) * sizeof(*facts->events)),
    };
    if (!facts->members || !facts->partitions || !facts->events) {
        return; /* of a group of millions nothing is known */
    }
    take_members(view, activity, facts);
    facts->partition_count = view->offset_count;
    for (size_t i = 0; i < view->offset_count; i++) {
        take_partition(view, &view->offsets[i], told[i], committed[i], facts,
                       &facts->partitions[i]);
    }
    if (activity) {
        take_events(arena, activity, facts);
    }
}
