/*
 * What AlterShareGroupOffsets and DeleteShareGroupOffsets have in common: a change of one share
 * group, which its coordinator brings to the partitions (broker/coordinator/share/share_work.h).
 *
 * Happy path: share_change_begin with the group's permission; `prepare` asks for share_change_room
 * and puts the parts that may be changed in by share_change_add, with where their code goes.
 * Failures of the whole, before anything else is looked at: UNSUPPORTED_VERSION; then
 * GROUP_AUTHORIZATION_FAILED, INVALID_GROUP_ID, NOT_COORDINATOR, those of share_change_take.
 */
#ifndef BROKER_API_SHARE_CHANGE_REQUEST_H
#define BROKER_API_SHARE_CHANGE_REQUEST_H

#include "broker/api/group_request.h"
#include "broker/coordinator/share/share_work.h"
#include "broker/sharing/sharing_order.h"

/* Where the answer has a code, and what it means. */
struct share_change_told {
    int16_t *code;
    struct kp_string *message;
};

/* In the request's arena, zeroed. `prepare`, `response`, `whole` and `topics` are the caller's. */
struct share_change_request {
    struct group_request group; /* first */
    struct share_change change;
    /* False: the answer takes more memory than it may. */
    bool (*prepare)(struct share_change_request *state, struct request *request);
    const void *response;
    struct share_change_told whole; /* the response's own code */
    int32_t *topics;                /* how many it has: none with an error of the whole */
    struct share_change_told *told; /* of each part */
    bool too_many;                  /* parts: INVALID_REQUEST */
};

/* Room for so many parts, or `too_many`: then none is to be added. False: no memory. */
bool share_change_room(struct share_change_request *state, size_t parts);
void share_change_add(struct share_change_request *state, const struct share_change_part *part,
                      struct share_change_told told);
/* Answers, or closes the connection. `group_id` stays. */
void share_change_begin(struct share_change_request *state, struct broker_services *services,
                        struct request *request, enum authorize_operation operation,
                        struct kp_string group_id);
/* May the client read that topic? NULL with UNKNOWN_TOPIC_OR_PARTITION, TOPIC_AUTHORIZATION_FAILED.
 */
const struct metadata_topic *share_change_topic(const struct share_change_request *state,
                                                struct kp_string name, int16_t *code);
struct kp_string share_change_message(int16_t error); /* null: nothing to say */

#endif
