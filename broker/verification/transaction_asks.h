/*
 * Questions about transactions on their way: from the leaders of partitions on this broker to the
 * coordinators, on other brokers or on this one, and the answers back.
 *
 * A request, big-endian: i8 format, i32 count (1 to TRANSACTION_QUESTIONS_A_CALL), for each: string
 * transactional.id, i64 producer id, i16 epoch, bool adds, string topic, i32 partition. Its answer:
 * i8 format, i32 count (the same), for each i16 code.
 *
 * Happy path: who is asked is the broker that leads the id's partition of the topic; all questions
 * of a turn go to it in one message, and come to the judge there, whose answers go back together.
 * Failures: nobody leads it, the link breaks, no answer in TRANSACTION_CALL_MS, or one that makes
 * no sense: COORDINATOR_NOT_AVAILABLE. A request that makes no sense, or for which there is no room
 * here (TRANSACTION_SERVED_BYTES), is not answered. Invariants: TRANSACTION_CALLS_MOST calls are
 * under way to a broker, the others wait.
 */
#ifndef BROKER_VERIFICATION_TRANSACTION_ASKS_H
#define BROKER_VERIFICATION_TRANSACTION_ASKS_H

#include "broker/cluster/broker_messages.h"
#include "broker/cluster/leader_table.h"
#include "broker/guards/transaction_question.h"
#include "broker/metadata/metadata.h"

enum {
    TRANSACTION_QUESTIONS_A_CALL = 256,
    TRANSACTION_CALLS_MOST = 16,
    TRANSACTION_CALL_MS = 3000,
    TRANSACTION_SERVED_BYTES = 16 << 20,
};

struct transaction_asks_options {
    struct env *env;
    struct log *log;
    int32_t node; /* this broker */
    const struct metadata *metadata;
    const struct leader_table *leaders;
    struct broker_messages *messages;
    const char *topic;              /* of the coordinators; stays */
    struct transaction_asker judge; /* the coordinators of this broker */
};

struct transaction_asks;
struct transaction_asks *transaction_asks_new(const struct transaction_asks_options *options);
/* When nobody asks any more. NULL does nothing. */
void transaction_asks_free(struct transaction_asks *asks);
/* For those who ask; as long as they last. */
const struct transaction_asker *transaction_asks_asker(const struct transaction_asks *asks);

#endif
