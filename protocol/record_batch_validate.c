/*
 * What a leader demands of a batch from a client: record_batch_validate of record_batch.h.
 *
 * The checksum first: what is said about a damaged batch beyond that would be wrong.
 */
#include "protocol/record_batch_layout.h"

/* Walks the records of an uncompressed batch as strictly as a leader must: what is stored now is read for years. */
static int check_records(const struct record_batch *batch, struct error_text *why) {
    struct record_iterator iterator;
    int error = record_iterator_open(&iterator, batch, 0); /* nothing to decompress */
    if (error != ERR_NONE) return error;
    struct record record;
    struct record_header header;
    int32_t seen = 0;
    while ((error = record_iterator_next(&iterator, &record)) == ERR_NONE) {
        if (record.offset != batch->base_offset + seen) break;
        while ((error = record_header_next(&record, &header)) == ERR_NONE)
            ;
        if (error != ERR_EOF) break;
        seen++;
    }
    record_iterator_close(&iterator);
    if (error == ERR_EOF) return ERR_NONE;
    return REFUSE(ERR_MALFORMED, "Record %d of %d in the batch is malformed.", seen, batch->record_count);
}

int record_batch_validate(const struct record_batch *batch, struct error_text *why) {
    if (record_batch_check_crc(batch) != ERR_NONE)
        return REFUSE(ERR_CORRUPT, "The batch does not match its checksum: it was damaged on its way.");
    if (batch->record_count < 1 || batch->last_offset_delta != batch->record_count - 1)
        return REFUSE(ERR_MALFORMED, "The batch has %d records but a last offset delta of %d.", batch->record_count,
                      batch->last_offset_delta);
    if (record_batch_is_control(batch)) return REFUSE(ERR_MALFORMED, "Clients may not write control batches.");
    if (record_batch_has_log_append_time(batch))
        return REFUSE(ERR_MALFORMED, "Clients may not set the timestamp type LogAppendTime.");
    if (batch->producer_id >= 0 && (batch->producer_epoch < 0 || batch->base_sequence < 0))
        return REFUSE(ERR_MALFORMED, "The batch of producer %lld has epoch %d and sequence %d.",
                      (long long)batch->producer_id, batch->producer_epoch, batch->base_sequence);
    if (batch->producer_id < 0 && record_batch_is_transactional(batch))
        return REFUSE(ERR_MALFORMED, "The batch is part of a transaction but names no producer.");
    return record_batch_codec(batch) == RECORD_CODEC_NONE ? check_records(batch, why) : ERR_NONE;
}
