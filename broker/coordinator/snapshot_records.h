/*
 * A coordinator's state in a snapshot of its partition: its records, one behind the other.
 *
 * Little-endian; for each record u32 key length, u32 value length (4294967295: a tombstone), key,
 * value. With the highest bit of the key length: behind the lengths i64 offset, i64 producer id of
 * where it stood. The end of a transaction is such one with no key, and the value length 4294967294
 * (commit) or 4294967293 (abort).
 *
 * The state is given in steps, and what is applied between two of them is put behind what was given
 * so far. So the bytes are, at any time, what the state is then, of all keys that were given or
 * have changed; at the end of the steps, of all. A key may come several times: the last one counts.
 * Failures: ERR_MALFORMED, when the bytes are no such list; then some of it has been applied.
 */
#ifndef BROKER_COORDINATOR_SNAPSHOT_RECORDS_H
#define BROKER_COORDINATOR_SNAPSHOT_RECORDS_H

#include "broker/coordinator/coordinator_log.h"
#include "broker/snapshot/snapshot_bytes.h"

enum {
    SNAPSHOT_RECORDS_VERSION = 3, /* 1: without tombstones; 2: without places and ends */
    SNAPSHOT_RECORDS_STEP = 256,  /* records that are put or applied at once: about 0.3 ms */
};

/* One record, also a tombstone, behind the others. */
void snapshot_records_put(struct snapshot_bytes *bytes, const struct coordinator_record *record);
/* That a producer's transaction has ended, likewise. */
void snapshot_records_put_end(struct snapshot_bytes *bytes, int64_t producer_id, bool commit);
/* Applies a step of them to an empty state, or what is left. `*took`: how many bytes they had. */
int snapshot_records_restore(const struct coordinator_state *type, void *state,
                             const uint8_t *bytes, size_t len, size_t *took);

#endif
