/*
 * DeleteGroups (key 42): groups in which nobody is go, with all that they have committed. KIP-229.
 *
 * Failures, of each group: GROUP_AUTHORIZATION_FAILED, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE,
 * GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP.
 */
#include "protocol/messages/delete_groups.h"

#include "base/container_of.h"
#include "broker/api/group_walk.h"
#include "broker/api/handlers.h"
#include "broker/coordinator/serving/group_listing.h"
#include "protocol/kafka_error.h"

struct deleting {
    struct group_walk walk; /* first */
    struct kp_delete_groups_response response;
    struct group_delete call;
};

static const char *message_of(int16_t error) {
    switch (error) {
    case KAFKA_GROUP_ID_NOT_FOUND: return "There is no such group.";
    case KAFKA_NON_EMPTY_GROUP: return "The group has members; stop them first.";
    default: return NULL;
    }
}

static void deleted(struct deleting *state, int16_t error) {
    struct kp_delete_groups_response_result *into = &state->response.results.items[state->walk.at];
    kp_set_fallbacks(&kp_delete_groups_response_result_schema, into);
    into->group_id = state->walk.ids[state->walk.at];
    into->error_code = error;
    into->error_message = kp_string_of(message_of(error));
}

static void delete_done(struct group_call *call) {
    struct deleting *state = CONTAINER_OF(call, struct deleting, call.call);
    deleted(state, call->error);
    group_walk_next(&state->walk);
}

static bool delete_one(struct group_walk *walk, struct group_coordinator *coordinator,
                       int16_t error) {
    struct deleting *state = (struct deleting *)walk;
    if (error != KAFKA_NONE) {
        deleted(state, error);
        return true;
    }
    state->call = (struct group_delete){.call.done = delete_done, .group_id = walk->ids[walk->at]};
    walk->call = &state->call.call;
    group_coordinator_delete(coordinator, &state->call);
    return false;
}

static void delete_end(struct group_walk *walk) {
    request_respond_kept(walk->request, &((struct deleting *)walk)->response);
}

void api_delete_groups(void *service, struct request *request) {
    const struct kp_delete_groups_request *in = request->message;
    struct deleting *state = kp_arena_alloc(&request->arena, sizeof *state);
    int32_t count = in->groups_names.count > 0 ? in->groups_names.count : 0;
    struct kp_delete_groups_response_result *items = kp_arena_alloc(&request->arena,
                                                                    (size_t)count * sizeof *items);
    if (state == NULL || items == NULL) {
        request_close_too_large(request);
        return;
    }
    kp_set_fallbacks(&kp_delete_groups_response_schema, &state->response);
    state->response.results.items = items;
    state->response.results.count = count;
    state->walk = (struct group_walk){.ids = in->groups_names.items,
                                      .count = count,
                                      .operation = AUTHORIZE_DELETE,
                                      .look = delete_one,
                                      .end = delete_end};
    group_walk_begin(&state->walk, service, request);
}
