/*
 * What AlterConfigs and IncrementalAlterConfigs have in common: the check of one resource, and its
 * way to the metadata leader.
 *
 * Topics and groups can be changed, the latter before there is a group of that name, too; a broker
 * reads its settings when it starts, which the refusal says. All settings of a resource are
 * changed, or none; a name that is not known may be deleted, as in Kafka. Failures are per
 * resource, as Kafka has them: INVALID_REQUEST (a resource or a setting that is there twice, no
 * value, an unknown operation, a group without a name, a type that has no settings to change),
 * INVALID_CONFIG with the sentence of the setting, UNKNOWN_TOPIC_OR_PARTITION,
 * TOPIC_AUTHORIZATION_FAILED, GROUP_AUTHORIZATION_FAILED.
 */
#ifndef BROKER_API_CONFIG_CHANGES_H
#define BROKER_API_CONFIG_CHANGES_H

#include "broker/api/topic_changes.h"
#include "protocol/messages/incremental_alter_configs.h"

enum {
    CONFIG_CHANGES_MAX =
        10000, /* settings of one request, and resources; one with more has its connection closed */
    CONFIG_CHANGES_TIMEOUT_MS = 8000, /* their requests have none: less than clients wait (drave 10
                                         s, most 30 s), who else guess */
};

/* A resource of either request: as the newer one has it. */
struct config_resource {
    const struct kp_incremental_alter_configs_request_resource *asked;
    bool replace, validate_only;
};
/* Refuses the item, or submits its change. */
void config_change_begin(struct topic_change *item, const struct config_resource *resource);

/* Resources are told apart by type and name. */
struct key config_changes_key(const struct kp_incremental_alter_configs_request_resource *resource);

/* Whether so many resources and settings are too many for one request. */
bool config_changes_are_too_many(
    const struct kp_incremental_alter_configs_request_resource *resources, int32_t count);

#endif
