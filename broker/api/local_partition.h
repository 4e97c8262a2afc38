/*
 * The partition that a client names, if a replica of it lives here and the client may use it.
 */
#ifndef BROKER_API_LOCAL_PARTITION_H
#define BROKER_API_LOCAL_PARTITION_H

#include "broker/api/services.h"
#include "broker/server/request.h"

/* The replica on this broker; else NULL and Kafka's code: UNKNOWN_TOPIC_OR_PARTITION,
 * TOPIC_AUTHORIZATION_FAILED, NOT_LEADER_OR_FOLLOWER (it lives elsewhere). */
struct partition *local_partition(const struct broker_services *services,
                                  const struct request *request, enum authorize_operation operation,
                                  struct kp_string topic, int32_t index, int16_t *code);

#endif
