/*
 * The cluster record: which directories form the cluster, written once in every data directory when
 * the cluster is formed.
 *
 * Sorted pairs of node id and directory UUID, and how many of them, in that order, vote on
 * metadata. A hash of all of it is the cluster id, so brokers that formed from the same facts have
 * the same record. The place in the list, from 1, is a broker's replica id in group 0.
 * A copy of all directories that was adopted (draved backup adopt) is another cluster by a number
 * that its records have besides.
 */
#ifndef BROKER_CLUSTER_CLUSTER_RECORD_H
#define BROKER_CLUSTER_CLUSTER_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "storage/log_types.h"

enum {
    CLUSTER_NODES_MAX = 64,
    CLUSTER_UUID_SIZE = 16,
    CLUSTER_ID_SIZE = 23,
    CLUSTER_RECORD_MAX = 2048
};

struct cluster_node {
    int32_t node;
    uint8_t directory[CLUSTER_UUID_SIZE];
};

struct cluster_record {
    char id[CLUSTER_ID_SIZE]; /* 22 characters of URL-safe base64, as Kafka's */
    uint32_t voters;
    uint32_t node_count;
    struct cluster_node nodes[CLUSTER_NODES_MAX]; /* by node id */
    /* In the record of one that was admitted later: itself, and its replica id in group 0. Of that
     * node id it is what counts. 0: nobody came. */
    struct cluster_node joined;
    replica_id joined_replica;
    /* Of a copy; all zero: it is none. */
    uint8_t adoption[CLUSTER_UUID_SIZE];
};

/* From the facts; sorts the nodes (1 to CLUSTER_NODES_MAX, different ids: checked). */
void cluster_record_make(struct cluster_record *record, const struct cluster_node *nodes,
                         size_t count, uint32_t voters);
/* Puts one that was admitted later into its own copy. `replica` is not 0 (checked). */
void cluster_record_join(struct cluster_record *record, const struct cluster_node *node,
                         replica_id replica);
/* It is of a copy from now on, and its cluster another one: by that number, which is not zero
 * (checked). */
void cluster_record_adopt(struct cluster_record *record, const uint8_t adoption[CLUSTER_UUID_SIZE]);
/* They formed from the same facts, copies or not. */
bool cluster_record_same_beginning(const struct cluster_record *record,
                                   const struct cluster_record *other);
/* Returns the length, at most CLUSTER_RECORD_MAX. */
size_t cluster_record_encode(const struct cluster_record *record, uint8_t into[CLUSTER_RECORD_MAX]);
/* ERR_MALFORMED, ERR_VERSION. */
int cluster_record_decode(const void *data, size_t len, struct cluster_record *record);

/* Whether the record has that broker with that directory. */
bool cluster_record_names(const struct cluster_record *record, int32_t node,
                          const uint8_t directory[CLUSTER_UUID_SIZE]);
/* Replica id in group 0; 0: not a broker of the record. And back; -1: no such replica. */
uint64_t cluster_record_replica(const struct cluster_record *record, int32_t node);
int32_t cluster_record_node_of(const struct cluster_record *record, replica_id replica);

#endif
