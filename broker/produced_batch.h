/*
 * One batch of a client, before it is appended: is it sound, does the topic want it, and in which bytes is it stored.
 *
 * Happy path: produced_batch_check, then produced_batch_place into memory that becomes part of an entry. Failures: Kafka's codes, with a
 * sentence. Invariant: what a client sent is what a client gets, but for base offset and leader epoch; with LogAppendTime also timestamps,
 * attributes and CRC; with compression.type other than producer also codec, size and CRC. Pure.
 */
#ifndef BROKER_PRODUCED_BATCH_H
#define BROKER_PRODUCED_BATCH_H

#include "base/buffer.h"
#include "broker/partition.h"
#include "protocol/record_batch.h"

struct produced_batch {
    struct record_batch header; /* of the bytes that will be stored */
    struct slice bytes; /* a reference of its own; bytes of the frame, or recompressed ones. Empty after an error */
};

/* Checks the records field of one partition. Kafka's code: NONE, CORRUPT_MESSAGE, INVALID_RECORD, INVALID_TIMESTAMP,
 * MESSAGE_TOO_LARGE, UNSUPPORTED_COMPRESSION_TYPE, INVALID_TXN_STATE. */
int16_t produced_batch_check(const struct partition_settings *settings, const struct produced_records *records,
                             struct produced_batch *batch, struct error_text *why);
void produced_batch_release(struct produced_batch *batch);

/* Sets what the leader decides in `bytes`, a copy of the batch or the batch itself: offset, epoch, and with LogAppendTime the time. */
void produced_batch_place(uint8_t *bytes, size_t size, int64_t base_offset, uint32_t leader_epoch, bool log_append_time,
                          int64_t now_ms);

#endif
