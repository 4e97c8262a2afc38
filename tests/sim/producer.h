/*
 * A simulated producer of one partition: idempotent with up to five batches in flight, or plain
 * with one.
 *
 * Happy path: a batch is made, sent to the leader, acknowledged, told to the history. Failures:
 * after an unknown result or a retriable error everything that is outstanding is sent again, in
 * order, once nothing is in flight: the same bytes, the same sequence numbers. Now and then, above
 * all when the leader has just changed, it asks the leader before (metadata that is old). An answer
 * that no correct cluster gives to that (out of order for the oldest batch, duplicate without an
 * offset, an error together with an offset) fails the run.
 */
#ifndef SIM_PRODUCER_H
#define SIM_PRODUCER_H

#include "tests/sim/history.h"
#include "tests/sim/kafka_client.h"

struct producer;

struct producer_options {
    unsigned number; /* in the history, which it declares itself to */
    int32_t partition;
    bool idempotent;
    unsigned window;      /* batches in flight, 1 to 5; plain: 1 */
    uint64_t interval_us; /* between new batches, typically */
    /* Inside the answer: the record is acknowledged. */
    void (*acknowledged)(void *arg, int32_t partition, int64_t offset, unsigned producer,
                         uint64_t number);
    void *arg;
};

struct producer *producer_new(struct kafka_client *client, struct history *history,
                              const struct producer_options *options);
/* No new batches; what is outstanding is sent until it is acknowledged. */
void producer_finish(struct producer *producer);
/* Something that it was told is lost, as was said: what is outstanding is given up, and it goes on
 * with a new identity. */
void producer_begin_anew(struct producer *producer);
unsigned producer_number(const struct producer *producer);
bool producer_is_idempotent(const struct producer *producer);
/* Its partition has acknowledged something, and so knows it. */
bool producer_is_known(const struct producer *producer);
bool producer_is_idle(const struct producer *producer); /* nothing is outstanding */

#endif
