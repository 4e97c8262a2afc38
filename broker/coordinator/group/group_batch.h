/*
 * The records of one decision about a group, in the order in which they apply.
 *
 * Happy path: open, add (copies), group_turn_write, close. What may be much, and need not go at
 * once, goes in several: group_batch_has_room before each record. Failures: none here; what is too
 * large is refused by the log (RECORD_LIST_TOO_LARGE).
 */
#ifndef BROKER_COORDINATOR_GROUP_GROUP_BATCH_H
#define BROKER_COORDINATOR_GROUP_GROUP_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/coordinator/coordinator_log.h"
#include "protocol/wire.h"

/* A part of what goes in several batches: of so many records, and of so many bytes, for the id of a
 * group, which is in every key, may have 32 KB. It takes far less than a turn of the loop may. */
enum { GROUP_BATCH_RECORDS = 1000, GROUP_BATCH_BYTES = 128 << 10 };

struct group_batch {
    struct coordinator_record *records;
    size_t count, capacity;
    size_t bytes;                     /* of keys and values */
    struct group_batch_block *blocks; /* in which they lie */
    struct kp_writer writer;          /* of the record that is added */
};

void group_batch_open(struct group_batch *batch);
void group_batch_close(struct group_batch *batch);
/* Whether a record with so many bytes fits into the part. An empty one has room for any. */
bool group_batch_has_room(const struct group_batch *batch, size_t bytes);
/* `value` NULL: a tombstone. */
void group_batch_add(struct group_batch *batch, const void *key, size_t key_len, const void *value,
                     size_t value_len);
/* For a key, and behind it a value, without slices; then group_batch_end. */
struct kp_writer *group_batch_begin(struct group_batch *batch);
void group_batch_end(struct group_batch *batch, size_t key_len, bool tombstone);

#endif
