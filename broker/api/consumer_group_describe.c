/*
 * ConsumerGroupDescribe (key 69): KIP-848 groups, their members and assignments.
 *
 * Happy path: one group after the other: its coordinator is found, confirms that it led when it was
 * asked, and the group is copied into the answer.
 * Failures: of each group: INVALID_GROUP_ID, GROUP_AUTHORIZATION_FAILED, NOT_COORDINATOR,
 * GROUP_ID_NOT_FOUND with a message (also for a classic group: clients then ask DescribeGroups).
 */
#include "protocol/messages/consumer_group_describe.h"

#include "broker/api/authorized_operations.h"
#include "broker/api/group_walk.h"
#include "broker/api/handlers.h"
#include "broker/coordinator/consumer/consumer_describe.h"
#include "protocol/kafka_error.h"

/* One request on its way; in its arena. */
struct describing {
    struct group_walk walk; /* first */
    struct kp_consumer_group_describe_response response;
    bool too_large;
};

static void describe_row(struct describing *state, const struct group *row,
                         struct kp_consumer_group_describe_response_group *into) {
    struct request *request = state->walk.request;
    if (row == NULL || row->consumer == NULL) {
        into->error_code = KAFKA_GROUP_ID_NOT_FOUND;
        into->error_message = kp_arena_printf(
            &request->arena,
            group_is_unknown(row) ? "Group %.*s not found." : "Group %.*s is not a consumer group.",
            into->group_id.len > 128 ? 128 : (int)into->group_id.len, into->group_id.data);
    } else if (!consumer_describe(row->consumer, state->walk.services->metadata, &request->arena,
                                  into)) {
        state->too_large = true;
    }
}

static bool describe_one(struct group_walk *walk, struct group_coordinator *coordinator,
                         int16_t error) {
    struct describing *state = (struct describing *)walk;
    struct request *request = walk->request;
    const struct kp_consumer_group_describe_request *in = request->message;
    struct kp_consumer_group_describe_response_group *into =
        &state->response.groups.items[walk->at];
    kp_set_fallbacks(&kp_consumer_group_describe_response_group_schema, into);
    into->group_id = walk->ids[walk->at];
    into->error_code = error;
    into->error_message = KP_NULL_STRING;
    if (error != KAFKA_NONE) return true;
    describe_row(state, group_find(group_coordinator_groups(coordinator), into->group_id), into);
    if (in->include_authorized_operations && into->error_code == KAFKA_NONE)
        into->authorized_operations = authorized_operations(
            &request->ctx, AUTHORIZE_GROUP, into->group_id.data, (size_t)into->group_id.len);
    if (state->too_large) walk->count = walk->at + 1; /* the rest would not fit either */
    return true;
}

static void describe_end(struct group_walk *walk) {
    struct describing *state = (struct describing *)walk;
    if (state->too_large)
        request_close_too_large(walk->request);
    else
        request_respond_kept(walk->request, &state->response);
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
    *state = (struct describing){.walk = {.ids = in->group_ids.items,
                                          .count = count,
                                          .operation = AUTHORIZE_DESCRIBE,
                                          .confirms = true,
                                          .refuses_empty = true,
                                          .look = describe_one,
                                          .end = describe_end}};
    kp_set_fallbacks(&kp_consumer_group_describe_response_schema, &state->response);
    state->response.groups.items = items;
    state->response.groups.count = count;
    group_walk_begin(&state->walk, service, request);
}
