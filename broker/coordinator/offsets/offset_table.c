/*
 * An array without order, and beside it, once it is longer than a look along it is worth, slots by
 * partition: open addressing, at most half full, and closed up when one goes.
 */
#include "broker/coordinator/offsets/offset_table.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

enum { FEW = 8, FIRST_CAPACITY = 2 };

void offset_table_init(struct offset_table *table) {
    *table = (struct offset_table){.items = NULL};
}

void offset_table_close(struct offset_table *table) {
    for (uint32_t i = 0; i < table->count; i++)
        mem_free((void *)table->items[i].metadata);
    mem_free(table->items);
    mem_free(table->slots);
    offset_table_init(table);
}

static uint32_t slot_of(const struct offset_table *table, int32_t partition) {
    return (uint32_t)((uint32_t)partition * UINT64_C(0x9e3779b97f4a7c15) >> 32) & table->mask;
}

/* The slot that has it, or the empty one where it would be. */
static uint32_t slot_find(const struct offset_table *table, int32_t partition) {
    uint32_t at = slot_of(table, partition);
    while (table->slots[at] != 0 && table->items[table->slots[at] - 1].partition != partition)
        at = (at + 1) & table->mask;
    return at;
}

/* Its place in the items, or `count`. */
static uint32_t place_of(const struct offset_table *table, int32_t partition) {
    if (table->slots != NULL) {
        uint32_t slot = table->slots[slot_find(table, partition)];
        return slot == 0 ? table->count : slot - 1;
    }
    uint32_t place = 0;
    while (place < table->count && table->items[place].partition != partition)
        place++;
    return place;
}

static void make_slots(struct offset_table *table) {
    mem_free(table->slots);
    uint32_t room = 4 * FEW;
    while (room < 2 * table->capacity)
        room *= 2;
    table->mask = room - 1;
    table->slots = mem_zalloc(room * sizeof *table->slots);
    for (uint32_t i = 0; i < table->count; i++)
        table->slots[slot_find(table, table->items[i].partition)] = i + 1;
}

static void make_room(struct offset_table *table) {
    if (table->count < table->capacity) return;
    table->capacity = table->capacity == 0 ? FIRST_CAPACITY
                                           : table->capacity + (table->capacity + 1) / 2;
    table->items = mem_realloc(table->items, table->capacity * sizeof *table->items);
    if (table->capacity > FEW) make_slots(table);
}

/* Those behind it that would not be found any more move up. */
static void slot_clear(struct offset_table *table, uint32_t empty) {
    table->slots[empty] = 0;
    for (uint32_t at = (empty + 1) & table->mask; table->slots[at] != 0;
         at = (at + 1) & table->mask) {
        uint32_t home = slot_of(table, table->items[table->slots[at] - 1].partition);
        if (((at - home) & table->mask) < ((at - empty) & table->mask)) continue;
        table->slots[empty] = table->slots[at];
        table->slots[at] = 0;
        empty = at;
    }
}

const struct committed_offset *offset_table_find(const struct offset_table *table,
                                                 int32_t partition) {
    uint32_t place = place_of(table, partition);
    return place < table->count ? &table->items[place] : NULL;
}

size_t offset_table_bytes(const struct offset_table *table) {
    size_t slots = table->slots == NULL ? 0 : (size_t)table->mask + 1;
    return table->capacity * sizeof *table->items + slots * sizeof *table->slots +
           table->metadata_bytes;
}

static void forget_metadata(struct offset_table *table, const struct committed_offset *offset) {
    table->metadata_bytes -= (size_t)offset->metadata_len;
    mem_free((void *)offset->metadata);
}

bool offset_table_put(struct offset_table *table, const struct committed_offset *offset) {
    char *metadata = NULL;
    if (offset->metadata_len > 0) {
        metadata = mem_alloc((size_t)offset->metadata_len);
        memcpy(metadata, offset->metadata, (size_t)offset->metadata_len);
    }
    uint32_t place = place_of(table, offset->partition);
    bool is_new = place == table->count;
    if (is_new) {
        make_room(table);
        table->items[place].partition = offset->partition;
        if (table->slots != NULL) table->slots[slot_find(table, offset->partition)] = place + 1;
        table->count++;
    } else {
        forget_metadata(table, &table->items[place]);
    }
    table->items[place] = *offset;
    table->items[place].metadata = metadata;
    if (metadata == NULL) table->items[place].metadata_len = 0;
    table->metadata_bytes += (size_t)table->items[place].metadata_len;
    return is_new;
}

bool offset_table_remove(struct offset_table *table, int32_t partition) {
    uint32_t place = place_of(table, partition), last = table->count - 1;
    if (place == table->count) return false;
    forget_metadata(table, &table->items[place]);
    if (table->slots != NULL) {
        slot_clear(table, slot_find(table, partition));
        if (place != last) table->slots[slot_find(table, table->items[last].partition)] = place + 1;
    }
    table->items[place] = table->items[last];
    table->count = last;
    return true;
}
