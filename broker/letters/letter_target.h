/*
 * Where the dead letters of a share group go: the partition with the number of the source, modulo
 * how many the dead-letter topic has, so the same one as long as it has as many. By what is set and
 * known at the moment. Pure.
 */
#ifndef BROKER_LETTERS_LETTER_TARGET_H
#define BROKER_LETTERS_LETTER_TARGET_H

#include "broker/config/broker_settings.h"
#include "broker/metadata/metadata.h"
#include "broker/share/share_state.h"

struct letter_target {
    const struct metadata_topic *topic; /* NULL: there is none, and `why` says what to do */
    const struct metadata_partition *partition;
    size_t most; /* bytes of a batch */
    bool copies; /* the records themselves */
    const char *why;
};
struct letter_target letter_target_of(const struct metadata *metadata,
                                      const struct broker_settings *settings, const char *group,
                                      int32_t source);
/* That move goes there. */
bool letter_target_is(const struct letter_target *target, const struct share_move *move);

#endif
