/*
 * What a member says of records that it was given: which it accepts, and which it gives back.
 *
 * Happy path: share_outcomes_add in the order of offsets of each partition; neighbours of one kind
 * become one range. Invariant: ranges of a partition stand together, ascend, and do not meet.
 */
#ifndef CLIENT_SHARING_SHARE_OUTCOMES_H
#define CLIENT_SHARING_SHARE_OUTCOMES_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

/* Kafka's numbers of acknowledge types. */
enum share_outcome {
    SHARE_GAP = 0, /* there is no record of that offset */
    SHARE_ACCEPT = 1,
    SHARE_RELEASE = 2,
};

struct share_range {
    struct kp_uuid topic;
    int32_t partition;
    int64_t first, last;
    int8_t outcome;
};

/* All zero: empty. */
struct share_outcomes {
    struct share_range *items;
    size_t count, room;
};

/* first > last: nothing. */
void share_outcomes_add(struct share_outcomes *outcomes, struct share_range range);
/* How many offsets have that outcome. */
uint64_t share_outcomes_count(const struct share_outcomes *outcomes, enum share_outcome outcome);
void share_outcomes_clear(struct share_outcomes *outcomes); /* it can be filled again */
void share_outcomes_free(struct share_outcomes *outcomes);

#endif
