/*
 * A client that deletes the oldest records of a partition now and then, a number of times, whoever
 * leads it and whatever happens beside. What it was told last must hold then without its help.
 *
 * What it asks for and is told goes into the history: only what somebody asked for may go, and what
 * was told to be the start is the least where the log starts for ever. OFFSET_OUT_OF_RANGE for what
 * lies below a watermark that was known before fails the run.
 */
#ifndef SIM_TRIMMER_H
#define SIM_TRIMMER_H

#include "tests/sim/history.h"
#include "tests/sim/kafka_client.h"

struct trimmer;
struct trimmer *trimmer_new(struct kafka_client *client, struct history *history, int32_t partition,
                            uint64_t interval_us);
void trimmer_finish(struct trimmer *trimmer); /* it asks no more */

#endif
