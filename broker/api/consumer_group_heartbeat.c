/*
 * ConsumerGroupHeartbeat (key 68): a member of a KIP-848 group is alive, and hears what it owns.
 *
 * Happy path: the coordinator of the group is found, the heartbeat takes its turn there, and the
 * answer leaves when what it decided is committed.
 * Failures: GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED, NOT_COORDINATOR, and those of
 * broker/coordinator/consumer/consumer_heartbeat.h, with a sentence.
 */
#include "protocol/messages/consumer_group_heartbeat.h"

#include <string.h>

#include "base/container_of.h"
#include "broker/api/group_request.h"
#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/coordinator/consumer/consumer_heartbeat.h"
#include "broker/coordinator/coordinators.h"
#include "broker/coordinator/serving/group_coordinator.h"
#include "protocol/kafka_error.h"

/* From this version on the client makes the member id (and may bring a regular expression). */
enum { MEMBER_ID_VERSION = 1 };

/* One request on its way; in its arena. */
struct beating {
    const struct broker_services *services;
    struct request *request;
    struct kp_consumer_group_heartbeat_response response;
    struct coordinator_find find;
    struct consumer_heartbeat heartbeat;
    bool taken; /* by the coordinator */
};

static void refuse(struct beating *state, int16_t error) {
    state->response.error_code = error;
    request_respond(state->request, &state->response);
}

/* ---- The answer ---- */

/* False: the answer takes more memory than it may. */
static bool fill_assignment(struct beating *state) {
    struct kp_arena *arena = &state->request->arena;
    int32_t count;
    const struct assigned_topic *topics = assigned_topics(arena, state->heartbeat.assigned,
                                                          state->heartbeat.assigned_count, &count);
    struct kp_consumer_group_heartbeat_response_assignment *assignment = kp_arena_alloc(
        arena, sizeof *assignment);
    if (topics == NULL || assignment == NULL) return false;
    kp_set_fallbacks(&kp_consumer_group_heartbeat_response_assignment_schema, assignment);
    if (kp_new_items(arena, &kp_consumer_group_heartbeat_topic_partitions_schema,
                     &assignment->topic_partitions, count) == NULL &&
        count > 0)
        return false;
    for (int32_t i = 0; i < count; i++) {
        struct kp_consumer_group_heartbeat_topic_partitions *into =
            &assignment->topic_partitions.items[i];
        into->topic_id = topics[i].topic;
        into->partitions.items = topics[i].partitions;
        into->partitions.count = topics[i].count;
    }
    state->response.assignment = assignment;
    return true;
}

static void beat_done(struct group_call *call) {
    struct beating *state = CONTAINER_OF(call, struct beating, heartbeat.call);
    struct consumer_heartbeat *heartbeat = &state->heartbeat;
    struct kp_consumer_group_heartbeat_response *response = &state->response;
    struct request *request = state->request;
    bool fits = true;
    response->error_code = call->error;
    if (call->error == KAFKA_NONE) {
        response->member_id = shared_string(heartbeat->member_id);
        response->member_epoch = heartbeat->member_epoch;
        response->heartbeat_interval_ms = heartbeat->heartbeat_interval_ms;
        if (heartbeat->has_assignment) fits = fill_assignment(state);
    } else if (heartbeat->message[0] != 0) {
        response->error_message = kp_string_of(heartbeat->message);
    }
    if (fits)
        request_respond(request, response);
    else
        request_close_too_large(request);
    /* The request's memory may be gone. */
}

static void beat_released(struct request *request) {
    struct beating *state = request->state;
    consumer_heartbeat_release(&state->heartbeat);
}

/* ---- The way there ---- */

static void client_gone(struct request *request) {
    struct beating *state = request->state;
    if (state->taken && !group_call_cancel(&state->heartbeat.call))
        return; /* it is being written, and ends as always */
    coordinators_find_cancel(&state->find);
    request_respond_nothing(request);
}

static bool may_describe(void *arg, struct kp_string topic) {
    return authorize(arg, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, topic.data, (size_t)topic.len);
}

static bool may_see(void *arg, struct kp_string topic) {
    return authorize_seeing(arg, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, topic.data,
                            (size_t)topic.len);
}

static void found(struct coordinator_find *find, void *coordinator, int16_t error) {
    struct beating *state = CONTAINER_OF(find, struct beating, find);
    struct request *request = state->request;
    if (error != KAFKA_NONE) {
        refuse(state, error);
        return;
    }
    state->heartbeat = (struct consumer_heartbeat){
        .call.done = beat_done,
        .metadata = state->services->metadata,
        .request = request->message,
        .client_id = request->ctx.client_id,
        .asker = request->connection,
        .client_host = group_request_host(request),
        .names_its_id = request->api_version >= MEMBER_ID_VERSION,
        .may_describe = may_describe,
        .may_see = may_see,
        .may_arg = &request->ctx,
    };
    if (state->heartbeat.client_host.len < 0) {
        request_close_too_large(request);
        return;
    }
    request_tell_when_gone(request);
    state->taken = true;
    group_coordinator_consumer_heartbeat(coordinator, &state->heartbeat);
}

void api_consumer_group_heartbeat(void *service, struct request *request) {
    const struct broker_services *services = service;
    const struct kp_consumer_group_heartbeat_request *in = request->message;
    struct beating *state = kp_arena_alloc(&request->arena, sizeof *state);
    if (state == NULL) {
        request_close_too_large(request);
        return;
    }
    *state = (struct beating){.services = services, .request = request, .find.done = found};
    kp_set_fallbacks(&kp_consumer_group_heartbeat_response_schema, &state->response);
    state->response.error_message = KP_NULL_STRING;
    state->response.member_id = KP_NULL_STRING;
    if (!authorize(&request->ctx, AUTHORIZE_READ, AUTHORIZE_GROUP, in->group_id.data,
                   (size_t)in->group_id.len)) {
        refuse(state, KAFKA_GROUP_AUTHORIZATION_FAILED);
        return;
    }
    request->state = state;
    request->canceled = client_gone;
    request->released = beat_released;
    coordinators_find(services->group_coordinators, in->group_id.data, (size_t)in->group_id.len,
                      &state->find);
}
