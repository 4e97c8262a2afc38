/*
 * Where the fields of a batch header lie, how they are loaded and stored, and how a batch is
 * refused. For protocol/record/record_*.c, for whoever judges bytes that are no batch
 * (broker/partition/produced_batch.c), and for tests.
 */
#ifndef PROTOCOL_RECORD_RECORD_BATCH_LAYOUT_H
#define PROTOCOL_RECORD_RECORD_BATCH_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/record/record_batch.h"

enum {
    AT_BASE_OFFSET = 0,
    AT_LENGTH = 8,
    AT_LEADER_EPOCH = 12,
    AT_MAGIC = 16,
    AT_CRC = 17,
    AT_ATTRIBUTES = 21, /* the checksum covers everything from here on */
    AT_LAST_OFFSET_DELTA = 23,
    AT_BASE_TIMESTAMP = 27,
    AT_MAX_TIMESTAMP = 35,
    AT_PRODUCER_ID = 43,
    AT_PRODUCER_EPOCH = 51,
    AT_BASE_SEQUENCE = 53,
    AT_RECORD_COUNT = 57,
};
_Static_assert(AT_RECORD_COUNT + 4 == RECORD_BATCH_HEADER, "the header ends with the record count");
_Static_assert(AT_LENGTH + 4 == RECORD_BATCH_LENGTH_PREFIX, "the length counts what follows it");

/* Length, attributes, two deltas, two lengths of -1, no headers: a byte each. */
enum { RECORD_SMALLEST = 7 };

enum {
    ATTRIBUTE_CODEC = 0x07,
    ATTRIBUTE_LOG_APPEND_TIME = 0x08,
    ATTRIBUTE_TRANSACTIONAL = 0x10,
    ATTRIBUTE_CONTROL = 0x20,
    ATTRIBUTE_HELD = 0x4000, /* ours: held_batch.h */
};

/* `why` may be NULL. */
#define REFUSE(error, ...) (why == NULL ? (error) : error_set(why, (error), __VA_ARGS__))

static inline uint64_t load_big_endian(const uint8_t *from, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | from[i];
    return value;
}

static inline void store_big_endian(uint8_t *into, uint64_t value, size_t size) {
    for (size_t i = size; i > 0; i--, value >>= 8)
        into[i - 1] = (uint8_t)value;
}

#endif
