/*
 * ConsumerGroupDescribe (key 69): KIP-848 groups, their members and assignments.
 *
 * Happy path: one group after the other: its coordinator is found, confirms that it led when it was
 * asked, and the group is copied into the answer.
 * Failures: of each group: INVALID_GROUP_ID, GROUP_AUTHORIZATION_FAILED, NOT_COORDINATOR,
 * GROUP_ID_NOT_FOUND with a message (also for a classic group: clients then ask DescribeGroups).
 */
#include "protocol/messages/consumer_group_describe.h"

#include "base/container_of.h"
#include "broker/api/authorized_operations.h"
#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/coordinator/consumer/consumer_describe.h"
#include "broker/coordinator/coordinators.h"
#include "broker/coordinator/serving/group_coordinator.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

/* One request on its way; in its arena. */
struct describing {
    const struct broker_services *services;
    struct request *request;
    struct kp_consumer_group_describe_response response;
    int32_t at; /* the group at hand */
    struct coordinator_find find;
    struct coordinator_confirm confirm;
    struct group_coordinator *coordinator;
    bool inside, over; /* a step asks for the group at hand; that was answered within */
    bool too_large;
};

static bool describe_next(struct request *request);

/* The group at hand is done. */
static void go_on(struct describing *state) {
    state->at++;
    if (state->inside)
        state->over = true;
    else
        request_steps(state->request, describe_next);
}

static struct kp_consumer_group_describe_response_group *at_hand(struct describing *state) {
    return &state->response.groups.items[state->at];
}

/* Only of a group that is told. */
static void tell_operations(struct request *request,
                            struct kp_consumer_group_describe_response_group *into) {
    const struct kp_consumer_group_describe_request *in = request->message;
    if (!in->include_authorized_operations || into->error_code != KAFKA_NONE) return;
    into->authorized_operations = authorized_operations(
        &request->ctx, AUTHORIZE_GROUP, into->group_id.data, (size_t)into->group_id.len);
}

static void confirmed(struct coordinator_confirm *confirm, int16_t error) {
    struct describing *state = CONTAINER_OF(confirm, struct describing, confirm);
    struct kp_consumer_group_describe_response_group *into = at_hand(state);
    struct request *request = state->request;
    into->error_code = error;
    if (error == KAFKA_NONE) {
        const struct group *row = group_find(group_coordinator_groups(state->coordinator),
                                             into->group_id);
        if (row == NULL || row->consumer == NULL) {
            into->error_code = KAFKA_GROUP_ID_NOT_FOUND;
            into->error_message = kp_arena_printf(
                &request->arena,
                row == NULL ? "Group %.*s not found." : "Group %.*s is not a consumer group.",
                into->group_id.len > 128 ? 128 : (int)into->group_id.len, into->group_id.data);
        } else if (!consumer_describe(row->consumer, state->services->metadata, &request->arena,
                                      into)) {
            state->too_large = true;
        }
    }
    tell_operations(request, into);
    go_on(state);
}

static void found(struct coordinator_find *find, void *coordinator, int16_t error) {
    struct describing *state = CONTAINER_OF(find, struct describing, find);
    if (error != KAFKA_NONE) {
        at_hand(state)->error_code = error;
        go_on(state);
        return;
    }
    state->coordinator = coordinator;
    coordinator_log_confirm(group_coordinator_groups(coordinator)->log, &state->confirm);
}

static bool describe_next(struct request *request) {
    struct describing *state = request->state;
    const struct kp_consumer_group_describe_request *in = request->message;
    if (state->too_large) {
        request_close_too_large(request);
        return false;
    }
    if (state->at == state->response.groups.count) {
        request_respond_kept(request, &state->response);
        return false;
    }
    struct kp_consumer_group_describe_response_group *into = at_hand(state);
    into->group_id = in->group_ids.items[state->at];
    into->error_message = KP_NULL_STRING;
    if (into->group_id.len == 0) {
        into->error_code = KAFKA_INVALID_GROUP_ID;
    } else if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_GROUP, into->group_id.data,
                          (size_t)into->group_id.len)) {
        into->error_code = KAFKA_GROUP_AUTHORIZATION_FAILED;
    } else {
        state->inside = true;
        state->over = false;
        coordinators_find(state->services->group_coordinators, into->group_id.data,
                          (size_t)into->group_id.len, &state->find);
        state->inside = false;
        return state->over;
    }
    state->at++;
    return true;
}

static void client_gone(struct request *request) {
    struct describing *state = request->state;
    coordinators_find_cancel(&state->find);
    coordinator_confirm_cancel(&state->confirm);
    request_respond_nothing(request);
}

void api_consumer_group_describe(void *service, struct request *request) {
    const struct kp_consumer_group_describe_request *in = request->message;
    struct describing *state = kp_arena_alloc(&request->arena, sizeof *state);
    if (state == NULL) {
        request_close_too_large(request);
        return;
    }
    *state = (struct describing){
        .services = service, .request = request, .find.done = found, .confirm.done = confirmed};
    kp_set_fallbacks(&kp_consumer_group_describe_response_schema, &state->response);
    if (kp_new_items(&request->arena, &kp_consumer_group_describe_response_group_schema,
                     &state->response.groups, in->group_ids.count) == NULL &&
        in->group_ids.count > 0) {
        request_close_too_large(request);
        return;
    }
    request->state = state;
    request->canceled = client_gone;
    request_steps(request, describe_next);
}
