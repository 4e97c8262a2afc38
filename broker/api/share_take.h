/*
 * What a ShareFetch takes of the batches that it has read of a share-partition.
 *
 * Happy path: of each batch what is available is acquired, up to the records that are wanted; the
 * batches of which something was are what is sent. What is no record for anybody is archived on the
 * way, so that nobody reads it again: offsets that no batch has, markers, of a committed reader
 * batches of transactions that were aborted, and where the topic has message.ttl.ms records whose
 * time is over. In the order of keys (share.order) a record is given if all earlier ones of its key
 * are over, or that holder's. Where records are looked at, for either, it ends when 2 MiB were, as
 * which 10,000 records or runs of them count. Failures: none; batches that cannot be read end it.
 * Invariant: nothing is sent of which nothing was acquired.
 */
#ifndef BROKER_API_SHARE_TAKE_H
#define BROKER_API_SHARE_TAKE_H

#include "broker/partition/partition.h"
#include "broker/share/share_queue.h"

struct share_take {
    struct share_queue *queue;
    const struct share_limits *limits;
    kafka_offset from; /* where it was read from: available, all before it was looked at */
    uint64_t most, holder, now_ms;
    int64_t ttl_ms, wall_ms; /* message.ttl.ms, -1: records live for ever */
    bool exact;              /* not the rest of a batch that has one record of these */
    struct offset_ranges *given, *archived; /* of struct share_range; appended */
};

/* How many records were acquired. The slices of the read are those of what is sent then. */
uint64_t share_take(const struct share_take *take, struct partition_read *read);

#endif
