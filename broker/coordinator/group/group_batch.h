/*
 * The records of one decision about a group, in the order in which they apply.
 *
 * Happy path: open, add (copies), group_turn_write, close. Failures: none here; what is too large
 * is refused by the log (RECORD_LIST_TOO_LARGE).
 */
#ifndef BROKER_COORDINATOR_GROUP_GROUP_BATCH_H
#define BROKER_COORDINATOR_GROUP_GROUP_BATCH_H

#include <stddef.h>

#include "broker/coordinator/coordinator_log.h"

struct group_batch {
    struct coordinator_record *records;
    size_t count, capacity;
    size_t bytes; /* of keys and values */
};

void group_batch_open(struct group_batch *batch);
void group_batch_close(struct group_batch *batch);
/* `value` NULL: a tombstone. */
void group_batch_add(struct group_batch *batch, const void *key, size_t key_len, const void *value,
                     size_t value_len);

#endif
