/*
 * What a client's batch asks for by the headers of its records (protocol/record/record_delivery.h),
 * before a leader appends it to a topic with `delay.enable`. The check of the batch has unfolded
 * it, off the loop, where it may have such headers (protocol/record/record_check.h).
 *
 * Happy path: delay_plan_make; where something is held back held_batch_make makes what is stored.
 * Failures: the codes of delay_plan_make, with a sentence and the place of the record. Pure.
 */
#ifndef BROKER_DELAY_DELAY_PLAN_H
#define BROKER_DELAY_DELAY_PLAN_H

#include "base/buffer.h"
#include "protocol/record/record_batch.h"
#include "storage/log_types.h"

struct delay_plan {
    int32_t place;            /* of the record that is to blame, from 0; -1: none is */
    int64_t headers;          /* of all records */
    size_t held;              /* records that are held back, or call off others */
    kafka_offset *called_off; /* what the latter name; the caller's, from mem_alloc */
    size_t called_off_count, called_off_room;
    int64_t first_due_ms;      /* INT64_MAX: none is held back */
    uint64_t pending_bytes;    /* that they will take while they are pending */
    int64_t visible_timestamp; /* the largest of the others; -1: none has one */
};

/* `batch` is not compressed. `max_ms`: how far ahead a time may lie. Kafka's code: NONE;
 * INVALID_RECORD: a header that says nothing, or in a transaction; INVALID_TIMESTAMP: too far
 * ahead; MESSAGE_TOO_LARGE: more than HELD_HEADERS_MOST; CORRUPT_MESSAGE. */
int16_t delay_plan_make(const struct record_batch *batch, int64_t now_ms, int64_t max_ms,
                        struct delay_plan *plan, struct error_text *why);
/* MESSAGE_TOO_LARGE: of a batch with more bytes of records than HELD_BATCH_MOST, more records
 * than HELD_RECORDS_MOST, or more headers than HELD_HEADERS_MOST. */
int16_t delay_plan_refuse_size(struct error_text *why);

#endif
