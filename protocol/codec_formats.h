/*
 * One codec each, behind codec.h. Private to protocol/codec*.c.
 *
 * `compress` gets an output that is large enough whatever the input is; `decompress` one that grows up to its limit.
 */
#ifndef PROTOCOL_CODEC_FORMATS_H
#define PROTOCOL_CODEC_FORMATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Output that grows as bytes come, never to more than limit + 1: the one more byte is the proof of too much. */
struct codec_output {
    uint8_t *data;
    size_t len, capacity, limit;
};

void codec_output_init(struct codec_output *output, size_t first_capacity, size_t limit);
/* Makes room for at least one more byte. False: the limit was passed, which is ERR_TOO_LARGE. */
bool codec_output_grow(struct codec_output *output);
/* Makes room for `more` bytes at once. False as above. */
bool codec_output_reserve(struct codec_output *output, size_t more);

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
