/*
 * What ShareFetch and ShareAcknowledge have in common: permission, the session, the partitions that
 * are named, and acknowledgements until they have committed.
 *
 * Happy path: share_request_may; share_request_begin with the group, the member and the epoch; the
 * partitions that the request names, with what it acknowledges of them; share_request_commit, with
 * which all of that counts, and `committed` follows when nothing is under way any more. Of a
 * partition that is named twice nothing counts. Failures of the whole:
 * UNSUPPORTED_VERSION, GROUP_AUTHORIZATION_FAILED, INVALID_REQUEST, and those of share_sessions.h;
 * of a partition: UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION, TOPIC_AUTHORIZATION_FAILED,
 * NOT_LEADER_OR_FOLLOWER, and those of share_queue_acknowledge. Invariant: what waits in here is
 * left before the request ends.
 */
#ifndef BROKER_API_SHARE_REQUEST_H
#define BROKER_API_SHARE_REQUEST_H

#include "broker/api/leader_hint.h"
#include "broker/api/share_sessions.h"
#include "broker/share/shares.h"

struct share_request;

/* A partition of the request, or of its session. */
struct share_part {
    struct share_commit commit; /* first */
    struct share_request *owner;
    struct kp_uuid topic;
    int32_t index;
    bool acknowledges, twice; /* the request names it, and more than once */
    const struct share_ack *acks;
    size_t ack_count;
    int16_t ack_code, code;
    /* Of a fetch. */
    struct partition_waiter moved;
    struct share_waiter available;
    struct partition_read read;
    struct offset_ranges given; /* of struct share_range */
};

/* First in the state of the request (request->state), in its arena. */
struct share_request {
    struct broker_services *services;
    struct request *request;
    struct kp_string group, member;
    int32_t epoch;
    struct share_limits limits;
    uint64_t session; /* its number */
    struct share_part *parts;
    struct key_set keys; /* of the parts */
    size_t count, room;
    size_t counted; /* of the parts: how far it is */
    bool renews;
    size_t committing;
    bool committed_wanted;
    void (*committed)(struct share_request *share);
    struct leader_hints hints;
};

/* UNSUPPORTED_VERSION, GROUP_AUTHORIZATION_FAILED, or NONE: before anything else is looked at. */
int16_t share_request_may(const struct share_request *share, struct kp_string group);
/* With room for so many partitions. NONE, or the error of the whole. */
int16_t share_request_begin(struct share_request *share, struct kp_string group,
                            struct kp_string member, int32_t epoch, size_t partitions,
                            struct share_session **session);
/* What holds for a group. */
struct share_limits share_limits_of(const struct broker_services *services, struct kp_string group);
/* Finds it, or puts it in. NULL: there is no room. */
struct share_part *share_request_part(struct share_request *share, struct kp_uuid topic,
                                      int32_t index);
/* The partition, if it is led here and the client may read it; else NULL and why. */
struct partition *share_request_partition(struct share_request *share,
                                          const struct share_part *part, int16_t *code);
/* What the request says of it, in its arena. */
void share_request_acknowledge(struct share_part *part, const struct share_ack *acks, size_t count);
/* What it said of the parts counts, some of them in each step, and with the last epoch the session
 * ends; `committed` follows, within the call if that is little and nothing is under way. */
void share_request_commit(struct share_request *share);
/* Nothing waits any more. */
void share_request_leave(struct share_request *share);
void share_request_hint(struct share_request *share, const struct share_part *part, int16_t code,
                        struct kp_leader_id_and_epoch *hint);

#endif
