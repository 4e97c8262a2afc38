/*
 * What AlterConfigs and IncrementalAlterConfigs have in common: the check of one resource, and its
 * way to the metadata leader.
 *
 * Topics, groups (before there is a group of that name, too) and brokers ("": all of them) have
 * their settings in the metadata; of one broker that broker alone takes them, because it knows what
 * its file says. The loggers of a broker are its own: broker_logger.h. All settings of a resource
 * are changed, or none. What is not set may be deleted, whatever its name is: Kafka's tools do so.
 *
 * Failures are per resource, as Kafka has them: INVALID_REQUEST (a resource or a setting that is
 * there twice, no value, an unknown operation, a topic or group without a name, another broker's
 * id, a setting that needs a restart, a type that has no settings to change), INVALID_CONFIG with
 * the sentence of the setting (also of what is appended to and is no list),
 * UNKNOWN_TOPIC_OR_PARTITION, BROKER_ID_NOT_REGISTERED, TOPIC_AUTHORIZATION_FAILED,
 * GROUP_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED.
 */
#ifndef BROKER_API_CONFIG_CHANGES_H
#define BROKER_API_CONFIG_CHANGES_H

#include "broker/api/topic_changes.h"
#include "broker/config/setting_search.h"
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

/* It is made: a line says by whom, and which settings. */
void config_change_log(const struct topic_changes *changes, const struct config_resource *resource);

/* Makes of a value what counts and is kept: as Kafka has it, without blanks at its ends, and at
 * those of the items where the setting is a list. False: the arena has no room. */
bool config_value_trim(const struct setting_table *rows, const char *name, struct kp_string *value,
                       struct kp_arena *arena);

/* Whether all brokers know what a topic asks for by this setting. ERR_INVALID. */
int config_is_served(const struct metadata *metadata, const char *name, const char *value,
                     struct error_text *why);

/* Resources are told apart by type and name. */
struct key config_changes_key(const struct kp_incremental_alter_configs_request_resource *resource);

/* Whether so many resources and settings are too many for one request. */
bool config_changes_are_too_many(
    const struct kp_incremental_alter_configs_request_resource *resources, int32_t count);

#endif
