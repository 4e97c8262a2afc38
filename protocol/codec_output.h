/*
 * What comes out of a codec: grows as bytes come, never to more than limit + 1. The one more byte is the proof of too much.
 *
 * Private to protocol/codec*.c. `data` is from mem_alloc; who made the output hands it over or frees it.
 */
#ifndef PROTOCOL_CODEC_OUTPUT_H
#define PROTOCOL_CODEC_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct codec_output {
    uint8_t *data;
    size_t len, capacity, limit;
};

void codec_output_init(struct codec_output *output, size_t first_capacity, size_t limit);
/* Makes room for at least one more byte. False: the limit was passed, which is ERR_TOO_LARGE. */
bool codec_output_grow(struct codec_output *output);
/* Makes room for `more` bytes at once. False as above. */
bool codec_output_reserve(struct codec_output *output, size_t more);

#endif
