/* Adding, cutting and looking up ranges of equal term: an array in order, searched by halves. */
#include "storage/tables/term_table.h"

#include "base/check.h"
#include "base/mem.h"

void term_table_close(struct term_table *table) {
    mem_free(table->ranges);
    *table = (struct term_table){0};
}

void term_table_add(struct term_table *table, log_index index, kafka_offset base_offset,
                    log_term term) {
    /* terms of segments are looked at before they come here, those of entries by the engine and at
     * admission */
    CHECK(term > 0);
    if (table->count > 0) {
        const struct index_term *last = &table->ranges[table->count - 1];
        if (last->term == term) return;
        CHECK(last->term < term);         /* as above */
        CHECK(last->first_index < index); /* as above */
    }
    table->ranges = mem_grow(table->ranges, table->count, &table->room, sizeof *table->ranges);
    table->ranges[table->count++] = (struct index_term){
        .first_index = index, .start_offset = base_offset, .term = term};
}

void term_table_truncate(struct term_table *table, log_index index) {
    while (table->count > 0 && table->ranges[table->count - 1].first_index >= index)
        table->count--;
}

/* How many ranges begin at or before `index`. */
static size_t ranges_up_to(const struct term_table *table, log_index index) {
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->ranges[middle].first_index <= index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void term_table_drop_below(struct term_table *table, log_index index, kafka_offset offset) {
    size_t n = ranges_up_to(table, index);
    if (n == 0) return;
    for (size_t i = n - 1; i < table->count; i++)
        table->ranges[i - (n - 1)] = table->ranges[i];
    table->count -= n - 1;
    if (table->ranges[0].first_index < index) table->ranges[0].first_index = index;
    if (table->ranges[0].start_offset < offset) table->ranges[0].start_offset = offset;
}

uint32_t term_table_at(const struct term_table *table, log_index index) {
    size_t n = ranges_up_to(table, index);
    return n == 0 ? 0 : table->ranges[n - 1].term;
}

uint32_t term_table_of_offset(const struct term_table *table, kafka_offset offset) {
    size_t i = table->count;
    while (i > 0 && table->ranges[i - 1].start_offset > offset)
        i--;
    return i == 0 ? 0 : table->ranges[i - 1].term;
}

int64_t term_table_epoch_end(const struct term_table *table, uint32_t epoch,
                             kafka_offset end_offset, uint32_t *found) {
    if (table->count == 0 || epoch > table->ranges[table->count - 1].term) return -1;
    size_t i = table->count;
    while (i > 0 && table->ranges[i - 1].term > epoch)
        i--;
    *found = i == 0 ? epoch : table->ranges[i - 1].term;
    return i == table->count ? end_offset : table->ranges[i].start_offset;
}
