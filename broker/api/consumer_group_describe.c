/*
 * ConsumerGroupDescribe (key 69): KIP-848 groups, their members and assignments.
 *
 * Happy path: one group after the other: its coordinator is found, confirms that it led when it was
 * asked, and the group is copied into the answer, member after member, in steps.
 * Failures: of each group: INVALID_GROUP_ID, GROUP_AUTHORIZATION_FAILED, NOT_COORDINATOR,
 * GROUP_ID_NOT_FOUND with a message (also for a classic group: clients then ask DescribeGroups),
 * TOPIC_AUTHORIZATION_FAILED without members.
 */
#include "protocol/messages/consumer_group_describe.h"

#include "broker/api/authorized_operations.h"
#include "broker/api/group_walk.h"
#include "broker/api/handlers.h"
#include "broker/coordinator/consumer/consumer_describe.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

/* One request on its way; in its arena. */
struct describing {
    struct group_walk walk; /* first */
    struct kp_consumer_group_describe_response response;
    struct consumer_describing group; /* the one at hand */
    int32_t seen;                     /* of its members, whose topics were looked at */
    bool hides;                       /* some may not be seen */
};

static void describe_none(struct describing *state, const struct group *row,
                          struct kp_consumer_group_describe_response_group *into) {
    into->error_code = KAFKA_GROUP_ID_NOT_FOUND;
    into->error_message = kp_arena_printf(
        &state->walk.request->arena,
        group_is_unknown(row) ? "Group %.*s not found." : "Group %.*s is not a consumer group.",
        into->group_id.len > 128 ? 128 : (int)into->group_id.len, into->group_id.data);
}

/* The rest would not fit either. */
static void describe_too_large(struct describing *state) {
    state->walk.too_large = true;
    state->walk.count = state->walk.at + 1;
}

static bool sees_topics(const struct request *request,
                        const struct kp_consumer_group_describe_response_assignment *assignment) {
    for (int32_t i = 0; i < assignment->topic_partitions.count; i++) {
        struct kp_string name = assignment->topic_partitions.items[i].topic_name;
        if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, name.data,
                       (size_t)name.len))
            return false;
    }
    return true;
}

/* Members are shown, all of them, to who may see all that they are assigned. */
static void hide_members(struct describing *state) {
    struct kp_consumer_group_describe_response_group *into = state->group.into;
    into->error_code = KAFKA_TOPIC_AUTHORIZATION_FAILED;
    into->error_message = kp_string_of(
        "The group has described topic(s) that the client is not authorized to describe.");
    into->members.count = 0;
}

static bool describe_some(struct request *request) {
    struct describing *state = request->state;
    enum consumer_described described = consumer_describe_step(&state->group);
    struct kp_consumer_group_describe_response_group *into = state->group.into;
    for (; described != CONSUMER_TOO_LARGE && state->seen < into->members.count; state->seen++)
        state->hides = state->hides ||
                       !sees_topics(request, &into->members.items[state->seen].assignment) ||
                       !sees_topics(request, &into->members.items[state->seen].target_assignment);
    if (described == CONSUMER_DESCRIBED_MORE) return true;
    if (state->hides) hide_members(state);
    if (described == CONSUMER_TOO_LARGE) describe_too_large(state);
    consumer_describe_end(&state->group);
    group_walk_next(&state->walk);
    return false;
}

/* Its members follow in steps. */
static bool describe_group(struct describing *state, struct consumer_group *group,
                           struct kp_consumer_group_describe_response_group *into) {
    struct request *request = state->walk.request;
    const struct kp_consumer_group_describe_request *in = request->message;
    state->seen = 0;
    state->hides = false;
    if (in->include_authorized_operations)
        into->authorized_operations = authorized_operations(
            &request->ctx, AUTHORIZE_GROUP, into->group_id.data, (size_t)into->group_id.len);
    if (!consumer_describe_begin(&state->group, group, state->walk.services->metadata,
                                 &request->arena, into)) {
        describe_too_large(state);
        return true;
    }
    request_steps(request, describe_some);
    return false;
}

static bool describe_one(struct group_walk *walk, struct group_coordinator *coordinator,
                         int16_t error) {
    struct describing *state = (struct describing *)walk;
    struct kp_consumer_group_describe_response_group *into =
        &state->response.groups.items[walk->at];
    kp_set_fallbacks(&kp_consumer_group_describe_response_group_schema, into);
    into->group_id = walk->ids[walk->at];
    into->error_code = error;
    into->error_message = KP_NULL_STRING;
    if (error != KAFKA_NONE) return true;
    const struct group *row = group_find(group_coordinator_groups(coordinator), into->group_id);
    if (row != NULL && row->consumer != NULL) return describe_group(state, row->consumer, into);
    describe_none(state, row, into);
    return true;
}

static void released(struct request *request) {
    struct describing *state = request->state;
    consumer_describe_end(&state->group);
}

void api_consumer_group_describe(void *service, struct request *request) {
    const struct kp_consumer_group_describe_request *in = request->message;
    struct describing *state = kp_arena_alloc(&request->arena, sizeof *state);
    int32_t count = in->group_ids.count > 0 ? in->group_ids.count : 0;
    struct kp_consumer_group_describe_response_group *items = kp_arena_alloc(
        &request->arena, (size_t)count * sizeof *items);
    if (state == NULL || items == NULL) {
        request_close_too_large(request);
        return;
    }
    *state = (struct describing){
        .walk = group_walk_describing(in->group_ids.items, count, describe_one, &state->response)};
    state->walk.refuses_empty = true;
    request->released = released;
    kp_set_fallbacks(&kp_consumer_group_describe_response_schema, &state->response);
    state->response.groups.items = items;
    state->response.groups.count = count;
    group_walk_begin(&state->walk, service, request);
}
