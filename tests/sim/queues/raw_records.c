/* Batches, records, headers, byte by byte; raw_records.h has the rules. */
#include "tests/sim/queues/raw_records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"

enum { BATCH_HEAD = 61, CODEC = 7, CONTROL = 0x20, NUMBER_ROOM = 24 };

static uint64_t big_endian(const uint8_t *at, unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

struct bytes {
    const uint8_t *at, *end;
    bool short_of; /* it ended too early */
};

static int64_t varint(struct bytes *bytes) {
    uint64_t bits = 0;
    for (unsigned shift = 0; shift < 64 && bytes->at < bytes->end; shift += 7) {
        uint8_t byte = *bytes->at++;
        bits |= (uint64_t)(byte & 127) << shift;
        if (byte >> 7 == 0) return (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1);
    }
    bytes->short_of = true;
    return 0;
}

/* -1: null. */
static const uint8_t *field(struct bytes *bytes, int64_t *len) {
    const uint8_t *at;
    *len = varint(bytes);
    if (*len < -1 || *len > bytes->end - bytes->at) bytes->short_of = true;
    at = bytes->at;
    if (!bytes->short_of && *len > 0) bytes->at += *len;
    return at;
}

/* ---- Headers ---- */

bool raw_header(struct run *run, const struct raw_record *record, const char *name, char *into,
                size_t room) {
    struct bytes bytes = {record->headers, record->headers + record->headers_len, false};
    bool found = false;
    for (int64_t i = 0; i < record->header_count; i++) {
        int64_t name_len, value_len;
        const uint8_t *key = field(&bytes, &name_len), *value = field(&bytes, &value_len);
        if (bytes.short_of || name_len < 0)
            run_fail(run, "the headers of the record at offset %" PRId64 " cannot be read",
                     record->offset);
        if ((size_t)name_len != strlen(name) || memcmp(key, name, (size_t)name_len) != 0) continue;
        found = true;
        snprintf(into, room, "%.*s", value_len < 0 ? 0 : (int)value_len, (const char *)value);
    }
    return found;
}

bool raw_header_number(struct run *run, const struct raw_record *record, const char *name,
                       int64_t *number) {
    char text[NUMBER_ROOM], *end;
    if (!raw_header(run, record, name, text, sizeof text)) return false;
    *number = strtoll(text, &end, 10);
    if (text[0] == '\0' || *end != '\0')
        run_fail(run, "the record at offset %" PRId64 " has the number \"%s\" in %s",
                 record->offset, text, name);
    return true;
}

/* ---- Records ---- */

/* Behind the fields of its batch. False: it cannot be read. */
static bool read_record(struct bytes *bytes, int64_t base_timestamp_ms, struct raw_record *record) {
    int64_t size = varint(bytes);
    if (bytes->short_of || size < 1 || size > bytes->end - bytes->at) return false;
    struct bytes own = {bytes->at + 1, bytes->at + size, false};
    bytes->at = own.end;
    record->timestamp_ms = base_timestamp_ms + varint(&own);
    record->offset = record->base + varint(&own);
    record->key = field(&own, &record->key_len);
    record->value = field(&own, &record->value_len);
    record->header_count = varint(&own);
    record->headers = own.at;
    record->headers_len = (size_t)(own.end - own.at);
    return !own.short_of && record->offset <= record->last;
}

static void read_batch(struct run *run, const uint8_t *batch, size_t len,
                       void (*each)(void *arg, const struct raw_record *record), void *arg) {
    struct raw_record record = {.base = (int64_t)big_endian(batch, 8),
                                .last = (int64_t)big_endian(batch, 8) +
                                        (int64_t)big_endian(batch + 23, 4),
                                .max_timestamp_ms = (int64_t)big_endian(batch + 35, 8),
                                .attributes = (uint16_t)big_endian(batch + 21, 2),
                                .producer_id = (int64_t)big_endian(batch + 43, 8),
                                .sequence = (int32_t)big_endian(batch + 53, 4)};
    struct bytes bytes = {batch + BATCH_HEAD, batch + len, false};
    int64_t before = record.base - 1;
    uint32_t count = (uint32_t)big_endian(batch + 57, 4);
    if (count == 0 || (record.attributes & CODEC) != 0)
        run_fail(run, "the batch at offset %" PRId64 " has %u records, codec %d", record.base,
                 count, record.attributes & CODEC);
    for (uint32_t i = 0; i < count; i++) {
        if (!read_record(&bytes, (int64_t)big_endian(batch + 27, 8), &record) ||
            record.offset <= before)
            run_fail(run, "record %u of the batch at offset %" PRId64 " cannot be read", i,
                     record.base);
        before = record.offset;
        each(arg, &record);
    }
    if (bytes.at != bytes.end)
        run_fail(run, "the batch at offset %" PRId64 " has more than its records", record.base);
}

int64_t raw_records(struct run *run, const uint8_t *data, size_t len, int64_t from, bool control,
                    void (*each)(void *arg, const struct raw_record *record), void *arg) {
    int64_t next = from;
    for (size_t at = 0, size; at < len; at += size) {
        const uint8_t *batch = data + at;
        size_t left = len - at;
        size = left < BATCH_HEAD ? 0 : 12 + (size_t)big_endian(batch + 8, 4);
        if (size < BATCH_HEAD || size > left || batch[16] != 2 ||
            crc32c(0, batch + 21, size - 21) != (uint32_t)big_endian(batch + 17, 4))
            run_fail(run, "what is said to be a batch, behind offset %" PRId64 ", is none", next);
        int64_t base = (int64_t)big_endian(batch, 8),
                behind = base + (int64_t)big_endian(batch + 23, 4) + 1;
        if (behind <= next || (next != from && base < next))
            run_fail(run,
                     "the batch of the offsets from %" PRId64 " to %" PRId64 " comes where %" PRId64
                     " is the next one",
                     base, behind - 1, next);
        next = behind;
        if ((batch[22] & CONTROL) == 0)
            read_batch(run, batch, size, each, arg);
        else if (!control)
            run_fail(run, "the batch at offset %" PRId64 " is a control batch", base);
    }
    return next;
}
