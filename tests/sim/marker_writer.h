/*
 * A client that writes markers (WriteTxnMarkers) into partitions now and then, a number of times,
 * as an administrator does for a producer of whom nothing is heard any more; whoever leads them and
 * whatever happens beside. They end nothing, but take offsets and raise the producer's epoch.
 *
 * Each has a higher epoch, or a later coordinator, than all before it; one of which nobody knows
 * whether it was written is sent again, or given up. What was acknowledged goes into the history:
 * it is there, each at most once in a partition, and in order. A refusal for good fails the run.
 */
#ifndef SIM_MARKER_WRITER_H
#define SIM_MARKER_WRITER_H

#include "tests/sim/produce_call.h"

struct marker_writer;
struct marker_writer *marker_writer_new(struct kafka_client *client, struct history *history,
                                        int32_t partitions, uint64_t interval_us);
void marker_writer_finish(struct marker_writer *writer); /* it writes no more */

#endif
