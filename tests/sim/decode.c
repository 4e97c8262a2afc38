/* Batches and entries, read without the product; decode.h says why. */
#include "tests/sim/decode.h"

#include <inttypes.h>
#include <lz4.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/crc32c.h"
#include "base/mem.h"

enum {
    BATCH_HEAD = 61,
    ATTRIBUTE_CONTROL = 0x20,
    CONTENT_MOST = 1 << 17,
    ENTRY_MAGIC = 0x31455244,
    XERIAL_HEAD = 16
};

struct reading {
    struct run *run;
    const struct history *history;
    int64_t from;
    void (*each)(void *arg, int64_t offset, unsigned producer, uint64_t number);
    void *arg;
};

/* ---- Compression ---- */

static size_t gunzip(const uint8_t *data, size_t len, uint8_t *into) {
    z_stream stream = {.next_in = (uint8_t *)data,
                       .avail_in = (uInt)len,
                       .next_out = into,
                       .avail_out = CONTENT_MOST};

    if (inflateInit2(&stream, 31) != Z_OK) return SIZE_MAX;
    int result = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    return result == Z_STREAM_END ? stream.total_out : SIZE_MAX;
}

static size_t unsnap_block(const uint8_t *data, size_t len, uint8_t *into, size_t room) {
    size_t got = room;
    return snappy_uncompress((const char *)data, len, (char *)into, &got) == SNAPPY_OK ? got
                                                                                       : SIZE_MAX;
}

/* One block, or several in the frames of snappy-java. */
static size_t unsnap(const uint8_t *data, size_t len, uint8_t *into) {
    size_t done = 0;

    if (len < XERIAL_HEAD || memcmp(data, "\x82SNAPPY", 8) != 0)
        return unsnap_block(data, len, into, CONTENT_MOST);
    for (size_t at = XERIAL_HEAD; at < len;) {
        if (len - at < 4) return SIZE_MAX;
        size_t block = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 |
                       (size_t)data[at + 2] << 8 | data[at + 3];
        at += 4;
        if (block > len - at) return SIZE_MAX;
        size_t got = unsnap_block(data + at, block, into + done, CONTENT_MOST - done);
        if (got == SIZE_MAX) return SIZE_MAX;
        done += got;
        at += block;
    }
    return done;
}

static size_t unlz4(const uint8_t *data, size_t len, uint8_t *into) {
    size_t out = CONTENT_MOST, in = len;
    LZ4F_dctx *context;

    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION))) return SIZE_MAX;
    size_t left = LZ4F_decompress(context, into, &out, data, &in, NULL);
    LZ4F_freeDecompressionContext(context);
    return left == 0 && in == len ? out : SIZE_MAX;
}

/* SIZE_MAX: it cannot be decompressed. */
static size_t decompress(int codec, const uint8_t *data, size_t len, uint8_t *into) {
    switch (codec) {
    case 1: return gunzip(data, len, into);
    case 2: return unsnap(data, len, into);
    case 3: return unlz4(data, len, into);
    case 4: {
        size_t got = ZSTD_decompress(into, CONTENT_MOST, data, len);
        return ZSTD_isError(got) ? SIZE_MAX : got;
    }
    default: return SIZE_MAX;
    }
}

/* ---- Records ---- */

static uint64_t big_endian(const uint8_t *at, unsigned bytes) {
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

/* False: it does not end. */
static bool varint(const uint8_t *data, size_t len, size_t *at, int64_t *value) {
    uint64_t bits = 0;

    for (unsigned shift = 0; shift < 64 && *at < len; shift += 7) {
        uint8_t byte = data[(*at)++];
        bits |= (uint64_t)(byte & 127) << shift;
        if (byte >> 7 != 0) continue;
        *value = (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1);
        return true;
    }
    return false;
}

/* The only header of a tombstone; what would be its value. False: it is another. */
static bool read_header(const uint8_t *data, size_t end, size_t *p, const uint8_t **value,
                        int64_t *value_len) {
    int64_t key_len;

    if (!varint(data, end, p, &key_len) || key_len != 2 || end - *p < 2 ||
        memcmp(data + *p, "of", 2) != 0)
        return false;
    *p += 2;
    if (!varint(data, end, p, value_len) || *value_len < 0 || (uint64_t)*value_len > end - *p)
        return false;
    *value = data + *p;
    *p += (size_t)*value_len;
    return true;
}

/* A record: length, attributes, time, offset, key, value, headers (of which ours have none, but
 * where there is no value). */
static bool read_record(const struct reading *reading, const uint8_t *data, size_t len, size_t *at,
                        int64_t base, int64_t *expected) {
    int64_t size, time, delta, key_len, value_len, headers;
    unsigned producer;
    uint64_t number;

    if (!varint(data, len, at, &size) || size < 1 || (uint64_t)size > len - *at) return false;
    size_t end = *at + (size_t)size, p = *at + 1;
    if (!varint(data, end, &p, &time) || !varint(data, end, &p, &delta) ||
        !varint(data, end, &p, &key_len))
        return false;
    if (key_len > 0) p += (size_t)key_len;
    if (!varint(data, end, &p, &value_len) || value_len < -1 ||
        (value_len > 0 && (uint64_t)value_len > end - p))
        return false;
    bool tombstone = value_len < 0;
    const uint8_t *value = data + p;
    if (!tombstone) p += (size_t)value_len;
    if (!varint(data, end, &p, &headers) || headers != tombstone ||
        (tombstone && !read_header(data, end, &p, &value, &value_len)) || p != end)
        return false;
    bool gap = base + delta > *expected && history_is_compacted(reading->history);
    if (base + delta != *expected && !gap) return false;
    *at = end;
    *expected = base + delta + 1;
    if (base + delta < reading->from) return true;
    history_parse(reading->history, value, (size_t)value_len, &producer, &number);
    if (tombstone &&
        !(history_is_compacted(reading->history) && history_is_tombstone(producer, number)))
        run_fail(reading->run, "offset %" PRId64 " has no value, and was sent with one",
                 base + delta);
    reading->each(reading->arg, base + delta, producer, number);
    return true;
}

static bool read_records(const struct reading *reading, const uint8_t *data, size_t len,
                         int64_t base, uint32_t count) {
    size_t at = 0;
    int64_t expected = base;

    for (uint32_t i = 0; i < count; i++)
        if (!read_record(reading, data, len, &at, base, &expected)) return false;
    return at == len;
}

/* A record of a control batch: an end of a transaction, without headers. */
static bool read_marker(const struct reading *reading, const uint8_t *batch, size_t len) {
    /* length, attributes, time, offset; key: i16 0, i16 0 or 1; value: i16 0, i32 */
    static const uint8_t head[] = {2 * 16, 0, 0, 0, 2 * 4, 0, 0, 0};
    enum { KEY_END = 9, VALUE = 10, RECORD = 17 };
    const uint8_t *record = batch + BATCH_HEAD;
    int64_t base = (int64_t)big_endian(batch, 8);

    if (len != BATCH_HEAD + RECORD || memcmp(record, head, sizeof head) != 0 ||
        record[KEY_END - 1] > 1 || record[KEY_END] != 2 * 6 || big_endian(record + VALUE, 2) != 0 ||
        record[RECORD - 1] != 0)
        return false;
    int16_t epoch = (int16_t)big_endian(batch + 51, 2);
    int32_t coordinator = (int32_t)big_endian(record + VALUE + 2, 4);
    if (base >= reading->from)
        reading->each(reading->arg, base, HISTORY_MARKER,
                      history_marker_number(epoch, coordinator));
    return true;
}

/* The batch that begins at `data` and ends with it. Returns the offset behind it. */
static int64_t read_batch(const struct reading *reading, const uint8_t *data, size_t len,
                          int64_t next) {
    int64_t base = (int64_t)big_endian(data, 8);
    uint32_t count = (uint32_t)big_endian(data + 57, 4),
             offsets = (uint32_t)big_endian(data + 23, 4) + 1;
    bool compacted = history_is_compacted(reading->history);
    int codec = data[22] & 7;
    const uint8_t *records = data + BATCH_HEAD;
    size_t records_len = len - BATCH_HEAD;
    uint8_t *content = NULL;

    if (data[16] != 2 || crc32c(0, data + 21, len - 21) != (uint32_t)big_endian(data + 17, 4))
        run_fail(reading->run,
                 "the batch at offset %" PRId64 " is of another format, or its checksum is wrong",
                 base);
    if (count == 0 || (compacted ? offsets < count : offsets != count))
        run_fail(reading->run,
                 "the batch at offset %" PRId64 " has %u records and another last offset", base,
                 count);
    if (base + offsets <= next)
        run_fail(reading->run,
                 "the batch at offset %" PRId64 " ends before %" PRId64 ", from where on was asked",
                 base, next);
    if (base > next && !compacted)
        run_fail(reading->run, "offset %" PRId64 " is skipped: a batch begins at %" PRId64, next,
                 base);
    if ((data[22] & ATTRIBUTE_CONTROL) != 0) {
        if (count != 1 || codec != 0 || !read_marker(reading, data, len))
            run_fail(reading->run, "the control batch at offset %" PRId64 " is no marker", base);
        return base + 1;
    }
    if (codec != 0) {
        content = mem_alloc(CONTENT_MOST);
        records_len = decompress(codec, records, records_len, content);
        records = content;
    }
    if (records_len == SIZE_MAX || !read_records(reading, records, records_len, base, count))
        run_fail(reading->run,
                 "the records of the batch at offset %" PRId64 " cannot be read (codec %d)", base,
                 codec);
    mem_free(content);
    return base + offsets;
}

int64_t decode_batches(struct run *run, const struct history *history, const void *data, size_t len,
                       int64_t from,
                       void (*each)(void *arg, int64_t offset, unsigned producer, uint64_t number),
                       void *arg) {
    struct reading reading = {run, history, from, each, arg};
    const uint8_t *bytes = data;
    int64_t next = from;

    for (size_t at = 0; at < len;) {
        size_t left = len - at, size = left < 12 ? 0 : 12 + (size_t)big_endian(bytes + at + 8, 4);
        if (size < BATCH_HEAD || size > left)
            run_fail(run, "a batch of %zu bytes is said to follow offset %" PRId64 ", in %zu bytes",
                     size, next, left);
        next = read_batch(&reading, bytes + at, size, next);
        at += size;
    }
    return next;
}

/* ---- Entries ---- */

bool decode_entry(const uint8_t *at, size_t room, struct raw_entry *entry) {
    if (room < RAW_ENTRY_HEAD || le32(at) != ENTRY_MAGIC || crc32c(0, at, 60) != le32(at + 60))
        return false;
    *entry = (struct raw_entry){.body_len = le32(at + 4),
                                .group = le64(at + 8),
                                .index = le64(at + 16),
                                .term = le32(at + 24),
                                .type = at[28],
                                .lz4 = (at[29] & 127) != 0,
                                .base_offset = (int64_t)le64(at + 32),
                                .records = le32(at + 40),
                                .raw_len = le32(at + 44),
                                .body_crc = le32(at + 56),
                                .body = at + RAW_ENTRY_HEAD};
    return entry->body_len <= room - RAW_ENTRY_HEAD;
}

bool decode_entry_body_is_whole(const struct raw_entry *entry) {
    return crc32c(0, entry->body, entry->body_len) == entry->body_crc;
}

struct wanted {
    int64_t offset;
    unsigned producer;
    uint64_t number;
    bool found;
};

static void compare(void *arg, int64_t offset, unsigned producer, uint64_t number) {
    struct wanted *wanted = arg;

    if (offset == wanted->offset)
        wanted->found = producer == wanted->producer && number == wanted->number;
}

bool decode_entry_holds(struct run *run, const struct history *history,
                        const struct raw_entry *entry, int64_t offset, unsigned producer,
                        uint64_t number) {
    struct wanted wanted = {offset, producer, number, false};
    uint8_t *raw = NULL;
    const uint8_t *data = entry->body;

    if (entry->type != RAW_ENTRY_BATCHES || !decode_entry_body_is_whole(entry)) return false;
    if (entry->lz4) {
        raw = mem_alloc(entry->raw_len);
        int got = LZ4_decompress_safe((const char *)data, (char *)raw, (int)entry->body_len,
                                      (int)entry->raw_len);
        if (got != (int)entry->raw_len)
            run_fail(run, "entry %" PRIu64 " cannot be decompressed", entry->index);
        data = raw;
    }
    decode_batches(run, history, data, entry->lz4 ? entry->raw_len : entry->body_len,
                   entry->base_offset, compare, &wanted);
    mem_free(raw);
    return wanted.found;
}
