/*
 * The codecs of Kafka's record batches, applied to the records section of a batch.
 *
 * Formats: gzip (RFC 1952); snappy in the framing of xerial's Java stream (written) or raw (read,
 * too); LZ4 frames with independent blocks, as the Java reader demands; zstd. Both ways go piece by
 * piece, so that what comes out is bounded while it comes; codec_compress and codec_decompress do
 * all of it in one call.
 * Failures: ERR_CORRUPT for bytes that do not decompress, ERR_TOO_LARGE when more than `limit`
 * would come out: the work stops there. Never allocates by a length that the compressed bytes claim
 * without having checked it against the limit. Any thread.
 */
#ifndef PROTOCOL_RECORD_CODEC_H
#define PROTOCOL_RECORD_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/record/record_batch.h"

/* ---- Decompressing ---- */

struct codec_reader;

/* Whether every client reads such bytes, if they are sound: Java's reads no LZ4 frame whose blocks
 * need each other or a dictionary. */
bool codec_all_clients_read(enum record_codec codec, const void *data, size_t len);
/* The most memory that a reader of these bytes takes, as their own headers say, up to where they
 * are sound: no more than about 128 MiB (the largest window of zstd that is accepted), or `limit`
 * where a block is decompressed at once. */
size_t codec_reader_memory(enum record_codec codec, const void *data, size_t len, size_t limit);
/* `data` must stay. `limit`: most bytes that may come out in all. */
struct codec_reader *codec_reader_new(enum record_codec codec, const void *data, size_t len,
                                      size_t limit);
/* The next bytes, which stay until the next call; there may be none yet (*len 0), so that no call
 * takes long, whatever the input is. ERR_EOF at the end; ERR_CORRUPT, ERR_TOO_LARGE. Not to be
 * called again after an error. */
int codec_reader_next(struct codec_reader *reader, const uint8_t **piece, size_t *len);
/* Bytes of the input that it has read. */
size_t codec_reader_taken(const struct codec_reader *reader);
void codec_reader_free(struct codec_reader *reader); /* NULL does nothing */

/* ---- Compressing ---- */

struct codec_writer;

/* What comes out is at most `limit` bytes; it gets `room_before` bytes of anything before it, which
 * do not count. */
struct codec_writer *codec_writer_new(enum record_codec codec, size_t room_before, size_t limit);
/* ERR_NONE, ERR_TOO_LARGE. */
int codec_writer_add(struct codec_writer *writer, const uint8_t *data, size_t len);
/* *out is from mem_alloc and the caller's, *out_len without the room before. ERR_NONE,
 * ERR_TOO_LARGE: then it is NULL. Once. */
int codec_writer_finish(struct codec_writer *writer, uint8_t **out, size_t *out_len);
void codec_writer_free(struct codec_writer *writer); /* NULL does nothing */

/* ---- All at once ---- */

/* *out is from mem_alloc and the caller's to free; NULL after an error. RECORD_CODEC_NONE copies.
 * ERR_NONE, ERR_TOO_LARGE. */
int codec_compress(enum record_codec codec, const void *data, size_t len, uint8_t **out,
                   size_t *out_len);
/* As above. ERR_NONE, ERR_CORRUPT, ERR_TOO_LARGE, ERR_VERSION (no such codec). */
int codec_decompress(enum record_codec codec, const void *data, size_t len, size_t limit,
                     uint8_t **out, size_t *out_len);

#endif
