/*
 * The logger of a broker (Kafka's resource BROKER_LOGGER, KIP-412): its level, while it runs.
 *
 * There is one logger, log.level, of which the resource with the broker's id has the value. What is
 * set holds until the broker ends or its setting log.level changes; it is for looking closer at one
 * broker, and nothing of it is kept. Failures: INVALID_REQUEST (another broker's id, no id, any
 * other operation than setting it), INVALID_CONFIG (no such logger, no such level),
 * CLUSTER_AUTHORIZATION_FAILED.
 */
#ifndef BROKER_API_BROKER_LOGGER_H
#define BROKER_API_BROKER_LOGGER_H

#include "broker/api/topic_changes.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/incremental_alter_configs.h"

/* Ends the item. */
void broker_logger_change(struct topic_change *item,
                          const struct kp_incremental_alter_configs_request_resource *asked,
                          bool validate_only);

/* The name of the level at present, as log.level has it. */
const char *broker_logger_level(const struct broker_services *services);

#endif
