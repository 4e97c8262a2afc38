/*
 * Transactions that are open in partitions, as the partitions' leaders know them.
 *
 * Happy path: DescribeProducers to each leader, some partitions at a time. Failures: a partition
 * without an answer (its leader has moved, died, or has just been elected) is asked again until the
 * time of the admin client is over; then it is said, with what is in its way.
 */
#ifndef CLIENT_TRANSACTIONS_OPEN_TRANSACTIONS_H
#define CLIENT_TRANSACTIONS_OPEN_TRANSACTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/kafka/admin_client.h"

struct open_transaction {
    const char *topic;
    int32_t partition, leader; /* leader: the node id of who told it */
    int64_t producer_id;
    int32_t producer_epoch;
    int32_t coordinator_epoch; /* of the producer's last marker there; -1: none */
    int64_t first_offset;      /* of the transaction: what is committed is read up to it */
    int64_t written_ms;        /* the producer's last timestamp there; -1: not known */
};

struct partition_of_topic {
    const char *topic;
    int32_t partition;
    int16_t error; /* Kafka's code of the last answer */
    bool answered;
};

/* What is open in these partitions, those of a topic next to each other; the rows live in the
 * arena. An exit code; EXIT_REFUSED (said) if one has not answered: the rows of the others are
 * there all the same. */
int open_transactions_find(struct admin_client *admin, struct kp_arena *arena,
                           struct partition_of_topic *partitions, size_t partition_count,
                           struct open_transaction **rows, size_t *count);

#endif
