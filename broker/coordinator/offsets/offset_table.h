/*
 * The committed offsets of one topic in one consumer group, found by partition.
 *
 * Happy path: offset_table_put, offset_table_find, offset_table_remove; items[0 .. count-1] are all
 * of them, in no order. Failures: none; what is not there is NULL. Invariant: about 90 bytes an
 * offset, and nothing but the items themselves while there are few.
 */
#ifndef BROKER_COORDINATOR_OFFSETS_OFFSET_TABLE_H
#define BROKER_COORDINATOR_OFFSETS_OFFSET_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/wire.h"

/* What a group has committed for a partition. */
struct committed_offset {
    int64_t offset; /* the next to be consumed */
    int64_t commit_time_ms;
    int64_t expire_time_ms;  /* -1: as offsets.retention.minutes says */
    struct kp_uuid topic_id; /* of the topic that it was committed for; zero: not known */
    int32_t partition;
    int32_t leader_epoch; /* -1: none */
    const char *metadata; /* the client's, not terminated; the table's own copy */
    int32_t metadata_len;
    uint32_t history; /* commit_history.h; 0: none */
    int64_t stood;    /* where its record was in the log; -1: not known */
};
_Static_assert(sizeof(struct committed_offset) <= 72, "there are many of them");

struct offset_table {
    struct committed_offset *items;
    uint32_t *slots; /* 1 + place in items, by partition; NULL while there are few */
    uint32_t count, capacity;
    uint32_t mask; /* of the slots */
    size_t metadata_bytes;
};

void offset_table_init(struct offset_table *table);
void offset_table_close(struct offset_table *table);

/* Valid until the next change. */
const struct committed_offset *offset_table_find(const struct offset_table *table,
                                                 int32_t partition);
/* Adds it, or puts it in the place of what was there; the metadata is copied. True: it is new. */
bool offset_table_put(struct offset_table *table, const struct committed_offset *offset);
size_t offset_table_bytes(const struct offset_table *table); /* of memory */
/* True: it was there. */
bool offset_table_remove(struct offset_table *table, int32_t partition);

#endif
