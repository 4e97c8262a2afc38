/*
 * Chooses the format. The contract is in codec.h, the floors below are in codec_formats.h.
 */
#include "protocol/codec.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "protocol/codec_formats.h"

enum { FIRST_CAPACITY = 4096 };

struct codec_format {
    int (*compress)(const uint8_t *data, size_t len, struct codec_output *output);
    int (*decompress)(const uint8_t *data, size_t len, struct codec_output *output);
};

/* By enum record_codec. */
static const struct codec_format formats[] = {
    [RECORD_CODEC_GZIP] = {codec_gzip_compress, codec_gzip_decompress},
    [RECORD_CODEC_SNAPPY] = {codec_snappy_compress, codec_snappy_decompress},
    [RECORD_CODEC_LZ4] = {codec_lz4_compress, codec_lz4_decompress},
    [RECORD_CODEC_ZSTD] = {codec_zstd_compress, codec_zstd_decompress},
};

/* Hands the output over, or frees it. */
static int finish(struct codec_output *output, int error, uint8_t **out, size_t *out_len) {
    if (error == ERR_NONE && output->len > output->limit) error = ERR_TOO_LARGE;
    if (error != ERR_NONE) {
        mem_free(output->data);
        return error;
    }
    *out = output->data;
    *out_len = output->len;
    return ERR_NONE;
}

static int copy(const void *data, size_t len, uint8_t **out, size_t *out_len) {
    *out = mem_alloc(len);
    if (len > 0) memcpy(*out, data, len);
    *out_len = len;
    return ERR_NONE;
}

int codec_compress(enum record_codec codec, const void *data, size_t len, uint8_t **out, size_t *out_len) {
    *out = NULL;
    *out_len = 0;
    if (len > INT32_MAX) return ERR_TOO_LARGE;
    if (codec == RECORD_CODEC_NONE) return copy(data, len, out, out_len);
    CHECK(codec <= RECORD_CODEC_ZSTD);
    struct codec_output output;
    codec_output_init(&output, FIRST_CAPACITY, (size_t)UINT32_MAX);
    return finish(&output, formats[codec].compress(data, len, &output), out, out_len);
}

int codec_decompress(enum record_codec codec, const void *data, size_t len, size_t limit, uint8_t **out,
                     size_t *out_len) {
    *out = NULL;
    *out_len = 0;
    if ((unsigned)codec > RECORD_CODEC_ZSTD) return ERR_VERSION;
    if (len > INT32_MAX) return ERR_TOO_LARGE;
    if (codec == RECORD_CODEC_NONE) return len > limit ? ERR_TOO_LARGE : copy(data, len, out, out_len);
    struct codec_output output;
    codec_output_init(&output, len < FIRST_CAPACITY ? FIRST_CAPACITY : len * 4, limit);
    return finish(&output, formats[codec].decompress(data, len, &output), out, out_len);
}
