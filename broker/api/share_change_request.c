/* From a request to the group's coordinator, and back. */
#include "broker/api/share_change_request.h"

#include <string.h>

#include "base/container_of.h"
#include "broker/metadata/metadata_features.h"
#include "protocol/kafka_error.h"

static void tell(struct share_change_told told, int16_t code) {
    *told.code = code;
    *told.message = share_change_message(code);
}

/* With an error of the whole, or that of each part. */
static void over(struct share_change_request *state, int16_t error) {
    if (error != KAFKA_NONE) {
        tell(state->whole, error);
        *state->topics = 0;
    }
    for (size_t i = 0; error == KAFKA_NONE && i < state->change.count; i++)
        tell(state->told[i], state->change.parts[i].code);
    request_respond_kept(state->group.request, state->response);
}

bool share_change_room(struct share_change_request *state, size_t parts) {
    struct kp_arena *arena = &state->group.request->arena;
    state->too_many = parts > SHARING_ORDER_MOST;
    if (state->too_many) return true;
    state->change.parts = kp_arena_alloc(arena, (parts + 1) * sizeof *state->change.parts);
    state->told = kp_arena_alloc(arena, (parts + 1) * sizeof *state->told);
    return state->change.parts != NULL && state->told != NULL;
}

void share_change_add(struct share_change_request *state, const struct share_change_part *part,
                      struct share_change_told told) {
    state->change.parts[state->change.count] = *part;
    state->told[state->change.count++] = told;
}

static void refused(struct group_request *group, int16_t error) {
    over((struct share_change_request *)group, error);
}

static void changed(struct group_call *call) {
    struct share_change_request *state = CONTAINER_OF(call, struct share_change_request,
                                                      change.call);
    group_request_over(&state->group);
    over(state, call->error);
}

static void found(struct group_request *group, struct group_coordinator *coordinator) {
    struct share_change_request *state = (struct share_change_request *)group;
    struct kp_string id = state->change.group_id;
    if (memchr(id.data, '\0', (size_t)id.len) != NULL) { /* it is not empty */
        over(state, KAFKA_INVALID_GROUP_ID);
        return;
    }
    state->change.call.done = changed;
    state->change.client_host = group_request_host(group->request);
    group_request_calls(group, &state->change.call);
    share_change_take(group_coordinator_groups(coordinator), &state->change);
}

void share_change_begin(struct share_change_request *state, struct broker_services *services,
                        struct request *request, enum authorize_operation operation,
                        struct kp_string group_id) {
    state->group = (struct group_request){
        .request = request, .services = services, .found = found, .refused = refused};
    state->change.group_id = group_id;
    request->state = state;
    if (!state->prepare(state, request))
        request_close_too_large(request);
    else if (metadata_feature_level(services->metadata, FEATURE_SHARE_VERSION) < 1)
        over(state, KAFKA_UNSUPPORTED_VERSION);
    else if (state->too_many)
        over(state, KAFKA_INVALID_REQUEST);
    else
        group_request_begin(&state->group, operation, group_id);
}

const struct metadata_topic *share_change_topic(const struct share_change_request *state,
                                                struct kp_string name, int16_t *code) {
    const struct metadata_topic *topic = metadata_topic_named(state->group.services->metadata,
                                                              name.data, (size_t)name.len);
    *code = KAFKA_NONE;
    if (!authorize(&state->group.request->ctx, AUTHORIZE_READ, AUTHORIZE_TOPIC, name.data,
                   (size_t)name.len))
        *code = KAFKA_TOPIC_AUTHORIZATION_FAILED;
    else if (topic == NULL)
        *code = KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    return *code == KAFKA_NONE ? topic : NULL;
}

struct kp_string share_change_message(int16_t error) {
    switch (error) {
    case KAFKA_INVALID_GROUP_ID:
        return kp_string_of("The group id is empty, too long, or has a NUL character.");
    case KAFKA_GROUP_ID_NOT_FOUND: return kp_string_of("There is no such share group.");
    case KAFKA_NON_EMPTY_GROUP: return kp_string_of("The group has members; stop them first.");
    case KAFKA_COORDINATOR_LOAD_IN_PROGRESS:
        return kp_string_of("Where the group begins is being changed; try again.");
    case KAFKA_COORDINATOR_NOT_AVAILABLE:
        return kp_string_of("The leader of the partition did not answer, or the memory for groups "
                            "(group.memory.bytes) is spent; try again.");
    case KAFKA_STORAGE_ERROR:
        return kp_string_of("The disk of the partition's leader has too little room "
                            "(disk.min.free.bytes): nothing begins there until there is more.");
    case KAFKA_POLICY_VIOLATION:
        return kp_string_of("Too many groups share the partition; delete those that nobody uses.");
    case KAFKA_UNKNOWN_TOPIC_OR_PARTITION:
        return kp_string_of("There is no such partition, or the group has not begun there.");
    case KAFKA_TOPIC_AUTHORIZATION_FAILED:
        return kp_string_of("The client is not authorized to read the topic.");
    case KAFKA_INVALID_REQUEST:
        return kp_string_of("That is more than is changed at once; ask in parts.");
    default: return KP_NULL_STRING;
    }
}
