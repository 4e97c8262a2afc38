/*
 * gzip, by zlib. Members that follow one another are one stream, as in RFC 1952; anything else
 * after them is damage.
 */
#include <zlib.h>

#include "base/check.h"
#include "base/error.h"
#include "base/mem.h"
#include "protocol/record/codec_internal.h"

enum {
    GZIP_WINDOW = 15 + 16, /* 16: the gzip wrapper instead of zlib's */
    MEMORY_LEVEL = 8,
    INFLATE_MEMORY = 48 * 1024,
};

static size_t gzip_memory(const uint8_t *data, size_t len, size_t limit) {
    (void)data;
    (void)len;
    (void)limit;
    return INFLATE_MEMORY;
}

static void gzip_open(struct codec_source *source) {
    z_stream *stream = mem_zalloc(sizeof *stream);
    int status = inflateInit2(stream, GZIP_WINDOW);
    CHECK(status == Z_OK); /* it fails without memory only */
    source->state = stream;
}

static int gzip_read(struct codec_source *source, uint8_t *into, const uint8_t **piece,
                     size_t *got) {
    z_stream *stream = source->state;
    size_t left = source->len - source->at;
    (void)piece;
    uInt given = left > UINT32_MAX ? UINT32_MAX : (uInt)left;
    stream->next_in = (uint8_t *)source->data + source->at; /* zlib's type lacks the const */
    stream->avail_in = given;
    stream->next_out = into;
    stream->avail_out = CODEC_PIECE;
    int status = inflate(stream, Z_NO_FLUSH);
    source->at += given - stream->avail_in;
    *got = CODEC_PIECE - stream->avail_out;
    source->whole = status == Z_STREAM_END;
    if (source->whole) status = inflateReset(stream); /* there may be another member */
    return status == Z_OK ? ERR_NONE : ERR_CORRUPT;   /* Z_BUF_ERROR: it is cut off */
}

static void gzip_close(struct codec_source *source) {
    inflateEnd(source->state);
    mem_free(source->state);
}

static void *gzip_begin(void) {
    z_stream *stream = mem_zalloc(sizeof *stream);
    int status = deflateInit2(stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL,
                              Z_DEFAULT_STRATEGY);
    CHECK(status == Z_OK); /* it fails without memory only */
    return stream;
}

static bool deflate_all(z_stream *stream, int flush, struct codec_output *output) {
    int status;
    do {
        if (!codec_output_grow(output)) return false;
        size_t room = output->capacity - output->len;
        uInt given = room > UINT32_MAX ? UINT32_MAX : (uInt)room;
        stream->next_out = output->data + output->len;
        stream->avail_out = given;
        status = deflate(stream, flush);
        output->len += given - stream->avail_out;
    } while (flush == Z_FINISH ? status == Z_OK || status == Z_BUF_ERROR : stream->avail_out == 0);
    return true;
}

static bool gzip_add(void *state, const uint8_t *data, size_t len, struct codec_output *output) {
    z_stream *stream = state;
    while (len > 0) {
        uInt part = len > CODEC_PIECE ? CODEC_PIECE : (uInt)len;
        stream->next_in = (uint8_t *)data;
        stream->avail_in = part;
        if (!deflate_all(stream, Z_NO_FLUSH, output)) return false;
        data += part;
        len -= part;
    }
    return true;
}

static bool gzip_finish(void *state, struct codec_output *output) {
    return deflate_all(state, Z_FINISH, output);
}

static void gzip_end(void *state) {
    deflateEnd(state);
    mem_free(state);
}

const struct codec_format codec_gzip = {gzip_memory, gzip_open, gzip_read,   gzip_close,
                                        gzip_begin,  gzip_add,  gzip_finish, gzip_end};
