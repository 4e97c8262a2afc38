/*
 * What a client is told with NOT_LEADER_OR_FOLLOWER or FENCED_LEADER_EPOCH, so that it goes on at
 * the leader without asking for metadata: KIP-951.
 *
 * A leader is named only while it is certain as far as this broker knows, and reached by the
 * listener on which the request came; else the client asks for metadata as ever. Failures: none;
 * without memory in the arena there is no hint.
 */
#ifndef BROKER_API_LEADER_HINT_H
#define BROKER_API_LEADER_HINT_H

#include "broker/api/local_partition.h"
#include "protocol/messages/leader_hint.h"

/* The addresses of the leaders that an answer names, each once, in the request's arena. */
struct leader_hints {
    struct kp_node_endpoint *items;
    int32_t count, room;
};

/* Sets *hint, and adds its address to *hints; or leaves both as they are. */
void leader_hint_give(const struct broker_services *services, struct request *request,
                      const struct topic_ref *ref, int32_t index, int16_t code,
                      struct kp_leader_id_and_epoch *hint, struct leader_hints *hints);

#endif
