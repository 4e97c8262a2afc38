/*
 * One group of an OffsetFetch: when its offsets may be read.
 *
 * Happy path: offset_fetch_take; it shares a turn of the group, so it stands behind what was
 * submitted before, a majority confirms that this replica leads, and `done` of the call follows;
 * then the offsets are read through `reader`, over as many turns of the loop as that takes.
 * Failures, in call.error: NOT_COORDINATOR, and those of offset_rules.h. Never
 * COORDINATOR_NOT_AVAILABLE: librdkafka does not ask again after it.
 * Invariant: no commit that was acknowledged before the request came is missing. What is read later
 * than the confirmation is as good: it is committed, too.
 */
#ifndef BROKER_COORDINATOR_OFFSETS_OFFSET_FETCH_H
#define BROKER_COORDINATOR_OFFSETS_OFFSET_FETCH_H

#include "broker/coordinator/group/group_call.h"
#include "broker/coordinator/offsets/offset_rules.h"
#include "broker/coordinator/offsets/offset_store.h"

struct offset_fetch {
    struct group_call call; /* first */
    /* Borrowed until `done`. */
    struct kp_string group_id;
    struct kp_string member_id;  /* null: not a member */
    int32_t member_epoch;        /* -1: not checked */
    struct offset_reader reader; /* out, without an error: open. Whoever asked closes it */
    const struct offset_rules *rules;
    struct offset_store *store;
    struct coordinator_confirm confirm;
};

/* The coordinator leads (checked). `call.done` and what goes in is set. group_call_cancel: gives it
 * up. */
void offset_fetch_take(struct group_table *table, struct offset_store *store,
                       const struct offset_rules *rules, struct offset_fetch *fetch);

#endif
