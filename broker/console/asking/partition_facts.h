/*
 * What the leaders of partitions say of them (PartitionTraffic), each asked once for all that it
 * leads.
 *
 * Happy path: an array of partitions with their leaders; partition_facts_ask; in the next step
 * partition_facts_take fills in what came. Failures: what is not told stays -1.
 */
#ifndef BROKER_CONSOLE_ASKING_PARTITION_FACTS_H
#define BROKER_CONSOLE_ASKING_PARTITION_FACTS_H

#include "broker/console/asking/inquiry.h"
#include "protocol/messages/metadata.h"
#include "protocol/messages/partition_traffic.h"

struct partition_fact {
    struct kp_string topic;
    int32_t partition, leader; /* leader -1: none is known */
    int64_t offset;            /* of which record the age is asked; -1: of none */
    /* What was told; NULL: nothing. */
    const struct kp_partition_traffic_response_partition *told;
};

/* Zeroed but for the metadata. Topics and partitions are asked for in their order, and mostly come
 * so. */
struct leader_search {
    const struct kp_metadata_response *metadata;
    int32_t topic;
};
int32_t partition_leader(struct leader_search *search, struct kp_string topic,
                         int32_t partition); /* -1: none is known */

enum { FACTS_SHORT_MS = 60 * 1000, FACTS_LONG_MS = 600 * 1000 };

/* Facts of a topic stand next to each other, in the order of partitions. */
void partition_facts_ask(struct inquiry *inquiry, const struct partition_fact *facts, size_t count);
/* The same, with what a share group does there. */
void partition_facts_ask_shared(struct inquiry *inquiry, const struct partition_fact *facts,
                                size_t count, const char *share_group);
/* Those asked since inquiry->asks was `before`. */
void partition_facts_take(struct inquiry *inquiry, const struct ask *before,
                          struct partition_fact *facts, size_t count);

#endif
