/*
 * The marker that ends a producer's transaction in one partition: a control batch of one record,
 * which takes an offset and which consumers pass over. KIP-98, Kafka's EndTxnMarker.
 *
 * The batch is transactional (but where it ends nobody's transaction: producer id -1), not
 * compressed, without sequence, and has the producer's id and epoch. Its record: key i16 version 0,
 * i16 type (0 abort, 1 commit); value i16 version 0, i32 epoch of the coordinator that decided; no
 * headers. Failures: bytes that are none of this. Pure.
 */
#ifndef PROTOCOL_RECORD_TRANSACTION_MARKER_H
#define PROTOCOL_RECORD_TRANSACTION_MARKER_H

#include "base/buffer.h"
#include "protocol/record/record_batch.h"

struct transaction_marker {
    int64_t producer_id;
    int16_t producer_epoch;
    int32_t coordinator_epoch;
    bool commit; /* else abort */
};

/* The batch, with offset 0. */
struct slice transaction_marker_batch(const struct transaction_marker *marker,
                                      int64_t timestamp_ms);
/* Of a control batch. ERR_NOT_FOUND: a marker of another kind, which is passed over; ERR_MALFORMED,
 * ERR_CORRUPT. */
int transaction_marker_read(const struct record_batch *batch, struct transaction_marker *marker);

#endif
