/*
 * What is known of a group of the classic protocol for good: its newest record, on every replica.
 *
 * It is kept as it stands in the log, and read when somebody needs its members: followers never do,
 * and a new leader does it group by group. Happy path: classic_record_apply with each record of
 * type 2; group->record is what came of it, NULL after a tombstone. Failures: none; a value that is
 * no such record is passed over, for other programs may have written it.
 * A group that was of KIP-848 before (migration/downgrade.h) has members and no leader in its
 * record: whoever leads the coordinator begins a rebalance when it reads that. Invariant: looks at
 * nothing but the record, so a replay from zero makes the same.
 */
#ifndef BROKER_COORDINATOR_CLASSIC_CLASSIC_RECORD_H
#define BROKER_COORDINATOR_CLASSIC_CLASSIC_RECORD_H

#include "broker/coordinator/group/group.h"
#include "protocol/coordinator_records/classic_group_record.h"

struct group_batch;

struct classic_record {
    uint8_t *value;
    size_t len;
    int32_t generation, member_count;
    int64_t state_time_ms; /* since when it is so; -1: not known */
    bool unled;            /* it has members and no leader: a rebalance is due */
    struct shared_bytes *type;
    /* Soft: on the leader, until somebody reads the members. */
    struct group_timer wake;
    struct group *group;
    uint64_t since_ms; /* of env_now_ms: when the sessions of its members began */
};

/* Returns the row, which is made if there is none; NULL when there is none, or no more. */
struct group *classic_record_apply(struct group_table *table,
                                   const struct coordinator_record *record);
/* Reads it; texts point into it, arrays into `arena`. */
void classic_record_read(const struct classic_record *record, struct kp_arena *arena,
                         struct kp_classic_group_value *value);
void classic_record_free(struct group *group); /* nothing if there is none */
/* Gives it to the sink, as it was applied. */
void classic_record_show(const struct group *group,
                         void (*sink)(void *arg, const struct coordinator_record *record),
                         void *arg);
/* Adds the group's record to a batch; `value` NULL: its tombstone. */
void classic_record_add(const struct group *group, const struct kp_classic_group_value *value,
                        struct group_batch *batch);

#endif
