/*
 * Snappy. Java clients wrap it in the stream format of xerial's snappy-java and expect it so; others send one raw
 * block.
 *
 *   stream: 82 'S' 'N' 'A' 'P' 'P' 'Y' 00, version i32, lowest compatible version i32, then blocks: length i32, snappy block
 *
 * Streams may follow one another. A block says how long its content is: that is believed only up to what its bytes
 * can hold.
 */
#include <snappy-c.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "protocol/codec_formats.h"

enum {
    STREAM_HEADER = 16,
    STREAM_BLOCK = 32 * 1024, /* as snappy-java's default */
    MOST_EXPANSION = 64,      /* an element of three bytes or more gives 64 at most */
};

static const uint8_t stream_header[STREAM_HEADER] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1};
enum { MAGIC_SIZE = 8 };

int codec_snappy_compress(const uint8_t *data, size_t len, struct codec_output *output) {
    size_t blocks = len / STREAM_BLOCK + 1;
    bool fits = codec_output_reserve(output, STREAM_HEADER + blocks * (4 + snappy_max_compressed_length(STREAM_BLOCK)));
    CHECK(fits);
    memcpy(output->data, stream_header, STREAM_HEADER);
    output->len = STREAM_HEADER;
    for (size_t at = 0; at < len; at += STREAM_BLOCK) {
        size_t block = len - at < STREAM_BLOCK ? len - at : STREAM_BLOCK;
        size_t packed = output->capacity - output->len - 4;
        uint8_t *prefix = output->data + output->len;
        snappy_status status = snappy_compress((const char *)data + at, block, (char *)prefix + 4, &packed);
        CHECK(status == SNAPPY_OK);
        for (int i = 0; i < 4; i++)
            prefix[i] = (uint8_t)(packed >> (24 - 8 * i));
        output->len += 4 + packed;
    }
    return ERR_NONE;
}

static int decompress_block(const uint8_t *data, size_t len, struct codec_output *output) {
    size_t content;
    if (snappy_uncompressed_length((const char *)data, len, &content) != SNAPPY_OK) return ERR_CORRUPT;
    if (content > len * MOST_EXPANSION) return ERR_CORRUPT;
    if (!codec_output_reserve(output, content)) return ERR_TOO_LARGE;
    char *into = (char *)output->data + output->len;
    if (snappy_uncompress((const char *)data, len, into, &content) != SNAPPY_OK) return ERR_CORRUPT;
    output->len += content;
    return ERR_NONE;
}

static bool starts_stream(const uint8_t *data, size_t len) {
    return len >= STREAM_HEADER && memcmp(data, stream_header, MAGIC_SIZE) == 0;
}

int codec_snappy_decompress(const uint8_t *data, size_t len, struct codec_output *output) {
    if (!starts_stream(data, len)) return decompress_block(data, len, output);
    for (size_t at = 0; at < len;) {
        if (starts_stream(data + at, len - at)) {
            at += STREAM_HEADER;
            continue;
        }
        if (len - at < 4) return ERR_CORRUPT;
        uint32_t block = (uint32_t)data[at] << 24 | (uint32_t)data[at + 1] << 16 | (uint32_t)data[at + 2] << 8 |
                         data[at + 3];
        at += 4;
        if (block > len - at) return ERR_CORRUPT;
        int error = decompress_block(data + at, block, output);
        if (error != ERR_NONE) return error;
        at += block;
    }
    return ERR_NONE;
}
