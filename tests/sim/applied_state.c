/* Parts of a snapshot (appliers_snapshot.c), and in a coordinator's its records
 * (snapshot_records.h), sorted. */
#include "tests/sim/applied_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "storage/little_endian.h"

enum {
    COORDINATOR_MARK = 0x524f4f43,
    HEAD_SIZE = 8,
    PART_HEAD_SIZE = 12,
    RECORD_HEAD_SIZE = 8,
    RECORD_STOOD_SIZE = 16, /* of one that says where it stood */
};
static const uint32_t stood_flag = UINT32_C(1) << 31;

struct piece {
    const uint8_t *data;
    size_t len;
};

struct pieces {
    struct piece *items;
    size_t count, capacity;
};

static void add(struct pieces *pieces, const uint8_t *data, size_t len) {
    pieces->items = mem_grow(pieces->items, pieces->count, &pieces->capacity,
                             sizeof *pieces->items);
    pieces->items[pieces->count++] = (struct piece){data, len};
}

static void add_records(struct pieces *pieces, const uint8_t *data, size_t len) {
    for (size_t at = 0; at < len;) {
        uint32_t key_len = le_get_u32(data + at);
        size_t size = RECORD_HEAD_SIZE + (key_len & ~stood_flag) + le_get_u32(data + at + 4);
        if ((key_len & stood_flag) != 0) size += RECORD_STOOD_SIZE;
        CHECK(size <= len - at); /* our own bytes, without tombstones and ends: made at once */
        add(pieces, data + at, size);
        at += size;
    }
}

static int in_order(const void *a, const void *b) {
    const struct piece *one = a, *other = b;
    int order = memcmp(one->data, other->data, one->len < other->len ? one->len : other->len);
    return order != 0 ? order : (one->len > other->len) - (one->len < other->len);
}

static struct pieces pieces_of(const struct slice *state) {
    struct pieces pieces = {0};
    for (size_t at = HEAD_SIZE; at < state->len;) {
        const uint8_t *part = state->data + at;
        size_t len = le_get_u32(part + 8);
        if (le_get_u32(part) == COORDINATOR_MARK)
            add_records(&pieces, part + PART_HEAD_SIZE, len);
        else
            add(&pieces, part, PART_HEAD_SIZE + len);
        at += PART_HEAD_SIZE + len;
    }
    if (pieces.count > 0) qsort(pieces.items, pieces.count, sizeof *pieces.items, in_order);
    return pieces;
}

bool applied_states_equal(const struct slice *one, const struct slice *other) {
    if (one->len != other->len) return false;
    struct pieces left = pieces_of(one), right = pieces_of(other);
    bool equal = left.count == right.count;
    for (size_t i = 0; equal && i < left.count; i++)
        equal = in_order(&left.items[i], &right.items[i]) == 0;
    mem_free(left.items);
    mem_free(right.items);
    return equal;
}
