/*
 * What the metadata leader does with a change of settings: the set that would come of it is worked
 * out and checked as a whole.
 *
 * Changes of one resource are resolved one after the other (metadata_pending.c), so that none
 * starts from what another is about to change. Failures: INVALID_CONFIG with a sentence,
 * UNKNOWN_TOPIC_OR_PARTITION, POLICY_VIOLATION (no room). Pure: reads the table.
 */
#ifndef BROKER_METADATA_CONFIG_RESOLUTION_H
#define BROKER_METADATA_CONFIG_RESOLUTION_H

#include "broker/metadata/metadata_leader.h"

/* PREPARED, PREPARED_NOTHING (everything is so already) or PREPARED_REFUSED. */
enum metadata_prepared config_resolve(const struct metadata_view *view,
                                      const struct command_set_configs *command,
                                      struct kp_arena *arena, struct metadata_result *result);

/* Equal for changes of the same resource, never 0; unequal ones are equal rarely. */
uint32_t config_resolution_key(const struct command_set_configs *command);

#endif
