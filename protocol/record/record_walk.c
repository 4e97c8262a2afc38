/*
 * A state machine over bytes: each step reads one number, or skips what the number before it said.
 *
 *   LENGTH -> ATTRIBUTES -> TIMESTAMP -> OFFSET -> KEY -> VALUE -> HEADERS
 *          -> (HEADER_KEY -> HEADER_VALUE)* -> LENGTH
 *
 * Most records lie whole in a piece, are sound, and have short numbers: those are read at once,
 * without the machine. It gets every other record, from its first byte, and alone says what is
 * wrong. Invariant: what is read at once the machine would have taken, with the same result.
 */
#include "protocol/record/record_walk.h"

enum step { LENGTH, ATTRIBUTES, TIMESTAMP, OFFSET, KEY, VALUE, HEADERS, HEADER_KEY, HEADER_VALUE };

void record_walk_begin(struct record_walk *walk, const struct record_batch *batch,
                       void (*record)(void *arg, int32_t offset_delta, int64_t timestamp_ms),
                       void *arg) {
    *walk = (struct record_walk){.max_timestamp = -1,
                                 .record = record,
                                 .arg = arg,
                                 .base_timestamp = batch->base_timestamp,
                                 .count = batch->record_count,
                                 .last_delta = batch->last_offset_delta,
                                 .delta = -1};
}

static int wrong(struct record_walk *walk, const char *what) {
    walk->wrong = what;
    return ERR_MALFORMED;
}

static int record_ends(struct record_walk *walk) {
    if (walk->left > 0) return wrong(walk, "it is longer than what is in it");
    if (walk->record != NULL) walk->record(walk->arg, walk->delta, walk->timestamp);
    if (walk->timestamp > walk->max_timestamp) walk->max_timestamp = walk->timestamp;
    walk->seen++;
    walk->step = LENGTH;
    return ERR_NONE;
}

static bool is_next_offset(const struct record_walk *walk, int64_t delta) {
    bool compacted = walk->last_delta >= walk->count;
    return compacted ? delta > walk->delta && delta <= walk->last_delta : delta == walk->seen;
}

static int take_offset(struct record_walk *walk, int64_t delta) {
    if (!is_next_offset(walk, delta))
        return wrong(walk, "its offset is not its place in the batch");
    walk->delta = (int32_t)delta;
    walk->step = KEY;
    return ERR_NONE;
}

/* A key or value of so many bytes; -1: null. */
static int skip_field(struct record_walk *walk, int64_t len, enum step next) {
    if (len < -1) return wrong(walk, "it has a negative length in it");
    if (len > 0 && (uint64_t)len > walk->left)
        return wrong(walk, "a key or value reaches beyond its end");
    walk->skip = len > 0 ? (size_t)len : 0;
    walk->left -= walk->skip;
    walk->step = next;
    return ERR_NONE;
}

static int take_length(struct record_walk *walk, int64_t length) {
    if (walk->seen == walk->count) return wrong(walk, "there is more than the batch counts");
    if (length < 0) return wrong(walk, "its length is negative");
    walk->left = (size_t)length;
    walk->step = ATTRIBUTES;
    return ERR_NONE;
}

static int take_headers(struct record_walk *walk, int64_t count) {
    if (count < 0) return wrong(walk, "its header count is negative");
    if ((uint64_t)count > walk->left / 2)
        return wrong(walk, "it claims more headers than it has room for");
    walk->headers = (int32_t)count;
    walk->step = HEADER_KEY;
    return count == 0 ? record_ends(walk) : ERR_NONE;
}

/* The number that the step reads is complete. A header's value ends a header when it is skipped,
 * which needs no byte of its own. */
static int take_number(struct record_walk *walk, int64_t number) {
    int error;
    switch ((enum step)walk->step) {
    case LENGTH: return take_length(walk, number);
    case TIMESTAMP:
        walk->step = OFFSET;
        if (__builtin_add_overflow(walk->base_timestamp, number, &walk->timestamp))
            return wrong(walk, "its timestamp passes the largest number");
        return ERR_NONE;
    case OFFSET: return take_offset(walk, number);
    case KEY: walk->keyless = number < 0; return skip_field(walk, number, VALUE);
    case VALUE: return skip_field(walk, number, HEADERS);
    case HEADERS: return take_headers(walk, number);
    case HEADER_KEY:
        if (number < 0) return wrong(walk, "a header has no key");
        return skip_field(walk, number, HEADER_VALUE);
    default:
        error = skip_field(walk, number, HEADER_KEY);
        walk->headers--;
        return error;
    }
}

/* One byte of a number; the number when it is the last one. */
static int take_byte(struct record_walk *walk, uint8_t byte) {
    if (walk->step == ATTRIBUTES) { /* no bit of them has a meaning yet */
        walk->step = TIMESTAMP;
        return ERR_NONE;
    }
    unsigned bits = walk->step == TIMESTAMP ? 64 : 32;
    if (walk->shift + 7u > bits && (byte & 0x7F) >> (bits - walk->shift) != 0)
        return wrong(walk, "a number in it is too long");
    walk->varint |= (uint64_t)(byte & 0x7F) << walk->shift;
    walk->shift += 7;
    if ((byte & 0x80) != 0)
        return walk->shift < bits ? ERR_NONE : wrong(walk, "a number in it is too long");
    int64_t number = (int64_t)(walk->varint >> 1) ^ -(int64_t)(walk->varint & 1);
    walk->varint = 0;
    walk->shift = 0;
    return take_number(walk, number);
}

/* ---- Records that are read at once ---- */

/* These return where they end, or NULL: it is for the machine. (A pointer that goes from call to
 * call stays in a register.) */

/* A number of two bytes or more; four are too few to pass 32 bits. */
static const uint8_t *longer_number(const uint8_t *at, const uint8_t *end, uint32_t *value) {
    *value = 0;
    for (unsigned shift = 0; shift < 28 && at < end; shift += 7) {
        uint8_t byte = *at++;
        *value |= (uint32_t)(byte & 0x7F) << shift;
        if (byte < 0x80) return at;
    }
    return NULL;
}

static inline const uint8_t *short_number(const uint8_t *at, const uint8_t *end, int32_t *number) {
    uint32_t value;
    if (at < end && at[0] < 0x80) {
        value = at[0];
        at += 1;
    } else if (end - at >= 2 && at[1] < 0x80) {
        value = (at[0] & 0x7Fu) | (uint32_t)at[1] << 7;
        at += 2;
    } else {
        at = longer_number(at, end, &value);
    }
    *number = (int32_t)(value >> 1) ^ -(int32_t)(value & 1);
    return at;
}

/* A length of `least` or more, and as many bytes. */
static inline const uint8_t *short_field(const uint8_t *at, const uint8_t *end, int32_t least,
                                         bool *is_null) {
    int32_t len;
    at = short_number(at, end, &len);
    if (at == NULL || len < least || len > end - at) return NULL;
    *is_null = len < 0;
    return len > 0 ? at + len : at;
}

static const uint8_t *short_headers(const uint8_t *at, const uint8_t *end, int32_t count) {
    bool is_null;
    if (count < 0) return NULL;
    for (; count > 0 && at != NULL; count--) {
        at = short_field(at, end, 0, &is_null);
        if (at != NULL) at = short_field(at, end, -1, &is_null);
    }
    return at;
}

/* Takes the record that begins there, if it is within `len` bytes. */
static const uint8_t *whole_record(struct record_walk *walk, const uint8_t *at, size_t len) {
    const uint8_t *end = at + len;
    int32_t length, timestamp_delta, offset_delta, headers;
    bool keyless, is_null;
    at = short_number(at, end, &length);
    if (at == NULL || length < 1 || length > end - at || walk->seen == walk->count) return NULL;
    end = at + length;
    at = short_number(at + 1, end, &timestamp_delta); /* behind the attributes */
    if (at != NULL) at = short_number(at, end, &offset_delta);
    if (at != NULL) at = short_field(at, end, -1, &keyless);
    if (at != NULL) at = short_field(at, end, -1, &is_null);
    if (at != NULL) at = short_number(at, end, &headers);
    if (at != NULL && headers != 0) at = short_headers(at, end, headers);
    int64_t timestamp;
    if (at != end || !is_next_offset(walk, offset_delta) ||
        __builtin_add_overflow(walk->base_timestamp, (int64_t)timestamp_delta, &timestamp))
        return NULL;
    walk->delta = offset_delta;
    walk->keyless = keyless;
    walk->timestamp = timestamp;
    walk->left = 0;
    record_ends(walk);
    return end;
}

int record_walk_piece(struct record_walk *walk, const uint8_t *data, size_t len) {
    int error = ERR_NONE;
    for (size_t at = 0; error == ERR_NONE;) {
        if (walk->step == LENGTH && walk->shift == 0) {
            const uint8_t *end = whole_record(walk, data + at, len - at);
            if (end != NULL) {
                at = (size_t)(end - data);
                continue;
            }
        }
        size_t skipped = walk->skip < len - at ? walk->skip : len - at;
        walk->skip -= skipped;
        at += skipped;
        if (walk->skip == 0 && walk->step == HEADER_KEY && walk->headers == 0) {
            error = record_ends(walk);
            continue;
        }
        if (at == len) break;
        if (walk->step != LENGTH) {
            if (walk->left == 0) return wrong(walk, "it ends too early");
            walk->left--;
        }
        error = take_byte(walk, data[at++]);
    }
    return error;
}

int record_walk_end(struct record_walk *walk) {
    if (walk->step != LENGTH || walk->shift > 0) return wrong(walk, "it is cut off");
    return walk->seen == walk->count ? ERR_NONE : wrong(walk, "it is not there");
}
