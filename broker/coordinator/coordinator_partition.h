/*
 * A coordinator's state on one partition of its topic: the partition's applier on the one side, the
 * state's log on the other.
 *
 * Happy path: every replica gives each record that has committed to the state, in order. On the
 * leader, a decision is one batch of the partition (partition_append.h), and its `done` follows
 * when it is applied; a question whether this replica still leads goes to a majority, and is
 * answered when all that was written before it is over. Failures: those of coordinator_log.h. A
 * write that has waited for too long ends with COORDINATOR_NOT_AVAILABLE; what the log has is in
 * doubt until it commits, or the lead is lost.
 * Records of a batch that cannot be read end the replica; control batches that end no transaction
 * and records without a key are passed over. Invariants: writes end in the order in which they
 * began, but for those of transactions that are refused; writes and questions have ended when the
 * state hears that the lead is lost.
 */
#ifndef BROKER_COORDINATOR_COORDINATOR_PARTITION_H
#define BROKER_COORDINATOR_COORDINATOR_PARTITION_H

#include "base/env.h"
#include "broker/coordinator/coordinator_log.h"
#include "broker/partition/applier.h"

struct coordinator_partition;

struct coordinator_partition_spec {
    struct env *env;
    int32_t index; /* of the partition */
    uint32_t write_timeout_ms;
    const struct coordinator_state *type;
    /* An empty state, which writes to `log`. Called again when a snapshot was of no use. */
    void *(*state_new)(void *arg, struct coordinator_log *log, int32_t index);
    void *state_arg;
    /* It leads now, or it will not be soon, or it goes (`partition` is as before within the call,
     * and must be forgotten). */
    void (*leading)(void *arg, struct coordinator_partition *partition);
    void (*not_leading)(void *arg, struct coordinator_partition *partition);
    void (*gone)(void *arg, struct coordinator_partition *partition);
    void *arg;
};

/* Ends with its partition, which gets its applier. */
struct coordinator_partition *coordinator_partition_new(
    const struct coordinator_partition_spec *spec);
struct applier coordinator_partition_applier(struct coordinator_partition *partition);

int32_t coordinator_partition_index(const struct coordinator_partition *partition);
void *coordinator_partition_state(const struct coordinator_partition *partition);
/* It leads, and the state has heard of it. */
bool coordinator_partition_is_leading(const struct coordinator_partition *partition);
/* It was elected and will lead as soon as all is applied. */
bool coordinator_partition_is_electing(const struct coordinator_partition *partition);

#endif
