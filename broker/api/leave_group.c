/*
 * LeaveGroup (key 13): members leave, or are removed by an administrator. KIP-345 (3: several).
 *
 * Failures: up to version 2 that of the member is the answer's; later each member has its own, and
 * the answer's are those of the whole group.
 */
#include "protocol/messages/leave_group.h"

#include "base/container_of.h"
#include "broker/api/group_request.h"
#include "broker/api/handlers.h"
#include "protocol/kafka_error.h"

enum { SEVERAL_VERSION = 3, MEMBERS_MAX = 10000 };

struct leaving {
    struct group_request group; /* first */
    struct group_leave leave;
};

static void leave_refused(struct group_request *group, int16_t error) {
    struct kp_leave_group_response response;
    kp_set_fallbacks(&kp_leave_group_response_schema, &response);
    response.error_code = error;
    request_respond(group->request, &response);
}

static void on_left(struct group_call *call) {
    struct leaving *leaving = CONTAINER_OF(call, struct leaving, leave.call);
    struct request *request = leaving->group.request;
    const struct group_leave *leave = &leaving->leave;
    struct kp_leave_group_response response;
    group_request_over(&leaving->group);
    kp_set_fallbacks(&kp_leave_group_response_schema, &response);
    response.error_code = call->error;
    if (request->api_version < SEVERAL_VERSION) {
        if (call->error == KAFKA_NONE) response.error_code = leave->leavers[0].error;
        request_respond(request, &response);
        return;
    }
    int32_t count = call->error == KAFKA_NONE ? (int32_t)leave->leaver_count : 0;
    struct kp_leave_group_response_member *items = kp_new_items(
        &request->arena, &kp_leave_group_response_member_schema, &response.members, count);
    if (items == NULL && count > 0) {
        request_close_too_large(request);
        return;
    }
    for (int32_t i = 0; i < count; i++) {
        items[i].member_id = leave->leavers[i].member_id;
        items[i].group_instance_id = leave->leavers[i].instance_id;
        items[i].error_code = leave->leavers[i].error;
    }
    request_respond(request, &response);
}

static bool take_leavers(struct leaving *leaving) {
    struct request *request = leaving->group.request;
    const struct kp_leave_group_request *in = request->message;
    bool several = request->api_version >= SEVERAL_VERSION;
    size_t count = several ? (size_t)in->members.count : 1;
    struct group_leaver *leavers = kp_arena_alloc(&request->arena, (count + 1) * sizeof *leavers);
    if (leavers == NULL || count > MEMBERS_MAX) return false;
    for (size_t i = 0; i < count; i++)
        leavers[i] = several ? (struct group_leaver){in->members.items[i].member_id,
                                                     in->members.items[i].group_instance_id, 0}
                             : (struct group_leaver){in->member_id, KP_NULL_STRING, 0};
    leaving->leave.leavers = leavers;
    leaving->leave.leaver_count = count;
    return true;
}

static void leave_found(struct group_request *group, struct group_coordinator *coordinator) {
    struct leaving *leaving = (struct leaving *)group;
    const struct kp_leave_group_request *in = group->request->message;
    leaving->leave.call.kind = GROUP_OTHER;
    leaving->leave.call.done = on_left;
    leaving->leave.group_id = in->group_id;
    if (!take_leavers(leaving)) {
        request_close_too_large(group->request);
        return;
    }
    group_request_calls(group, &leaving->leave.call);
    group_coordinator_leave(coordinator, &leaving->leave);
}

void api_leave_group(void *service, struct request *request) {
    const struct kp_leave_group_request *in = request->message;
    struct leaving *leaving = kp_arena_alloc(&request->arena, sizeof *leaving);
    if (leaving == NULL) {
        request_close_too_large(request);
        return;
    }
    *leaving = (struct leaving){.group = {.request = request,
                                          .services = service,
                                          .found = leave_found,
                                          .refused = leave_refused}};
    group_request_begin(&leaving->group, AUTHORIZE_READ, in->group_id);
}
