/*
 * Snappy. Java clients wrap it in the stream format of xerial's snappy-java and expect it so;
 * others send one raw block.
 *
 *   stream: 82 'S' 'N' 'A' 'P' 'P' 'Y' 00, version i32, lowest compatible version i32, then blocks:
 *           length i32, snappy block
 *
 * Streams may follow one another. A block is decompressed at once; it says how long its content is,
 * which is believed only up to what its bytes can hold, and up to the limit.
 */
#include <snappy-c.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "base/mem.h"
#include "protocol/record/codec_internal.h"

enum {
    STREAM_HEADER = 16,
    STREAM_BLOCK = 32 * 1024, /* as snappy-java's default */
    MOST_EXPANSION = 64,      /* an element of three bytes or more gives 64 at most */
    MAGIC_SIZE = 8,
};

static const uint8_t stream_header[STREAM_HEADER] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0,
                                                     0,    0,   0,   1,   0,   0,   0,   1};

static bool starts_stream(const uint8_t *data, size_t len) {
    return len >= STREAM_HEADER && memcmp(data, stream_header, MAGIC_SIZE) == 0;
}

/* Finds the block at *at, which is moved to its bytes. The head of a stream is a block with nothing
 * in it (*block 0). */
static int find_block(const uint8_t *data, size_t len, size_t *at, size_t *block, size_t *content) {
    *block = len;
    if (starts_stream(data, len)) {
        if (starts_stream(data + *at, len - *at)) {
            *at += STREAM_HEADER;
            *block = *content = 0;
            return ERR_NONE;
        }
        if (len - *at < 4) return ERR_CORRUPT;
        const uint8_t *size = data + *at;
        *block = (uint32_t)size[0] << 24 | (uint32_t)size[1] << 16 | (uint32_t)size[2] << 8 |
                 size[3];
        *at += 4;
        if (*block > len - *at) return ERR_CORRUPT;
    }
    if (snappy_uncompressed_length((const char *)data + *at, *block, content) != SNAPPY_OK)
        return ERR_CORRUPT;
    return *content > *block * MOST_EXPANSION ? ERR_CORRUPT : ERR_NONE;
}

static size_t snappy_memory(const uint8_t *data, size_t len, size_t limit) {
    size_t at = 0, block, content, largest = 0;
    for (int blocks = 0;
         find_block(data, len, &at, &block, &content) == ERR_NONE && content <= limit; blocks++) {
        if (blocks == CODEC_SCAN_MOST) return limit;
        if (content > largest) largest = content;
        at += block;
        if (at == len) break;
    }
    return largest;
}

struct block_room {
    uint8_t *data;
    size_t size;
};

static void snappy_open(struct codec_source *source) {
    source->state = mem_zalloc(sizeof(struct block_room));
}

static int snappy_read(struct codec_source *source, uint8_t *into, const uint8_t **piece,
                       size_t *got) {
    struct block_room *room = source->state;
    size_t block, content;
    int error = find_block(source->data, source->len, &source->at, &block, &content);
    source->whole = error == ERR_NONE;
    if (error != ERR_NONE || block == 0) return error;
    if (content > source->limit) return ERR_TOO_LARGE;
    if (content > CODEC_PIECE) {
        if (content > room->size) {
            mem_free(room->data);
            *room = (struct block_room){mem_alloc(content), content};
        }
        into = room->data;
    }
    if (snappy_uncompress((const char *)source->data + source->at, block, (char *)into, &content) !=
        SNAPPY_OK)
        return ERR_CORRUPT;
    source->at += block;
    *piece = into;
    *got = content;
    return ERR_NONE;
}

static void snappy_close(struct codec_source *source) {
    struct block_room *room = source->state;
    mem_free(room->data);
    mem_free(room);
}

/* Gathers a block. */
struct snappy_sink {
    bool begun;
    size_t len;
    uint8_t block[STREAM_BLOCK];
    uint8_t *packed;
};

static void *snappy_begin(void) {
    struct snappy_sink *sink = mem_alloc(sizeof *sink);
    sink->begun = false;
    sink->len = 0;
    sink->packed = mem_alloc(4 + snappy_max_compressed_length(STREAM_BLOCK));
    return sink;
}

static bool write_block(struct snappy_sink *sink, struct codec_output *output) {
    if (!sink->begun && !codec_output_append(output, stream_header, STREAM_HEADER)) return false;
    sink->begun = true;
    if (sink->len == 0) return true;
    size_t packed = snappy_max_compressed_length(STREAM_BLOCK);
    snappy_status status = snappy_compress((const char *)sink->block, sink->len,
                                           (char *)sink->packed + 4, &packed);
    CHECK(status == SNAPPY_OK); /* there is room for the most that a block can give */
    for (int i = 0; i < 4; i++)
        sink->packed[i] = (uint8_t)(packed >> (24 - 8 * i));
    sink->len = 0;
    return codec_output_append(output, sink->packed, 4 + packed);
}

static bool snappy_add(void *state, const uint8_t *data, size_t len, struct codec_output *output) {
    struct snappy_sink *sink = state;
    while (len > 0) {
        size_t room = STREAM_BLOCK - sink->len, part = len < room ? len : room;
        memcpy(sink->block + sink->len, data, part);
        sink->len += part;
        data += part;
        len -= part;
        if (sink->len == STREAM_BLOCK && !write_block(sink, output)) return false;
    }
    return true;
}

static bool snappy_finish(void *state, struct codec_output *output) {
    return write_block(state, output);
}

static void snappy_end(void *state) {
    struct snappy_sink *sink = state;
    mem_free(sink->packed);
    mem_free(sink);
}

const struct codec_format codec_snappy = {snappy_memory, snappy_open, snappy_read,   snappy_close,
                                          snappy_begin,  snappy_add,  snappy_finish, snappy_end};
