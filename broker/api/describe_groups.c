/*
 * DescribeGroups (key 15): groups of the classic protocol, and simple ones, with their members.
 * KIP-345, KIP-430, KIP-1043.
 *
 * Failures, of each group: GROUP_AUTHORIZATION_FAILED, NOT_COORDINATOR; one that is not there, or
 * of another protocol, is Dead without an error, from version 6 on with GROUP_ID_NOT_FOUND.
 */
#include "protocol/messages/describe_groups.h"

#include "broker/api/authorized_operations.h"
#include "broker/api/group_walk.h"
#include "broker/api/handlers.h"
#include "broker/coordinator/classic/classic_group.h"
#include "protocol/kafka_error.h"

enum { SAYS_UNKNOWN = 6 };

struct describing {
    struct group_walk walk; /* first */
    struct kp_describe_groups_response response;
    struct kp_describe_groups_response_group *into; /* the group at hand */
};

static struct kp_bytes copy_bytes(struct kp_arena *arena, struct kp_bytes bytes, bool *failed) {
    if (bytes.len < 0) return (struct kp_bytes){.data = (const uint8_t *)"", .len = 0};
    struct kp_string copy = kp_arena_string(arena, (const char *)bytes.data, (size_t)bytes.len);
    if (copy.len < 0) *failed = true;
    return (struct kp_bytes){.data = (const uint8_t *)copy.data, .len = copy.len};
}

static struct kp_string copy_text(struct kp_arena *arena, struct kp_string text, bool *failed) {
    if (text.len < 0) return KP_NULL_STRING;
    struct kp_string copy = kp_arena_string(arena, text.data, (size_t)text.len);
    if (copy.len < 0) *failed = true;
    return copy;
}

static void describe_member(void *arg, const struct classic_view_member *member) {
    struct describing *state = arg;
    struct kp_arena *arena = &state->walk.request->arena;
    if (state->walk.too_large) return;
    bool *failed = &state->walk.too_large;
    struct kp_describe_groups_response_member *into =
        &state->into->members.items[state->into->members.count++];
    into->member_id = copy_text(arena, member->id, failed);
    into->group_instance_id = copy_text(arena, member->instance, failed);
    into->client_id = copy_text(arena, member->client_id, failed);
    into->client_host = copy_text(arena, member->client_host, failed);
    into->member_metadata = copy_bytes(arena, member->metadata, failed);
    into->member_assignment = copy_bytes(arena, member->assignment, failed);
}

static void describe_classic(struct describing *state, struct group *group) {
    struct kp_describe_groups_response_group *into = state->into;
    struct kp_arena *arena = &state->walk.request->arena;
    struct classic_view view;
    classic_look(group, &view, NULL, NULL);
    into->group_state = kp_string_of(classic_state_name(view.state));
    into->protocol_type = copy_text(arena, view.type, &state->walk.too_large);
    into->protocol_data = copy_text(arena, view.protocol, &state->walk.too_large);
    if (kp_new_items(arena, &kp_describe_groups_response_member_schema, &into->members,
                     (int32_t)view.member_count) == NULL &&
        view.member_count > 0) {
        state->walk.too_large = true;
        return;
    }
    into->members.count = 0;
    classic_look(group, &view, describe_member, state);
    classic_settle(group);
}

static void describe_unknown(struct describing *state, bool is_there) {
    struct kp_describe_groups_response_group *into = state->into;
    struct request *request = state->walk.request;
    into->group_state = kp_string_of("Dead");
    if (request->api_version < SAYS_UNKNOWN) return;
    into->error_code = KAFKA_GROUP_ID_NOT_FOUND;
    into->error_message = kp_arena_printf(
        &request->arena, is_there ? "Group %.*s is not a classic group." : "Group %.*s not found.",
        into->group_id.len > 128 ? 128 : (int)into->group_id.len, into->group_id.data);
}

static bool describe_one(struct group_walk *walk, struct group_coordinator *coordinator,
                         int16_t error) {
    struct describing *state = (struct describing *)walk;
    struct request *request = walk->request;
    const struct kp_describe_groups_request *in = request->message;
    struct kp_describe_groups_response_group *into = &state->response.groups.items[walk->at];
    kp_set_fallbacks(&kp_describe_groups_response_group_schema, into);
    state->into = into;
    into->group_id = walk->ids[walk->at];
    into->error_code = error;
    into->error_message = KP_NULL_STRING;
    if (error != KAFKA_NONE) return true;
    struct group *group = group_find(group_coordinator_groups(coordinator), into->group_id);
    bool unknown = group_is_unknown(group);
    if (!unknown && group->consumer == NULL && group->share == NULL)
        describe_classic(state, group);
    else
        describe_unknown(state, !unknown);
    if (in->include_authorized_operations && into->error_code == KAFKA_NONE)
        into->authorized_operations = authorized_operations(
            &request->ctx, AUTHORIZE_GROUP, into->group_id.data, (size_t)into->group_id.len);
    if (state->walk.too_large) walk->count = walk->at + 1; /* the rest would not fit either */
    return true;
}

void api_describe_groups(void *service, struct request *request) {
    const struct kp_describe_groups_request *in = request->message;
    struct describing *state = kp_arena_alloc(&request->arena, sizeof *state);
    int32_t count = in->groups.count > 0 ? in->groups.count : 0;
    struct kp_describe_groups_response_group *items = kp_arena_alloc(&request->arena,
                                                                     (size_t)count * sizeof *items);
    if (state == NULL || items == NULL) {
        request_close_too_large(request);
        return;
    }
    kp_set_fallbacks(&kp_describe_groups_response_schema, &state->response);
    state->response.groups.items = items;
    state->response.groups.count = count;
    state->walk = group_walk_describing(in->groups.items, count, describe_one, &state->response);
    group_walk_begin(&state->walk, service, request);
}
