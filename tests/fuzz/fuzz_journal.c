/*
 * A journal: one byte, then the rest of its only file. Bit 0: the checksums of rounds are made
 * right first. Bit 1: it is opened to be gone on with, not only read.
 */
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "storage/journal/journal.h"
#include "storage/journal/journal_format.h"
#include "storage/little_endian.h"
#include "tests/fuzz/entries.h"
#include "tests/fuzz/workspace.h"

enum {
    FILE_BYTES = 64 * 1024,
    MAGIC_AT = 0,
    PAYLOAD_LEN_AT = 68,
    PAYLOAD_CRC_AT = 76,
    CRC_AT = 92
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* As far as records can be read, their sums are made right; returns the sum of the round's records.
 */
static uint32_t seal_records(uint8_t *payload, size_t len) {
    uint32_t crc = 0;
    for (size_t at = 0, before = 0, summed; at < len; before = at) {
        struct journal_record record;
        bool entry = payload[at] == JOURNAL_ENTRY || payload[at] == JOURNAL_COPY;
        if (entry && len - at > JOURNAL_RECORD_HEAD + ENTRY_HEADER_SIZE)
            entries_seal_one(payload + at + JOURNAL_RECORD_HEAD,
                             payload + at + JOURNAL_RECORD_HEAD + ENTRY_HEADER_SIZE,
                             len - at - JOURNAL_RECORD_HEAD - ENTRY_HEADER_SIZE);
        if (journal_record_next(payload, len, &at, &record, &summed) != ERR_NONE) break;
        crc = crc32c(crc, payload + before, summed);
    }
    return crc;
}

static void seal_footer(uint8_t *footer, size_t left, uint32_t entries) {
    size_t rows = (size_t)entries * JOURNAL_FOOTER_ENTRY;
    if (left < JOURNAL_FOOTER_HEAD + rows) return;
    uint32_t crc = crc32c(0, footer, JOURNAL_FOOTER_HEAD - 4);
    le_put_u32(footer + JOURNAL_FOOTER_HEAD - 4, crc32c(crc, footer + JOURNAL_FOOTER_HEAD, rows));
}

static void seal(uint8_t *file, size_t len, uint32_t magic) {
    for (size_t at = 0; at + JOURNAL_HEADER_SIZE <= len; at += JOURNAL_BLOCK) {
        uint8_t *round = file + at;
        size_t left = len - at, payload_len = le_get_u32(round + PAYLOAD_LEN_AT);
        if (le_get_u32(round + MAGIC_AT) != magic || payload_len > left - JOURNAL_HEADER_SIZE)
            continue;
        le_put_u32(round + PAYLOAD_CRC_AT, seal_records(round + JOURNAL_HEADER_SIZE, payload_len));
        le_put_u32(round + CRC_AT, crc32c(0, round, CRC_AT));
        struct journal_round_header header;
        size_t footer = journal_footer_at(payload_len);
        if (footer < left && journal_round_decode(round, &header) == ERR_NONE)
            seal_footer(round + footer, left - footer, header.entries);
    }
}

static void each(void *arg, const struct journal_group *group) {
    (void)arg;
    for (size_t i = 0; i < group->entry_count; i++)
        CHECK(group->entries[i]->index == group->progress + 1 + i);
}

static void read_and_open(struct workspace *workspace, const char *path, bool open_it) {
    struct error_text why;
    journal_read(workspace->env, path, each, NULL, &why);
    if (!open_it) return;
    struct journal_options options = {.file_bytes = FILE_BYTES, .max_bytes = 16 * FILE_BYTES};
    struct journal *journal;
    if (journal_open(workspace->env, &workspace->log, path, &options, &journal, &why) == ERR_NONE)
        journal_close(journal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    if (len == 0 || len > FILE_BYTES) return 0;
    struct workspace *workspace = workspace_get();
    uint8_t *file = mem_zalloc(FILE_BYTES);
    memcpy(file, data + 1, len - 1);
    if (data[0] & 1) seal(file, FILE_BYTES, le_get_u32(file));
    char *path = workspace_put(workspace, "journal/00000001.journal", file, FILE_BYTES);
    *strrchr(path, '/') = '\0';
    read_and_open(workspace, path, data[0] & 2);
    mem_free(path);
    mem_free(file);
    workspace_clear(workspace);
    return 0;
}
