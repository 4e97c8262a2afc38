/*
 * LZ4 frames. Written as Kafka's Java reader demands: independent blocks of 64 KiB, no content
 * checksum, no content size. Read: any frame, also with linked blocks, which are not stored any
 * more, but only one, as there. The library takes two blocks of its own, of at most 4 MiB each.
 */
#include <lz4frame.h>

#include "base/check.h"
#include "base/error.h"
#include "base/mem.h"
#include "protocol/record/codec_internal.h"

enum {
    FRAME_HEAD = 6,
    AT_FLAGS = 4,
    FLAG_INDEPENDENT = 0x20,
    FLAG_DICTIONARY = 1,
    AT_BLOCK_SIZE = 5,
    OWN_MEMORY = 256 * 1024
};

static const LZ4F_preferences_t preferences = {.frameInfo = {.blockSizeID = LZ4F_max64KB,
                                                             .blockMode = LZ4F_blockIndependent,
                                                             .frameType = LZ4F_frame},
                                               .autoFlush = 1};

/* The frame descriptor says 4 to 7 for 64 KiB, 256 KiB, 1 MiB, 4 MiB. */
static size_t lz4_memory(const uint8_t *data, size_t len, size_t limit) {
    (void)limit;
    unsigned size = len < FRAME_HEAD ? 0 : data[AT_BLOCK_SIZE] >> 4 & 7;
    return size < 4 ? OWN_MEMORY : ((size_t)2 << (8 + 2 * size)) + OWN_MEMORY;
}

bool codec_lz4_stands_alone(const uint8_t *data, size_t len) {
    return len < FRAME_HEAD ||
           (data[AT_FLAGS] & (FLAG_INDEPENDENT | FLAG_DICTIONARY)) == FLAG_INDEPENDENT;
}

static void lz4_open(struct codec_source *source) {
    LZ4F_dctx *context;
    LZ4F_errorCode_t status = LZ4F_createDecompressionContext(&context, LZ4F_VERSION);
    CHECK(!LZ4F_isError(status)); /* it fails without memory only */
    source->state = context;
}

static int lz4_read(struct codec_source *source, uint8_t *into, const uint8_t **piece,
                    size_t *got) {
    (void)piece;
    size_t room = CODEC_PIECE, taken = source->len - source->at;
    size_t hint = LZ4F_decompress(source->state, into, &room, source->data + source->at, &taken,
                                  NULL);
    if (LZ4F_isError(hint)) return ERR_CORRUPT;
    source->at += taken;
    source->whole = hint == 0;
    *got = room;
    if (source->whole) return source->at == source->len ? ERR_NONE : ERR_CORRUPT;
    return room == 0 && taken == 0 ? ERR_CORRUPT : ERR_NONE; /* it is cut off */
}

static void lz4_close(struct codec_source *source) {
    LZ4F_freeDecompressionContext(source->state);
}

struct lz4_sink {
    LZ4F_cctx *context;
    bool begun;
    uint8_t *packed; /* of one piece */
    size_t room;
};

static void *lz4_begin(void) {
    struct lz4_sink *sink = mem_zalloc(sizeof *sink);
    LZ4F_errorCode_t status = LZ4F_createCompressionContext(&sink->context, LZ4F_VERSION);
    CHECK(!LZ4F_isError(status)); /* it fails without memory only */
    sink->room = LZ4F_compressBound(CODEC_PIECE, &preferences) + LZ4F_HEADER_SIZE_MAX;
    sink->packed = mem_alloc(sink->room);
    return sink;
}

/* `written` is what a call of the library gave, for which there was room: its bound. */
static bool lz4_take(const struct lz4_sink *sink, size_t written, struct codec_output *output) {
    CHECK(!LZ4F_isError(written)); /* the room is the library's own bound for a piece */
    return codec_output_append(output, sink->packed, written);
}

static bool head(struct lz4_sink *sink, struct codec_output *output) {
    if (sink->begun) return true;
    sink->begun = true;
    return lz4_take(sink, LZ4F_compressBegin(sink->context, sink->packed, sink->room, &preferences),
                    output);
}

static bool lz4_add(void *state, const uint8_t *data, size_t len, struct codec_output *output) {
    struct lz4_sink *sink = state;
    bool fits = head(sink, output);
    while (fits && len > 0) {
        size_t part = len > CODEC_PIECE ? CODEC_PIECE : len;
        fits = lz4_take(
            sink, LZ4F_compressUpdate(sink->context, sink->packed, sink->room, data, part, NULL),
            output);
        data += part;
        len -= part;
    }
    return fits;
}

static bool lz4_finish(void *state, struct codec_output *output) {
    struct lz4_sink *sink = state;
    return head(sink, output) &&
           lz4_take(sink, LZ4F_compressEnd(sink->context, sink->packed, sink->room, NULL), output);
}

static void lz4_end(void *state) {
    struct lz4_sink *sink = state;
    LZ4F_freeCompressionContext(sink->context);
    mem_free(sink->packed);
    mem_free(sink);
}

const struct codec_format codec_lz4 = {lz4_memory, lz4_open, lz4_read,   lz4_close,
                                       lz4_begin,  lz4_add,  lz4_finish, lz4_end};
