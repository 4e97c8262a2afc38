/*
 * ShareGroupHeartbeat (key 76): a member of a share group is alive, and hears what it is to fetch.
 *
 * Happy path: the coordinator of the group is found, the heartbeat takes its turn there.
 * Failures: GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED, NOT_COORDINATOR,
 * INVALID_REQUEST (also for an empty group id, as Kafka), and those of
 * broker/coordinator/share/share_group.h, with a sentence.
 */
#include "protocol/messages/share_group_heartbeat.h"

#include "base/container_of.h"
#include "broker/api/group_request.h"
#include "broker/api/handlers.h"
#include "broker/coordinator/share/share_group.h"
#include "broker/metadata/metadata_features.h"
#include "protocol/kafka_error.h"

/* One request on its way; in its arena. */
struct beating {
    struct group_request group; /* first */
    struct kp_share_group_heartbeat_response response;
    struct share_heartbeat heartbeat;
};

/* False: the answer takes more memory than it may. */
static bool fill_assignment(struct beating *state) {
    struct kp_arena *arena = &state->group.request->arena;
    int32_t count;
    const struct assigned_topic *topics = assigned_topics(arena, state->heartbeat.assigned,
                                                          state->heartbeat.assigned_count, &count);
    struct kp_share_group_heartbeat_response_assignment *assignment = kp_arena_alloc(
        arena, sizeof *assignment);
    if (topics == NULL || assignment == NULL) return false;
    kp_set_fallbacks(&kp_share_group_heartbeat_response_assignment_schema, assignment);
    if (kp_new_items(arena, &kp_share_group_heartbeat_response_topic_partitions_schema,
                     &assignment->topic_partitions, count) == NULL &&
        count > 0)
        return false;
    for (int32_t i = 0; i < count; i++) {
        struct kp_share_group_heartbeat_response_topic_partitions *into =
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
    struct kp_share_group_heartbeat_response *response = &state->response;
    struct request *request = state->group.request;
    bool fits = true;
    group_request_over(&state->group);
    response->error_code = call->error;
    if (call->error == KAFKA_NONE) {
        response->member_id = state->heartbeat.request->member_id;
        response->member_epoch = state->heartbeat.member_epoch;
        response->heartbeat_interval_ms = state->heartbeat.interval_ms;
        if (state->heartbeat.has_assignment) fits = fill_assignment(state);
    } else if (state->heartbeat.message[0] != 0) {
        response->error_message = kp_string_of(state->heartbeat.message);
    }
    if (fits)
        request_respond(request, response);
    else
        request_close_too_large(request);
}

static void released(struct request *request) {
    share_heartbeat_release(&((struct beating *)request->state)->heartbeat);
}

static void refused(struct group_request *group, int16_t error) {
    struct beating *state = (struct beating *)group;
    state->response.error_code = error;
    if (error == KAFKA_INVALID_GROUP_ID) { /* an empty one, of which Kafka says it so */
        state->response.error_code = KAFKA_INVALID_REQUEST;
        state->response.error_message = kp_string_of("GroupId can't be empty.");
    }
    request_respond(group->request, &state->response);
}

static bool sees_topics(const struct request *request) {
    const struct kp_share_group_heartbeat_request *in = request->message;
    for (int32_t i = 0; i < in->subscribed_topic_names.count; i++) {
        struct kp_string name = in->subscribed_topic_names.items[i];
        if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, name.data,
                       (size_t)name.len))
            return false;
    }
    return true;
}

static void found(struct group_request *group, struct group_coordinator *coordinator) {
    struct beating *state = (struct beating *)group;
    if (!sees_topics(group->request)) {
        refused(group, KAFKA_TOPIC_AUTHORIZATION_FAILED);
        return;
    }
    state->heartbeat = (struct share_heartbeat){.call.done = beat_done,
                                                .request = group->request->message,
                                                .client_id = group->request->ctx.client_id,
                                                .client_host = group_request_host(group->request)};
    group->request->released = released;
    group_request_calls(group, &state->heartbeat.call);
    group_coordinator_share_heartbeat(coordinator, &state->heartbeat);
}

void api_share_group_heartbeat(void *service, struct request *request) {
    const struct kp_share_group_heartbeat_request *in = request->message;
    struct beating *state = kp_arena_alloc(&request->arena, sizeof *state);
    if (state == NULL) {
        request_close_too_large(request);
        return;
    }
    *state = (struct beating){
        .group = {.request = request, .services = service, .found = found, .refused = refused}};
    kp_set_fallbacks(&kp_share_group_heartbeat_response_schema, &state->response);
    request->state = state;
    if (metadata_feature_level(state->group.services->metadata, FEATURE_SHARE_VERSION) < 1) {
        refused(&state->group, KAFKA_UNSUPPORTED_VERSION);
        return;
    }
    group_request_begin(&state->group, AUTHORIZE_READ, in->group_id);
}
