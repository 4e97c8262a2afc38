/*
 * ShareGroupDescribe (key 77): share groups, their members and what each fetches.
 *
 * Happy path: one group after the other: its coordinator is found, confirms that it led when it was
 * asked, and the group is copied into the answer. Failures: of each group: UNSUPPORTED_VERSION,
 * INVALID_GROUP_ID (empty, or with a zero), GROUP_AUTHORIZATION_FAILED, NOT_COORDINATOR,
 * GROUP_ID_NOT_FOUND with a message (also for a group of another kind), TOPIC_AUTHORIZATION_FAILED
 * without members.
 */
#include "protocol/messages/share_group_describe.h"

#include <string.h>

#include "broker/api/authorized_operations.h"
#include "broker/api/group_walk.h"
#include "broker/api/handlers.h"
#include "broker/coordinator/share/share_group.h"
#include "broker/metadata/metadata_features.h"
#include "protocol/kafka_error.h"

/* One request on its way; in its arena. */
struct describing {
    struct group_walk walk; /* first */
    struct kp_share_group_describe_response response;
};

/* Members are shown, all of them, to who may see all that they are assigned. */
static bool sees_members(const struct request *request,
                         const struct kp_share_group_describe_response_group *group) {
    for (int32_t m = 0; m < group->members.count; m++) {
        const struct kp_share_group_describe_response_assignment *assignment =
            &group->members.items[m].assignment;
        for (int32_t t = 0; t < assignment->topic_partitions.count; t++) {
            struct kp_string name = assignment->topic_partitions.items[t].topic_name;
            if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, name.data,
                           (size_t)name.len))
                return false;
        }
    }
    return true;
}

static bool describe_group(struct describing *state, const struct share_group *group,
                           struct kp_share_group_describe_response_group *into) {
    struct request *request = state->walk.request;
    const struct kp_share_group_describe_request *in = request->message;
    if (in->include_authorized_operations)
        into->authorized_operations = authorized_operations(
            &request->ctx, AUTHORIZE_GROUP, into->group_id.data, (size_t)into->group_id.len);
    if (!share_group_describe(group, state->walk.services->metadata, &request->arena, into))
        return false;
    if (sees_members(request, into)) return true;
    into->error_code = KAFKA_TOPIC_AUTHORIZATION_FAILED;
    into->error_message = kp_string_of(
        "The group has described topic(s) that the client is not authorized to describe.");
    into->members.count = 0;
    return true;
}

static bool describe_one(struct group_walk *walk, struct group_coordinator *coordinator,
                         int16_t error) {
    struct describing *state = (struct describing *)walk;
    struct kp_share_group_describe_response_group *into = &state->response.groups.items[walk->at];
    kp_set_fallbacks(&kp_share_group_describe_response_group_schema, into);
    into->group_id = walk->ids[walk->at];
    into->error_code = error;
    if (error == KAFKA_NONE &&
        memchr(into->group_id.data, '\0', (size_t)into->group_id.len) != NULL)
        into->error_code = KAFKA_INVALID_GROUP_ID; /* no share group has such an id */
    if (into->error_code != KAFKA_NONE) return true;
    const struct group *row = group_find(group_coordinator_groups(coordinator), into->group_id);
    if (row != NULL && row->share != NULL) {
        if (!describe_group(state, row->share, into)) state->walk.too_large = true;
        return true;
    }
    into->error_code = KAFKA_GROUP_ID_NOT_FOUND;
    into->error_message = kp_arena_printf(
        &walk->request->arena,
        group_is_unknown(row) ? "Group %.*s not found." : "Group %.*s is not a share group.",
        into->group_id.len > 128 ? 128 : (int)into->group_id.len, into->group_id.data);
    return true;
}

void api_share_group_describe(void *service, struct request *request) {
    const struct kp_share_group_describe_request *in = request->message;
    struct describing *state = kp_arena_alloc(&request->arena, sizeof *state);
    int32_t count = in->group_ids.count > 0 ? in->group_ids.count : 0;
    struct kp_share_group_describe_response_group *items = kp_arena_alloc(
        &request->arena, ((size_t)count + 1) * sizeof *items);
    if (state == NULL || items == NULL) {
        request_close_too_large(request);
        return;
    }
    *state = (struct describing){
        .walk = group_walk_describing(in->group_ids.items, count, describe_one, &state->response)};
    state->walk.refuses_empty = true;
    kp_set_fallbacks(&kp_share_group_describe_response_schema, &state->response);
    state->response.groups.items = items;
    state->response.groups.count = count;
    const struct broker_services *services = service;
    if (metadata_feature_level(services->metadata, FEATURE_SHARE_VERSION) >= 1) {
        group_walk_begin(&state->walk, service, request);
        return;
    }
    for (int32_t g = 0; g < count; g++) {
        kp_set_fallbacks(&kp_share_group_describe_response_group_schema, &items[g]);
        items[g].group_id = in->group_ids.items[g];
        items[g].error_code = KAFKA_UNSUPPORTED_VERSION;
    }
    request_respond(request, &state->response);
}
