/*
 * What a coordinator decides: from the state of an id and what is asked of it to an answer, or to
 * the state that is to be written first. Pure: no clock, no log, nobody waits here.
 *
 * Happy path: a judge gives a verdict; whoever has it writes, waits, or fetches what is missing,
 * and judges again when it says so. Failures are answers.
 * Invariants: every state that is given may follow the one that was judged (transaction_may_move);
 * of a transaction that is being ended nothing is said before it is over; the epoch 32767 is never
 * handed out, so that one is always left for fencing.
 *
 * Specification: KIP-98, KIP-360, KIP-890, and Kafka's TransactionCoordinator where they are
 * silent. What is different: what Kafka refuses with CONCURRENT_TRANSACTIONS waits here; and who
 * asks for another epoch with an old one is refused before the transaction of the newer one is
 * aborted, not after.
 */
#ifndef BROKER_COORDINATOR_TRANSACTION_TRANSACTION_RULES_H
#define BROKER_COORDINATOR_TRANSACTION_TRANSACTION_RULES_H

#include "broker/coordinator/transaction/transaction_state.h"

/* Epochs from here on are used up (Kafka: Short.MAX_VALUE - 1). */
enum { TRANSACTION_EPOCH_LAST = INT16_MAX - 1 };
/* transaction.version from which on each end raises the epoch. */
enum { TRANSACTION_RAISES_EPOCH = 2 };

enum transaction_verdict_kind {
    TRANSACTION_ANSWER, /* with `error` */
    TRANSACTION_WRITE,  /* `next`, then answer without error */
    TRANSACTION_FENCE,  /* `next`, an abort; when that is over, judge again */
    TRANSACTION_WAIT,   /* until what is being ended is over, then judge again */
    TRANSACTION_TAKE_ID /* a new producer id, then judge again with it */
};

struct transaction_verdict {
    enum transaction_verdict_kind kind;
    int16_t error;
    /* The answer is final and no record stands for it: a majority is to confirm first that this
     * replica leads. A deposed one knows old epochs only, so what is said of still older ones is
     * true anyway. */
    bool confirm;
    /* Of an answer without error, also of one after `next`: who the producer is from then on. */
    int64_t producer_id;
    int16_t epoch;
    struct transaction_state next; /* the caller's, of the kinds that have it */
};

/* What else matters. */
struct transaction_moment {
    int64_t now_ms;  /* Unix time */
    int64_t new_id;  /* a producer id that nobody has; -1: not taken yet */
    int16_t version; /* transaction.version of the cluster */
};

/* In each: `state` NULL: the id is not known. */

struct transaction_init_ask {
    int64_t producer_id; /* -1, -1: not given */
    int16_t epoch;
    int32_t timeout_ms;
};
/* InitProducerId: PRODUCER_FENCED. */
struct transaction_verdict transaction_judge_init(const struct transaction_state *state,
                                                  const struct transaction_init_ask *ask,
                                                  const struct transaction_moment *moment);

struct transaction_add_ask {
    int64_t producer_id;
    int16_t epoch;
    int16_t client_version;
    const struct transaction_partitions *partitions; /* settled */
    bool verifies;                                   /* whether they are in it; nothing is added */
};
/* INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED; who verifies: TRANSACTION_ABORTABLE, if one of them
 * is not in it. */
struct transaction_verdict transaction_judge_add(const struct transaction_state *state,
                                                 const struct transaction_add_ask *ask,
                                                 const struct transaction_moment *moment);

struct transaction_end_ask {
    int64_t producer_id;
    int16_t epoch;
    bool commit;
    bool raises_epoch; /* EndTxn 5 and above */
};
/* INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, INVALID_TXN_STATE. */
struct transaction_verdict transaction_judge_end(const struct transaction_state *state,
                                                 const struct transaction_end_ask *ask,
                                                 const struct transaction_moment *moment);

/* Of an Ongoing one: aborts it, and shuts its owner out. TRANSACTION_FENCE or TRANSACTION_TAKE_ID.
 */
struct transaction_verdict transaction_judge_fence(const struct transaction_state *state,
                                                   const struct transaction_moment *moment);
/* Of a prepared one, all of whose markers are written. */
struct transaction_state transaction_completed(const struct transaction_state *state,
                                               int64_t now_ms);

#endif
