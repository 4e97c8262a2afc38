/*
 * The simulator's own reading of what the product stores and sends: record batches (Kafka's format
 * 2) and entries of a log.
 *
 * Nothing of protocol/ or storage/ is asked, so that a bug in their decoders cannot hide itself.
 * Errors are false, or fail the run.
 */
#ifndef SIM_DECODE_H
#define SIM_DECODE_H

#include "tests/sim/history.h"

static inline uint32_t le32(const uint8_t *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint64_t le64(const uint8_t *at) {
    return le32(at) | (uint64_t)le32(at + 4) << 32;
}

/* ---- Entries (the layout is told in storage/entry.h) ---- */

enum { RAW_ENTRY_HEAD = 64, RAW_ENTRY_BATCHES = 1 };

struct raw_entry {
    uint64_t group, index;
    uint32_t term, records;
    uint8_t type;
    int64_t base_offset;
    uint32_t raw_len, body_len, body_crc;
    bool lz4;
    const uint8_t *body;
};

/* The entry at `at`, with `room` bytes at hand. False: none is there. Its body is not looked at. */
bool decode_entry(const uint8_t *at, size_t room, struct raw_entry *entry);
bool decode_entry_body_is_whole(const struct raw_entry *entry);
/* Whether it holds that record, read as decode_batches does. */
bool decode_entry_holds(struct run *run, const struct history *history,
                        const struct raw_entry *entry, int64_t offset, unsigned producer,
                        uint64_t number);

/* ---- Batches ---- */

/* Calls `each` for every record from offset `from` on; returns the offset behind the last one. What
 * is not sound, not dense, or was never sent by anybody fails the run. */
int64_t decode_batches(struct run *run, const struct history *history, const void *data, size_t len,
                       int64_t from,
                       void (*each)(void *arg, int64_t offset, unsigned producer, uint64_t number),
                       void *arg);

#endif
