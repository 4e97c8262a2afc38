/*
 * The same records in another codec: record_batch_recompress of record_batch.h.
 *
 * Happy path: the records are decompressed, compressed anew behind a copy of the header, and the header gets length, codec and checksum.
 */
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "protocol/codec.h"
#include "protocol/record_batch_layout.h"

int record_batch_recompress(const struct record_batch *batch, enum record_codec codec, size_t limit, uint8_t **out,
                            size_t *out_len) {
    *out = NULL;
    *out_len = 0;
    uint8_t *records, *packed;
    size_t len, packed_len;
    int error = codec_decompress(record_batch_codec(batch), batch->data + RECORD_BATCH_HEADER,
                                 batch->size - RECORD_BATCH_HEADER, limit, &records, &len);
    if (error != ERR_NONE) return error;
    error = codec_compress(codec, records, len, &packed, &packed_len);
    mem_free(records);
    if (error != ERR_NONE) return error;
    if (packed_len > INT32_MAX - RECORD_BATCH_HEADER) {
        mem_free(packed);
        return ERR_TOO_LARGE;
    }
    size_t size = RECORD_BATCH_HEADER + packed_len;
    uint8_t *bytes = mem_alloc(size);
    memcpy(bytes, batch->data, RECORD_BATCH_HEADER);
    memcpy(bytes + RECORD_BATCH_HEADER, packed, packed_len);
    mem_free(packed);
    int attributes = (batch->attributes & ~ATTRIBUTE_CODEC) | (int)codec;
    store_big_endian(bytes + AT_LENGTH, size - RECORD_BATCH_LENGTH_PREFIX, 4);
    store_big_endian(bytes + AT_ATTRIBUTES, (uint64_t)attributes, 2);
    store_big_endian(bytes + AT_CRC, crc32c(0, bytes + AT_ATTRIBUTES, size - AT_ATTRIBUTES), 4);
    *out = bytes;
    *out_len = size;
    return ERR_NONE;
}
