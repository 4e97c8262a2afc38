/*
 * What the numbers of a log mean. They count different things, so that a sum of two of them is a
 * mistake that the names show.
 */
#ifndef STORAGE_LOG_TYPES_H
#define STORAGE_LOG_TYPES_H

#include <stdint.h>

typedef uint64_t log_index;   /* of an entry of a Raft log, from 1 on; 0: before the first */
typedef uint32_t log_term;    /* Raft's; Kafka calls it the leader epoch */
typedef uint64_t replica_id;  /* of a voter of one Raft group; 0: none */
typedef int64_t kafka_offset; /* of a record of a partition, from 0 on; -1: none */

#endif
