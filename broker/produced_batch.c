/* See produced_batch.h. */
#include "broker/produced_batch.h"

#include <string.h>

#include "base/mutant.h"
#include "broker/error_map.h"
#include "protocol/kafka_error.h"

enum { DECOMPRESSED_FACTOR = 64 }; /* a batch that grows more than that when decompressed is a bomb */

/* Exactly one batch (KIP-98: Produce version 3 and later), of a format that is stored. */
static int16_t parse(const struct produced_records *records, struct record_batch *header, struct error_text *why) {
    if (records->data == NULL || records->len <= 0)
        return error_set(why, KAFKA_INVALID_RECORD,
                         "A partition of a produce request must have exactly one record batch; there is none.");
    int error = record_batch_parse(records->data, (size_t)records->len, header, why);
    if (error != ERR_NONE) return error_map_batch(error);
    if (header->size != (size_t)records->len)
        return error_set(
            why, KAFKA_INVALID_RECORD,
            "A partition of a produce request must have exactly one record batch; there are %zu bytes behind the first.",
            (size_t)records->len - header->size);
    return KAFKA_NONE;
}

static int16_t check_content(const struct partition_settings *settings, const struct produced_records *records,
                             const struct record_batch *header, struct error_text *why) {
    if (header->size > (size_t)settings->max_message_bytes)
        return error_set(
            why, KAFKA_MESSAGE_TOO_LARGE,
            "The record batch has %zu bytes and the topic's limit max.message.bytes is %d: send smaller batches, or raise the limit.",
            header->size, settings->max_message_bytes);
    if (record_batch_is_transactional(header))
        return error_set(why, KAFKA_INVALID_TXN_STATE,
                         "Transactions are not supported yet; produce without a transactional.id.");
    if (record_batch_has_log_append_time(header))
        return error_set(why, KAFKA_INVALID_TIMESTAMP,
                         "Producers may not set the timestamp type LogAppendTime; the topic's setting "
                         "message.timestamp.type does.");
    if (record_batch_codec(header) == RECORD_CODEC_ZSTD && !records->zstd_allowed)
        return error_set(
            why, KAFKA_UNSUPPORTED_COMPRESSION_TYPE,
            "Produce requests of a version below 7 may not be compressed with zstd (KIP-110); use a newer client or another codec.");
    int error = record_batch_validate(header, why);
    if (error == ERR_CORRUPT && MUTANT(MUTANT_BATCH_CRC_IGNORED)) error = ERR_NONE;
    return error_map_batch(error);
}

static int16_t recompress(const struct partition_settings *settings, int codec, struct produced_batch *batch,
                          struct error_text *why) {
    uint8_t *bytes;
    size_t len;
    size_t limit = (size_t)settings->max_message_bytes * DECOMPRESSED_FACTOR;
    int error = record_batch_recompress(&batch->header, (enum record_codec)codec, limit, &bytes, &len);
    if (error == ERR_CORRUPT) error = ERR_MALFORMED; /* its checksum was right: the records in it are not */
    if (error != ERR_NONE)
        return error_set(why, error_map_batch(error),
                         "The record batch cannot be brought from %s to the topic's compression.type %s: %s.",
                         record_codec_name(record_batch_codec(&batch->header)), record_codec_name(codec),
                         error_phrase(error));
    batch->bytes = slice_adopt(NULL, bytes, len);
    error = record_batch_parse(bytes, len, &batch->header, why);
    if (error != ERR_NONE) slice_unref(&batch->bytes);
    return error_map_batch(error);
}

int16_t produced_batch_check(const struct partition_settings *settings, const struct produced_records *records,
                             struct produced_batch *batch, struct error_text *why) {
    *batch = (struct produced_batch){0};
    int16_t code = parse(records, &batch->header, why);
    if (code == KAFKA_NONE) code = check_content(settings, records, &batch->header, why);
    if (code != KAFKA_NONE) return code;
    int codec = settings->compression_type - 1;
    if (codec >= 0 && codec != (int)record_batch_codec(&batch->header)) return recompress(settings, codec, batch, why);
    struct slice whole = records->frame;
    batch->bytes = slice_ref(
        (struct slice){.buffer = whole.buffer, .data = records->data, .len = (size_t)records->len});
    return KAFKA_NONE;
}

void produced_batch_release(struct produced_batch *batch) {
    slice_unref(&batch->bytes);
}

void produced_batch_place(uint8_t *bytes, size_t size, int64_t base_offset, uint32_t leader_epoch, bool log_append_time,
                          int64_t now_ms) {
    record_batch_set_base_offset(bytes, base_offset);
    record_batch_set_leader_epoch(bytes, (int32_t)leader_epoch);
    if (log_append_time) record_batch_set_log_append_time(bytes, size, now_ms);
}
