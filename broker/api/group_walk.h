/*
 * A request about many groups, one after the other: of each its coordinator is found, and confirms,
 * if that is wanted, that it led when it was asked.
 *
 * Happy path: `look` for each group in the order of the request, then `end`. Failures: `look` with
 * an error and no coordinator: INVALID_GROUP_ID, GROUP_AUTHORIZATION_FAILED, NOT_COORDINATOR.
 * Invariant: steps of a request (request_steps.h); when the client goes, it ends.
 */
#ifndef BROKER_API_GROUP_WALK_H
#define BROKER_API_GROUP_WALK_H

#include "broker/api/services.h"
#include "broker/coordinator/coordinators.h"
#include "broker/coordinator/serving/group_coordinator.h"
#include "broker/server/request.h"

/* First in the handler's state, which lies in the request's arena. */
struct group_walk {
    const struct broker_services *services;
    struct request *request;
    const struct kp_string *ids;
    int32_t count, at; /* the group at hand */
    enum authorize_operation operation;
    bool confirms;
    bool refuses_empty; /* the empty id is no group: INVALID_GROUP_ID before all else */
    /* True: it is done with. False: group_walk_next follows, when a call has ended. */
    bool (*look)(struct group_walk *walk, struct group_coordinator *coordinator, int16_t error);
    void (*end)(struct group_walk *walk); /* ends the request; group_walk_respond, for one */
    const void *response;                 /* for group_walk_respond */
    bool too_large;                       /* likewise: it takes more memory than it may */
    struct group_call *call;              /* under way for the group at hand; NULL: none */
    /* Its own. */
    struct coordinator_find find;
    struct coordinator_confirm confirm;
    struct group_coordinator *coordinator;
    bool inside, over; /* a step asks; it was answered within */
};

/* As descriptions of groups are made: who may describe a group is answered by whoever still leads.
 * `look` and `response` are the caller's. */
struct group_walk group_walk_describing(const struct kp_string *ids, int32_t count,
                                        bool (*look)(struct group_walk *walk,
                                                     struct group_coordinator *coordinator,
                                                     int16_t error),
                                        const void *response);
/* Zeroed but for what is above. */
void group_walk_begin(struct group_walk *walk, const struct broker_services *services,
                      struct request *request);
void group_walk_next(struct group_walk *walk);
/* An end: the response, or the connection is closed. */
void group_walk_respond(struct group_walk *walk);

#endif
