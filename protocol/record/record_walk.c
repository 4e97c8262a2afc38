/*
 * A state machine over bytes: each step reads one number, or skips what the number before it said.
 *
 *   LENGTH -> ATTRIBUTES -> TIMESTAMP -> OFFSET -> KEY -> VALUE -> HEADERS
 *          -> (HEADER_KEY -> HEADER_VALUE)* -> LENGTH
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

static int take_offset(struct record_walk *walk, int64_t delta) {
    bool compacted = walk->last_delta >= walk->count;
    bool good = compacted ? delta > walk->delta && delta <= walk->last_delta : delta == walk->seen;
    if (!good) return wrong(walk, "its offset is not its place in the batch");
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

int record_walk_piece(struct record_walk *walk, const uint8_t *data, size_t len) {
    int error = ERR_NONE;
    for (size_t at = 0; error == ERR_NONE;) {
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
