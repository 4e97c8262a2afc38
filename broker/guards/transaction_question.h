/*
 * The question whether a partition takes part in a producer's transaction, from the leader of the
 * partition to the coordinator of the transaction (KIP-890).
 *
 * Happy path: who has an asker asks; `done` comes with the coordinator's answer. Failures: codes;
 * without a coordinator, or a way to it, COORDINATOR_NOT_AVAILABLE. Invariants: `done` comes once,
 * never within the call that asked; an answer says what was true at some moment behind the
 * question.
 */
#ifndef BROKER_GUARDS_TRANSACTION_QUESTION_H
#define BROKER_GUARDS_TRANSACTION_QUESTION_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/wire.h"

/* Lies in whoever asks. */
struct transaction_question {
    /* The caller's; what they point to stays until it is over. */
    struct kp_string id; /* transactional.id */
    int64_t producer_id;
    int16_t epoch;
    bool adds; /* the partition is added if it is not in it (transaction.version 2) */
    struct kp_string topic;
    int32_t partition;
    /* Kafka's codes: NONE: it takes part. TRANSACTION_ABORTABLE: it does not.
     * INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED: the transaction is not this producer's.
     * CONCURRENT_TRANSACTIONS: the one before has not ended. Any other: nobody knows. */
    void (*done)(struct transaction_question *question, int16_t error);
    /* The asker's. */
    void *asked;
    struct transaction_question *next, *prev;
};

struct transaction_asker {
    void (*ask)(void *arg, struct transaction_question *question);
    /* `done` does not come. Only of one that is not over. */
    void (*cancel)(void *arg, struct transaction_question *question);
    void *arg;
};

#endif
