/*
 * The records of a coordinator's decision as one batch of its partition.
 *
 * Happy path: coordinator_batch. Failures: more than a batch may have: an empty slice. Invariant:
 * a batch of a transaction has its producer's id and epoch and no sequence, as Kafka writes it.
 */
#ifndef BROKER_COORDINATOR_COORDINATOR_BATCH_H
#define BROKER_COORDINATOR_COORDINATOR_BATCH_H

#include "broker/coordinator/coordinator_log.h"

/* `transaction` NULL: of none. `most`: bytes of keys and values. Empty: it is larger, or has more
 * records than any batch. */
struct slice coordinator_batch(const struct coordinator_record *records, size_t count,
                               const struct coordinator_transaction *transaction, size_t most,
                               int64_t now_ms);

#endif
