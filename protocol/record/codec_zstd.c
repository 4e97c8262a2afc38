/*
 * zstd (RFC 8878). Frames that follow one another are one stream.
 *
 * A frame claims a window, which the library allocates before it has seen a byte of content: more
 * than 128 MiB are refused, as by Kafka's library; what is claimed is known before from the frames'
 * heads, so that it can be waited for.
 */
#include <zstd.h>

#include "base/check.h"
#include "base/error.h"
#include "protocol/record/codec_internal.h"

enum {
    LEVEL = 3, /* the default of Kafka's clients */
    WINDOW_LOG_MOST = 27,
    OWN_MEMORY = 512 * 1024,
    AT_DESCRIPTOR = 4,
    SINGLE_SEGMENT = 0x20,
    SKIPPABLE = 0x50, /* the lowest byte of a magic number that begins something else than a frame,
                         low 4 bits aside */
};

/* What one frame claims; 0 if its head is not here. */
static size_t window_of(const uint8_t *data, size_t len) {
    if (len < AT_DESCRIPTOR + 2 || (data[0] & 0xF0) == SKIPPABLE) return 0;
    if ((data[AT_DESCRIPTOR] & SINGLE_SEGMENT) != 0) {
        unsigned long long content = ZSTD_getFrameContentSize(data, len);
        return content > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)content; /* also the two errors */
    }
    unsigned exponent = data[AT_DESCRIPTOR + 1] >> 3, eighths = data[AT_DESCRIPTOR + 1] & 7;
    size_t base = (size_t)1 << (10 + exponent);
    return base + base / 8 * eighths;
}

static size_t zstd_memory(const uint8_t *data, size_t len, size_t limit) {
    size_t largest = 0;
    (void)limit;
    for (int frames = 0; len > 0; frames++) {
        if (frames == CODEC_SCAN_MOST) return ((size_t)1 << WINDOW_LOG_MOST) + OWN_MEMORY;
        size_t frame = ZSTD_findFrameCompressedSize(data, len), window = window_of(data, len);
        /* The library refuses it before it takes memory. */
        if (window > (size_t)1 << WINDOW_LOG_MOST) break;
        if (window > largest) largest = window;
        if (ZSTD_isError(frame)) break; /* the reader ends in this frame, too */
        data += frame;
        len -= frame;
    }
    return largest + OWN_MEMORY;
}

static void zstd_open(struct codec_source *source) {
    ZSTD_DCtx *context = ZSTD_createDCtx();
    CHECK(context != NULL); /* it fails without memory only */
    size_t status = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, WINDOW_LOG_MOST);
    CHECK(!ZSTD_isError(status)); /* within the library's limits */
    source->state = context;
}

static int zstd_read(struct codec_source *source, uint8_t *into, const uint8_t **piece,
                     size_t *got) {
    (void)piece;
    ZSTD_inBuffer in = {source->data, source->len, source->at};
    ZSTD_outBuffer out = {into, CODEC_PIECE, 0};
    size_t hint = ZSTD_decompressStream(source->state, &out, &in);
    if (ZSTD_isError(hint)) return ERR_CORRUPT;
    bool moved = in.pos > source->at || out.pos > 0;
    source->at = in.pos;
    source->whole = hint == 0; /* a frame is complete, and given out */
    *got = out.pos;
    return moved ? ERR_NONE : ERR_CORRUPT; /* it is cut off */
}

static void zstd_close(struct codec_source *source) {
    ZSTD_freeDCtx(source->state);
}

static void *zstd_begin(void) {
    ZSTD_CCtx *context = ZSTD_createCCtx();
    CHECK(context != NULL); /* it fails without memory only */
    size_t status = ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, LEVEL);
    CHECK(!ZSTD_isError(status)); /* within the library's limits */
    return context;
}

static bool compress(ZSTD_CCtx *context, const uint8_t *data, size_t len,
                     ZSTD_EndDirective directive, struct codec_output *output) {
    ZSTD_inBuffer in = {data, len, 0};
    size_t left;
    do {
        if (!codec_output_grow(output)) return false;
        ZSTD_outBuffer out = {output->data, output->capacity, output->len};
        left = ZSTD_compressStream2(context, &out, &in, directive);
        CHECK(!ZSTD_isError(left)); /* it fails without memory only */
        output->len = out.pos;
    } while (directive == ZSTD_e_end ? left > 0 : in.pos < in.size);
    return true;
}

static bool zstd_add(void *state, const uint8_t *data, size_t len, struct codec_output *output) {
    return len == 0 || compress(state, data, len, ZSTD_e_continue, output);
}

static bool zstd_finish(void *state, struct codec_output *output) {
    return compress(state, NULL, 0, ZSTD_e_end, output);
}

static void zstd_end(void *state) {
    ZSTD_freeCCtx(state);
}

const struct codec_format codec_zstd = {zstd_memory, zstd_open, zstd_read,   zstd_close,
                                        zstd_begin,  zstd_add,  zstd_finish, zstd_end};
