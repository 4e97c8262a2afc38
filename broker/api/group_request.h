/*
 * What the requests about one consumer group have in common: permission, the coordinator of the
 * group on this broker, and one call that ends the request.
 *
 * Happy path: group_request_begin; `found` with the coordinator, within the call or up to a second
 * later; it fills the call and, before it hands it over, says so with group_request_calls; when the
 * call's `done` comes it says group_request_over, and answers.
 * One that waits for other members is parked (group_request_park).
 * Failures, through `refused`: GROUP_AUTHORIZATION_FAILED, INVALID_GROUP_ID (empty),
 * NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE (too much is parked). When the client goes, what is
 * under way is canceled, and the request ends without an answer. Invariant: the request ends once,
 * by `found` and what follows, by `refused`, or because its client has gone.
 */
#ifndef BROKER_API_GROUP_REQUEST_H
#define BROKER_API_GROUP_REQUEST_H

#include "broker/api/services.h"
#include "broker/coordinator/coordinators.h"
#include "broker/coordinator/serving/group_coordinator.h"
#include "broker/server/request.h"

/* First of the handler's state, which is request->state, in the request's arena. */
struct group_request {
    struct request *request;
    const struct broker_services *services;
    void (*found)(struct group_request *group, struct group_coordinator *coordinator);
    void (*refused)(struct group_request *group, int16_t error);
    struct coordinator_find find; /* ours, all below */
    struct group_call *call;      /* under way; NULL: none */
    struct env_task refuse;       /* what may not be parked */
};

/* The three above it are set; all else is zero. `group_id` stays until `found`. */
void group_request_begin(struct group_request *group, enum authorize_operation operation,
                         struct kp_string group_id);
void group_request_calls(struct group_request *group, struct group_call *call);
void group_request_over(struct group_request *group);
/* For the call's `kept`. */
void group_request_park(struct group_request *group);

/* The client's address without its port, as groups show it ("/10.0.0.7"), in the request's arena.
 */
struct kp_string group_request_host(struct request *request);

#endif
