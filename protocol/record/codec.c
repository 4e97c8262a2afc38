/*
 * Chooses the format. The contract is in codec.h, the floors below are in codec_internal.h. No
 * codec is a format, too: its pieces are those of the bytes themselves.
 */
#include "protocol/record/codec.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "protocol/record/codec_internal.h"

enum { FIRST_CAPACITY = 4096 };

/* By enum record_codec. */
static const struct codec_format *const formats[] = {
    [RECORD_CODEC_GZIP] = &codec_gzip,
    [RECORD_CODEC_SNAPPY] = &codec_snappy,
    [RECORD_CODEC_LZ4] = &codec_lz4,
    [RECORD_CODEC_ZSTD] = &codec_zstd,
};

/* NULL: none. Who parsed a batch has a codec of the enum: record_batch_parse refuses others. */
static const struct codec_format *format_of(enum record_codec codec) {
    /* record_batch_parse and codec_decompress refused others. */
    CHECK((unsigned)codec <= RECORD_CODEC_ZSTD);
    return formats[codec];
}

/* ---- Decompressing ---- */

struct codec_reader {
    const struct codec_format *format; /* NULL: none */
    struct codec_source source;
    uint8_t *piece;
};

bool codec_all_clients_read(enum record_codec codec, const void *data, size_t len) {
    return codec != RECORD_CODEC_LZ4 || codec_lz4_stands_alone(data, len);
}

size_t codec_reader_memory(enum record_codec codec, const void *data, size_t len, size_t limit) {
    const struct codec_format *format = format_of(codec);
    return format == NULL ? 0 : format->memory(data, len, limit) + CODEC_PIECE;
}

struct codec_reader *codec_reader_new(enum record_codec codec, const void *data, size_t len,
                                      size_t limit) {
    struct codec_reader *reader = mem_zalloc(sizeof *reader);
    reader->format = format_of(codec);
    reader->source = (struct codec_source){.data = data, .len = len, .limit = limit};
    if (reader->format == NULL) return reader;
    reader->piece = mem_alloc(CODEC_PIECE);
    reader->format->open(&reader->source);
    return reader;
}

static int read_plain(struct codec_source *source, const uint8_t **piece, size_t *len) {
    size_t left = source->len - source->at;
    if (left == 0) return ERR_EOF;
    *piece = source->data + source->at;
    *len = left < CODEC_PIECE ? left : CODEC_PIECE;
    source->at += *len;
    return ERR_NONE;
}

int codec_reader_next(struct codec_reader *reader, const uint8_t **piece, size_t *len) {
    struct codec_source *source = &reader->source;
    int error;
    *len = 0;
    *piece = reader->piece;
    if (reader->format == NULL)
        error = read_plain(source, piece, len);
    else if (source->whole && source->at == source->len)
        error = ERR_EOF;
    else
        error = reader->format->read(source, reader->piece, piece, len);
    if (error != ERR_NONE) return error;
    if (*len > source->limit) return ERR_TOO_LARGE;
    source->limit -= *len;
    return ERR_NONE;
}

size_t codec_reader_taken(const struct codec_reader *reader) {
    return reader->source.at;
}

void codec_reader_free(struct codec_reader *reader) {
    if (reader == NULL) return;
    if (reader->format != NULL) reader->format->close(&reader->source);
    mem_free(reader->piece);
    mem_free(reader);
}

/* ---- Compressing ---- */

struct codec_writer {
    const struct codec_format *format; /* NULL: none */
    void *state;
    size_t room_before;
    struct codec_output output;
};

struct codec_writer *codec_writer_new(enum record_codec codec, size_t room_before, size_t limit) {
    struct codec_writer *writer = mem_zalloc(sizeof *writer);
    writer->format = format_of(codec);
    writer->room_before = room_before;
    CHECK(limit <= SIZE_MAX - room_before - FIRST_CAPACITY); /* limits are sizes of batches */
    codec_output_init(&writer->output, room_before + FIRST_CAPACITY, room_before + limit);
    writer->output.len = room_before;
    if (writer->format != NULL) writer->state = writer->format->begin();
    return writer;
}

int codec_writer_add(struct codec_writer *writer, const uint8_t *data, size_t len) {
    bool fits = writer->format != NULL
                    ? writer->format->add(writer->state, data, len, &writer->output)
                    : codec_output_append(&writer->output, data, len);
    return fits ? ERR_NONE : ERR_TOO_LARGE;
}

int codec_writer_finish(struct codec_writer *writer, uint8_t **out, size_t *out_len) {
    struct codec_output *output = &writer->output;
    *out = NULL;
    *out_len = 0;
    if (writer->format != NULL && !writer->format->finish(writer->state, output))
        return ERR_TOO_LARGE;
    if (output->capacity - output->len > output->len / 8)
        output->data = mem_realloc(output->data, output->len);
    *out = output->data;
    *out_len = output->len - writer->room_before;
    output->data = NULL;
    return ERR_NONE;
}

void codec_writer_free(struct codec_writer *writer) {
    if (writer == NULL) return;
    if (writer->format != NULL) writer->format->end(writer->state);
    mem_free(writer->output.data);
    mem_free(writer);
}

/* ---- All at once ---- */

int codec_compress(enum record_codec codec, const void *data, size_t len, uint8_t **out,
                   size_t *out_len) {
    *out = NULL;
    *out_len = 0;
    if (len > INT32_MAX) return ERR_TOO_LARGE;
    struct codec_writer *writer = codec_writer_new(codec, 0, UINT32_MAX);
    int error = codec_writer_add(writer, data, len);
    if (error == ERR_NONE) error = codec_writer_finish(writer, out, out_len);
    codec_writer_free(writer);
    return error;
}

int codec_decompress(enum record_codec codec, const void *data, size_t len, size_t limit,
                     uint8_t **out, size_t *out_len) {
    *out = NULL;
    *out_len = 0;
    if ((unsigned)codec > RECORD_CODEC_ZSTD) return ERR_VERSION;
    if (len > INT32_MAX) return ERR_TOO_LARGE;
    struct codec_output output;
    struct codec_reader *reader = codec_reader_new(codec, data, len, limit);
    const uint8_t *piece;
    size_t piece_len;
    int error;
    codec_output_init(&output, len < FIRST_CAPACITY ? FIRST_CAPACITY : len * 4, limit);
    while ((error = codec_reader_next(reader, &piece, &piece_len)) == ERR_NONE)
        codec_output_append(&output, piece, piece_len); /* it fits: the reader has the same limit */
    codec_reader_free(reader);
    if (error != ERR_EOF) {
        mem_free(output.data);
        return error;
    }
    *out = output.data;
    *out_len = output.len;
    return ERR_NONE;
}
