/*
 * Makes record batches of magic 2: what a broker appends itself (the records of its coordinators),
 * and what the producers of tests send. (`drave` produces with librdkafka.) KIP-98.
 *
 * Happy path: record_batch_builder_new, _append for each record, _finish (which gives the bytes and
 * frees the builder). Failures: records that are too many for one batch, told at the end.
 * Invariant: what it makes passes record_check.h, unless the options ask for what producers may not
 * send.
 */
#ifndef PROTOCOL_RECORD_RECORD_BATCH_BUILDER_H
#define PROTOCOL_RECORD_RECORD_BATCH_BUILDER_H

#include "protocol/record/record_batch.h"

struct record_batch_options {
    enum record_codec codec;
    int64_t base_offset;
    int32_t leader_epoch;
    int64_t producer_id; /* -1: none, then epoch and sequence are -1, too */
    int16_t producer_epoch;
    int32_t base_sequence;
    bool transactional;
    bool control;
    bool log_append_time; /* max timestamp counts for all records */
};

/* No codec, no producer, offset 0, leader epoch -1 (what a producer sends). */
struct record_batch_options record_batch_plain(void);

struct record_batch_builder;
struct record_batch_builder *record_batch_builder_new(const struct record_batch_options *options);
/* Copies. Lengths of -1 are null. `headers` may be NULL when header_count is 0. */
void record_batch_builder_append(struct record_batch_builder *builder, int64_t timestamp_ms,
                                 const void *key, int32_t key_len, const void *value,
                                 int32_t value_len, const struct record_header *headers,
                                 int32_t header_count);
/* Bytes of the batch so far, before a codec. */
size_t record_batch_builder_size(const struct record_batch_builder *builder);
/* *out from mem_alloc. ERR_INVALID without a record, ERR_TOO_LARGE above INT32_MAX bytes. Frees the
 * builder in any case. */
int record_batch_builder_finish(struct record_batch_builder *builder, uint8_t **out,
                                size_t *out_len);
void record_batch_builder_free(
    struct record_batch_builder *builder); /* without finishing; NULL does nothing */

/* A right checksum over bytes that were changed by hand. */
void record_batch_seal(uint8_t *bytes, size_t size);

#endif
