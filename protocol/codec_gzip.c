/*
 * gzip, by zlib. Members that follow one another are one stream, as in RFC 1952; anything else after them is damage.
 */
#include <zlib.h>

#include "base/check.h"
#include "base/error.h"
#include "protocol/codec_formats.h"

enum { GZIP_WINDOW = 15 + 16, MEMORY_LEVEL = 8 }; /* 16: the gzip wrapper instead of zlib's */

int codec_gzip_compress(const uint8_t *data, size_t len, struct codec_output *output) {
    z_stream stream = {0};
    int status = deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL,
                              Z_DEFAULT_STRATEGY);
    CHECK(status == Z_OK);
    size_t bound = deflateBound(&stream, len);
    bool fits = codec_output_reserve(output, bound);
    CHECK(fits);
    stream.next_in = (uint8_t *)data; /* zlib's type lacks the const */
    stream.avail_in = (uInt)len;
    stream.next_out = output->data;
    stream.avail_out = (uInt)bound;
    status = deflate(&stream, Z_FINISH);
    CHECK(status == Z_STREAM_END);
    output->len = bound - stream.avail_out;
    deflateEnd(&stream);
    return ERR_NONE;
}

/* All of the input through a stream that is open. */
static int inflate_all(z_stream *stream, struct codec_output *output) {
    int status = Z_OK;
    do {
        if (!codec_output_grow(output)) return ERR_TOO_LARGE;
        size_t room = output->capacity - output->len;
        stream->next_out = output->data + output->len;
        stream->avail_out = room > UINT32_MAX ? UINT32_MAX : (uInt)room;
        uInt before = stream->avail_out;
        status = inflate(stream, Z_NO_FLUSH);
        output->len += before - stream->avail_out;
        if (status == Z_STREAM_END && stream->avail_in > 0) status = inflateReset(stream); /* the next member */
    } while (status == Z_OK);
    return status == Z_STREAM_END ? ERR_NONE : ERR_CORRUPT; /* Z_BUF_ERROR: it is cut off */
}

int codec_gzip_decompress(const uint8_t *data, size_t len, struct codec_output *output) {
    z_stream stream = {.next_in = (uint8_t *)data, .avail_in = (uInt)len};
    int status = inflateInit2(&stream, GZIP_WINDOW);
    CHECK(status == Z_OK);
    int error = inflate_all(&stream, output);
    inflateEnd(&stream);
    return error;
}
