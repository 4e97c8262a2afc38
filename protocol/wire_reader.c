/*
 * The reading half of wire.h: a cursor that never passes the end of its bytes.
 *
 * Every read goes through kp_read_raw, which compares with what is left, or compares each byte
 * itself (variable-length numbers); after a failure nothing is left.
 */
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "protocol/wire.h"

void kp_reader_init(struct kp_reader *reader, const void *data, size_t len) {
    *reader = (struct kp_reader){.data = data, .len = len, .items = UINT32_MAX};
}

size_t kp_reader_left(const struct kp_reader *reader) {
    return reader->len - reader->at;
}

void kp_reader_fail(struct kp_reader *reader, int error) {
    if (reader->error == ERR_NONE) reader->error = error;
    reader->at = reader->len;
}

const uint8_t *kp_read_raw(struct kp_reader *reader, size_t len) {
    if (reader->error != ERR_NONE || len > kp_reader_left(reader)) {
        kp_reader_fail(reader, ERR_MALFORMED);
        return NULL;
    }
    const uint8_t *start = reader->data + reader->at;
    reader->at += len;
    return start;
}

/* A big-endian number of `size` bytes. */
static uint64_t read_big_endian(struct kp_reader *reader, size_t size) {
    const uint8_t *bytes = kp_read_raw(reader, size);
    uint64_t value = 0;
    if (bytes != NULL)
        for (size_t i = 0; i < size; i++)
            value = value << 8 | bytes[i];
    return value;
}

bool kp_read_bool(struct kp_reader *reader) {
    return read_big_endian(reader, 1) != 0;
}

int8_t kp_read_int8(struct kp_reader *reader) {
    return (int8_t)read_big_endian(reader, 1);
}

int16_t kp_read_int16(struct kp_reader *reader) {
    return (int16_t)read_big_endian(reader, 2);
}

int32_t kp_read_int32(struct kp_reader *reader) {
    return (int32_t)read_big_endian(reader, 4);
}

int64_t kp_read_int64(struct kp_reader *reader) {
    return (int64_t)read_big_endian(reader, 8);
}

/* A variable-length number of at most `bits` bits (protobuf's base 128). */
static uint64_t read_base128(struct kp_reader *reader, unsigned bits) {
    uint64_t value = 0;
    if (reader->error != ERR_NONE) return 0;
    for (unsigned shift = 0; shift < bits && reader->at < reader->len; shift += 7) {
        uint8_t byte = reader->data[reader->at++];
        uint64_t part = byte & 0x7f;
        if (bits - shift < 7 && part >> (bits - shift) != 0) break;
        value |= part << shift;
        if ((byte & 0x80) == 0) return value;
    }
    kp_reader_fail(reader, ERR_MALFORMED);
    return 0;
}

uint32_t kp_read_uvarint(struct kp_reader *reader) {
    return (uint32_t)read_base128(reader, 32);
}

int32_t kp_read_varint(struct kp_reader *reader) {
    uint32_t value = (uint32_t)read_base128(reader, 32);
    return (int32_t)(value >> 1 ^ -(value & 1));
}

int64_t kp_read_varlong(struct kp_reader *reader) {
    uint64_t value = read_base128(reader, 64);
    return (int64_t)(value >> 1 ^ -(value & 1));
}

struct kp_uuid kp_read_uuid(struct kp_reader *reader) {
    struct kp_uuid uuid = {{0}};
    const uint8_t *bytes = kp_read_raw(reader, sizeof(uuid.bytes));
    if (bytes != NULL) memcpy(uuid.bytes, bytes, sizeof(uuid.bytes));
    return uuid;
}

/* -1 for null. The length of strings has two bytes (short_form) or four, or is a uvarint of one
 * more (compact). */
static int64_t read_length(struct kp_reader *reader, bool compact, bool short_form, bool nullable) {
    int64_t len;
    if (compact)
        len = (int64_t)kp_read_uvarint(reader) - 1;
    else
        len = short_form ? kp_read_int16(reader) : kp_read_int32(reader);
    if (reader->error != ERR_NONE) return -1;
    if (len < -1 || len > INT32_MAX || (len == -1 && !nullable)) {
        kp_reader_fail(reader, ERR_MALFORMED);
        return -1;
    }
    return len;
}

struct kp_string kp_read_string(struct kp_reader *reader, bool compact, bool nullable) {
    int64_t len = read_length(reader, compact, true, nullable);
    if (len < 0)
        return reader->error != ERR_NONE && !nullable ? (struct kp_string){NULL, 0}
                                                      : KP_NULL_STRING;
    const uint8_t *bytes = kp_read_raw(reader, (size_t)len);
    return bytes == NULL ? (struct kp_string){NULL, 0}
                         : (struct kp_string){(const char *)bytes, (int32_t)len};
}

struct kp_bytes kp_read_bytes(struct kp_reader *reader, bool compact, bool nullable) {
    int64_t len = read_length(reader, compact, false, nullable);
    if (len < 0) return (struct kp_bytes){NULL, reader->error != ERR_NONE && !nullable ? 0 : -1};
    const uint8_t *bytes = kp_read_raw(reader, (size_t)len);
    return (struct kp_bytes){bytes, bytes == NULL ? 0 : (int32_t)len};
}

/* Counts what is going to be read. */
static bool take_items(struct kp_reader *reader, uint32_t count) {
    if (count > reader->items) {
        kp_reader_fail(reader, ERR_AGAIN);
        return false;
    }
    reader->items -= count;
    return true;
}

int32_t kp_read_count(struct kp_reader *reader, bool compact, bool nullable, size_t min_size) {
    CHECK(min_size > 0); /* the schema's, not the frame's */
    int64_t count = read_length(reader, compact, false, nullable);
    if (reader->error != ERR_NONE) return 0;
    if (count > 0 && (uint64_t)count > kp_reader_left(reader) / min_size) {
        kp_reader_fail(reader, ERR_MALFORMED);
        return 0;
    }
    if (count > 0 && !take_items(reader, (uint32_t)count)) return 0;
    return (int32_t)count;
}

uint32_t kp_read_tag(struct kp_reader *reader, struct kp_reader *field) {
    take_items(reader, 1);
    uint32_t tag = kp_read_uvarint(reader);
    uint32_t size = kp_read_uvarint(reader);
    const uint8_t *bytes = kp_read_raw(reader, size);
    kp_reader_init(field, bytes, bytes == NULL ? 0 : size);
    field->items = reader->items;
    if (bytes == NULL) kp_reader_fail(field, reader->error);
    return tag;
}

void kp_skip_tags(struct kp_reader *reader) {
    struct kp_reader field;
    /* Each field takes two bytes at least, so a claimed count ends with the bytes. */
    for (uint32_t count = kp_read_uvarint(reader); count > 0 && reader->error == ERR_NONE; count--)
        kp_read_tag(reader, &field);
}
