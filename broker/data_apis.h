/*
 * The APIs that move records: Produce, Fetch, ListOffsets, OffsetForLeaderEpoch; and the two that every client begins with, ApiVersions and
 * FindCoordinator. One file each in broker/api/.
 */
#ifndef BROKER_DATA_APIS_H
#define BROKER_DATA_APIS_H

#include "broker/deadlines.h"
#include "broker/request.h"
#include "broker/services.h"
#include "protocol/wire.h"

/* What their handlers need. Handlers read it; nobody else does. */
struct data_apis {
    const struct broker_services *services;
    struct deadlines *deadlines;
    uint32_t fetches; /* so far: each begins with another partition, so that none starves under a byte limit */
};

/* Registers the six handlers. `services` must be filled before the first request, and stay until data_apis_close. */
struct data_apis *data_apis_open(struct env *env, const struct broker_services *services, struct dispatch *dispatch);
/* After the last request has ended (server_close). NULL does nothing. */
void data_apis_close(struct data_apis *apis);

/* The replica of a partition on this broker; else NULL and Kafka's code: UNKNOWN_TOPIC_OR_PARTITION, TOPIC_AUTHORIZATION_FAILED,
 * NOT_LEADER_OR_FOLLOWER (it lives elsewhere). */
struct partition *data_apis_partition(const struct data_apis *apis, const struct request *request,
                                      enum authorize_operation operation, struct kp_string topic, int32_t index,
                                      int16_t *code);

request_handler api_produce, api_fetch, api_list_offsets, api_offset_for_leader_epoch, api_find_coordinator,
    api_api_versions; /* service: struct data_apis */

#endif
