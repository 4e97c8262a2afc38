/*
 * What is to be appended to a partition in a producer's transaction waits here until the
 * coordinator has said that the partition takes part in it: else it could be appended behind the
 * end of the transaction, and nobody would ever end it (KIP-890).
 *
 * Happy path: the first of a producer puts the question; what comes of that producer meanwhile,
 * whatever it is, waits behind it. When the answer is there each is told, in order, and is appended
 * within that call: from the first one on the transaction is open here, and nobody asks any more.
 * Failures: the coordinator's codes; all that the question was for get the same one. A marker that
 * comes to the partition while the question is under way may end the very transaction that the
 * answer is about, so then the answer means nothing, and the question is put again (KAFKA-14884).
 * Invariants: those of one producer are told in the order in which they came; an answer counts only
 * in the term in which it was asked for (guards_fail).
 *
 * One table for each partition that is led. Pure, but for the asker.
 */
#ifndef BROKER_GUARDS_TRANSACTION_GUARDS_H
#define BROKER_GUARDS_TRANSACTION_GUARDS_H

#include "broker/guards/transaction_question.h"

struct guards;
struct guard;

/* `asker` and `topic` stay. `seed`: for a hash whose keys clients choose. */
struct guards *guards_new(const struct transaction_asker *asker, const char *topic,
                          int32_t partition, uint64_t seed);
void guards_free(struct guards *guards); /* nothing waits any more */

/* Lies in whoever waits. */
struct guarded {
    /* NONE: it is its turn; what it appends within the call takes part in the transaction. Else
     * nothing is to be appended, with the code of the answer, or of guards_fail. */
    void (*done)(struct guarded *guarded, int16_t error);
    /* The caller's. */
    int64_t producer_id;
    int16_t epoch;
    bool asks; /* else it only waits for what came before it, and the next two are not looked at */
    bool adds;
    struct kp_string id;
    struct guard *guard; /* ours, all below; NULL: it does not wait */
    struct guarded *next, *prev;
};

/* Whether something of that producer waits: what comes next of it has to. */
bool guards_busy(const struct guards *guards, int64_t producer_id);
/* `done` is never called within the call. */
void guards_wait(struct guards *guards, struct guarded *guarded);
void guards_cancel(struct guards *guards, struct guarded *guarded); /* of one that waits */

/* A marker is here, which ends what the producer has open of an epoch up to that one; where each
 * end raises the epoch, below that one. */
void guards_marker(struct guards *guards, int64_t producer_id, int16_t epoch, bool raises_epoch);
/* All of them end with that error: the lead is lost. */
void guards_fail(struct guards *guards, int16_t error);

#endif
