/*
 * JoinGroup (key 11): a member wants to be in the next generation of its group; answered when that
 * begins, which may take minutes.
 *
 * While it waits for the other members it is parked: what it brought is the group's then, and its
 * memory is counted apart (request_park). Failures: the coordinator's (group_call.h), and
 * COORDINATOR_NOT_AVAILABLE when too much is parked already.
 */
#include "protocol/messages/join_group.h"

#include "base/container_of.h"
#include "broker/api/group_request.h"
#include "broker/api/handlers.h"
#include "protocol/kafka_error.h"

enum { ID_FIRST_VERSION = 4, NULL_NAME_VERSION = 7, SKIPS_VERSION = 9 };

/* More than a group takes of a member: it refuses whoever names more, whatever the rest is. */
enum { PROTOCOLS_MAX = 100 };

struct joining {
    struct group_request group; /* first */
    struct group_join join;
};

static void join_refused(struct group_request *group, int16_t error) {
    struct joining *joining = (struct joining *)group;
    struct kp_join_group_response response;
    kp_set_fallbacks(&kp_join_group_response_schema, &response);
    response.error_code = error;
    response.generation_id = -1;
    response.protocol_name = group->request->api_version < NULL_NAME_VERSION ? kp_string_of("")
                                                                             : KP_NULL_STRING;
    response.leader = kp_string_of("");
    response.member_id = joining->join.member_id.len < 0 ? kp_string_of("")
                                                         : joining->join.member_id;
    request_respond(group->request, &response);
}

static struct kp_string text_or(const struct shared_bytes *bytes, struct kp_string other) {
    return bytes == NULL ? other : shared_string(bytes);
}

static bool add_members(struct joining *joining, struct kp_join_group_response *response) {
    const struct group_join *join = &joining->join;
    struct kp_join_group_response_member *items = kp_new_items(
        &joining->group.request->arena, &kp_join_group_response_member_schema, &response->members,
        (int32_t)join->member_count);
    for (size_t i = 0; items != NULL && i < join->member_count; i++) {
        items[i].member_id = shared_string(join->members[i].id);
        items[i].group_instance_id = text_or(join->members[i].instance, KP_NULL_STRING);
        items[i].metadata = shared_bytes_view(join->members[i].metadata);
    }
    return items != NULL || join->member_count == 0;
}

static void on_joined(struct group_call *call) {
    struct joining *joining = CONTAINER_OF(call, struct joining, join.call);
    struct request *request = joining->group.request;
    const struct group_join *join = &joining->join;
    struct kp_join_group_response response;
    bool nullable = request->api_version >= NULL_NAME_VERSION;
    group_request_over(&joining->group);
    kp_set_fallbacks(&kp_join_group_response_schema, &response);
    response.error_code = call->error;
    response.generation_id = join->generation;
    response.protocol_type = text_or(join->type, KP_NULL_STRING);
    response.protocol_name = text_or(join->protocol, nullable ? KP_NULL_STRING : kp_string_of(""));
    response.leader = text_or(join->leader, kp_string_of(""));
    response.skip_assignment = join->skip_assignment;
    response.member_id = text_or(join->member, kp_string_of(""));
    if (add_members(joining, &response))
        request_respond(request, &response);
    else
        request_close_too_large(request);
}

static void on_parked(struct group_call *call) {
    struct joining *joining = CONTAINER_OF(call, struct joining, join.call);
    joining->join.member_id = KP_NULL_STRING; /* which may go with the message */
    group_request_park(&joining->group);
}

static void join_found(struct group_request *group, struct group_coordinator *coordinator) {
    struct joining *joining = (struct joining *)group;
    struct request *request = group->request;
    const struct kp_join_group_request *in = request->message;
    struct group_join *join = &joining->join;
    int32_t count = in->protocols.count < PROTOCOLS_MAX ? in->protocols.count : PROTOCOLS_MAX;
    struct group_protocol *protocols = kp_arena_alloc(&request->arena,
                                                      ((size_t)count + 1) * sizeof *protocols);
    join->client_host = group_request_host(request);
    if (protocols == NULL || join->client_host.len < 0) {
        request_close_too_large(request);
        return;
    }
    for (int32_t i = 0; i < count; i++)
        protocols[i] = (struct group_protocol){in->protocols.items[i].name,
                                               in->protocols.items[i].metadata};
    join->call.done = on_joined;
    join->call.kept = on_parked;
    join->group_id = in->group_id;
    join->instance_id = in->group_instance_id;
    join->protocol_type = in->protocol_type;
    join->client_id = request->ctx.client_id;
    join->protocols = protocols;
    join->protocol_count = (size_t)count;
    join->session_timeout_ms = in->session_timeout_ms;
    join->rebalance_timeout_ms = in->rebalance_timeout_ms;
    join->asks_for_id = request->api_version >= ID_FIRST_VERSION;
    join->skips_assignment = request->api_version >= SKIPS_VERSION;
    join->asker = request->connection;
    request_tell_when_gone(request);
    group_request_calls(group, &join->call);
    group_coordinator_join(coordinator, join);
}

void api_join_group(void *service, struct request *request) {
    const struct kp_join_group_request *in = request->message;
    struct joining *joining = kp_arena_alloc(&request->arena, sizeof *joining);
    if (joining == NULL) {
        request_close_too_large(request);
        return;
    }
    *joining = (struct joining){.group = {.request = request,
                                          .services = service,
                                          .found = join_found,
                                          .refused = join_refused},
                                .join.member_id = in->member_id};
    group_request_begin(&joining->group, AUTHORIZE_READ, in->group_id);
}
