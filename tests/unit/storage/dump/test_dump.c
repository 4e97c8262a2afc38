/* Dump and verify: every batch is shown once, every damaged byte is found where it is. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "protocol/record/record_batch.h"
#include "protocol/record/transaction_marker.h"
#include "storage/data_dir.h"
#include "storage/dump/dump.h"
#include "storage/little_endian.h"
#include "tests/unit/storage/fixture_log_model.h"
#include "tests/unit/unit.h"

struct seen {
    const struct log_model *model;
    int64_t next_offset;
    uint64_t stored, batches, in_journal;
    unsigned bad;
};

static void see(void *arg, const struct dump_batch *batch) {
    struct seen *seen = arg;
    assert_string_equal(batch->topic, "orders");
    assert_int_equal(batch->partition, 3);
    assert_int_equal(batch->base_offset, seen->next_offset);
    assert_in_range(batch->raft_index, 1, seen->model->last);
    const struct entry *entry = seen->model->entries[batch->raft_index - 1];
    assert_true(batch->base_offset >= entry->base_offset);
    assert_true(batch->last_offset < entry->base_offset + entry->records);
    assert_int_equal(batch->leader_epoch, entry->term);
    assert_string_equal(batch->stored, entry->codec == ENTRY_LZ4 ? "lz4" : "plain");
    if (batch->base_offset == entry->base_offset)
        assert_int_equal(batch->stored_bytes, entry_stored_size(entry));
    else
        assert_int_equal(batch->stored_bytes, 0);
    seen->next_offset = batch->last_offset + 1;
    seen->stored += batch->stored_bytes;
    seen->batches++;
    if (strcmp(batch->file, "shard-0/journal") == 0) seen->in_journal++;
    if (!batch->crc_ok) seen->bad++;
}

static struct seen dump(struct log_model *model, int expected) {
    struct dump_filter filter = {.topic = "orders", .partition = 3};
    struct seen seen = {.model = model};
    struct error_text why = {0};
    assert_int_equal(dump_batches(model->folder.env, model->folder.path, &filter, see, &seen, &why),
                     expected);
    return seen;
}

struct places {
    char file[128];
    uint64_t position;
    unsigned count;
};

static void note(void *arg, const struct dump_damage *damage) {
    struct places *places = arg;
    if (places->count++ == 0) {
        snprintf(places->file, sizeof places->file, "%s", damage->file);
        places->position = damage->position;
    }
}

/* What a broker makes beside the logs. */
static void make_meta(struct log_model *model) {
    struct data_dir *dir;
    struct error_text why;
    bool made;
    assert_int_equal(data_dir_open(model->folder.env, model->folder.path, 1, &dir, &made, &why), 0);
    data_dir_close(dir);
}

static struct places verify(struct log_model *model, struct dump_totals *totals) {
    struct places places = {.count = 0};
    struct error_text why = {0};
    int error = dump_verify(model->folder.env, model->folder.path, note, &places, totals, &why);
    assert_int_equal(error, places.count ? ERR_CORRUPT : 0);
    assert_int_equal(totals->damages, places.count);
    return places;
}

/* A log with several segments, some entries in the journal only. */
static void fill(struct log_model *model, bool clean) {
    log_model_vote(model, 1, 1);
    for (int i = 0; i < 30; i++) {
        log_model_append(model, 4);
        if (i == 15) log_model_vote(model, 2, 1);
        log_model_commit(model, model->last - 2);
        if (i % 7 == 0) {
            log_model_settle(model);
            log_model_flush(model);
        }
    }
    if (clean) {
        log_model_commit(model, model->last);
        log_model_settle(model);
        log_model_flush(model);
    }
    log_model_settle(model);
}

static uint64_t stored_bytes(const struct log_model *model) {
    uint64_t stored = 0;
    for (uint64_t i = 0; i < model->last; i++)
        if (model->entries[i]->type == ENTRY_BATCHES)
            stored += entry_stored_size(model->entries[i]);
    return stored;
}

/* Everything is shown, in order and once: beside a running store, after an abrupt stop, after a
 * clean one. */
static void test_dump_shows_everything(void **state) {
    (void)state;
    for (int clean = 0; clean < 2; clean++) {
        struct log_model model;
        log_model_open(&model, 4 + (uint64_t)clean);
        make_meta(&model);
        log_model_start(&model);
        fill(&model, clean);
        for (int running = 1; running >= 0; running--) {
            struct seen seen = dump(&model, 0);
            assert_int_equal(seen.next_offset, model.end_offset);
            assert_int_equal(seen.stored, stored_bytes(&model));
            assert_int_equal(seen.bad, 0);
            assert_true(clean ? seen.in_journal == 0 : seen.in_journal > 0);
            struct dump_totals totals;
            assert_int_equal(verify(&model, &totals).count, 0);
            assert_int_equal(totals.entries, model.last);
            assert_int_equal(totals.batches, seen.batches);
            assert_int_equal(totals.logs, 1);
            if (running) log_model_stop(&model, false);
        }
        log_model_close(&model);
    }
}

/* With the place that a leader gives it. */
static struct entry *entry_of_marker(const struct log_model *model, int64_t max_timestamp,
                                     bool delays) {
    const struct transaction_marker marker = {.producer_id = 7, .commit = true};
    struct slice batch = transaction_marker_batch(&marker, 1700000000000);
    uint8_t *bytes = (uint8_t *)batch.data;
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)model->end_offset >> (8 * (7 - i)));
    for (int i = 0; i < 4; i++)
        bytes[12 + i] = (uint8_t)(model->term >> (8 * (3 - i)));
    struct entry_spec spec = {.type = ENTRY_BATCHES,
                              .batches = 1,
                              .base_offset = model->end_offset,
                              .records = 1,
                              .max_timestamp = max_timestamp,
                              .raw = batch,
                              .numbered = true,
                              .delays = delays};
    struct entry *entry = entry_new(NULL, &spec);
    entry_seal(entry, LOG_MODEL_GROUP, model->last + 1, model->term);
    return entry;
}

/* The end of a transaction has a time that is none of the log's. */
static void test_verify_knows_markers(void **state) {
    (void)state;
    for (int wrong = 0; wrong < 2; wrong++) {
        struct log_model model;
        struct dump_totals totals;
        log_model_open(&model, 5);
        make_meta(&model);
        log_model_start(&model);
        fill(&model, true);
        log_model_append_entry(&model, entry_of_marker(&model, wrong ? 1700000000000 : -1, false));
        log_model_append_entry(&model, entry_of_marker(&model, -1, true)); /* may hide any */
        log_model_commit(&model, model.last);
        log_model_stop(&model, true);
        assert_int_equal(verify(&model, &totals).count, wrong);
        log_model_close(&model);
    }
}

static char *last_file(const struct log_model *model, const char *suffix, size_t back) {
    char names[64][64];
    char *group = log_model_group_path(model);
    size_t count = file_names(group, suffix, names, 64);
    assert_true(count > back);
    size_t size = strlen(group) + 80;
    char *path = mem_alloc(size);
    snprintf(path, size, "%s/%s", group, names[count - 1 - back]);
    mem_free(group);
    return path;
}

/* Flipped bytes (every third) of a segment are found, in that file, and at the entry that holds it.
 */
static void test_verify_finds_flipped_bytes(void **state) {
    (void)state;
    struct log_model model;
    log_model_open(&model, 8);
    make_meta(&model);
    model.value_max = 20;
    log_model_start(&model);
    fill(&model, true);
    log_model_stop(&model, true);
    for (size_t back = 0; back < 3; back += 2) {
        char *path = last_file(&model, ".log", back);
        size_t len;
        uint8_t *bytes = file_bytes(path, &len);
        for (size_t at = 0; at < len; at += 3) {
            bytes[at] ^= 0x40;
            file_put(path, bytes, len);
            bytes[at] ^= 0x40;
            struct dump_totals totals;
            struct places places = verify(&model, &totals);
            if (places.count == 0) fail_msg("a flipped byte at %zu of %zu was not found", at, len);
            assert_non_null(strstr(path, places.file));
            assert_true(places.position <= at);
        }
        file_put(path, bytes, len);
        mem_free(bytes);
        mem_free(path);
    }
    struct dump_totals totals;
    assert_int_equal(verify(&model, &totals).count, 0);
    log_model_close(&model);
}

/* Entries at the end of a segment that are zeros are found, although blocks end with zeros: in a
 * sealed segment, and in the last one. */
static void test_verify_finds_entries_that_are_zeros(void **state) {
    (void)state;
    struct log_model model;
    log_model_open(&model, 8);
    make_meta(&model);
    model.value_max = 20;
    model.options.segment_bytes = SEGMENT_BLOCK * 3 / 4;
    log_model_start(&model);
    fill(&model, true);
    log_model_stop(&model, true);
    for (size_t back = 0; back < 3; back += 2) {
        char *path = last_file(&model, ".log", back);
        size_t len, starts = 0;
        uint8_t *bytes = file_bytes(path, &len);
        for (size_t at = len - SEGMENT_BLOCK + 1; at < len - ENTRY_HEADER_SIZE; at++) {
            if (memcmp(bytes + at, "DRE1", 4) != 0) continue;
            uint8_t *zeroed = mem_zalloc(len);
            memcpy(zeroed, bytes, at);
            file_put(path, zeroed, len);
            mem_free(zeroed);
            struct dump_totals totals;
            struct places places = verify(&model, &totals);
            if (places.count == 0)
                fail_msg("zeros from the entry at %zu on, of %zu, were not found", at, len);
            assert_non_null(strstr(path, places.file));
            assert_true(places.position <= len);
            starts++;
        }
        assert_true(starts > 0);
        file_put(path, bytes, len);
        mem_free(bytes);
        mem_free(path);
    }
    log_model_close(&model);
}

/* The same for the index files. */
static void test_verify_finds_damaged_indexes(void **state) {
    (void)state;
    struct log_model model;
    log_model_open(&model, 9);
    make_meta(&model);
    log_model_start(&model);
    fill(&model, true);
    log_model_stop(&model, true);
    for (size_t back = 0; back < 3; back += 2) {
        char *path = last_file(&model, ".index", back);
        size_t len;
        uint8_t *bytes = file_bytes(path, &len);
        for (size_t at = 0; at < len; at += 3) {
            bytes[at] ^= 0x01;
            file_put(path, bytes, len);
            bytes[at] ^= 0x01;
            struct dump_totals totals;
            struct places places = verify(&model, &totals);
            if (places.count == 0)
                fail_msg("a flipped byte at %zu of %zu of the index was not found", at, len);
            assert_non_null(strstr(path, places.file));
        }
        file_put(path, bytes, len);
        mem_free(bytes);
        mem_free(path);
    }
    log_model_close(&model);
}

/* A damaged entry is a line that says so, and what follows is shown. */
static void test_dump_goes_on_behind_damage(void **state) {
    (void)state;
    struct log_model model;
    log_model_open(&model, 10);
    make_meta(&model);
    log_model_start(&model);
    fill(&model, true);
    log_model_stop(&model, true);
    char *path = last_file(&model, ".log", 1);
    size_t len;
    uint8_t *bytes = file_bytes(path, &len);
    size_t at = SEGMENT_HEADER_SIZE;
    const struct entry *entry = model.entries[le_get_u64(bytes + 24) - 1]; /* the segment's first */
    for (; entry->type != ENTRY_BATCHES; entry = model.entries[entry->index])
        at += entry_stored_size(entry);
    bytes[at + ENTRY_HEADER_SIZE + 30] ^= 1;
    file_put(path, bytes, len);
    struct seen seen = dump(&model, ERR_CORRUPT);
    assert_int_equal(seen.bad, 1);
    assert_int_equal(seen.next_offset, model.end_offset);
    mem_free(bytes);
    mem_free(path);
    log_model_close(&model);
}

/* A directory without logs gets a sentence; lines have the promised form, whatever a name file
 * holds. */
static void test_dump_sentences_and_lines(void **state) {
    (void)state;
    struct folder folder;
    folder_open(&folder);
    struct dump_filter filter = {.partition = -1};
    struct error_text why;
    assert_int_equal(dump_batches(folder.env, folder.path, &filter, see, NULL, &why),
                     ERR_NOT_FOUND);
    assert_non_null(strstr(why.text, "is not the data directory of a broker"));
    folder_close(&folder);

    struct dump_batch batch = {.topic = "a\"\n",
                               .partition = 1,
                               .base_offset = 5,
                               .last_offset = 9,
                               .leader_epoch = 2,
                               .raft_index = 7,
                               .codec = "none",
                               .stored = "lz4",
                               .records = 5,
                               .size_bytes = 100,
                               .stored_bytes = 90,
                               .file = "f",
                               .position = 64,
                               .crc_ok = true};
    char line[1024];
    dump_batch_json(&batch, line, sizeof line);
    assert_string_equal(
        line,
        "{\"topic\":\"a\\\"\\u000a\",\"partition\":1,\"base_offset\":5,\"last_offset\":9,\"leader_epoch\":2,"
        "\"raft_index\":7,\"codec\":\"none\",\"stored\":\"lz4\",\"records\":5,\"size_bytes\":100,"
        "\"stored_bytes\":90,\"file\":\"f\",\"position\":64,\"crc_ok\":true}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dump_shows_everything),
        cmocka_unit_test(test_verify_knows_markers),
        cmocka_unit_test(test_verify_finds_flipped_bytes),
        cmocka_unit_test(test_verify_finds_entries_that_are_zeros),
        cmocka_unit_test(test_verify_finds_damaged_indexes),
        cmocka_unit_test(test_dump_goes_on_behind_damage),
        cmocka_unit_test(test_dump_sentences_and_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
