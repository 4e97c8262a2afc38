/* Encoding and decoding of the clock's command. */
#include "broker/producer/producer_clock.h"

#include "base/error.h"
#include "storage/little_endian.h"

enum { FORMAT = 1, AT_CLOCK = 2, AT_EXPIRATION = 10, SIZE = 18 };

struct slice producer_clock_encode(const struct producer_clock *clock) {
    struct buffer *buffer = buffer_new(NULL, SIZE);
    buffer->data[0] = FORMAT;
    buffer->data[1] = PRODUCER_CLOCK_COMMAND;
    le_put_u64(buffer->data + AT_CLOCK, (uint64_t)clock->clock_ms);
    le_put_u64(buffer->data + AT_EXPIRATION, (uint64_t)clock->expiration_ms);
    struct slice slice = slice_of(buffer, 0, SIZE);
    buffer_unref(buffer);
    return slice;
}

int producer_clock_decode(const void *bytes, size_t len, struct producer_clock *into) {
    const uint8_t *at = bytes;
    if (len < 2) return ERR_MALFORMED;
    if (at[0] != FORMAT || at[1] != PRODUCER_CLOCK_COMMAND) return ERR_VERSION;
    if (len != SIZE) return ERR_MALFORMED;
    into->clock_ms = (int64_t)le_get_u64(at + AT_CLOCK);
    into->expiration_ms = (int64_t)le_get_u64(at + AT_EXPIRATION);
    return into->clock_ms < 0 || into->expiration_ms < 0 ? ERR_MALFORMED : ERR_NONE;
}
