/* Encoding and decoding of the log start's command. */
#include "broker/log_start/log_start.h"

#include "base/error.h"
#include "storage/little_endian.h"

enum { FORMAT = 1, AT_OFFSET = 2, AT_EVERYWHERE = 10, AT_REASON = 18, SIZE = 19 };

struct slice log_start_encode(const struct log_start *start) {
    struct buffer *buffer = buffer_new(NULL, SIZE);
    buffer->data[0] = FORMAT;
    buffer->data[1] = LOG_START_COMMAND;
    le_put_u64(buffer->data + AT_OFFSET, (uint64_t)start->offset);
    le_put_u64(buffer->data + AT_EVERYWHERE, start->everywhere);
    buffer->data[AT_REASON] = start->reason;
    struct slice slice = slice_of(buffer, 0, SIZE);
    buffer_unref(buffer);
    return slice;
}

int log_start_decode(const void *bytes, size_t len, struct log_start *into) {
    const uint8_t *at = bytes;
    if (len < 2) return ERR_MALFORMED;
    if (at[0] != FORMAT || at[1] != LOG_START_COMMAND) return ERR_VERSION;
    if (len != SIZE) return ERR_MALFORMED;
    into->offset = (int64_t)le_get_u64(at + AT_OFFSET);
    into->everywhere = le_get_u64(at + AT_EVERYWHERE);
    into->reason = at[AT_REASON];
    return into->offset < 0 ? ERR_MALFORMED : ERR_NONE;
}
