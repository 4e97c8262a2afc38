/*
 * Heartbeat (key 12): a member is alive, and hears whether its group is being rebalanced.
 *
 * Failures: the coordinator's (group_call.h).
 */
#include "protocol/messages/heartbeat.h"

#include "base/container_of.h"
#include "broker/api/group_request.h"
#include "broker/api/handlers.h"
#include "protocol/kafka_error.h"

struct beating {
    struct group_request group; /* first */
    struct group_heartbeat heartbeat;
};

static void heartbeat_end(struct group_request *group, int16_t error) {
    struct kp_heartbeat_response response;
    kp_set_fallbacks(&kp_heartbeat_response_schema, &response);
    response.error_code = error;
    request_respond(group->request, &response);
}

static void on_heard(struct group_call *call) {
    struct beating *beating = CONTAINER_OF(call, struct beating, heartbeat.call);
    group_request_over(&beating->group);
    heartbeat_end(&beating->group, call->error);
}

static void heartbeat_found(struct group_request *group, struct group_coordinator *coordinator) {
    struct beating *beating = (struct beating *)group;
    const struct kp_heartbeat_request *in = group->request->message;
    beating->heartbeat = (struct group_heartbeat){.call.kind = GROUP_OTHER,
                                                  .call.done = on_heard,
                                                  .group_id = in->group_id,
                                                  .member_id = in->member_id,
                                                  .instance_id = in->group_instance_id,
                                                  .generation = in->generation_id,
                                                  .asker = group->request->connection};
    request_tell_when_gone(group->request);
    group_request_calls(group, &beating->heartbeat.call);
    group_coordinator_heartbeat(coordinator, &beating->heartbeat);
}

void api_heartbeat(void *service, struct request *request) {
    const struct kp_heartbeat_request *in = request->message;
    struct beating *beating = kp_arena_alloc(&request->arena, sizeof *beating);
    if (beating == NULL) {
        request_close_too_large(request);
        return;
    }
    *beating = (struct beating){.group = {.request = request,
                                          .services = service,
                                          .found = heartbeat_found,
                                          .refused = heartbeat_end}};
    group_request_begin(&beating->group, AUTHORIZE_READ, in->group_id);
}
