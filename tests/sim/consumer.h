/*
 * A simulated consumer of one partition: reads from offset 0 on, for ever, and asks for the ends
 * from time to time. Half of them fetch in sessions (KIP-227).
 *
 * Everything it reads goes to the history. Offsets must follow one another without a gap, checksums
 * must hold, the high watermark must not go back, and what ListOffsets says must cover what was
 * known before it was asked. OFFSET_OUT_OF_RANGE fails the run unless somebody asked to delete what
 * it stands at: then it goes on where the log starts, and what was deleted is not missed.
 */
#ifndef SIM_CONSUMER_H
#define SIM_CONSUMER_H

#include "tests/sim/history.h"
#include "tests/sim/kafka_client.h"

struct kp_fetch_response_partition;

struct consumer_options {
    bool committed; /* it reads what is below the last stable offset */
    /* With `committed`, before the records of an answer; NULL behind them. */
    void (*told)(void *arg, int32_t partition, const struct kp_fetch_response_partition *answer);
    int32_t partition;
    /* A record was read. */
    void (*read)(void *arg, int32_t partition, int64_t offset, unsigned producer, uint64_t number);
    void *arg;
};

struct consumer;
struct consumer *consumer_new(struct kafka_client *client, struct history *history,
                              const struct consumer_options *options);
/* Reads everything again, from offset 0 on. */
void consumer_rewind(struct consumer *consumer);
int64_t consumer_position(const struct consumer *consumer);

#endif
