/* Adding records to the buffer of a round, and sealing it. */
#include "storage/journal/journal_round.h"

#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/mem.h"

enum { FIRST_CAPACITY = 16 * 1024, FIRST_ENTRIES = 64 };

struct journal_round *journal_round_new(void) {
    struct journal_round *round = mem_zalloc(sizeof *round);
    round->len = JOURNAL_HEADER_SIZE;
    return round;
}

static void drop_entries(struct journal_round *round) {
    for (size_t i = 0; i < round->entry_count; i++)
        entry_unref(round->entries[i]);
    round->entry_count = 0;
}

void journal_round_free(struct journal_round *round) {
    if (round == NULL) return;
    drop_entries(round);
    mem_free(round->entries);
    mem_free(round->data);
    mem_free(round);
}

void journal_round_reset(struct journal_round *round, size_t keep) {
    drop_entries(round);
    if (round->capacity > keep) {
        mem_free(round->data);
        mem_free(round->entries);
        *round = (struct journal_round){0};
    }
    round->len = JOURNAL_HEADER_SIZE;
    round->payload_crc = 0;
    round->format = 0;
    round->next = NULL;
    round->wanted = round->binding = false;
}

bool journal_round_is_empty(const struct journal_round *round) {
    return round->len == JOURNAL_HEADER_SIZE;
}

size_t journal_round_bytes(const struct journal_round *round) {
    return journal_round_size(round->len - JOURNAL_HEADER_SIZE, round->entry_count);
}

/* By doubling. */
void journal_round_reserve(struct journal_round *round, size_t bytes) {
    if (bytes <= round->capacity) return;
    size_t capacity = round->capacity == 0 ? FIRST_CAPACITY : round->capacity;
    while (capacity < bytes)
        capacity *= 2;
    uint8_t *data = mem_aligned(JOURNAL_BLOCK, capacity);
    if (round->data != NULL) memcpy(data, round->data, round->len);
    mem_free(round->data);
    round->data = data;
    round->capacity = capacity;
}

static void keep_entry(struct journal_round *round, struct entry *entry) {
    if (round->entry_count == round->entry_capacity) {
        round->entry_capacity = round->entry_capacity == 0 ? FIRST_ENTRIES
                                                           : 2 * round->entry_capacity;
        round->entries = mem_realloc(round->entries,
                                     round->entry_capacity * sizeof *round->entries);
    }
    round->entries[round->entry_count++] = entry_ref(entry);
}

void journal_round_add(struct journal_round *round, const struct journal_record *record,
                       struct entry *entry) {
    size_t size = journal_record_size(record);
    size_t payload_len = round->len - JOURNAL_HEADER_SIZE + size;
    CHECK(payload_len <= UINT32_MAX);
    journal_round_reserve(round,
                          journal_round_size(payload_len, round->entry_count + (entry != NULL)));
    uint8_t *at = round->data + round->len;
    size_t summed = journal_record_encode(record, at);
    round->payload_crc = crc32c(round->payload_crc, at, summed);
    if (record->body_len > 0) memcpy(at + summed, record->body, record->body_len);
    memset(at + summed + record->body_len, 0, size - summed - record->body_len);
    round->len += size;
    if (record->kind != JOURNAL_WITNESS) round->binding = true;
    uint16_t format = journal_record_format(record);
    if (round->format < format) round->format = format;
    if (entry != NULL) keep_entry(round, entry);
}

void journal_round_add_entry(struct journal_round *round, uint8_t kind, struct entry *entry) {
    struct journal_record record = {.kind = kind,
                                    .group = entry->group,
                                    .index = entry->index,
                                    .term = entry->term,
                                    .entry = entry->header,
                                    .body = entry->body.data,
                                    .body_len = (uint32_t)entry->body.len};
    journal_round_add(round, &record, entry);
}

void journal_round_add_records(struct journal_round *round, const uint8_t *payload, size_t len) {
    struct journal_record record;
    for (size_t at = 0; journal_record_next(payload, len, &at, &record, NULL) == ERR_NONE;) {
        struct entry *entry = NULL;
        if (record.entry != NULL) {
            int error = entry_from_checked_bytes(
                record.entry, slice_copy(NULL, record.body, record.body_len), &entry);
            CHECK(error == ERR_NONE);
        }
        journal_round_add(round, &record, entry);
        entry_unref(entry);
    }
}

size_t journal_round_seal(struct journal_round *round, struct journal_round_header *header) {
    size_t bytes = journal_round_bytes(round);
    journal_round_reserve(round, bytes);
    header->payload_len = (uint32_t)(round->len - JOURNAL_HEADER_SIZE);
    header->entries = (uint32_t)round->entry_count;
    header->payload_crc = round->payload_crc;
    header->format = round->format > 0 ? round->format : JOURNAL_FORMAT_FIRST;
    journal_round_encode(round->data, header);
    return bytes;
}
