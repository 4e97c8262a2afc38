/*
 * Committed offsets as the records that make them, and those that take them back.
 *
 * Happy path: offset_record_put and offset_record_remove into a batch. Failures: none. Invariant:
 * what is put and applied again is the same offset.
 */
#ifndef BROKER_COORDINATOR_OFFSETS_OFFSET_RECORDS_H
#define BROKER_COORDINATOR_OFFSETS_OFFSET_RECORDS_H

#include "broker/coordinator/group/group_batch.h"
#include "broker/coordinator/offsets/offset_store.h"

/* As version 1 if it has an expiry (which then has neither leader epoch nor topic id), else as 4.
 */
void offset_record_put(struct group_batch *batch, struct kp_string group, struct kp_string topic,
                       const struct committed_offset *offset);
void offset_record_remove(struct group_batch *batch, struct kp_string group, struct kp_string topic,
                          int32_t partition);
/* Whether the part (group_batch_has_room) has room for such a tombstone. */
bool offset_record_remove_fits(const struct group_batch *batch, struct kp_string group,
                               struct kp_string topic);
/* Tombstones of the offsets of the group, pending ones too: for when it is deleted. False: the part
 * is full, and there are more. */
bool offset_records_remove_all(struct group_batch *batch, const struct group *group);

/* A walk over all offsets of a store, first over those of open transactions, over as many turns as
 * it takes: those that are there all the time are met, some of them twice, whatever comes and goes
 * meanwhile. What a transaction turns from the one into the other is met as the one or the other.
 */
struct offset_record_walk {
    struct offset_store *store;    /* the walk's, all of it */
    struct pending_cursor pending; /* open: first it */
    struct offset_cursor tables;
    const struct topic_offsets *table;
    uint32_t left; /* of the table, from its beginning on */
};
void offset_record_walk_open(struct offset_record_walk *walk, struct offset_store *store);
/* Calls `sink` with the next one, as the record that makes it. False: that was all. */
bool offset_record_walk_next(struct offset_record_walk *walk,
                             void (*sink)(void *arg, const struct coordinator_record *record),
                             void *arg);
void offset_record_walk_close(struct offset_record_walk *walk); /* nothing if it is not open */

#endif
