/*
 * What is known of a transactional id: the state that its newest record has, on every replica.
 *
 *            InitProducerId          add                      end            markers are written
 *   (none) -----------------> Empty -----> Ongoing --+--> PrepareCommit ---> CompleteCommit
 *                               ^             ^      `--> PrepareAbort ----> CompleteAbort
 *                               |             |                ^                |  |
 *                               |             `----------------|----------------'  |
 *                               `---- InitProducerId ----------|-------------------'
 *                                  an abort of nothing (TV 2): '
 *
 * A decision is PrepareX committed; CompleteX follows when every partition has its marker.
 *
 * Happy path: transaction_state_read of a record's value, transaction_state_write of the state that
 * is decided. Failures: a value that is none, or of a version that is not known: the error of
 * kp_record_value_decode; a state that does not exist: ERR_MALFORMED. Invariant: what was written
 * reads as the same state.
 *
 * Specification: KIP-98, KIP-360, KIP-890; Kafka's TransactionState and TransactionMetadata.
 */
#ifndef BROKER_COORDINATOR_TRANSACTION_TRANSACTION_STATE_H
#define BROKER_COORDINATOR_TRANSACTION_TRANSACTION_STATE_H

#include "broker/coordinator/transaction/transaction_partitions.h"

/* Kafka's numbers, in the log. */
enum transaction_status {
    TRANSACTION_EMPTY,
    TRANSACTION_ONGOING,
    TRANSACTION_PREPARE_COMMIT,
    TRANSACTION_PREPARE_ABORT,
    TRANSACTION_COMPLETE_COMMIT,
    TRANSACTION_COMPLETE_ABORT,
    /* Never here: Kafka has them in memory only. Clients know their names. */
    TRANSACTION_DEAD,
    TRANSACTION_PREPARE_EPOCH_FENCE,
    TRANSACTION_STATUSES,
};

struct transaction_state {
    enum transaction_status status;
    int64_t producer_id;
    int64_t previous_id; /* the producer id before this one; -1: none */
    int64_t next_id;     /* PrepareX: the one that follows, because epochs are used up; -1 */
    int16_t epoch;
    int16_t last_epoch;     /* the epoch before this one, if its owner was to have this one; -1 */
    int16_t client_version; /* transaction.version of who began or ended it: 0 or 2 */
    int32_t timeout_ms;
    int64_t update_ms; /* Unix time */
    int64_t start_ms;  /* Unix time; -1: no transaction was begun */
    struct transaction_partitions partitions;
};

/* With a copy of the partitions. */
struct transaction_state transaction_state_copy(const struct transaction_state *state);
void transaction_state_close(struct transaction_state *state);

/* Kafka's names ("PrepareCommit"). */
const char *transaction_status_name(enum transaction_status status);
bool transaction_is_prepared(enum transaction_status status); /* PrepareCommit, PrepareAbort */
bool transaction_is_over(enum transaction_status status);     /* Empty, CompleteX */
/* Whether a record with `to` may follow one with `from`. */
bool transaction_may_move(enum transaction_status from, enum transaction_status to);

/* Append to `writer` the key, and the value, of the record. */
void transaction_key_write(struct kp_string id, struct kp_writer *writer);
void transaction_state_write(const struct transaction_state *state, struct kp_writer *writer);
/* `id` points into the key. ERR_MALFORMED, ERR_VERSION: it is no key of an id. */
int transaction_key_read(const void *key, size_t len, struct kp_string *id);
/* ERR_MALFORMED, ERR_VERSION, ERR_TOO_LARGE: nothing is to be closed then. */
int transaction_state_read(const void *value, size_t len, struct transaction_state *state);

#endif
