/*
 * The records of a batch: walking them, and their headers. The contract is in record_batch.h.
 *
 *   record: length varint, then attributes i8, timestamp delta varlong, offset delta varint, key
 *           length varint, key, value length varint, value, header count varint, headers (key
 *           length varint, key, value length varint, value)
 *
 * Happy path: open (decompresses where need be), next until ERR_EOF, close. Invariants: a record
 * never reaches beyond its own length, nor that beyond the batch; offsets stay inside of what the
 * batch header says.
 */
#include "base/mem.h"
#include "protocol/record/codec.h"
#include "protocol/record/record_batch.h"
#include "protocol/record/record_batch_layout.h"
#include "protocol/wire.h"

int record_iterator_open(struct record_iterator *iterator, const struct record_batch *batch,
                         size_t limit) {
    *iterator = (struct record_iterator){.batch = batch,
                                         .data = batch->data + RECORD_BATCH_HEADER,
                                         .len = batch->size - RECORD_BATCH_HEADER};
    enum record_codec codec = record_batch_codec(batch);
    if (codec == RECORD_CODEC_NONE) return ERR_NONE;
    size_t len;
    int error = codec_decompress(codec, iterator->data, iterator->len, limit,
                                 &iterator->decompressed, &len);
    iterator->data = iterator->decompressed;
    iterator->len = len;
    return error == ERR_VERSION ? ERR_CORRUPT : error;
}

void record_iterator_close(struct record_iterator *iterator) {
    mem_free(iterator->decompressed);
    *iterator = (struct record_iterator){.batch = iterator->batch};
}

/* A length and as many bytes; -1 gives NULL. */
static const uint8_t *read_field(struct kp_reader *reader, int32_t *len) {
    *len = kp_read_varint(reader);
    if (*len < -1) kp_reader_fail(reader, ERR_MALFORMED);
    return *len < 0 ? NULL : kp_read_raw(reader, (size_t)*len);
}

/* The body of one record, from `reader`, which has exactly its bytes. */
static int read_record(const struct record_batch *batch, struct kp_reader *reader,
                       struct record *record) {
    kp_read_int8(reader); /* attributes: no bit has a meaning yet */
    int64_t timestamp_delta = kp_read_varlong(reader);
    int32_t offset_delta = kp_read_varint(reader);
    record->key = read_field(reader, &record->key_len);
    record->value = read_field(reader, &record->value_len);
    record->header_count = kp_read_varint(reader);
    record->headers_len = kp_reader_left(reader);
    record->headers = kp_read_raw(reader, record->headers_len);
    if (reader->error != ERR_NONE || record->header_count < 0) return ERR_MALFORMED;
    if (offset_delta < 0 || offset_delta > batch->last_offset_delta) return ERR_MALFORMED;
    record->offset = batch->base_offset + offset_delta;
    if (record_batch_has_log_append_time(batch))
        record->timestamp_ms = batch->max_timestamp;
    else if (__builtin_add_overflow(batch->base_timestamp, timestamp_delta, &record->timestamp_ms))
        return ERR_MALFORMED;
    return ERR_NONE;
}

int record_iterator_next(struct record_iterator *iterator, struct record *record) {
    if (iterator->seen == iterator->batch->record_count)
        return iterator->at == iterator->len ? ERR_EOF : ERR_MALFORMED;
    struct kp_reader reader, body;
    kp_reader_init(&reader, iterator->data + iterator->at, iterator->len - iterator->at);
    int32_t len = 0;
    const uint8_t *bytes = read_field(&reader, &len);
    if (bytes == NULL) return ERR_MALFORMED;
    kp_reader_init(&body, bytes, (size_t)len);
    int error = read_record(iterator->batch, &body, record);
    if (error != ERR_NONE) return error;
    iterator->at += reader.at;
    iterator->seen++;
    return ERR_NONE;
}

int record_header_next(struct record *record, struct record_header *header) {
    if (record->header_count == 0) return record->headers_len == 0 ? ERR_EOF : ERR_MALFORMED;
    struct kp_reader reader;
    kp_reader_init(&reader, record->headers, record->headers_len);
    header->key = (const char *)read_field(&reader, &header->key_len);
    header->value = read_field(&reader, &header->value_len);
    if (reader.error != ERR_NONE || header->key_len < 0) return ERR_MALFORMED;
    record->headers += reader.at;
    record->headers_len -= reader.at;
    record->header_count--;
    return ERR_NONE;
}
