/*
 * One codec each, behind codec.h. Private to protocol/codec*.c, from the ground to the top:
 *
 *   codec_output.c                      the bytes that come out, up to a limit
 *   codec_gzip.c, _lz4, _snappy, _zstd  one format each, by its library
 *   codec.c                             chooses the format
 *
 * `compress` gets an output that is large enough whatever the input is; `decompress` one that grows up to its limit.
 */
#ifndef PROTOCOL_CODEC_FORMATS_H
#define PROTOCOL_CODEC_FORMATS_H

#include "protocol/codec_output.h"

/* ERR_NONE, or ERR_TOO_LARGE when the library's own limits are passed. */
int codec_gzip_compress(const uint8_t *data, size_t len, struct codec_output *output);
int codec_snappy_compress(const uint8_t *data, size_t len, struct codec_output *output);
int codec_lz4_compress(const uint8_t *data, size_t len, struct codec_output *output);
int codec_zstd_compress(const uint8_t *data, size_t len, struct codec_output *output);

/* ERR_NONE, ERR_CORRUPT, ERR_TOO_LARGE. */
int codec_gzip_decompress(const uint8_t *data, size_t len, struct codec_output *output);
int codec_snappy_decompress(const uint8_t *data, size_t len, struct codec_output *output);
int codec_lz4_decompress(const uint8_t *data, size_t len, struct codec_output *output);
int codec_zstd_decompress(const uint8_t *data, size_t len, struct codec_output *output);

#endif
