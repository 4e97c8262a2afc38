/*
 * Producer ids for idempotent producers: this broker takes blocks of them from the metadata group and gives them out.
 *
 * Happy path: most requests are answered from the block at hand. Failures: without a metadata leader a wait ends with Kafka's error.
 * Invariant: no id is given twice by anybody; what is left of a block when a broker ends is never used.
 */
#ifndef BROKER_PRODUCER_IDS_H
#define BROKER_PRODUCER_IDS_H

#include "broker/metadata_group.h"

enum { PRODUCER_IDS_BLOCK = 1000 };

struct producer_ids;

struct producer_ids *producer_ids_new(struct metadata_group *group);
void producer_ids_free(struct producer_ids *ids); /* waits end with KAFKA_BROKER_NOT_AVAILABLE within the call */

struct producer_id_wait {
    /* `error` of protocol/kafka_error.h; 0: `id` is the caller's. */
    void (*done)(struct producer_id_wait *wait, int16_t error, int64_t id);
    struct producer_id_wait *next, *prev; /* ours */
};
/* May call `done` within this call. */
void producer_ids_take(struct producer_ids *ids, struct producer_id_wait *wait);

#endif
