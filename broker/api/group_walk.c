/* Finding and confirming, group after group. */
#include "broker/api/group_walk.h"

#include "base/container_of.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

static bool walk_step(struct request *request);

void group_walk_next(struct group_walk *walk) {
    walk->at++;
    walk->call = NULL;
    if (walk->inside)
        walk->over = true;
    else
        request_steps(walk->request, walk_step);
}

static void walk_look(struct group_walk *walk, struct group_coordinator *coordinator,
                      int16_t error) {
    if (walk->look(walk, error == KAFKA_NONE ? coordinator : NULL, error)) group_walk_next(walk);
}

static void walk_confirmed(struct coordinator_confirm *confirm, int16_t error) {
    struct group_walk *walk = CONTAINER_OF(confirm, struct group_walk, confirm);
    walk_look(walk, walk->coordinator, error);
}

static void walk_found(struct coordinator_find *find, void *state, int16_t error) {
    struct group_walk *walk = CONTAINER_OF(find, struct group_walk, find);
    walk->coordinator = state;
    if (error == KAFKA_NONE && walk->confirms)
        coordinator_log_confirm(group_coordinator_groups(walk->coordinator)->log, &walk->confirm);
    else
        walk_look(walk, walk->coordinator, error);
}

static bool walk_step(struct request *request) {
    struct group_walk *walk = request->state;
    if (walk->at == walk->count) {
        walk->end(walk);
        return false;
    }
    struct kp_string id = walk->ids[walk->at];
    walk->inside = true;
    walk->over = false;
    if (walk->refuses_empty && id.len == 0)
        walk_look(walk, NULL, KAFKA_INVALID_GROUP_ID);
    else if (!authorize(&request->ctx, walk->operation, AUTHORIZE_GROUP, id.data, (size_t)id.len))
        walk_look(walk, NULL, KAFKA_GROUP_AUTHORIZATION_FAILED);
    else
        coordinators_find(walk->services->group_coordinators, id.data, (size_t)id.len, &walk->find);
    walk->inside = false;
    return walk->over;
}

static void client_gone(struct request *request) {
    struct group_walk *walk = request->state;
    coordinators_find_cancel(&walk->find);
    coordinator_confirm_cancel(&walk->confirm);
    if (walk->call != NULL && !group_call_cancel(walk->call)) {
        walk->count = walk->at + 1; /* it is being written; nothing follows */
        return;
    }
    request_respond_nothing(request);
}

void group_walk_begin(struct group_walk *walk, const struct broker_services *services,
                      struct request *request) {
    walk->services = services;
    walk->request = request;
    walk->find.done = walk_found;
    walk->confirm.done = walk_confirmed;
    request->state = walk;
    request->canceled = client_gone;
    request_steps(request, walk_step);
}

void group_walk_respond(struct group_walk *walk) {
    if (walk->too_large)
        request_close_too_large(walk->request);
    else
        request_respond_kept(walk->request, walk->response);
}

struct group_walk group_walk_describing(const struct kp_string *ids, int32_t count,
                                        bool (*look)(struct group_walk *walk,
                                                     struct group_coordinator *coordinator,
                                                     int16_t error),
                                        const void *response) {
    return (struct group_walk){.ids = ids,
                               .count = count,
                               .operation = AUTHORIZE_DESCRIBE,
                               .confirms = true,
                               .look = look,
                               .end = group_walk_respond,
                               .response = response};
}
