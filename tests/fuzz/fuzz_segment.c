/*
 * A segment and what lies beside it: one byte, then parts (workspace.h): the segment, its index, a
 * snapshot of an applier; lengths in two bytes each. Bit 0: checksums are made right first. Bit 1:
 * a log is opened on the files, as at a start, and read; else they are only walked through.
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "broker/producer/producer_state.h"
#include "storage/dump/dump.h"
#include "storage/journal/journal.h"
#include "storage/little_endian.h"
#include "storage/log/partition_log.h"
#include "storage/segment/segment_cursor.h"
#include "storage/segment/segment_index.h"
#include "storage/state/state_files.h"
#include "tests/batches/producer_bytes.h"
#include "tests/fuzz/entries.h"
#include "tests/fuzz/workspace.h"

enum {
    GROUP = 1,
    HEADER_CRC_AT = 60,
    BLOCK_META_CRC_AT = 4,
    BLOCK_POINTS_CRC_AT = 8,
    SNAPSHOT_HEAD = 32,
    SNAPSHOT_CRC_AT = 28,
    INTERVAL = 64,
    LARGEST = 1 << 20,
};

#define FOLDER "shard-0/groups/0000000000000001"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* ---- Checksums ---- */

static void seal_header(uint8_t *file, size_t len) {
    if (len >= SEGMENT_HEADER_SIZE)
        le_put_u32(file + HEADER_CRC_AT, crc32c(0, file, HEADER_CRC_AT));
}

static void seal_segment(uint8_t *file, size_t len) {
    seal_header(file, len);
    for (size_t at = SEGMENT_HEADER_SIZE; at + ENTRY_HEADER_SIZE <= len;) {
        if (file[at] == 0 && at % SEGMENT_BLOCK != 0) { /* padding */
            at = segment_block_end(at);
            continue;
        }
        uint8_t *body = file + at + ENTRY_HEADER_SIZE;
        size_t body_len = entries_seal_one(file + at, body, len - at - ENTRY_HEADER_SIZE);
        if (body_len == SIZE_MAX) return;
        at += ENTRY_HEADER_SIZE + body_len;
    }
}

static void seal_index(uint8_t *file, size_t len) {
    seal_header(file, len);
    struct index_block_header block;
    for (size_t at = SEGMENT_HEADER_SIZE; at + INDEX_BLOCK_HEADER_SIZE <= len;) {
        if (index_block_decode_header(file + at, &block) != ERR_NONE) return;
        uint64_t meta = index_block_meta_size(&block),
                 points = (uint64_t)block.points * INDEX_POINT_SIZE;
        size_t left = len - at - INDEX_BLOCK_HEADER_SIZE;
        if (meta > left || points > left - meta) return;
        uint8_t *behind = file + at + INDEX_BLOCK_HEADER_SIZE;
        le_put_u32(file + at + BLOCK_POINTS_CRC_AT, crc32c(0, behind + meta, points));
        uint32_t crc = crc32c(0, file + at + BLOCK_POINTS_CRC_AT,
                              INDEX_BLOCK_HEADER_SIZE - BLOCK_POINTS_CRC_AT);
        le_put_u32(file + at + BLOCK_META_CRC_AT, crc32c(crc, behind, meta));
        at += INDEX_BLOCK_HEADER_SIZE + meta + points;
    }
}

static void seal_snapshot(uint8_t *file, size_t len) {
    if (len < SNAPSHOT_HEAD) return;
    if (len >= SNAPSHOT_HEAD + 8) /* the producer state in it has a checksum of its own */
        le_put_u32(file + SNAPSHOT_HEAD + 4,
                   crc32c(0, file + SNAPSHOT_HEAD + 8, len - SNAPSHOT_HEAD - 8));
    le_put_u32(file + 24, (uint32_t)(len - SNAPSHOT_HEAD));
    uint32_t crc = crc32c(0, file, SNAPSHOT_CRC_AT);
    le_put_u32(file + SNAPSHOT_CRC_AT, crc32c(crc, file + SNAPSHOT_HEAD, len - SNAPSHOT_HEAD));
}

/* ---- Walking through the files ---- */

/* The last entry up to which the segment is whole, and the position behind it. */
struct whole {
    uint64_t index, position;
};

static struct whole walk_segment(struct workspace *workspace, const char *path, size_t len) {
    struct env_file *file;
    struct segment_cursor cursor;
    struct entry *entry;
    struct whole whole = {0, SEGMENT_HEADER_SIZE};
    if (env_file_open(workspace->env, path, ENV_READ, &file) != ERR_NONE) return whole;
    segment_cursor_init(&cursor, file, GROUP, SEGMENT_HEADER_SIZE, len, 4096);
    int error;
    while ((error = segment_cursor_next(&cursor, &entry)) == ERR_NONE) {
        struct slice raw;
        if (entry_raw(entry, NULL, false, &raw) == ERR_NONE) slice_unref(&raw);
        whole = (struct whole){entry->index, cursor.position};
        entry_unref(entry);
    }
    if (error == ERR_EOF) whole.position = cursor.position; /* behind the padding */
    segment_cursor_close(&cursor);
    env_file_close(file);
    return whole;
}

static void walk_index(struct workspace *workspace, const char *path, size_t segment_len) {
    struct segment_header header = {.group = GROUP, .base_offset = 0, .first_index = 1};
    struct segment_index index;
    segment_index_init(&index, &header, INTERVAL);
    if (segment_index_load(workspace->env, path, segment_len, true, &index) == ERR_NONE) {
        CHECK(index.end.position <= segment_len || index.point_count == 0);
        for (int64_t key = -1; key < 5; key++) {
            segment_index_seek_offset(&index, key);
            segment_index_seek_index(&index, (uint64_t)key);
            segment_index_seek_timestamp(&index, key);
        }
    }
    segment_index_close(&index);
}

static void walk_snapshot(struct workspace *workspace, const char *path) {
    struct slice bytes;
    bool was_durable;
    if (state_file_read(workspace->env, path, GROUP, 1, &was_durable, &bytes) != ERR_NONE) return;
    struct producer_state_options options = {.max_producers = 1000};
    struct producer_state *state = producer_state_new(&options);
    if (producer_bytes_take(state, bytes.data, bytes.len) == ERR_NONE) {
        struct slice again = producer_bytes(state);
        slice_unref(&again);
    }
    producer_state_free(state);
    slice_unref(&bytes);
}

/* ---- Opening a log on them ---- */

static void durable(void *arg, uint64_t index) {
    (void)arg;
    (void)index;
}

static void read_done(struct partition_log_read *read, int error) {
    if (error == ERR_NONE) partition_log_read_release(read);
}

static void fetch_done(struct partition_log_fetch *fetch, int error) {
    if (error == ERR_NONE) partition_log_fetch_release(fetch);
}

static void search_done(struct partition_log_search *search, int error) {
    (void)search;
    (void)error;
}

/* The engine starts from these: dense from the first index on. */
static void next_terms(void *arg, uint64_t first, uint64_t count, uint32_t term) {
    uint64_t *seen = arg;
    CHECK(first == *seen + 1);
    CHECK(count > 0 && term > 0);
    *seen += count;
}

static void use_log(struct workspace *workspace, struct partition_log *log) {
    uint64_t seen = 0;
    partition_log_each_term(log, next_terms, &seen);
    CHECK(seen == partition_log_last_index(log));
    struct partition_log_read read = {.done = read_done};
    struct partition_log_fetch fetch = {.done = fetch_done};
    struct partition_log_search search = {.done = search_done}, latest = {.done = search_done};
    uint64_t last = partition_log_last_index(log), first = partition_log_first_index(log);
    int64_t end = partition_log_end_offset(log), start = partition_log_start_offset(log);
    uint32_t epoch;
    if (first <= last) partition_log_read(log, first, last, LARGEST, &read);
    if (start < end) partition_log_fetch(log, start, end, LARGEST, &fetch);
    partition_log_search(log, 1764300000000, 0, end, &search);
    partition_log_search(log, -3, 0, end, &latest);
    partition_log_epoch_end(log, 1, &epoch);
    env_uv_run(workspace->env);
}

static void durable_now(struct journal_waiter *waiter) {
    (void)waiter;
}

/* A journal that knows the segment as synced: without it a start refuses it. */
static void write_journal(struct workspace *workspace, struct whole whole) {
    struct journal_options options = {.file_bytes = 32 * 1024, .max_bytes = 256 * 1024};
    struct journal *journal;
    struct error_text why;
    char path[128];
    snprintf(path, sizeof path, "%s/shard-0/journal", workspace->path);
    CHECK(journal_open(workspace->env, &workspace->log, path, &options, &journal, &why) ==
          ERR_NONE);
    journal_hard_state(journal, GROUP, 9, 0);
    struct journal_waiter waiter = {.durable = durable_now};
    journal_progress(journal, GROUP, whole.index, 0, whole.position);
    journal_wait(journal, &waiter); /* progress alone begins no round */
    env_uv_run(workspace->env);
    journal_close(journal);
    env_uv_run(workspace->env);
}

static void open_log(struct workspace *workspace) {
    struct log_store_options options = {.journal_file_bytes = 32 * 1024,
                                        .journal_max_bytes = 256 * 1024,
                                        .segment_bytes = 1 << 20,
                                        .index_interval_bytes = INTERVAL,
                                        .open_files = 16,
                                        .tail_cache_bytes = 1 << 20};
    struct partition_log_events events = {.durable = durable, .hard_state_durable = durable};
    struct log_store *store;
    struct partition_log *log;
    struct error_text why;
    char path[128];
    snprintf(path, sizeof path, "%s/shard-0", workspace->path);
    if (log_store_open(workspace->env, &workspace->log, path, &options, &store, &why) != ERR_NONE)
        return;
    if (partition_log_open(store, GROUP, "fuzz-0", &events, NULL, &log, &why) == ERR_NONE) {
        use_log(workspace, log);
        partition_log_close(log);
    }
    log_store_close(store);
    env_uv_run(workspace->env);
}

static void ignore_damage(void *arg, const struct dump_damage *damage) {
    (void)arg;
    CHECK(damage->what != NULL);
}

static void ignore_batch(void *arg, const struct dump_batch *batch) {
    (void)arg;
    char line[1024];
    dump_batch_json(batch, line, sizeof line);
}

static void use_tools(struct workspace *workspace) {
    struct dump_totals totals;
    struct dump_filter filter = {.partition = -1};
    struct error_text why;
    dump_verify(workspace->env, workspace->path, ignore_damage, NULL, &totals, &why);
    dump_batches(workspace->env, workspace->path, &filter, ignore_batch, NULL, &why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static const char *const names[] = {FOLDER "/00000000000000000000.log",
                                        FOLDER "/00000000000000000000.index",
                                        FOLDER "/00000000000000000001.snapshot"};
    static void (*const sealing[])(uint8_t *, size_t) = {seal_segment, seal_index, seal_snapshot};
    if (len == 0 || len > LARGEST) return 0;
    struct workspace *workspace = workspace_get();
    struct parts parts = {data + 1, len - 1};
    size_t lens[3];
    char *paths[3];
    for (int i = 0; i < 3; i++) {
        const uint8_t *part = parts_next(&parts, &lens[i]);
        uint8_t *file = mem_alloc(lens[i]);
        memcpy(file, part, lens[i]);
        if (data[0] & 1) sealing[i](file, lens[i]);
        paths[i] = workspace_put(workspace, names[i], file, lens[i]);
        mem_free(file);
    }
    struct whole whole = walk_segment(workspace, paths[0], lens[0]);
    walk_index(workspace, paths[1], lens[0]);
    walk_snapshot(workspace, paths[2]);
    if (data[0] & 2) {
        if (whole.index > 0 && whole.index < INT64_MAX) write_journal(workspace, whole);
        use_tools(workspace);
        open_log(workspace);
    }
    for (int i = 0; i < 3; i++)
        mem_free(paths[i]);
    workspace_clear(workspace);
    return 0;
}
