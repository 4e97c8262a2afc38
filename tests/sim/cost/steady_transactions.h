/*
 * Transactions of one producer, one behind the other, for the scenario "steady": its partitions are
 * named (AddPartitionsToTxn), each gets a batch, a request for each broker, and the transaction is
 * committed; as clients do that know no transaction.version 2.
 *
 * Happy path: open, then begin whenever the one before is over. Failures: an answer with an error
 * fails the run. Invariant: `over` comes once for each, never within the call.
 */
#ifndef SIM_COST_STEADY_TRANSACTIONS_H
#define SIM_COST_STEADY_TRANSACTIONS_H

#include "protocol/record/record_batch_builder.h"
#include "tests/sim/kafka_client.h"

enum { STEADY_PARTS = 16, STEADY_BROKERS = 3 };

struct steady_transactions {
    /* The caller's. */
    struct kafka_client *client;
    const char *topic;
    int32_t leaders[STEADY_PARTS]; /* nodes, of the first partitions */
    int32_t batch_records;
    /* A batch of that producer; as record_batch_builder_finish. */
    void (*make_batch)(void *arg, const struct record_batch_options *options, uint8_t **bytes,
                       size_t *len);
    void (*over)(void *arg); /* it is open, or a transaction has ended */
    void *arg;
    /* Ours, all below. */
    struct kafka_call call;
    struct kafka_call produces[STEADY_BROKERS];
    unsigned producing;
    int32_t coordinator;
    int64_t producer_id;
    int16_t epoch;
    int32_t sequence;
};

void steady_transactions_open(struct steady_transactions *transactions);
void steady_transactions_begin(struct steady_transactions *transactions);

#endif
