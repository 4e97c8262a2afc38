/*
 * What comes out of a codec: grows as bytes come, up to a limit.
 *
 * Private to protocol/record/codec*.c. `data` is from mem_alloc; who made the output hands it over
 * or frees it.
 */
#ifndef PROTOCOL_RECORD_CODEC_OUTPUT_H
#define PROTOCOL_RECORD_CODEC_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct codec_output {
    uint8_t *data;
    size_t len, capacity, limit; /* len <= capacity <= limit */
};

void codec_output_init(struct codec_output *output, size_t first_capacity, size_t limit);
/* Makes room for at least one more byte. False: the limit is reached. */
bool codec_output_grow(struct codec_output *output);
/* Adds a copy. False: it would pass the limit; nothing is added. */
bool codec_output_append(struct codec_output *output, const void *data, size_t len);

#endif
