/*
 * Groups of consumers and transactional ids, asked at their coordinators.
 *
 * Happy path: FindCoordinator at any broker, then the request to the coordinator itself. Failures:
 * a coordinator that has moved, does not answer, or is just taking over is asked again, wherever it
 * is by then, until the time of the admin client is over; what the coordinator then refuses is
 * left to the caller. Invariant: what is not known to have been done is told by `repeated`.
 */
#ifndef CLIENT_KAFKA_GROUP_CLIENT_H
#define CLIENT_KAFKA_GROUP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/kafka/cluster_view.h"

struct group_call {
    const char *group;
    bool transactional; /* `group` is a transactional id: the coordinator is that of transactions */
    enum kp_api_key key;
    int version_min;
    const void *request;
    void *response;
    /* The error of the answer, which says whether the coordinator has moved. */
    int16_t (*error_of)(const void *response);
    /* Set by the call: */
    int16_t refused;     /* Kafka's code of the last answer */
    bool repeated;       /* sent more than once because a connection broke */
    int32_t coordinator; /* its node id */
};

/* ERR_NONE: there is an answer, look at `refused`. Else as admin_request, with the sentence in
 * `why`; ERR_VERSION where the coordinator does not serve the API. */
int group_request(struct admin_client *admin, struct kp_arena *arena, struct group_call *call,
                  struct error_text *why);

struct group_row {
    const char *group;
    const char *type; /* "classic", "consumer", ... */
    const char *state;
    const char *protocol_type;
    int32_t coordinator, members; /* members -1: not known */
};

/* All groups of the cluster, or those of a type (NULL: all), in the order of their names; rows live
 * in the arena. An exit code; a broker that does not answer in time is said. */
int groups_list(struct admin_client *admin, struct kp_arena *arena, const char *type,
                struct group_row **rows, size_t *count);

/* Says what a coordinator refused about a group, with the nearest name for one that does not exist,
 * and the commands that are for one of another type; EXIT_REFUSED. */
int group_refused(struct admin_client *admin, struct kp_arena *arena, const char *group,
                  int16_t error);

#endif
