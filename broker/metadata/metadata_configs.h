/*
 * Sets of settings that rows of the metadata own, and the ids of the requests that changed a row.
 *
 * Pure. Invariant: a set has no name twice.
 */
#ifndef BROKER_METADATA_METADATA_CONFIGS_H
#define BROKER_METADATA_METADATA_CONFIGS_H

#include "broker/config/config_resource.h"
#include "broker/metadata/metadata_commands.h"

/* Sets and deletes the settings that are named; `replace`: all others go. Of equal names in one
 * command the last holds. Copies; the set is freed by metadata_configs_close. */
void metadata_configs_change(struct config_set *set, const struct command_set_configs *command);
void metadata_configs_add(struct config_set *set, struct kp_string name, struct kp_string value);
void metadata_configs_close(struct config_set *set);
/* What it takes, with `name`, as METADATA_RESOURCES_MAX_BYTES counts it. */
size_t metadata_configs_bytes(const struct config_set *set, const char *name);

enum { METADATA_REQUESTS_KEPT = 16 };

/* The last requests, as a ring: a repeated one is recognised, even when others came in between. */
struct metadata_requests {
    struct kp_uuid ids[METADATA_REQUESTS_KEPT];
    uint32_t count;
};
bool metadata_requests_have(const struct metadata_requests *requests, struct kp_uuid request);
void metadata_requests_add(struct metadata_requests *requests, struct kp_uuid request);

#endif
