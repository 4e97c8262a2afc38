/*
 * SyncGroup (key 14): a member fetches what it was assigned, the leader brings it for all; answered
 * when the leader's has committed, until when the others are parked.
 *
 * Failures: the coordinator's (group_call.h), and COORDINATOR_NOT_AVAILABLE when too much is parked
 * already. A request with more than ASSIGNMENTS_MAX assignments closes the connection.
 */
#include "protocol/messages/sync_group.h"

#include "base/container_of.h"
#include "broker/api/group_request.h"
#include "broker/api/handlers.h"
#include "protocol/kafka_error.h"

enum { NAMED_VERSION = 5, ASSIGNMENTS_MAX = 100000 /* looked up in one turn */ };

struct syncing {
    struct group_request group; /* first */
    struct group_sync sync;
};

static void sync_refused(struct group_request *group, int16_t error) {
    struct kp_sync_group_response response;
    kp_set_fallbacks(&kp_sync_group_response_schema, &response);
    response.error_code = error;
    request_respond(group->request, &response);
}

static void on_synced(struct group_call *call) {
    struct syncing *syncing = CONTAINER_OF(call, struct syncing, sync.call);
    struct kp_sync_group_response response;
    group_request_over(&syncing->group);
    if (call->error != KAFKA_NONE) {
        sync_refused(&syncing->group, call->error);
        return;
    }
    kp_set_fallbacks(&kp_sync_group_response_schema, &response);
    response.protocol_type = shared_string(syncing->sync.type);
    response.protocol_name = shared_string(syncing->sync.chosen);
    if (syncing->sync.assignment != NULL)
        response.assignment = shared_bytes_view(syncing->sync.assignment);
    request_respond(syncing->group.request, &response);
}

static void on_parked(struct group_call *call) {
    struct syncing *syncing = CONTAINER_OF(call, struct syncing, sync.call);
    group_request_park(&syncing->group);
}

static void sync_found(struct group_request *group, struct group_coordinator *coordinator) {
    struct syncing *syncing = (struct syncing *)group;
    struct request *request = group->request;
    const struct kp_sync_group_request *in = request->message;
    struct group_sync *sync = &syncing->sync;
    struct group_assignment *assignments = kp_arena_alloc(
        &request->arena, ((size_t)in->assignments.count + 1) * sizeof *assignments);
    if (assignments == NULL) {
        request_close_too_large(request);
        return;
    }
    for (int32_t i = 0; i < in->assignments.count; i++)
        assignments[i] = (struct group_assignment){in->assignments.items[i].member_id,
                                                   in->assignments.items[i].assignment};
    sync->call.done = on_synced;
    sync->call.kept = on_parked;
    sync->group_id = in->group_id;
    sync->member_id = in->member_id;
    sync->instance_id = in->group_instance_id;
    sync->protocol_type = in->protocol_type;
    sync->protocol = in->protocol_name;
    sync->generation = in->generation_id;
    sync->assignments = assignments;
    sync->assignment_count = (size_t)in->assignments.count;
    group_request_calls(group, &sync->call);
    group_coordinator_sync(coordinator, sync);
}

void api_sync_group(void *service, struct request *request) {
    const struct kp_sync_group_request *in = request->message;
    struct syncing *syncing = kp_arena_alloc(&request->arena, sizeof *syncing);
    if (syncing == NULL) {
        request_close_too_large(request);
        return;
    }
    *syncing = (struct syncing){
        .group = {
            .request = request, .services = service, .found = sync_found, .refused = sync_refused}};
    if (in->assignments.count > ASSIGNMENTS_MAX) {
        request_close_because(
            request, "it assigns to more than %d members of a group at once; have smaller groups",
            ASSIGNMENTS_MAX);
        return;
    }
    bool named = in->protocol_type.len >= 0 && in->protocol_name.len >= 0;
    if (request->api_version >= NAMED_VERSION && !named) {
        sync_refused(&syncing->group, KAFKA_INCONSISTENT_GROUP_PROTOCOL);
        return;
    }
    group_request_begin(&syncing->group, AUTHORIZE_READ, in->group_id);
}
