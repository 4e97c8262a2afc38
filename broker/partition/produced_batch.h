/*
 * One batch of a client, before it is appended: is it sound, does the topic want it, and in which
 * bytes is it stored.
 *
 * Happy path: produced_batch_begin looks at its header and makes the check of all of it
 * (protocol/record/record_check.h), which somebody brings to its end, here or elsewhere;
 * produced_batch_end; then produced_batch_place into memory that becomes part of an entry.
 * Failures: Kafka's codes, with a sentence. Invariant: what a client sent is what a client gets,
 * but for base offset and leader epoch; the largest timestamp, where the client's was not that of
 * its records; with LogAppendTime also timestamps and attributes; with compression.type other than
 * producer also codec and size; and the CRC where any of these changed. Pure.
 */
#ifndef BROKER_PARTITION_PRODUCED_BATCH_H
#define BROKER_PARTITION_PRODUCED_BATCH_H

#include "base/buffer.h"
#include "broker/partition/partition.h"
#include "protocol/record/record_check.h"
#include "storage/log_types.h"

enum batch_kind {
    BATCH_PLAIN,
    BATCH_HELD,     /* some of its records are held back */
    BATCH_RELEASED, /* it delivers such records */
};

struct produced_batch {
    /* Of the bytes that will be stored, but for the largest timestamp. */
    struct record_batch header;
    /* After the end: a reference of its own; bytes of the frame, or recompressed ones. */
    struct slice bytes;
    int64_t max_timestamp; /* after the end: of its records; -1: none has one. Of a held one:
                              when it came */
    uint8_t kind;          /* enum batch_kind */
    uint8_t deliveries; /* after the end: enum deliveries, of a topic where they are looked for */
    struct slice unfolded; /* DELIVERIES_MAY_BE: the batch, uncompressed */
    /* Of a held one: the largest timestamp of what is not held back, and whether there is nothing
       else; the first time at which something is due; what it takes until then; what it calls off,
       from mem_alloc. */
    int64_t visible_timestamp, first_due_ms;
    bool all_held;
    uint64_t pending_bytes;
    kafka_offset *called_off;
    size_t called_off_count;
    struct record_check *check; /* between begin and end */
};

/* Kafka's code: NONE, then `check` is to be brought to its end; else there is nothing to release:
 * INVALID_RECORD, CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, UNSUPPORTED_COMPRESSION_TYPE,
 * TRANSACTIONAL_ID_AUTHORIZATION_FAILED. */
int16_t produced_batch_begin(const struct partition_settings *settings,
                             const struct produced_records *records, int64_t now_ms,
                             struct produced_batch *batch, struct error_text *why);
/* `error`: of record_check_step. Kafka's code: NONE; else nothing is left to release:
 * CORRUPT_MESSAGE, INVALID_RECORD, INVALID_TIMESTAMP, MESSAGE_TOO_LARGE. */
int16_t produced_batch_end(const struct produced_records *records, struct produced_batch *batch,
                           int error, struct produce_refusal *refusal);
void produced_batch_release(struct produced_batch *batch); /* at any time; twice is harmless */

/* Sets what the leader decides in `bytes`, a copy of the batch or the batch itself: offset, epoch,
 * the largest timestamp, and with `log_append_time` that it is that of all records. */
void produced_batch_place(uint8_t *bytes, size_t size, kafka_offset base_offset,
                          uint32_t leader_epoch, bool log_append_time, int64_t timestamp_ms);

#endif
