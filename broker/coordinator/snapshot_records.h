/*
 * A coordinator's state in a snapshot of its partition: its records, one behind the other.
 *
 * Little-endian; for each record u32 key length, u32 value length, key, value. There are no
 * tombstones: a snapshot is what is left.
 * Failures: ERR_MALFORMED, when the bytes are no such list; then some of it has been applied.
 */
#ifndef BROKER_COORDINATOR_SNAPSHOT_RECORDS_H
#define BROKER_COORDINATOR_SNAPSHOT_RECORDS_H

#include "broker/coordinator/coordinator_log.h"

enum { SNAPSHOT_RECORDS_VERSION = 1 };

struct slice snapshot_records_encode(const struct coordinator_state *type, const void *state);
/* Applies them to an empty state; their place is not known: offset and timestamp are -1. */
int snapshot_records_decode(const struct coordinator_state *type, void *state, const uint8_t *bytes,
                            size_t len);

#endif
