/*
 * Offsets that transactions have committed and that wait for the end of those: by producer, and by
 * the partition that they are for. Hard state: the same on every replica.
 *
 * Happy path: pending_offsets_put with each record of a transaction; when that ends, all of its
 * producer are taken out (offset_store_end), into what is committed or into nothing. Failures:
 * none. Invariants: a producer has at most one for a partition of a group, its last; a group's row
 * has `pending` exactly while it has at least one; all of it counts as memory of the group; nothing
 * here is shown to anybody as committed.
 */
#ifndef BROKER_COORDINATOR_OFFSETS_PENDING_OFFSETS_H
#define BROKER_COORDINATOR_OFFSETS_PENDING_OFFSETS_H

#include "broker/coordinator/group/group.h"
#include "broker/coordinator/offsets/offset_table.h"

/* An end is applied at once, so no transaction may have more of them with one coordinator. */
enum { PENDING_OFFSETS_MOST = 10000 };

struct pending_offsets;
struct pending_topic;
struct pending_producer;

/* A partition for which a group has at least one. For reading. */
struct pending_place {
    struct group *group; /* what it is found by, down to `partition` */
    struct pending_topic *topic;
    int64_t partition;
    struct pending_offset *first;      /* of all producers, as they came */
    struct pending_place *next, *prev; /* of the group */
    UT_hash_handle hh;
};

/* For reading. */
struct pending_offset {
    struct committed_offset offset; /* its metadata is a copy of its own; no history */
    struct pending_place *place;
    struct pending_producer *producer;
    struct pending_offset *next, *prev;         /* of the place */
    struct pending_offset *next_of, *prev_of;   /* of the producer */
    struct pending_offset *next_all, *prev_all; /* of all, as they came */
};

/* `seed`: for the hash tables. */
struct pending_offsets *pending_offsets_new(uint64_t seed);
void pending_offsets_free(struct pending_offsets *pending); /* there are none; closes cursors */

/* In the place of what the producer had for that partition. The metadata is copied. */
void pending_offsets_put(struct pending_offsets *pending, int64_t producer_id, struct group *group,
                         struct kp_string topic, const struct committed_offset *offset);
/* So many more of a producer are being written; negative: it is over for so many. A leader's. */
void pending_offsets_expect(struct pending_offsets *pending, int64_t producer_id, int64_t more);
/* It is over for that one; the group's row stays. */
void pending_offset_remove(struct pending_offset *offset);
/* Of whichever producers, for that partition; the group's row stays. */
void pending_offsets_drop(struct group *group, struct kp_string topic, int32_t partition);
/* All of a group; its row stays. */
void pending_offsets_forget(struct group *group);

/* ---- Reading ---- */

size_t pending_offsets_count(const struct pending_offsets *pending); /* of all groups */
/* The first one of a producer; NULL: none. And how many it has, with those that are expected. */
struct pending_offset *pending_offsets_of(const struct pending_offsets *pending,
                                          int64_t producer_id);
size_t pending_offsets_count_of(const struct pending_offsets *pending, int64_t producer_id);
/* NULL: none. */
const struct pending_place *pending_offsets_find(const struct group *group, struct kp_string topic,
                                                 int32_t partition);
/* The one of that producer; NULL: none, or `place` is NULL. */
const struct pending_offset *pending_offset_by(const struct pending_place *place,
                                               int64_t producer_id);
struct kp_string pending_place_topic(const struct pending_place *place);
int64_t pending_offset_producer(const struct pending_offset *offset);

/* A walk over all, as they came, over as many turns as it takes: those that are there all the time
 * are met once. */
struct pending_cursor {
    struct pending_offsets *pending; /* NULL: not open; the state's, all of it */
    struct pending_offset *next;     /* NULL: no more */
    struct pending_cursor *next_cursor, *prev_cursor;
};
void pending_cursor_open(struct pending_cursor *cursor, struct pending_offsets *pending);
/* Valid until the next change; NULL: that was all, or it is not open. */
const struct pending_offset *pending_cursor_next(struct pending_cursor *cursor);
void pending_cursor_close(struct pending_cursor *cursor); /* nothing if it is not open */

#endif
