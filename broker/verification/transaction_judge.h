/*
 * The coordinators of this broker, as those ask who lead partitions: whether a partition takes part
 * in a transaction, or that it is to (KIP-890).
 *
 * Happy path: a question becomes a call of the coordinator that has the id, and its answer is the
 * code. Failures: NOT_COORDINATOR, and those of transaction_judge_add. Invariant: `done` comes
 * once, never within the call.
 */
#ifndef BROKER_VERIFICATION_TRANSACTION_JUDGE_H
#define BROKER_VERIFICATION_TRANSACTION_JUDGE_H

#include "base/env.h"
#include "broker/coordinator/coordinators.h"
#include "broker/guards/transaction_question.h"

struct transaction_judge;
struct transaction_judge *transaction_judge_new(struct env *env, struct coordinators *coordinators);
/* When nobody asks any more. NULL does nothing. */
void transaction_judge_free(struct transaction_judge *judge);
struct transaction_asker transaction_judge_asker(struct transaction_judge *judge);

#endif
