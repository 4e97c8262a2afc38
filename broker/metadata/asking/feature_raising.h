/*
 * The metadata leader sets features that were never set to the level that all brokers know, so that
 * a new cluster has what its version brings, and one that is being upgraded stays where it is until
 * the last of its brokers has been (broker/metadata/metadata_features.h).
 *
 * Happy path: a look, when this broker begins to lead and whenever commands were applied; one
 * command when there is something to set. Failures: what did not succeed is tried at the next look,
 * or at once, when nobody answered.
 */
#ifndef BROKER_METADATA_ASKING_FEATURE_RAISING_H
#define BROKER_METADATA_ASKING_FEATURE_RAISING_H

#include "broker/metadata/metadata_group.h"

struct feature_raising;

struct feature_raising *feature_raising_new(struct log *log, const struct metadata *metadata,
                                            struct metadata_group *group);
/* Before the group is closed. NULL does nothing. */
void feature_raising_free(struct feature_raising *raising);
void feature_raising_look(struct feature_raising *raising);

#endif
