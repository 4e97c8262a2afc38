/*
 * zstd. Decompressed in one call into an output that is tried larger when it does not fit: the streaming calls would
 * take memory for the window that a frame claims, up to 128 MiB for a few bytes.
 */
#include <zstd.h>
#include <zstd_errors.h>

#include "base/check.h"
#include "base/error.h"
#include "protocol/codec_formats.h"

enum { LEVEL = 3 }; /* the default of Kafka's clients */

int codec_zstd_compress(const uint8_t *data, size_t len, struct codec_output *output) {
    bool fits = codec_output_reserve(output, ZSTD_compressBound(len));
    CHECK(fits);
    size_t written = ZSTD_compress(output->data, output->capacity, data, len, LEVEL);
    CHECK(!ZSTD_isError(written));
    output->len = written;
    return ERR_NONE;
}

int codec_zstd_decompress(const uint8_t *data, size_t len, struct codec_output *output) {
    if (len == 0) return ERR_CORRUPT; /* zstd takes nothing for no frames at all */
    for (;;) {
        size_t written = ZSTD_decompress(output->data, output->capacity, data, len);
        if (!ZSTD_isError(written)) {
            output->len = written;
            return ERR_NONE;
        }
        if (ZSTD_getErrorCode(written) != ZSTD_error_dstSize_tooSmall) return ERR_CORRUPT;
        if (output->capacity > output->limit) return ERR_TOO_LARGE;
        size_t larger = output->capacity * 4;
        if (larger > output->limit + 1) larger = output->limit + 1;
        bool fits = codec_output_reserve(output, larger);
        CHECK(fits);
    }
}
