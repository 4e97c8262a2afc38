/* Sums of topics, of which those with most bytes keep their names: bounded, whatever comes. */
#ifndef BROKER_OBSERVE_TOPIC_SUMS_H
#define BROKER_OBSERVE_TOPIC_SUMS_H

#include "broker/observe/snapshot.h"
#include "broker/partition/partition.h"

struct topic_sum {
    snapshot_text_id name;
    uint64_t led, records, stored_bytes;
    struct partition_flow flow, fresh; /* ever; since the last time it was told */
};

struct topic_sums {
    struct topic_sum *named; /* a heap, the smallest first */
    size_t count, most;
    struct topic_sum other;
    uint64_t folded; /* topics in `other` */
};

void topic_sums_open(struct topic_sums *sums, size_t most);
void topic_sums_close(struct topic_sums *sums);
void topic_sums_add(struct topic_sums *sums, struct snapshot *snapshot, const char *name,
                    const struct topic_sum *sum);
/* All of them, and how many were folded. `ever`: what has come and gone while topics were folded,
 * which counts on: a topic that gets a name takes nothing away from the others' counters. */
void topic_sums_show(const struct topic_sums *sums, struct snapshot *snapshot,
                     struct partition_flow *ever);

#endif
