/*
 * Producer ids for idempotent producers: this broker takes blocks of them from the metadata group
 * and gives them out.
 *
 * Happy path: most requests are answered from the block at hand. Failures: without a metadata
 * leader a wait ends with Kafka's error. Which ids anybody was ever given the table of the metadata
 * tells: those below its next one.
 * Invariant: no id is given twice by anybody; what is left of a block when a broker ends is never
 * used.
 */
#ifndef BROKER_METADATA_ASKING_PRODUCER_IDS_H
#define BROKER_METADATA_ASKING_PRODUCER_IDS_H

#include <stdbool.h>
#include <stdint.h>

enum { PRODUCER_IDS_BLOCK = 1000 };

struct producer_ids;
struct metadata;
struct metadata_group;

struct producer_ids *producer_ids_new(const struct metadata *metadata);
/* Once; nothing is taken or asked before. */
void producer_ids_open(struct producer_ids *ids, struct metadata_group *group);
/* Waits end with KAFKA_BROKER_NOT_AVAILABLE within the call. */
void producer_ids_free(struct producer_ids *ids);

struct producer_id_wait {
    /* `error` of protocol/kafka_error.h; 0: `id` is the caller's. */
    void (*done)(struct producer_id_wait *wait, int16_t error, int64_t id);
    struct producer_id_wait *next, *prev; /* ours */
};
/* May call `done` within this call. */
void producer_ids_take(struct producer_ids *ids, struct producer_id_wait *wait);
/* Of one that waits: `done` is not called. */
void producer_ids_take_cancel(struct producer_ids *ids, struct producer_id_wait *wait);

/* Whether somebody was given that id, or may be at any time now. True is certain; false may be
 * because we lag behind. */
bool producer_ids_given(const struct producer_ids *ids, int64_t id);

struct producer_ids_ask {
    /* `known`: this broker's table is as new now as the metadata leader's was after the question;
     * else nobody could be asked in time. */
    void (*done)(struct producer_ids_ask *ask, bool known);
    struct producer_ids_ask *next, *prev; /* ours */
};
/* Never calls `done` within this call. One question serves all that come before it is put. */
void producer_ids_ask(struct producer_ids *ids, struct producer_ids_ask *ask);
void producer_ids_ask_cancel(struct producer_ids *ids, struct producer_ids_ask *ask);

#endif
