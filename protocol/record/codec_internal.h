/*
 * One codec each, behind codec.h. Private to protocol/record/codec*.c, from the ground to the top:
 *
 *   codec_output.c                      the bytes that come out, up to a limit
 *   codec_gzip.c, _lz4, _snappy, _zstd  one format each, by its library
 *   codec.c                             chooses the format
 *
 * A way in (struct codec_source) is read until its end; a way out (begin, add, finish) gets pieces
 * and an end. Memory that a library refuses ends the process, as mem_alloc does: every size is
 * bounded before.
 */
#ifndef PROTOCOL_RECORD_CODEC_INTERNAL_H
#define PROTOCOL_RECORD_CODEC_INTERNAL_H

#include "protocol/record/codec_output.h"

enum {
    CODEC_PIECE = 64 * 1024,
    CODEC_SCAN_MOST = 20000, /* frames or blocks that `memory` looks at; for more it says the most
                                that there can be */
};

/* The compressed bytes, and how far they are read. */
struct codec_source {
    const uint8_t *data;
    size_t len, at;
    bool whole; /* what was read up to `at` may be all: its last frame, member or block is complete
                 */
    size_t limit; /* that may still come out */
    void *state;  /* the format's */
};

struct codec_format {
    /* As codec_reader_memory, without the piece. */
    size_t (*memory)(const uint8_t *data, size_t len, size_t limit);
    void (*open)(struct codec_source *source);
    /* Gives bytes into `into` (CODEC_PIECE of room), or points *piece at bytes of its own; *got may
     * be 0. Sets `whole`. Is not called when `whole` and nothing is left. ERR_NONE, ERR_CORRUPT;
     * ERR_TOO_LARGE, which formats that give more than a piece at once must say. */
    int (*read)(struct codec_source *source, uint8_t *into, const uint8_t **piece, size_t *got);
    void (*close)(struct codec_source *source);

    void *(*begin)(void);
    /* False: over the limit. */
    bool (*add)(void *state, const uint8_t *data, size_t len, struct codec_output *output);
    bool (*finish)(void *state, struct codec_output *output); /* false: over the limit */
    void (*end)(void *state);
};

/* Each block can be read without another, or a dictionary. */
bool codec_lz4_stands_alone(const uint8_t *data, size_t len);

extern const struct codec_format codec_gzip, codec_snappy, codec_lz4, codec_zstd;

#endif
