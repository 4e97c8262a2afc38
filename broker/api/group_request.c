/* The way from a request to its group's coordinator, and the ends of it. */
#include "broker/api/group_request.h"

#include <string.h>

#include "base/container_of.h"
#include "protocol/kafka_error.h"

/* A call that cannot be canceled ends the request when it is done. */
static void client_gone(struct request *request) {
    struct group_request *group = request->state;
    coordinators_find_cancel(&group->find);
    if (group->call == NULL || group_call_cancel(group->call)) request_respond_nothing(request);
}

static void on_found(struct coordinator_find *find, void *state, int16_t error) {
    struct group_request *group = CONTAINER_OF(find, struct group_request, find);
    group->request->canceled = NULL;
    if (error == KAFKA_NONE)
        group->found(group, state);
    else
        group->refused(group, error);
}

/* Outside of the group's turn, in which it would have been parked. */
static void refuse_parking(struct env_task *task) {
    struct group_request *group = CONTAINER_OF(task, struct group_request, refuse);
    if (group->call == NULL || !group_call_cancel(group->call)) return; /* `done` comes, or came */
    group_request_over(group);
    group->refused(group, KAFKA_COORDINATOR_NOT_AVAILABLE);
}

void group_request_park(struct group_request *group) {
    if (request_park(group->request)) return;
    env_defer(group->services->env, &group->refuse);
}

/* Perhaps in a later turn, when the services have gone. */
static void released(struct request *request) {
    struct group_request *group = request->state;
    env_defer_cancel(request->env, &group->refuse);
}

void group_request_begin(struct group_request *group, enum authorize_operation operation,
                         struct kp_string group_id) {
    struct request *request = group->request;
    size_t len = group_id.len < 0 ? 0 : (size_t)group_id.len;
    request->state = group;
    request->released = released;
    group->refuse.run = refuse_parking;
    if (!authorize(&request->ctx, operation, AUTHORIZE_GROUP, group_id.data, len)) {
        group->refused(group, KAFKA_GROUP_AUTHORIZATION_FAILED);
        return;
    }
    if (len == 0) { /* of all partitions, whoever leads the one that it would be in */
        group->refused(group, KAFKA_INVALID_GROUP_ID);
        return;
    }
    group->find.done = on_found;
    request->canceled = client_gone;
    coordinators_find(group->services->group_coordinators, group_id.data, len, &group->find);
}

void group_request_calls(struct group_request *group, struct group_call *call) {
    group->call = call;
    group->request->canceled = client_gone;
}

void group_request_over(struct group_request *group) {
    group->call = NULL;
    group->request->canceled = NULL;
}

struct kp_string group_request_host(struct request *request) {
    const char *peer = request->ctx.peer, *end = strrchr(peer, ':');
    size_t len = end == NULL ? strlen(peer) : (size_t)(end - peer);
    if (len > 2 && peer[0] == '[') {
        peer++;
        len -= 2;
    }
    char *host = kp_arena_alloc(&request->arena, len + 1);
    if (host == NULL) return KP_NULL_STRING;
    host[0] = '/';
    memcpy(host + 1, peer, len);
    return (struct kp_string){.data = host, .len = (int32_t)len + 1};
}
