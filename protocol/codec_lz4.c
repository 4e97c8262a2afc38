/*
 * LZ4 frames. Written as Kafka's Java reader demands: independent blocks of 64 KiB, no content checksum, no content
 * size. Read: any frame, also with linked blocks. The library takes at most 4 MiB of its own for a frame's blocks.
 */
#include <lz4frame.h>

#include "base/check.h"
#include "base/error.h"
#include "protocol/codec_formats.h"

int codec_lz4_compress(const uint8_t *data, size_t len, struct codec_output *output) {
    LZ4F_preferences_t preferences = {
        .frameInfo = {.blockSizeID = LZ4F_max64KB, .blockMode = LZ4F_blockIndependent, .frameType = LZ4F_frame}};
    bool fits = codec_output_reserve(output, LZ4F_compressFrameBound(len, &preferences));
    CHECK(fits);
    size_t written = LZ4F_compressFrame(output->data, output->capacity, data, len, &preferences);
    CHECK(!LZ4F_isError(written));
    output->len = written;
    return ERR_NONE;
}

static int decompress_frame(LZ4F_dctx *context, const uint8_t *data, size_t len, struct codec_output *output) {
    size_t at = 0;
    for (;;) {
        if (!codec_output_grow(output)) return ERR_TOO_LARGE;
        size_t room = output->capacity - output->len, taken = len - at;
        size_t hint = LZ4F_decompress(context, output->data + output->len, &room, data + at, &taken, NULL);
        if (LZ4F_isError(hint)) return ERR_CORRUPT;
        output->len += room;
        at += taken;
        if (hint == 0) return at == len ? ERR_NONE : ERR_CORRUPT; /* the frame is complete */
        if (room == 0 && taken == 0) return ERR_CORRUPT;          /* it is cut off */
    }
}

int codec_lz4_decompress(const uint8_t *data, size_t len, struct codec_output *output) {
    LZ4F_dctx *context;
    LZ4F_errorCode_t status = LZ4F_createDecompressionContext(&context, LZ4F_VERSION);
    CHECK(!LZ4F_isError(status));
    int error = decompress_frame(context, data, len, output);
    LZ4F_freeDecompressionContext(context);
    return error;
}
