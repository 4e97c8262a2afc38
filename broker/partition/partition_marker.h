/*
 * The end of a producer's transaction in a partition that this broker leads: a marker behind all
 * that it wrote (KIP-98, KIP-890).
 *
 * Happy path: partition_end_transaction appends the marker, and `done` comes when a majority has it
 * on disk and it is applied here: what was held back by the transaction is readable, or skipped.
 * A marker that is in flight already is waited for; one that has nothing to end and was there
 * before is not appended again. Failures: Kafka's codes. Invariants: a marker is never kept out for
 * lack of replicas in sync, nor by records that wait to be committed, however many come: as long as
 * it is missing nobody reads on; yet what markers add to those is limited, and a producer has at
 * most one in flight; what ends a transaction never ends the next one of the same producer: a
 * marker that was held up until the same broker led again is told from that one's by the term.
 */
#ifndef BROKER_PARTITION_PARTITION_MARKER_H
#define BROKER_PARTITION_PARTITION_MARKER_H

#include "broker/partition/partition.h"
#include "broker/producer/producer_state.h"
#include "protocol/record/transaction_marker.h"

struct partition_marker {
    void (*done)(struct partition_marker *marker, int16_t error);
    struct partition_produce produce; /* the partition's */
};

/* `leader_epoch`: the term in which whoever sent it believes that we lead; -1: they do not say.
 * `raises_epoch`: the marker's epoch is above that of its transaction (transaction.version 2).
 * DONE: over within the call, with *error; PENDING: `done` comes, never within the call. Errors:
 * NOT_LEADER_OR_FOLLOWER, UNKNOWN_TOPIC_OR_PARTITION (the outcome may be open),
 * FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, INVALID_PRODUCER_EPOCH (for good: the transaction has
 * ended here), TRANSACTION_COORDINATOR_FENCED; NOT_ENOUGH_REPLICAS (another one of the
 * producer is in flight, too much waits, too many producers are remembered, or it was taken back),
 * UNKNOWN_PRODUCER_ID (nobody was given the id), UNKNOWN_SERVER_ERROR (id or epoch is below 0),
 * KAFKA_STORAGE_ERROR: nothing was written. */
enum completion partition_end_transaction(struct partition *partition,
                                          const struct transaction_marker *end,
                                          int32_t leader_epoch, bool raises_epoch,
                                          struct partition_marker *marker, int16_t *error);
/* The coordinator says that the partition takes part in a transaction that has begun
 * (producer_state_invite). Nothing unless it leads in that term: whoever invites sent it before any
 * marker of that transaction. */
void partition_invite(struct partition *partition, const struct producer_invitation *invitation,
                      int32_t leader_epoch);
/* Its time is over: `done` comes within the call, with REQUEST_TIMED_OUT if the outcome is open.
 * Only of one that waits. */
void partition_marker_time_out(struct partition_marker *marker);
/* `done` does not come. Only of one that waits. */
void partition_marker_cancel(struct partition_marker *marker);

#endif
