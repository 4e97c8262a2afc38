/*
 * Which partition of a coordinator's topic a key lives in, as Kafka computes it:
 * abs(hash) % partitions, with Java's String.hashCode over UTF-16 code units.
 *
 * Pure. Bytes that are no UTF-8 count as U+FFFD, one for each sequence that is broken off, as
 * Unicode recommends.
 */
#ifndef BROKER_COORDINATOR_COORDINATOR_KEY_H
#define BROKER_COORDINATOR_COORDINATOR_KEY_H

#include <stddef.h>
#include <stdint.h>

int32_t coordinator_key_hash(const char *key, size_t len);
/* `partitions` is above 0. */
int32_t coordinator_key_partition(const char *key, size_t len, int32_t partitions);

#endif
