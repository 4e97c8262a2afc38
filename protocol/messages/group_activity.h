/*
 * GroupActivity (key 10003, private): what the coordinator of a group remembers of its members, its
 * rebalances and its commits, for `drave group why`. Framed like Kafka's APIs, so that listeners,
 * and later authentication, cover it. Not advertised by ApiVersions.
 *
 * Version 0. Ages are ms before the answer. -1 stands for what is not known.
 */
#ifndef PROTOCOL_MESSAGES_GROUP_ACTIVITY_H
#define PROTOCOL_MESSAGES_GROUP_ACTIVITY_H

#include "protocol/schema.h"

/* What happens to the members of a group, and why it is rebalanced. Numbers stay. */
enum kp_group_event {
    KP_GROUP_JOINED = 1, /* a new member */
    KP_GROUP_CHANGED,    /* a member subscribed to something else, or can do something else */
    KP_GROUP_REJOINED,   /* the leader of a classic group joined again as it was */
    KP_GROUP_REPLACED,   /* another process took the place of a static member */
    KP_GROUP_LEFT,
    KP_GROUP_EXPIRED, /* nothing was heard of the member any more */
    KP_GROUP_LATE,    /* it did not do its part of a rebalance within the rebalance timeout */
    KP_GROUP_TOPICS,  /* topics came, went or grew */
    KP_GROUP_FAILED,  /* what was decided could not be written */
};

struct kp_group_activity_request_topic {
    struct kp_string name;
    KP_ARRAY_OF(int32_t) partitions;
};

struct kp_group_activity_request {
    struct kp_string group_id;
    int64_t short_ms; /* the two windows of rates */
    int64_t long_ms;
    KP_ARRAY_OF(struct kp_group_activity_request_topic) topics;
};

struct kp_group_activity_response_member {
    struct kp_string member_id;
    int64_t heard_age_ms; /* since its last heartbeat, or what counts as one */
    int32_t rebalance_timeout_ms;
};

struct kp_group_activity_response_event {
    int64_t age_ms;
    int8_t what;                /* enum kp_group_event */
    bool began;                 /* a rebalance began by it */
    struct kp_string member_id; /* "": nobody in particular */
    struct kp_string client_id;
    struct kp_string client_host;
};

struct kp_group_activity_response_partition {
    int32_t partition_index;
    int64_t committed_offset;
    int64_t commit_age_ms;
    int64_t moved_age_ms;    /* since the committed offset is what it is */
    int64_t committed_short; /* thousandths of records a second */
    int64_t committed_long;
};

struct kp_group_activity_response_topic {
    struct kp_string name;
    KP_ARRAY_OF(struct kp_group_activity_response_partition) partitions;
};

struct kp_group_activity_response {
    int16_t error_code;
    struct kp_string error_message;
    int64_t leading_ms;   /* how long this coordinator has led */
    int64_t unsettled_ms; /* for how long it is being rebalanced; -1: it is not */
    KP_ARRAY_OF(struct kp_group_activity_response_member) members;
    KP_ARRAY_OF(struct kp_group_activity_response_event)
    events; /* the oldest first; those before are forgotten */
    KP_ARRAY_OF(struct kp_group_activity_response_topic) topics;
};

extern const struct kp_schema kp_group_activity_request_topic_schema;
extern const struct kp_schema kp_group_activity_request_schema;
extern const struct kp_schema kp_group_activity_response_member_schema;
extern const struct kp_schema kp_group_activity_response_event_schema;
extern const struct kp_schema kp_group_activity_response_partition_schema;
extern const struct kp_schema kp_group_activity_response_topic_schema;
extern const struct kp_schema kp_group_activity_response_schema;

#endif
