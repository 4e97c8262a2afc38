/* The fields of leader hints: alike in every message and version that has them. */
#include "protocol/messages/leader_hint.h"

static const struct kp_field leader_id_and_epoch_fields[] = {
    {"leaderId", KP_INT32, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_leader_id_and_epoch, leader_id)},
    {"leaderEpoch", KP_INT32, .versions = KP_SINCE(0), .fallback = -1,
     KP_AT(kp_leader_id_and_epoch, leader_epoch)},
};
const struct kp_schema kp_leader_id_and_epoch_schema = {
    KP_SCHEMA("leader_id_and_epoch", kp_leader_id_and_epoch, leader_id_and_epoch_fields)};

static const struct kp_field node_endpoint_fields[] = {
    {"nodeId", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_node_endpoint, node_id)},
    {"host", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_node_endpoint, host)},
    {"port", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_node_endpoint, port)},
    {"rack", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(0), .null_fallback = true,
     KP_AT(kp_node_endpoint, rack)},
};
const struct kp_schema kp_node_endpoint_schema = {
    KP_SCHEMA("node_endpoint", kp_node_endpoint, node_endpoint_fields)};
