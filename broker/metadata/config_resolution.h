/*
 * What the metadata leader does with a change of settings: what is appended to and subtracted from
 * lists becomes their values (KIP-339), and the set that would come of it is checked as a whole.
 *
 * Changes of one resource are resolved one after the other (metadata_pending.c), so that none
 * starts from what another is about to change. Failures: INVALID_CONFIG with a sentence,
 * UNKNOWN_TOPIC_OR_PARTITION, POLICY_VIOLATION (no room). Pure: reads the table.
 */
#ifndef BROKER_METADATA_CONFIG_RESOLUTION_H
#define BROKER_METADATA_CONFIG_RESOLUTION_H

#include "broker/metadata/metadata_leader.h"

/* PREPARED, PREPARED_NOTHING (everything is so already) or PREPARED_REFUSED. The command's values
 * are complete then, and of the arena. */
enum metadata_prepared config_resolve(const struct metadata_view *view,
                                      struct metadata_change *change, struct kp_arena *arena,
                                      struct metadata_result *result);

/* What is set for whom the command names. False: there is no such topic. */
bool config_present(const struct metadata *metadata, const struct command_set_configs *command,
                    struct config_set *into);

/* What would be set by this table; texts are the table's and the arena's. False, and `result` says
 * why not: UNKNOWN_TOPIC_OR_PARTITION, INVALID_CONFIG (what is no list is appended to),
 * INVALID_REQUEST (it does not fit). */
bool config_outcome(const struct metadata *metadata, const struct metadata_change *change,
                    struct kp_arena *arena, struct config_set *outcome,
                    struct metadata_result *result);

/* Equal for changes of the same resource, never 0; unequal ones are equal rarely. */
uint32_t config_resolution_key(const struct command_set_configs *command);

#endif
