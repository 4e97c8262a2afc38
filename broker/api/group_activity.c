/*
 * GroupActivity (key 10003, ours): what the coordinator of a group remembers of its members,
 * rebalances and commits.
 *
 * The coordinator confirms that it led when it was asked. Failures, of the whole: INVALID_GROUP_ID,
 * GROUP_AUTHORIZATION_FAILED, NOT_COORDINATOR, GROUP_ID_NOT_FOUND; INVALID_REQUEST for more than
 * PARTITIONS_MAX partitions, because all is told in one step. Members beyond MEMBERS_MAX are left
 * out.
 */
#include "protocol/messages/group_activity.h"

#include "broker/api/group_walk.h"
#include "broker/api/handlers.h"
#include "broker/coordinator/classic/classic_group.h"
#include "broker/coordinator/consumer/consumer_group.h"
#include "broker/coordinator/consumer/consumer_heartbeat.h"
#include "broker/coordinator/group/group_history.h"
#include "broker/coordinator/offsets/offset_store.h"
#include "broker/coordinator/serving/group_coordinator.h"
#include "protocol/kafka_error.h"

enum { PARTITIONS_MAX = 2000, MEMBERS_MAX = 1000 };

struct telling_activity {
    struct group_walk walk; /* first */
    struct kp_group_activity_response response;
    bool too_large;
};

static struct kp_arena *arena_of(struct telling_activity *telling) {
    return &telling->walk.request->arena;
}

static struct kp_string copy_text(struct telling_activity *telling, struct kp_string text) {
    if (text.len < 0) return kp_string_of("");
    struct kp_string copy = kp_arena_string(arena_of(telling), text.data, (size_t)text.len);
    if (copy.len < 0) telling->too_large = true;
    return copy;
}

/* ---- Members ---- */

static void tell_member(struct telling_activity *telling, struct kp_string id, int64_t heard_age_ms,
                        int32_t rebalance_timeout_ms) {
    struct kp_group_activity_response *into = &telling->response;
    if (into->members.count == MEMBERS_MAX) return;
    struct kp_group_activity_response_member *member = &into->members.items[into->members.count++];
    member->member_id = copy_text(telling, id);
    member->heard_age_ms = heard_age_ms;
    member->rebalance_timeout_ms = rebalance_timeout_ms;
}

static void tell_classic_member(void *arg, const struct classic_view_member *member) {
    tell_member(arg, member->id, member->heard_age_ms, member->rebalance_timeout_ms);
}

/* Whether it is being rebalanced. */
static bool tell_members(struct telling_activity *telling, struct group *group) {
    struct classic_view view;
    const struct consumer_member *member, *next;
    if (kp_new_items(arena_of(telling), &kp_group_activity_response_member_schema,
                     &telling->response.members, MEMBERS_MAX) == NULL)
        telling->too_large = true;
    telling->response.members.count = 0;
    if (telling->too_large) return false;
    if (group->consumer == NULL) {
        classic_look(group, &view, tell_classic_member, telling);
        return view.state == CLASSIC_PREPARING || view.state == CLASSIC_COMPLETING;
    }
    HASH_ITER(hh, group->consumer->members, member, next) {
        if (member->written)
            tell_member(telling, shared_string(member->id), consumer_heard_age_ms(member),
                        member->rebalance_timeout_ms);
    }
    struct kp_string state = kp_string_of(consumer_group_state(group->consumer));
    return !kp_string_is(state, "Stable") && !kp_string_is(state, "Empty");
}

/* ---- Events ---- */

static void tell_events(struct telling_activity *telling, const struct group *group,
                        bool unsettled) {
    struct kp_group_activity_response *into = &telling->response;
    uint64_t now_ms = env_now_ms(group->table->env);
    size_t count = group_history_count(group);
    if (count == 0) return;
    if (kp_new_items(arena_of(telling), &kp_group_activity_response_event_schema, &into->events,
                     (int32_t)count) == NULL) {
        telling->too_large = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct group_event *event = group_history_at(group, i);
        struct kp_group_activity_response_event *out = &into->events.items[i];
        out->age_ms = (int64_t)(now_ms - event->at_ms);
        out->what = (int8_t)event->what;
        out->began = event->began;
        out->member_id = copy_text(telling, shared_string(event->member_id));
        out->client_id = copy_text(telling, shared_string(event->client_id));
        out->client_host = copy_text(telling, shared_string(event->client_host));
        if (unsettled && event->began) into->unsettled_ms = out->age_ms;
    }
}

/* ---- Commits ---- */

static void tell_commit(const struct group *group, const struct committed_offset *offset,
                        const struct kp_group_activity_request *in,
                        struct kp_group_activity_response_partition *into) {
    int64_t now_ms = env_wall_ms(group->table->env);
    const struct progress *history = offset_store_history(group, offset);
    into->committed_offset = offset->offset;
    into->commit_age_ms = now_ms > offset->commit_time_ms ? now_ms - offset->commit_time_ms : 0;
    if (history == NULL) return;
    into->moved_age_ms = now_ms > history->moved_ms ? now_ms - history->moved_ms : 0;
    into->committed_short = progress_rate(history, now_ms, in->short_ms);
    into->committed_long = progress_rate(history, now_ms, in->long_ms);
}

static void tell_topic(struct telling_activity *telling, const struct group *group,
                       const struct kp_group_activity_request_topic *asked,
                       struct kp_group_activity_response_topic *into) {
    int32_t count = asked->partitions.count < 0 ? 0 : asked->partitions.count;
    into->name = asked->name;
    if (kp_new_items(arena_of(telling), &kp_group_activity_response_partition_schema,
                     &into->partitions, count) == NULL &&
        count > 0)
        telling->too_large = true;
    for (int32_t p = 0; !telling->too_large && p < count; p++) {
        const struct committed_offset *offset = offset_store_find(group, asked->name,
                                                                  asked->partitions.items[p]);
        into->partitions.items[p].partition_index = asked->partitions.items[p];
        if (offset != NULL)
            tell_commit(group, offset, telling->walk.request->message, &into->partitions.items[p]);
    }
}

static void tell_topics(struct telling_activity *telling, const struct group *group) {
    const struct kp_group_activity_request *in = telling->walk.request->message;
    struct kp_group_activity_response *into = &telling->response;
    int32_t count = in->topics.count < 0 ? 0 : in->topics.count;
    if (kp_new_items(arena_of(telling), &kp_group_activity_response_topic_schema, &into->topics,
                     count) == NULL &&
        count > 0)
        telling->too_large = true;
    for (int32_t t = 0; !telling->too_large && t < count; t++)
        tell_topic(telling, group, &in->topics.items[t], &into->topics.items[t]);
}

/* ---- The request ---- */

static bool refuse(struct telling_activity *telling, int16_t error, const char *why) {
    telling->response.error_code = error;
    telling->response.error_message = kp_string_of(why);
    return true;
}

static bool asks_too_much(const struct kp_group_activity_request *in) {
    int64_t partitions = 0;
    for (int32_t t = 0; t < in->topics.count; t++)
        partitions += 1 + in->topics.items[t].partitions.count;
    return partitions > PARTITIONS_MAX;
}

static bool tell_group(struct group_walk *walk, struct group_coordinator *coordinator,
                       int16_t error) {
    struct telling_activity *telling = (struct telling_activity *)walk;
    if (error != KAFKA_NONE) return refuse(telling, error, kafka_error_message(error));
    struct group_table *groups = group_coordinator_groups(coordinator);
    struct group *group = group_find(groups, walk->ids[0]);
    if (group == NULL || (group_kind_of(group) == GROUP_UNKNOWN && group->members == 0))
        return refuse(telling, KAFKA_GROUP_ID_NOT_FOUND, "There is no such group.");
    bool unsettled = tell_members(telling, group);
    telling->response.leading_ms = (int64_t)(env_now_ms(groups->env) - groups->leading_since_ms);
    tell_events(telling, group, unsettled);
    tell_topics(telling, group);
    classic_settle(group);
    return true;
}

static void tell_end(struct group_walk *walk) {
    struct telling_activity *telling = (struct telling_activity *)walk;
    if (telling->too_large)
        request_close_too_large(walk->request);
    else
        request_respond_kept(walk->request, &telling->response);
}

void api_group_activity(void *service, struct request *request) {
    const struct kp_group_activity_request *in = request->message;
    struct telling_activity *telling = kp_arena_alloc(&request->arena, sizeof *telling);
    if (telling == NULL) {
        request_close_too_large(request);
        return;
    }
    telling->too_large = false;
    kp_set_fallbacks(&kp_group_activity_response_schema, &telling->response);
    telling->walk = (struct group_walk){.ids = &in->group_id,
                                        .count = 1,
                                        .operation = AUTHORIZE_DESCRIBE,
                                        .confirms = true,
                                        .look = tell_group,
                                        .end = tell_end};
    if (asks_too_much(in)) {
        refuse(telling, KAFKA_INVALID_REQUEST,
               "Ask for at most 2,000 topics and partitions at a time.");
        request_respond(request, &telling->response);
        return;
    }
    if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_CLUSTER, NULL, 0)) {
        refuse(telling, KAFKA_CLUSTER_AUTHORIZATION_FAILED,
               kafka_error_message(KAFKA_CLUSTER_AUTHORIZATION_FAILED));
        request_respond(request, &telling->response);
        return;
    }
    group_walk_begin(&telling->walk, service, request);
}
