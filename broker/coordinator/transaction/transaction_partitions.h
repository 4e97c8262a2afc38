/*
 * The partitions that take part in a transaction, by topic.
 *
 * Happy path: begin from zeros, or a copy; add what comes, in any order and twice too; settle; then
 * ask. Failures: none. Invariants: after settle, topics are in the order of their names, each once,
 * and so are the partitions of each. What takes n log n, never n times n: clients choose the order.
 */
#ifndef BROKER_COORDINATOR_TRANSACTION_TRANSACTION_PARTITIONS_H
#define BROKER_COORDINATOR_TRANSACTION_TRANSACTION_PARTITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

struct transaction_topic {
    struct kp_string name; /* its own copy */
    int32_t *partitions;
    size_t count, capacity;
};

struct transaction_partitions {
    struct transaction_topic *topics;
    size_t count, capacity;
};

/* One topic, or part of it. Copies. */
void transaction_partitions_add(struct transaction_partitions *set, struct kp_string topic,
                                const int32_t *partitions, size_t count);
void transaction_partitions_add_all(struct transaction_partitions *set,
                                    const struct transaction_partitions *others);
/* Behind the last add. */
void transaction_partitions_settle(struct transaction_partitions *set);
void transaction_partitions_close(struct transaction_partitions *set); /* it is empty then */
struct transaction_partitions transaction_partitions_copy(const struct transaction_partitions *set);

/* All below: of settled sets. */
bool transaction_partitions_have(const struct transaction_partitions *set, struct kp_string topic,
                                 int32_t partition);
/* Whether all of `some` are in it. */
bool transaction_partitions_have_all(const struct transaction_partitions *set,
                                     const struct transaction_partitions *some);
size_t transaction_partitions_count(const struct transaction_partitions *set);
/* Memory that it takes. */
size_t transaction_partitions_bytes(const struct transaction_partitions *set);

#endif
