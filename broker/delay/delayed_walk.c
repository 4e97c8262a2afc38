/*
 * What is pending as bytes of a snapshot, and back, in steps.
 *
 * Little-endian; parts, each begins with u8:
 *   1  a record: i64 due ms, i64 offset, i64 timestamp ms, i32 length of its key, i32 of its value,
 *      i32 headers, u32 their length, then all three
 *   2  the end: i64, i64 key of the last that was released; i64 behind the last batch of which
 *      something was held back; u32 count, i64 each: records before that were called off meanwhile
 *
 * Records are written in the order of their offsets while others come and go: those that come are
 * written behind them, those that were released meanwhile are told by the last key, and those that
 * were called off by their offsets.
 */
#include <string.h>

#include "base/mem.h"
#include "base/mutant.h"
#include "broker/delay/delayed_internal.h"
#include "storage/little_endian.h"

enum {
    PART_RECORD = 1,
    PART_END = 2,
    RECORD_HEAD = 1 + 3 * 8 + 4 * 4,
    END_HEAD = 1 + 3 * 8 + 4,
    STEP_BYTES = 256 << 10,
    READ_BYTES = 64 << 10, /* a step back costs more */
    READ_DROPS = 250,      /* records */
};

struct delayed_walk *delayed_walk_new(struct delayed *delayed) {
    struct delayed_walk *walk = mem_zalloc(sizeof *walk);
    walk->delayed = delayed;
    walk->written = -1;
    DL_APPEND(delayed->walks, walk);
    return walk;
}

void delayed_walk_stop(struct delayed_walk *walk) {
    DL_DELETE(walk->delayed->walks, walk);
    mem_free(walk->called_off);
    mem_free(walk);
}

/* False: there is no more. */
static bool write_record(struct delayed_walk *walk, struct snapshot_bytes *into) {
    const struct delayed_record *record = delayed_pages_behind(&walk->delayed->records,
                                                               walk->written);
    if (record == NULL) return false;
    uint8_t head[RECORD_HEAD] = {PART_RECORD};
    le_put_u64(head + 1, (uint64_t)record->key.due_ms);
    le_put_u64(head + 9, (uint64_t)record->key.offset);
    le_put_u64(head + 17, (uint64_t)record->timestamp_ms);
    le_put_u32(head + 25, (uint32_t)record->key_len);
    le_put_u32(head + 29, (uint32_t)record->value_len);
    le_put_u32(head + 33, (uint32_t)record->header_count);
    le_put_u32(head + 37, record->headers_len);
    snapshot_bytes_put(into, head, sizeof head);
    snapshot_bytes_put(into, record->data, delayed_record_len(record));
    walk->written = record->key.offset;
    return true;
}

bool delayed_walk_step(struct delayed_walk *walk, struct snapshot_bytes *into) {
    bool more = true;
    for (size_t began = into->len; more && into->len - began < STEP_BYTES;)
        more = write_record(walk, into);
    return !more;
}

void delayed_walk_rest(struct delayed_walk *walk, struct snapshot_bytes *into) {
    const struct delayed *delayed = walk->delayed;
    uint8_t head[END_HEAD] = {PART_END}, number[8];
    while (write_record(walk, into))
        continue;
    le_put_u64(head + 1, (uint64_t)delayed->released.due_ms);
    le_put_u64(head + 9, (uint64_t)delayed->released.offset);
    le_put_u64(head + 17, (uint64_t)delayed->end);
    le_put_u32(head + 25, (uint32_t)walk->called_off_count);
    if (delayed->end > 0) snapshot_bytes_put(into, head, sizeof head);
    for (size_t i = 0; i < walk->called_off_count; i++) {
        le_put_u64(number, (uint64_t)walk->called_off[i]);
        snapshot_bytes_put(into, number, sizeof number);
    }
    delayed_walk_stop(walk);
}

/* ---- Back ---- */

static bool lengths_are_sound(const struct delayed_record *head, size_t left) {
    return head->key_len >= -1 && head->value_len >= -1 && head->header_count >= 0 &&
           delayed_record_len(head) <= left;
}

static int read_record(struct delayed *delayed, const uint8_t *bytes, size_t len, size_t *took) {
    if (len < RECORD_HEAD) return ERR_MALFORMED;
    struct delayed_record head = {
        .key = {(int64_t)le_get_u64(bytes + 1), (int64_t)le_get_u64(bytes + 9)},
        .timestamp_ms = (int64_t)le_get_u64(bytes + 17),
        .key_len = (int32_t)le_get_u32(bytes + 25),
        .value_len = (int32_t)le_get_u32(bytes + 29),
        .header_count = (int32_t)le_get_u32(bytes + 33),
        .headers_len = le_get_u32(bytes + 37)};
    if (!lengths_are_sound(&head, len - RECORD_HEAD)) return ERR_MALFORMED;
    size_t data_len = delayed_record_len(&head);
    struct delayed_record *record = mem_alloc(sizeof *record + data_len);
    *record = head;
    memcpy(record->data, bytes + RECORD_HEAD, data_len);
    *took += RECORD_HEAD + data_len;
    if (MUTANT(MUTANT_DELAYS_NOT_KEPT)) {
        mem_free(record);
        return ERR_NONE;
    }
    return delayed_add(delayed, record);
}

static void drop_called_off(struct delayed *delayed, const uint8_t *number) {
    struct delayed_record *record = delayed_find(delayed, (int64_t)le_get_u64(number));
    if (record != NULL) delayed_drop(delayed, record);
}

/* A step of it: it is taken with the last one. */
static int read_end(struct delayed *delayed, const uint8_t *bytes, size_t len, size_t *took) {
    if (len < END_HEAD) return ERR_MALFORMED;
    size_t count = le_get_u32(bytes + 25);
    if (len != END_HEAD + count * 8) return ERR_MALFORMED;
    delayed->released = (struct delayed_key){(int64_t)le_get_u64(bytes + 1),
                                             (int64_t)le_get_u64(bytes + 9)};
    delayed->end = (int64_t)le_get_u64(bytes + 17);
    if (!delayed_drop_released(delayed, READ_DROPS)) return ERR_NONE;
    size_t most = delayed->restored_off + READ_DROPS, until = count < most ? count : most;
    while (delayed->restored_off < until)
        drop_called_off(delayed, bytes + END_HEAD + delayed->restored_off++ * 8);
    if (until == count) *took += len;
    return ERR_NONE;
}

int delayed_decode(struct delayed *delayed, const uint8_t *bytes, size_t len, size_t *took) {
    int error = ERR_NONE;
    *took = 0;
    while (error == ERR_NONE && *took < len && *took < READ_BYTES) {
        const uint8_t *part = bytes + *took;
        if (*part == PART_END) return read_end(delayed, part, len - *took, took);
        error = *part == PART_RECORD ? read_record(delayed, part, len - *took, took)
                                     : ERR_MALFORMED;
    }
    return error;
}
