/*
 * A batch that the broker itself appends to a partition that it leads: what a coordinator decides.
 *
 * Happy path: partition_append gives the batch its offsets behind all that was appended before; it
 * shares entries with what else comes in this turn, and `done` comes when a majority has it on disk
 * and it is applied here.
 * Failures: Kafka's codes. Before the append, as the result of the call: nothing was written.
 * Behind it, by `done`: NOT_LEADER_OR_FOLLOWER leaves the outcome open.
 * Invariants: `done` comes in the order of the log (but for producers that are refused), never
 * within the call, and once; all that wait have ended before the appliers hear that the lead is
 * lost.
 */
#ifndef BROKER_PARTITION_PARTITION_APPEND_H
#define BROKER_PARTITION_PARTITION_APPEND_H

#include "broker/partition/partition.h"

/* Lies in whoever waits. */
struct partition_append {
    /* NONE; NOT_LEADER_OR_FOLLOWER, UNKNOWN_TOPIC_OR_PARTITION (it is deleted): it may commit
     * later; NOT_ENOUGH_REPLICAS, KAFKA_STORAGE_ERROR: it was taken back. */
    void (*done)(struct partition_append *append, int16_t error);
    struct partition_produce produce; /* the partition's */
};

/* A batch of more bytes is refused (max.message.bytes), whatever else. */
size_t partition_append_most(const struct partition *partition);
/* `batch`: one whole batch (protocol/record/record_batch_builder.h), taken over in any case. NONE:
 * `done` comes. Else nothing was written, and it does not come: NOT_LEADER_OR_FOLLOWER (also while
 * this replica is being elected), UNKNOWN_TOPIC_OR_PARTITION, NOT_ENOUGH_REPLICAS (also when too
 * much is uncommitted), KAFKA_STORAGE_ERROR (no room), MESSAGE_TOO_LARGE. */
int16_t partition_append(struct partition *partition, struct slice batch,
                         struct partition_append *append);
/* The transaction of the producer that is in the batch. */
struct append_transaction {
    struct kp_string id;        /* stays until `done`. Null: its coordinator is not asked */
    bool knows_abortable, adds; /* as struct produced_records */
};
/* A batch of a producer's open transaction, or one that opens it, judged as if the producer itself
 * had sent it: also with the errors of partition_produce, and then nothing was written. */
int16_t partition_append_in_transaction(struct partition *partition, struct slice batch,
                                        const struct append_transaction *transaction,
                                        struct partition_append *append);
/* Its time is over. True: it could be taken back, with all behind it; `done` came within the call.
 * False: it is in the log, and still waits. Only of one that waits. */
bool partition_append_take_back(struct partition_append *append);
/* `done` does not come; it may commit all the same. Only of one that waits. */
void partition_append_cancel(struct partition_append *append);

#endif
