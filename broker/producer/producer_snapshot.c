/*
 * The committed part of the producer state as bytes, kept beside sealed segments so that a start
 * replays little.
 *
 * Little-endian: u32 magic "DRP4", u32 CRC-32C of all behind it, u32 producers, i64 forgotten id,
 * i64 clock of the log, u32 aborted transactions; for each producer, by its last commit: i64 id,
 * i16 epoch, u16 batches, i64 when it was heard, i32 coordinator epoch, i64 first offset of its
 * open transaction, i64 its last timestamp; for each batch, oldest first: i32 base sequence, i32
 * last sequence, i64 base offset, i64 timestamp; behind all producers for each aborted transaction:
 * i64 producer id, i64 first offset, i64 offset of its marker, i64 stable offset. A producer may
 * come several times, because it changed while the bytes were put together: the last one counts.
 * In "DRP3" none did. Before there were transactions it was "DRP2": without the number of aborted
 * transactions, the last three fields of a producer, and producers without batches. Counts are
 * compared with the bytes that are there before anything is taken.
 *
 * In steps, both ways. What is put in one step may change before the last: producers that changed
 * go to the end of the list and are put again; when something that was put is no more (producers
 * are forgotten, the log's start cuts the list of the aborted), which is rare, all begins anew.
 */
#include <utlist.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/mutant.h"
#include "broker/producer/producer_state_internal.h"

enum {
    MAGIC_OLD = 0x32505244,
    MAGIC_BEFORE = 0x33505244,
    MAGIC = 0x34505244,
    HEADER_SIZE_OLD = 28,
    HEADER_SIZE = 32,
    PRODUCER_SIZE_OLD = 20,
    PRODUCER_SIZE = 40,
    BATCH_SIZE = 24,
    ABORTED_SIZE = 32,
    STEP = 1024, /* producers and aborted transactions at once: about 0.2 ms */
};

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
    at = snapshot_put(at, (uint16_t)producer->epoch, 2);
    at = snapshot_put(at, producer->window_count, 2);
    at = snapshot_put(at, (uint64_t)producer->heard_ms, 8);
    at = snapshot_put(at, (uint32_t)producer->coordinator_epoch, 4);
    at = snapshot_put(at, (uint64_t)producer->open_offset, 8);
    at = snapshot_put(at, (uint64_t)producer->timestamp, 8);
    for (uint32_t i = 0; i < producer->window_count; i++) {
        const struct producer_batch *batch = &producer->window[i];
        at = snapshot_put(at, (uint32_t)batch->base_sequence, 4);
        at = snapshot_put(at, (uint32_t)batch->last_sequence, 4);
        at = snapshot_put(at, (uint64_t)batch->base_offset, 8);
        at = snapshot_put(at, (uint64_t)batch->timestamp, 8);
    }
    return at;
}

static void put_one_aborted(struct producer_walk *walk, const struct aborted_transaction *aborted) {
    uint8_t bytes[ABORTED_SIZE], *at = bytes;
    at = snapshot_put(at, (uint64_t)aborted->producer_id, 8);
    at = snapshot_put(at, (uint64_t)aborted->first_offset, 8);
    at = snapshot_put(at, (uint64_t)aborted->marker_offset, 8);
    snapshot_put(at, (uint64_t)aborted->stable_offset, 8);
    snapshot_bytes_put(&walk->aborted, bytes, sizeof bytes);
    walk->aborted_count++;
}

/* False: there is nothing more to be put. */
static bool put_next(struct producer_walk *walk) {
    const struct aborted_list *list = &walk->state->aborted;
    if (walk->at != NULL) {
        uint8_t bytes[PRODUCER_SIZE + PRODUCER_WINDOW * BATCH_SIZE];
        size_t len = (size_t)(put_producer(bytes, walk->at) - bytes);
        snapshot_bytes_put(&walk->producers, bytes, len);
        walk->producer_count++;
        walk->at = walk->at->next;
        return true;
    }
    if (walk->aborted_count == list->count) return false;
    put_one_aborted(walk, &list->items[list->first + walk->aborted_count]);
    return true;
}

static void drop(struct producer_walk *walk) {
    snapshot_bytes_drop(&walk->producers);
    snapshot_bytes_drop(&walk->aborted);
    walk->producer_count = walk->aborted_count = 0;
}

static void begin_anew(struct producer_walk *walk) {
    drop(walk);
    walk->stale = false;
    walk->at = walk->state->oldest;
}

struct producer_walk *producer_walk_new(struct producer_state *state) {
    struct producer_walk *walk = mem_zalloc(sizeof *walk);
    walk->state = state;
    DL_APPEND(state->walks, walk);
    begin_anew(walk);
    return walk;
}

bool producer_walk_step(struct producer_walk *walk) {
    if (walk->stale) begin_anew(walk);
    for (int i = 0; i < STEP; i++)
        if (!put_next(walk)) return true;
    return false;
}

static uint32_t crc_of(uint32_t crc, const struct snapshot_bytes *bytes) {
    for (size_t i = 0; i < bytes->count; i++)
        crc = crc32c(crc, bytes->pieces[i].data, bytes->pieces[i].len);
    return crc;
}

void producer_walk_rest(struct producer_walk *walk, struct snapshot_bytes *into) {
    const struct producer_state *state = walk->state;
    uint8_t head[HEADER_SIZE], *at = head + 8;
    while (!producer_walk_step(walk))
        continue;
    at = snapshot_put(at, walk->producer_count, 4);
    at = snapshot_put(at, (uint64_t)state->forgotten_id, 8);
    at = snapshot_put(at, (uint64_t)state->clock_ms, 8);
    snapshot_put(at, walk->aborted_count, 4);
    uint32_t crc = crc32c(0, head + 8, sizeof head - 8);
    crc = crc_of(crc_of(crc, &walk->producers), &walk->aborted);
    snapshot_put(head, MAGIC, 4);
    snapshot_put(head + 4, crc, 4);
    snapshot_bytes_put(into, head, sizeof head);
    snapshot_bytes_join(into, &walk->producers);
    snapshot_bytes_join(into, &walk->aborted);
    producer_walk_stop(walk);
}

void producer_walk_stop(struct producer_walk *walk) {
    DL_DELETE(walk->state->walks, walk);
    drop(walk);
    mem_free(walk);
}

/* ---- And back ---- */

/* What is left to be read. */
struct reading {
    const uint8_t *at;
    size_t left;
    bool old;
};

static size_t producer_size(const struct reading *reading) {
    return reading->old ? PRODUCER_SIZE_OLD : PRODUCER_SIZE;
}

static void take_batches(struct producer *producer, const uint8_t *from, uint32_t batches) {
    for (uint32_t i = 0; i < batches; i++, from += BATCH_SIZE)
        producer->window[i] = (struct producer_batch){
            .producer_id = producer->id,
            .epoch = producer->epoch,
            .base_sequence = (int32_t)snapshot_get(from, 4),
            .last_sequence = (int32_t)snapshot_get(from + 4, 4),
            .base_offset = (int64_t)snapshot_get(from + 8, 8),
            .timestamp = (int64_t)snapshot_get(from + 16, 8)};
    producer->window_count = batches;
}

static void take_producer(struct producer_state *state, const struct reading *reading, int64_t id,
                          uint32_t batches) {
    const uint8_t *at = reading->at;
    struct producer *producer = producer_restore(state, id);
    producer->epoch = (int16_t)snapshot_get(at + 8, 2);
    producer->heard_ms = (int64_t)snapshot_get(at + 12, 8);
    take_batches(producer, at + producer_size(reading), batches);
    if (reading->old) {
        producer->timestamp = producer->window[batches - 1].timestamp;
        return;
    }
    int64_t open_offset = (int64_t)snapshot_get(at + 24, 8);
    if (!MUTANT(MUTANT_MARKERS_NOT_KEPT))
        producer->coordinator_epoch = (int32_t)snapshot_get(at + 20, 4);
    producer->timestamp = (int64_t)snapshot_get(at + 32, 8);
    if (open_offset >= 0 && !MUTANT(MUTANT_OPEN_NOT_KEPT))
        producer_open(state, producer, open_offset);
}

/* Walks some producers; takes them in unless `state` is NULL. False: they are none. */
static bool walk_producers(struct producer_state *state, uint32_t count, struct reading *reading) {
    for (; count > 0; count--) {
        size_t size = producer_size(reading);
        if (reading->left < size) return false;
        uint32_t batches = (uint32_t)snapshot_get(reading->at + 10, 2);
        if ((reading->old && batches < 1) || batches > PRODUCER_WINDOW ||
            reading->left - size < batches * BATCH_SIZE)
            return false;
        int64_t id = (int64_t)snapshot_get(reading->at, 8);
        if (state != NULL) take_producer(state, reading, id, batches);
        reading->at += size + batches * BATCH_SIZE;
        reading->left -= size + batches * BATCH_SIZE;
    }
    return true;
}

static struct aborted_transaction aborted_at(const uint8_t *at) {
    return (struct aborted_transaction){.producer_id = (int64_t)snapshot_get(at, 8),
                                        .first_offset = (int64_t)snapshot_get(at + 8, 8),
                                        .marker_offset = (int64_t)snapshot_get(at + 16, 8),
                                        .stable_offset = (int64_t)snapshot_get(at + 24, 8)};
}

/* Whether the aborted transactions are the rest of the bytes, and in order. */
static bool are_aborted(uint32_t count, const struct reading *reading) {
    kafka_offset marker_before = -1;
    if (reading->left / ABORTED_SIZE != count || reading->left % ABORTED_SIZE != 0) return false;
    for (uint32_t i = 0; i < count; i++) {
        struct aborted_transaction aborted = aborted_at(reading->at + (size_t)i * ABORTED_SIZE);
        if (aborted.marker_offset <= marker_before) return false;
        marker_before = aborted.marker_offset;
    }
    return true;
}

static void take_aborted(struct producer_state *state, uint32_t count, struct reading *reading) {
    for (; count > 0; count--, reading->at += ABORTED_SIZE) {
        struct aborted_transaction aborted = aborted_at(reading->at);
        if (!MUTANT(MUTANT_MARKERS_NOT_KEPT)) aborted_list_add(&state->aborted, &aborted);
    }
}

static int by_open_offset(const struct producer *left, const struct producer *right) {
    return (left->open_offset > right->open_offset) - (left->open_offset < right->open_offset);
}

/* The header, and whether all that is behind it can be taken in. */
static int decode_begin(struct producer_state *state, const uint8_t *at, size_t len, size_t *took) {
    if (len < HEADER_SIZE_OLD) return ERR_MALFORMED;
    uint64_t magic = snapshot_get(at, 4);
    bool old = magic == MAGIC_OLD;
    if (!old && magic != MAGIC_BEFORE && magic != MAGIC) return ERR_VERSION;
    if (snapshot_get(at + 4, 4) != crc32c(0, at + 8, len - 8)) return ERR_CORRUPT;
    size_t header = old ? HEADER_SIZE_OLD : HEADER_SIZE;
    if (len < header) return ERR_MALFORMED;
    uint32_t count = (uint32_t)snapshot_get(at + 8, 4),
             aborted = old ? 0 : (uint32_t)snapshot_get(at + 28, 4);
    struct reading reading = {at + header, len - header, old};
    if (!walk_producers(NULL, count, &reading) || !are_aborted(aborted, &reading))
        return ERR_MALFORMED;
    state->forgotten_id = (int64_t)snapshot_get(at + 12, 8);
    state->clock_ms = (int64_t)snapshot_get(at + 20, 8);
    state->decoding.old = old;
    state->decoding.producers = count;
    state->decoding.aborted = aborted;
    *took = header;
    return ERR_NONE;
}

static uint32_t at_most(uint32_t count, uint32_t most) {
    return count < most ? count : most;
}

int producer_state_decode(struct producer_state *state, const void *bytes, size_t len,
                          size_t *took) {
    if (!state->decoding.begun) {
        int error = decode_begin(state, bytes, len, took);
        state->decoding.begun = error == ERR_NONE && len > *took;
        return error;
    }
    struct reading reading = {bytes, len, state->decoding.old};
    uint32_t producers = at_most(state->decoding.producers, STEP),
             aborted = state->decoding.producers > 0 ? 0 : at_most(state->decoding.aborted, STEP);
    walk_producers(state, producers, &reading);
    take_aborted(state, aborted, &reading);
    *took = (size_t)(reading.at - (const uint8_t *)bytes);
    state->decoding.producers -= producers;
    state->decoding.aborted -= aborted;
    if (state->decoding.producers + state->decoding.aborted > 0) return ERR_NONE;
    state->decoding.begun = false;
    DL_SORT2(state->open, by_open_offset, open_prev, open_next);
    return ERR_NONE;
}
