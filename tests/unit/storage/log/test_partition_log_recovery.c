/* Opening a log after a crash: torn tails, indexes that are missing or garbled, damage that must
 * not be passed over. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "storage/little_endian.h"
#include "tests/unit/storage/fixture_log_model.h"
#include "tests/unit/unit.h"

/* Entries that are synced, then some that write-behind has written but not synced. The store is
 * stopped abruptly. */
static void leave_unsynced_tail(struct log_model *model, uint64_t seed) {
    log_model_open(model, seed);
    model->options.segment_bytes = 16 << 10;
    model->value_max = 10;
    log_model_start(model);
    log_model_vote(model, 3, 1);
    for (int i = 0; i < 6; i++)
        log_model_append(model, 4);
    log_model_commit(model, model->last);
    log_model_settle(model);
    log_model_flush(model);
    for (int i = 0; i < 3; i++)
        log_model_append(model, 1);
    log_model_commit(model, model->last);
    log_model_append(model, 2); /* these stay uncommitted */
    log_model_settle(model);
    log_model_write_behind(model);
    log_model_stop(model, false);
}

static char *newest_segment(const struct log_model *model, const char *suffix) {
    char names[64][64];
    char *group = log_model_group_path(model);
    size_t count = file_names(group, suffix, names, 64);
    assert_true(count > 0);
    char *path = path_join(group, names[count - 1]);
    mem_free(group);
    return path;
}

/* Where the unsynced tail begins: what the journal knows to be synced. */
static void note_progress(void *arg, const struct journal_group *group) {
    *(uint64_t *)arg = group->progress_position;
}

static uint64_t synced_position(struct log_model *model) {
    char path[128];
    snprintf(path, sizeof path, "%s/shard-0/journal", model->folder.path);
    uint64_t position = 0;
    struct error_text why;
    assert_int_equal(journal_read(model->folder.env, path, note_progress, &position, &why), 0);
    return position;
}

/* A tail that was cut or garbled at any byte behind what was synced is written again, from the
 * journal. So is one of which whole blocks were destroyed: none of them holds what was synced. */
static void test_recovery_torn_tail(void **state) {
    (void)state;
    struct log_model model;
    leave_unsynced_tail(&model, 21);
    char *path = newest_segment(&model, ".log");
    size_t len;
    uint8_t *bytes = file_bytes(path, &len);
    uint64_t synced = synced_position(&model);
    assert_in_range(synced, 100, len - 100);
    assert_int_equal(synced % SEGMENT_BLOCK, 0);
    uint64_t committed = model.commit, last = model.last;
    for (size_t at = synced; at <= len; at++) {
        uint8_t *torn = mem_alloc(len + 512);
        memcpy(torn, bytes, at);
        for (size_t i = at % 2 ? at : at / SEGMENT_BLOCK * SEGMENT_BLOCK; i < len + 512; i++)
            torn[i] = (uint8_t)dice_next(&model.dice);
        file_put(path, torn, at % 3 ? at : len + 512);
        mem_free(torn);
        log_model_start(&model);
        assert_int_equal(model.last, last);
        assert_int_equal(model.commit, committed);
        if (at % 16 == 0) log_model_check(&model);
        log_model_stop(&model, false);
    }
    /* And what is written again after all that is what was there. */
    log_model_start(&model);
    log_model_write_behind(&model);
    log_model_stop(&model, false);
    size_t len_again;
    uint8_t *again = file_bytes(path, &len_again);
    assert_int_equal(len_again, len);
    assert_memory_equal(again, bytes, len);
    mem_free(again);
    mem_free(bytes);
    mem_free(path);
    log_model_close(&model);
}

static void durable_now(struct journal_waiter *waiter) {
    (void)waiter;
}

/* The journal says that the first segment is synced up to this entry and position. */
static void record_progress(struct log_model *model, uint64_t index, uint64_t position) {
    struct journal_options options = {.file_bytes = model->options.journal_file_bytes,
                                      .max_bytes = model->options.journal_max_bytes,
                                      .must_exist = true};
    struct journal *journal;
    struct error_text why;
    char path[128];
    snprintf(path, sizeof path, "%s/shard-0/journal", model->folder.path);
    assert_int_equal(
        journal_open(model->folder.env, &model->folder.log, path, &options, &journal, &why), 0);
    struct journal_waiter waiter = {.durable = durable_now};
    journal_progress(journal, LOG_MODEL_GROUP, index, 0, position);
    journal_hard_state(journal, LOG_MODEL_GROUP, model->term,
                       model->voted_for); /* progress alone begins no round */
    journal_wait(journal, &waiter);
    folder_run_out(&model->folder);
    journal_close(journal);
    folder_run_out(&model->folder);
}

/* All entries of the model as a segment of format 1, which has no padding. Returns the position
 * behind them. */
static size_t write_format_1(const struct log_model *model) {
    struct segment_header header = {.group = LOG_MODEL_GROUP, .base_offset = 0, .first_index = 1};
    char *group = log_model_group_path(model), *path = path_of_segment(group, 0, SEGMENT_FILE_LOG);
    uint8_t *bytes = mem_zalloc(1 << 20);
    size_t at = SEGMENT_HEADER_SIZE;
    segment_header_encode(&header, SEGMENT_FILE_LOG, bytes);
    le_put_u32(bytes + 4, 1);
    le_put_u32(bytes + SEGMENT_HEADER_SIZE - 4, crc32c(0, bytes, SEGMENT_HEADER_SIZE - 4));
    for (uint64_t i = 0; i < model->last; i++) {
        const struct entry *entry = model->entries[i];
        memcpy(bytes + at, entry->header, ENTRY_HEADER_SIZE);
        if (entry->body.len > 0)
            memcpy(bytes + at + ENTRY_HEADER_SIZE, entry->body.data, entry->body.len);
        at += entry_stored_size(entry);
    }
    assert_int_equal(env_mkdir(model->folder.env, group), 0);
    file_put(path, bytes, at);
    mem_free(bytes);
    mem_free(path);
    mem_free(group);
    return at;
}

/* A log in one segment of format 1, all synced, up to the middle of a block. Returns its position.
 */
static size_t leave_format_1(struct log_model *model) {
    log_model_open(model, 29);
    model->options.segment_bytes = 64 << 10;
    log_model_start(model);
    log_model_vote(model, 1, 1);
    for (int i = 0; i < 3; i++)
        log_model_append(model, 4);
    log_model_commit(model, model->last);
    log_model_settle(model);
    log_model_stop(model, false);
    size_t synced = write_format_1(model);
    assert_true(synced % SEGMENT_BLOCK != 0);
    record_progress(model, model->last, synced);
    return synced;
}

/* Its next block lies behind the size of a segment: the next entry begins another one, and no
 * position is said that the file does not have. */
static void test_recovery_format_1_is_full(void **state) {
    (void)state;
    struct log_model model;
    size_t synced = leave_format_1(&model);
    model.options.segment_bytes = segment_block_end(synced) - 1;
    for (int i = 0; i < 2; i++) {
        log_model_start(&model);
        log_model_check(&model);
        log_model_append(&model, 4);
        log_model_commit(&model, model.last);
        log_model_settle(&model);
        log_model_flush(&model);
        assert_int_equal(model.log->segments[0]->end.position, synced);
        log_model_check(&model);
        log_model_stop(&model, false);
    }
    log_model_start(&model);
    log_model_check(&model);
    assert_int_equal(model.log->segments[0]->end.position, synced);
    log_model_stop(&model, true);
    log_model_close(&model);
}

/* What an earlier version has synced up to the middle of a block is read, and the log goes on in
 * the next block. */
static void test_recovery_format_1(void **state) {
    (void)state;
    struct log_model model;
    size_t synced = leave_format_1(&model);
    char *path = newest_segment(&model, ".log");
    size_t len;
    uint8_t *before = file_bytes(path, &len);
    for (int i = 0; i < 3; i++) {
        log_model_start(&model);
        log_model_check(&model);
        log_model_append(&model, 4);
        log_model_commit(&model, model.last);
        log_model_settle(&model);
        log_model_write_behind(&model);
        log_model_stop(&model, i < 2);
        assert_int_equal(synced_position(&model) % SEGMENT_BLOCK, 0);
    }
    log_model_start(&model);
    log_model_check(&model);
    log_model_stop(&model, true);
    uint8_t *after = file_bytes(path, &len);
    assert_memory_equal(after, before, synced);
    for (uint64_t at = synced; at < segment_block_end(synced); at++)
        assert_int_equal(after[at], 0);
    assert_int_equal(len % SEGMENT_BLOCK, 0);
    mem_free(before);
    mem_free(after);
    mem_free(path);
    log_model_close(&model);
}

/* Entries in a segment are committed, even if no round came that told the journal of the commit. */
static void test_recovery_commit_known_from_segments(void **state) {
    (void)state;
    struct log_model model;
    log_model_open(&model, 27);
    model.options.segment_bytes = 16 << 10;
    log_model_start(&model);
    log_model_vote(&model, 1, 1);
    for (int i = 0; i < 5; i++)
        log_model_append(&model, 4);
    log_model_settle(&model);
    log_model_commit(&model, 15);
    log_model_write_behind(&model);
    log_model_stop(&model, false);
    log_model_start(&model);
    assert_int_equal(model.commit, 15);
    log_model_check(&model);
    log_model_stop(&model, false);
    log_model_close(&model);
}

/* A segment behind what was synced goes, whatever is in it: later ones may have other bounds. */
static void test_recovery_removes_unsynced_segments(void **state) {
    (void)state;
    struct log_model model;
    leave_unsynced_tail(&model, 28);
    char *group = log_model_group_path(&model),
         *stray = path_of_segment(group, model.end_offset + 3, SEGMENT_FILE_LOG);
    char *index = path_of_segment(group, model.end_offset + 3, SEGMENT_FILE_INDEX);
    file_put(stray, "never synced", 12);
    file_put(index, "never synced", 12);
    log_model_start(&model);
    enum env_kind kinds[2];
    assert_int_equal(env_kind_of(model.folder.env, stray, &kinds[0]), 0);
    assert_int_equal(env_kind_of(model.folder.env, index, &kinds[1]), 0);
    assert_true(kinds[0] == ENV_NOTHING && kinds[1] == ENV_NOTHING);
    log_model_check(&model);
    log_model_stop(&model, false);
    mem_free(stray);
    mem_free(index);
    mem_free(group);
    log_model_close(&model);
}

/* A log of many segments, all synced. */
static void leave_segments(struct log_model *model, uint64_t seed) {
    log_model_open(model, seed);
    log_model_start(model);
    log_model_vote(model, 1, 1);
    for (int i = 0; i < 40; i++) {
        log_model_append(model, 4);
        if (i % 10 == 0) log_model_vote(model, model->term + 1, 2);
        log_model_commit(model, model->last);
    }
    log_model_stop(model, true);
}

static void check_all(struct log_model *model) {
    log_model_check(model);
    for (int64_t offset = 0; offset < model->end_offset;)
        offset = log_model_check_fetch(model, offset, model->end_offset, 2000);
    for (int i = 0; i < 20; i++)
        log_model_check_search(model, model->time - (int64_t)dice_below(&model->dice, 30000),
                               log_model_watermark(model));
    log_model_check_search(model, -3, log_model_watermark(model));
}

/* What a torn write leaves of the block that it touched. */
static void destroy_block(struct log_model *model, uint8_t *bytes, size_t len, size_t block) {
    size_t from = dice_below(&model->dice, len) / block * block,
           end = from + block < len ? from + block : len;
    bool zeros = dice_below(&model->dice, 2) == 0;
    for (size_t at = from; at < end; at++)
        bytes[at] = zeros ? 0 : (uint8_t)dice_next(&model->dice);
}

/* Index files that are missing, of another segment, garbled, cut anywhere or without a whole block,
 * be it the first, cost nothing but a scan: what was synced in them may share a block with what is
 * written later. */
static void test_recovery_without_indexes(void **state) {
    (void)state;
    struct log_model model;
    leave_segments(&model, 22);
    char *group = log_model_group_path(&model);
    char names[64][64];
    for (int kind = 0; kind < 6; kind++) {
        size_t count = file_names(group, ".index", names, 64);
        assert_true(count > 3);
        for (size_t i = 0; i < count; i++) {
            char *path = path_join(group, names[i]);
            char *other = path_join(group, names[(i + 1) % count]);
            size_t len;
            uint8_t *bytes = file_bytes(kind == 1 ? other : path, &len);
            if (kind == 0) {
                assert_int_equal(unlink(path), 0);
            } else {
                if (kind == 2) bytes[dice_below(&model.dice, len)] ^= 1;
                if (kind == 3) len = dice_below(&model.dice, len);
                if (kind >= 4) destroy_block(&model, bytes, len, kind == 4 ? 512 : 4096);
                file_put(path, bytes, len);
            }
            mem_free(bytes);
            mem_free(path);
            mem_free(other);
        }
        log_model_start(&model);
        check_all(&model);
        log_model_append(&model, 10);
        log_model_commit(&model, model.last);
        log_model_stop(&model, true);
    }
    log_model_start(&model);
    check_all(&model);
    log_model_stop(&model, true);
    mem_free(group);
    log_model_close(&model);
}

static void assert_refused(struct log_model *model, const char *part) {
    struct error_text why = {0};
    assert_false(log_model_try_start(model, &why));
    if (!strstr(why.text, part)) fail_msg("\"%s\" does not say \"%s\"", why.text, part);
}

/* What was synced and is gone, or does not fit, is named and not passed over. */
static void test_recovery_refuses_damage(void **state) {
    (void)state;
    struct log_model model;
    leave_segments(&model, 23);
    char *group = log_model_group_path(&model);
    char names[64][64];
    size_t count = file_names(group, ".log", names, 64);
    assert_true(count > 3);
    char *first = path_join(group, names[0]), *middle = path_join(group, names[count / 2]);
    char *newest = path_join(group, names[count - 1]), *aside = path_join(group, "aside");

    size_t len;
    uint8_t *bytes = file_bytes(newest, &len);
    file_put(newest, bytes, len - 1);
    assert_refused(&model, "is shorter than what the journal knows to be synced");
    file_put(newest, bytes, len);
    char *const lost[] = {first, middle, newest};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rename(lost[i], aside), 0);
        assert_refused(&model, lost[i] == newest
                                   ? "is missing"
                                   : "does not go on where the segment before it ends");
        assert_int_equal(rename(aside, lost[i]), 0);
    }
    bytes[20] ^= 1; /* of a damaged one it is known what it must say */
    file_put(newest, bytes, len);
    log_model_start(&model);
    assert_true(partition_log_is_damaged(model.log));
    log_model_stop(&model, false);
    bytes[20] ^= 1;
    file_put(newest, bytes, len);

    log_model_start(&model);
    assert_false(partition_log_is_damaged(model.log));
    check_all(&model);
    log_model_stop(&model, false);
    mem_free(bytes);
    mem_free(first);
    mem_free(middle);
    mem_free(newest);
    mem_free(aside);
    mem_free(group);
    log_model_close(&model);
}

/* A flipped byte in a body is ERR_CORRUPT for readers of that entry, and of no other. */
static void test_recovery_damaged_entry(void **state) {
    (void)state;
    struct log_model model;
    leave_segments(&model, 24);
    char *group = log_model_group_path(&model),
         *first = path_join(group, "00000000000000000000.log");
    size_t len;
    uint8_t *bytes = file_bytes(first, &len);
    uint64_t damaged = 0;
    size_t at = SEGMENT_HEADER_SIZE;
    while (damaged < 4 || model.entries[damaged]->type != ENTRY_BATCHES)
        at += entry_stored_size(model.entries[damaged++]);
    bytes[at + ENTRY_HEADER_SIZE + 65] ^= 1;
    file_put(first, bytes, len);
    struct error_text why;
    assert_true(log_model_try_start(&model, &why));
    struct partition_log_read read;
    log_model_read(&model, damaged + 1, damaged + 1, 1, &read);
    assert_int_equal(model.error, ERR_CORRUPT);
    assert_int_equal(read.count, 0);
    log_model_read(&model, 1, 1000, 1 << 20, &read);
    assert_int_equal(model.error, 0);
    assert_int_equal(read.count, damaged);
    partition_log_read_release(&read);
    log_model_read(&model, damaged + 2, damaged + 2, 1, &read);
    assert_int_equal(model.error, 0);
    partition_log_read_release(&read);
    struct partition_log_fetch fetch;
    log_model_fetch(&model, model.entries[damaged]->base_offset, model.end_offset, 1 << 20, &fetch);
    assert_int_equal(model.error, ERR_CORRUPT);
    assert_true(partition_log_is_damaged(model.log));
    assert_int_equal(model.damages, 1); /* the file was met often */
    assert_int_equal(model.damaged_at, at);
    log_model_stop(&model, false);
    mem_free(bytes);
    mem_free(first);
    mem_free(group);
    log_model_close(&model);
}

/* A block that was written over by another one, whole in itself, gives no reader something else
 * than it asked for. */
static void test_recovery_misdirected(void **state) {
    (void)state;
    struct log_model model;
    leave_segments(&model, 25);
    char *group = log_model_group_path(&model),
         *first = path_join(group, "00000000000000000000.log");
    size_t len, at = SEGMENT_HEADER_SIZE, to = 0;
    uint8_t *bytes = file_bytes(first, &len);
    uint64_t entry = 0, victim = 0;
    while (at < len) { /* the last batches that fit come where batches with records stood */
        size_t size = entry_stored_size(model.entries[entry]);
        if (to == 0 && entry > 0 && model.entries[entry]->type == ENTRY_BATCHES) {
            to = at;
            victim = entry;
        } else if (to > 0 && model.entries[entry]->type == ENTRY_BATCHES) {
            memmove(bytes + to, bytes + at, size);
            break;
        }
        at += size;
        entry++;
    }
    assert_true(to > 0 && at < len);
    file_put(first, bytes, len);
    struct error_text why;
    assert_true(log_model_try_start(&model, &why));
    struct partition_log_fetch fetch;
    log_model_fetch(&model, model.entries[victim]->base_offset, model.end_offset, 1 << 20, &fetch);
    assert_int_equal(model.error, ERR_CORRUPT);
    struct partition_log_read read;
    log_model_read(&model, victim + 1, victim + 1, 1, &read);
    assert_int_equal(model.error, ERR_CORRUPT);
    struct partition_log_search search;
    log_model_search(&model, model.entries[victim]->max_timestamp, model.end_offset, &search);
    assert_true(model.error == ERR_CORRUPT ||
                search.offset <= model.entries[victim]->base_offset + 100);
    log_model_stop(&model, false);
    mem_free(bytes);
    mem_free(first);
    mem_free(group);
    log_model_close(&model);
}

/* A journal that went back in time is noticed: the segments hold entries that it does not know. */
static void test_recovery_old_journal(void **state) {
    (void)state;
    struct log_model model;
    leave_unsynced_tail(&model, 25);
    char journal[128], copy[128];
    snprintf(journal, sizeof journal, "%s/shard-0/journal", model.folder.path);
    snprintf(copy, sizeof copy, "%s/copy", model.folder.path);
    assert_int_equal(env_mkdir(model.folder.env, copy), 0);
    copy_files(journal, copy, ".journal");
    log_model_start(&model);
    for (int i = 0; i < 5; i++)
        log_model_append(&model, 2);
    log_model_commit(&model, model.last);
    log_model_settle(&model);
    log_model_write_behind(&model);
    log_model_stop(&model, false);
    copy_files(copy, journal, ".journal");
    assert_refused(&model, "but the journal beside them ends before it");
    log_model_close(&model);
}

/* A journal that never heard of the group does not go with its segments. */
static void test_recovery_foreign_journal(void **state) {
    (void)state;
    struct log_model model;
    leave_segments(&model, 26);
    char journal[128], aside[128];
    snprintf(journal, sizeof journal, "%s/shard-0/journal", model.folder.path);
    snprintf(aside, sizeof aside, "%s/aside", model.folder.path);
    assert_int_equal(rename(journal, aside), 0);
    assert_refused(&model, "is missing");
    model.options.must_exist = false;
    assert_refused(&model, "but the journal does not know this group");
    log_model_close(&model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recovery_torn_tail),
        cmocka_unit_test(test_recovery_format_1),
        cmocka_unit_test(test_recovery_format_1_is_full),
        cmocka_unit_test(test_recovery_without_indexes),
        cmocka_unit_test(test_recovery_refuses_damage),
        cmocka_unit_test(test_recovery_misdirected),
        cmocka_unit_test(test_recovery_damaged_entry),
        cmocka_unit_test(test_recovery_commit_known_from_segments),
        cmocka_unit_test(test_recovery_removes_unsynced_segments),
        cmocka_unit_test(test_recovery_old_journal),
        cmocka_unit_test(test_recovery_foreign_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
