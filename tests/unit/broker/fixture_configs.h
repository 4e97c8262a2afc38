/* Settings of resources as a client of a broker changes and reads them. */
#ifndef TESTS_UNIT_BROKER_FIXTURE_CONFIGS_H
#define TESTS_UNIT_BROKER_FIXTURE_CONFIGS_H

#include "broker/config/config_resource.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "tests/unit/broker/fixture_brokers.h"

/* Asks for one change of one setting, by IncrementalAlterConfigs. `value` NULL: null. */
struct config_ask {
    struct kp_incremental_alter_configs_request_config config;
    struct kp_incremental_alter_configs_request_resource resource;
    struct kp_incremental_alter_configs_request request;
    struct kp_incremental_alter_configs_response response;
};
/* Lies where it is until the answer is there: brokers_ask_later. */
void config_ask_later(struct config_ask *ask, struct broker_node *node, int8_t type,
                      const char *resource, const char *name, int8_t op, const char *value);
struct kp_incremental_alter_configs_response_resource config_alter(
    struct broker_node *node, int8_t type, const char *resource, const char *name, int8_t op,
    const char *value, bool validate_only);
/* A success. */
void config_set(struct broker_node *node, int8_t type, const char *resource, const char *name,
                const char *value);

/* What DescribeConfigs (version 4, with synonyms) says of one setting. */
struct kp_describe_configs_response_config config_describe(struct broker_node *node, int8_t type,
                                                           const char *resource, const char *name);
void assert_config_is(struct broker_node *node, int8_t type, const char *resource, const char *name,
                      const char *value, int8_t source);

#endif
