/*
 * The codecs of Kafka's record batches, applied to the records section of a batch.
 *
 * Formats: gzip (RFC 1952); snappy in the framing of xerial's Java stream (written) or raw (read, too); LZ4 frames with
 * independent blocks, as the Java reader demands; zstd. Failures: ERR_CORRUPT for bytes that do not decompress,
 * ERR_TOO_LARGE when more than `limit` would come out: the work stops there. Never allocates by a length that the
 * compressed bytes claim without having checked it against the limit.
 */
#ifndef PROTOCOL_CODEC_H
#define PROTOCOL_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/record_batch.h"

/* *out is from mem_alloc and the caller's to free; NULL after an error. RECORD_CODEC_NONE copies. ERR_NONE, ERR_TOO_LARGE. */
int codec_compress(enum record_codec codec, const void *data, size_t len, uint8_t **out, size_t *out_len);
/* As above. ERR_NONE, ERR_CORRUPT, ERR_TOO_LARGE, ERR_VERSION (no such codec). */
int codec_decompress(enum record_codec codec, const void *data, size_t len, size_t limit, uint8_t **out,
                     size_t *out_len);

#endif
