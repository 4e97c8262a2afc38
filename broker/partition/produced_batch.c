/* What is known from the header at once; what the check of its records found; and placing the batch
 * in the log. */
#include "broker/partition/produced_batch.h"
#include "base/mem.h"

#include "base/check.h"
#include "broker/errors/error_map.h"
#include "protocol/kafka_error.h"
#include "protocol/record/record_batch_layout.h"

enum {
    LENGTH_LEAST = RECORD_BATCH_HEADER - RECORD_BATCH_LENGTH_PREFIX,
    CHECKSUM_MOST = 16 << 20, /* bytes: on the loop */
};

/* Counts that cannot be behind a wrong checksum, a length shorter than any batch, a format that
 * never was: damaged on its way, which clients repeat. An old format is a wrong client. */
static bool is_damaged(const struct produced_records *records, const struct record_batch *header,
                       int error) {
    bool whole = header->size >= RECORD_BATCH_HEADER && header->size <= (size_t)records->len;
    if (error == ERR_MALFORMED && whole && header->size <= CHECKSUM_MOST)
        return record_batch_check_crc(header) != ERR_NONE;
    if (records->len <= AT_MAGIC) return false;
    if (error == ERR_VERSION) return records->data[AT_MAGIC] > RECORD_BATCH_MAGIC;
    return error == ERR_MALFORMED &&
           (int32_t)load_big_endian(records->data + AT_LENGTH, 4) < LENGTH_LEAST;
}

/* Exactly one batch (KIP-98: Produce version 3 and later), of a format that is stored. */
static int16_t parse(const struct produced_records *records, struct record_batch *header,
                     struct error_text *why) {
    if (records->data == NULL || records->len <= 0)
        return error_set(
            why, KAFKA_INVALID_RECORD,
            "A partition of a produce request must have exactly one record batch; there is none.");
    int error = record_batch_parse(records->data, (size_t)records->len, header, why);
    if (error != ERR_NONE)
        return is_damaged(records, header, error) ? KAFKA_CORRUPT_MESSAGE : error_map_batch(error);
    if (header->size != (size_t)records->len)
        return error_set(
            why, KAFKA_INVALID_RECORD,
            "A partition of a produce request must have exactly one record batch; there are %zu bytes behind the first.",
            (size_t)records->len - header->size);
    return KAFKA_NONE;
}

/* What needs no look at the records. Kafka looks at these before it looks at the checksum. */
static int16_t check_header(const struct partition_settings *settings,
                            const struct produced_records *records,
                            const struct record_batch *header, struct error_text *why) {
    if (record_batch_codec(header) == RECORD_CODEC_ZSTD && !records->zstd_allowed)
        return error_set(
            why, KAFKA_UNSUPPORTED_COMPRESSION_TYPE,
            "Produce requests of a version below 7 may not be compressed with zstd (KIP-110); use a newer client or another codec.");
    if (header->base_offset != 0)
        return error_set(
            why, KAFKA_INVALID_RECORD,
            "The record batch begins with offset %lld; a producer's must begin with 0, the broker gives offsets.",
            (long long)header->base_offset);
    if (header->size > (size_t)settings->max_message_bytes)
        return error_set(
            why, KAFKA_MESSAGE_TOO_LARGE,
            "The record batch has %zu bytes and the topic's limit max.message.bytes is %d: send smaller batches, or raise the limit.",
            header->size, settings->max_message_bytes);
    if (record_batch_is_transactional(header) && records->transactional_id.len < 0)
        return error_set(
            why, KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            "The record batch is part of a transaction, and the produce request has no transactional.id.");
    if (record_batch_is_transactional(header) && header->producer_id < 0)
        return error_set(why, KAFKA_INVALID_RECORD,
                         "The record batch is part of a transaction, and has no producer id.");
    return KAFKA_NONE;
}

/* `now_ms` - `before`, not below the smallest number; `before` is not negative. */
static int64_t earliest(int64_t now_ms, int64_t before) {
    int64_t result;
    return __builtin_sub_overflow(now_ms, before, &result) ? INT64_MIN : result;
}

static int64_t latest(int64_t now_ms, int64_t after) {
    int64_t result;
    return __builtin_add_overflow(now_ms, after, &result) ? INT64_MAX : result;
}

int16_t produced_batch_begin(const struct partition_settings *settings,
                             const struct produced_records *records, int64_t now_ms,
                             struct produced_batch *batch, struct error_text *why) {
    *batch = (struct produced_batch){0};
    int16_t code = parse(records, &batch->header, why);
    if (code == KAFKA_NONE) code = check_header(settings, records, &batch->header, why);
    if (code != KAFKA_NONE) return code;
    struct record_check_options options = {
        .unfolded_max = settings->unfolded_max_bytes,
        .recompress = settings->compression_type - 1,
        .result_max = (size_t)settings->max_message_bytes,
        .needs_keys = settings->cleanup_compact,
        .check_timestamps = !settings->log_append_time,
        .earliest_ms = earliest(now_ms, settings->timestamp_before_max_ms),
        .latest_ms = latest(now_ms, settings->timestamp_after_max_ms)};
    batch->check = record_check_new(&batch->header, &options);
    return KAFKA_NONE;
}

static int16_t take_refusal(const struct record_check *check, int error,
                            struct produce_refusal *refusal) {
    refusal->why = *record_check_why(check);
    const struct record_reject *rejects = record_check_rejects(check, &refusal->reject_count);
    for (size_t i = 0; i < refusal->reject_count; i++)
        refusal->rejects[i] = rejects[i];
    record_check_range(check, &refusal->earliest_ms, &refusal->latest_ms);
    return error == ERR_INVALID ? KAFKA_INVALID_TIMESTAMP : error_map_batch(error);
}

/* The bytes to store, in which header->data lies from now on. */
static void take_bytes(const struct produced_records *records, struct produced_batch *batch) {
    size_t size;
    uint8_t *result = record_check_take_result(batch->check, &size);
    batch->max_timestamp = record_check_max_timestamp(batch->check);
    if (result == NULL) {
        batch->bytes = slice_ref((struct slice){
            .buffer = records->frame.buffer, .data = records->data, .len = (size_t)records->len});
        return;
    }
    batch->bytes = slice_adopt(NULL, result, size);
    int error = record_batch_parse(result, size, &batch->header, NULL);
    CHECK(error == ERR_NONE); /* record_check.c made it: the header that was parsed, with another
                                 length and codec */
}

int16_t produced_batch_end(const struct produced_records *records, struct produced_batch *batch,
                           int error, struct produce_refusal *refusal) {
    int16_t code = KAFKA_NONE;
    uint8_t *unfolded;
    size_t size;
    if (error == ERR_NONE) {
        take_bytes(records, batch);
        batch->deliveries = record_check_take_deliveries(batch->check, &unfolded, &size);
        if (batch->deliveries == DELIVERIES_MAY_BE)
            batch->unfolded = slice_adopt(NULL, unfolded, size);
    } else {
        code = take_refusal(batch->check, error, refusal);
    }
    record_check_free(batch->check);
    batch->check = NULL;
    return code;
}

void produced_batch_release(struct produced_batch *batch) {
    record_check_free(batch->check);
    batch->check = NULL;
    slice_unref(&batch->bytes);
    slice_unref(&batch->unfolded);
    mem_free(batch->called_off);
    batch->called_off = NULL;
}

void produced_batch_place(uint8_t *bytes, size_t size, kafka_offset base_offset,
                          uint32_t leader_epoch, bool log_append_time, int64_t timestamp_ms) {
    record_batch_set_base_offset(bytes, base_offset);
    record_batch_set_leader_epoch(bytes, (int32_t)leader_epoch);
    record_batch_set_max_timestamp(bytes, size, timestamp_ms, log_append_time);
}
