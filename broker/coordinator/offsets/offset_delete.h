/*
 * Part of an OffsetDelete of a client: so many offsets of one group.
 *
 * Happy path: offset_delete_take with at most offset_delete_most entries; in a turn of its own each
 * offset that is there, and that no member reads, is taken back, all in one batch; `done` of the
 * call follows. Failures, in call.error: GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, NOT_COORDINATOR,
 * COORDINATOR_NOT_AVAILABLE (they may go all the same); of an entry: GROUP_SUBSCRIBED_TO_TOPIC. One
 * that was not there is no error. Invariant: what was acknowledged is gone,
 * and what was pending for it never comes. KIP-496.
 */
#ifndef BROKER_COORDINATOR_OFFSETS_OFFSET_DELETE_H
#define BROKER_COORDINATOR_OFFSETS_OFFSET_DELETE_H

#include "broker/coordinator/group/group_call.h"
#include "broker/coordinator/offsets/offset_rules.h"

/* As many as fit into one part (group_batch.h), at least one. */
size_t offset_delete_most(struct kp_string group_id);

struct offset_delete_entry {
    struct kp_string topic;
    int32_t partition;
    int16_t *error; /* out; where it is to be told */
};

struct offset_delete {
    struct group_call call; /* first */
    /* Borrowed until `done`. */
    struct kp_string group_id;
    const struct offset_delete_entry *entries;
    size_t count;
    const struct offset_rules *rules;
};

/* The coordinator leads (checked). */
void offset_delete_take(struct group_table *table, const struct offset_rules *rules,
                        struct offset_delete *call);

#endif
