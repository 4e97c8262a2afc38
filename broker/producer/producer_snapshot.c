/*
 * The committed part of the producer state as bytes, kept beside sealed segments so that a start
 * replays little.
 *
 * Little-endian: u32 magic "DRP2", u32 CRC-32C of all behind it, u32 producers, i64 forgotten id,
 * i64 clock of the log; for each producer, by its last commit: i64 id, i16 epoch, u16 batches, i64
 * when it was heard; for each batch, oldest first: i32 base sequence, i32 last sequence, i64 base
 * offset, i64 timestamp. Counts are compared with the bytes that are there before anything is
 * taken.
 */
#include <string.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "broker/producer/producer_state_internal.h"

enum { SNAPSHOT_MAGIC = 0x32505244, HEADER_SIZE = 28, PRODUCER_SIZE = 20, BATCH_SIZE = 24 };

static uint8_t *snapshot_put(uint8_t *at, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++)
        *at++ = (uint8_t)(value >> (8 * i));
    return at;
}

static uint64_t snapshot_get(const uint8_t *at, unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static uint8_t *put_producer(uint8_t *at, const struct producer *producer) {
    at = snapshot_put(at, (uint64_t)producer->id, 8);
    at = snapshot_put(at, (uint16_t)producer->window[0].epoch, 2);
    at = snapshot_put(at, producer->window_count, 2);
    at = snapshot_put(at, (uint64_t)producer->heard_ms, 8);
    for (uint32_t i = 0; i < producer->window_count; i++) {
        const struct producer_batch *batch = &producer->window[i];
        at = snapshot_put(at, (uint32_t)batch->base_sequence, 4);
        at = snapshot_put(at, (uint32_t)batch->last_sequence, 4);
        at = snapshot_put(at, (uint64_t)batch->base_offset, 8);
        at = snapshot_put(at, (uint64_t)batch->timestamp, 8);
    }
    return at;
}

struct slice producer_state_encode(const struct producer_state *state) {
    size_t size = HEADER_SIZE;
    for (const struct producer *producer = state->oldest; producer != NULL;
         producer = producer->next) {
        size += PRODUCER_SIZE + producer->window_count * BATCH_SIZE;
    }
    struct buffer *buffer = buffer_new(NULL, size);
    uint8_t *at = buffer->data + 8;
    at = snapshot_put(at, state->committed_count, 4);
    at = snapshot_put(at, (uint64_t)state->forgotten_id, 8);
    at = snapshot_put(at, (uint64_t)state->clock_ms, 8);
    for (const struct producer *producer = state->oldest; producer != NULL;
         producer = producer->next) {
        at = put_producer(at, producer);
    }
    snapshot_put(buffer->data, SNAPSHOT_MAGIC, 4);
    snapshot_put(buffer->data + 4, crc32c(0, buffer->data + 8, size - 8), 4);
    struct slice slice = slice_of(buffer, 0, size);
    buffer_unref(buffer);
    return slice;
}

/* Walks the producers; takes them in unless `state` is NULL. Returns false if the bytes are not a
 * table of `count` producers. */
static bool walk(struct producer_state *state, uint32_t count, const uint8_t *at, size_t left) {
    for (; count > 0; count--) {
        if (left < PRODUCER_SIZE) return false;
        uint32_t batches = (uint32_t)snapshot_get(at + 10, 2);
        if (batches < 1 || batches > PRODUCER_WINDOW || left - PRODUCER_SIZE < batches * BATCH_SIZE)
            return false;
        int64_t id = (int64_t)snapshot_get(at, 8);
        struct producer *producer = NULL;
        if (state != NULL && producer_find(state, id) == NULL) {
            producer = producer_restore(state, id);
            producer->heard_ms = (int64_t)snapshot_get(at + 12, 8);
            producer->window_count = batches;
        }
        for (uint32_t i = 0; producer != NULL && i < batches; i++) {
            const uint8_t *from = at + PRODUCER_SIZE + i * BATCH_SIZE;
            producer->window[i] = (struct producer_batch){
                .producer_id = id,
                .epoch = (int16_t)snapshot_get(at + 8, 2),
                .base_sequence = (int32_t)snapshot_get(from, 4),
                .last_sequence = (int32_t)snapshot_get(from + 4, 4),
                .base_offset = (int64_t)snapshot_get(from + 8, 8),
                .timestamp = (int64_t)snapshot_get(from + 16, 8)};
        }
        at += PRODUCER_SIZE + batches * BATCH_SIZE;
        left -= PRODUCER_SIZE + batches * BATCH_SIZE;
    }
    return left == 0;
}

int producer_state_decode(struct producer_state *state, const void *bytes, size_t len) {
    const uint8_t *at = bytes;
    if (len < HEADER_SIZE) return ERR_MALFORMED;
    if (snapshot_get(at, 4) != SNAPSHOT_MAGIC) return ERR_VERSION;
    if (snapshot_get(at + 4, 4) != crc32c(0, at + 8, len - 8)) return ERR_CORRUPT;
    uint32_t count = (uint32_t)snapshot_get(at + 8, 4);
    if (!walk(NULL, count, at + HEADER_SIZE, len - HEADER_SIZE)) return ERR_MALFORMED;
    state->forgotten_id = (int64_t)snapshot_get(at + 12, 8);
    state->clock_ms = (int64_t)snapshot_get(at + 20, 8);
    walk(state, count, at + HEADER_SIZE, len - HEADER_SIZE);
    return ERR_NONE;
}
