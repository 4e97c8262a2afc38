/*
 * Who leads instead, and where it is reached, as answers of Produce and Fetch tell with
 * NOT_LEADER_OR_FOLLOWER and FENCED_LEADER_EPOCH: a client goes on there without asking for
 * metadata. KIP-951.
 */
#ifndef PROTOCOL_MESSAGES_LEADER_HINT_H
#define PROTOCOL_MESSAGES_LEADER_HINT_H

#include "protocol/schema.h"

struct kp_leader_id_and_epoch {
    int32_t leader_id; /* -1: not known */
    int32_t leader_epoch;
};

struct kp_node_endpoint {
    int32_t node_id;
    struct kp_string host;
    int32_t port;
    struct kp_string rack; /* null: none */
};

extern const struct kp_schema kp_leader_id_and_epoch_schema;
extern const struct kp_schema kp_node_endpoint_schema;

#endif
