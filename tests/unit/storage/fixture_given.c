/* Making the two logs and the list, and what a receiver does with them. */
#include "tests/unit/storage/fixture_given.h"

#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "storage/segment/staged_directory.h"
#include "tests/unit/unit.h"

enum { SEGMENTS_LEAST = 6, DROPPED = 3 };

/* ---- The leader ---- */

static void make_leader(struct given *given, uint64_t seed) {
    struct log_model *leader = &given->leader;
    log_model_open(leader, seed);
    leader->has_state = true;
    log_model_start(leader);
    log_model_vote(leader, 1, 1);
    log_model_append_one(leader, ENTRY_CHANGE);
    while (leader->log->segment_count < SEGMENTS_LEAST) {
        log_model_append(leader, 8);
        log_model_commit(leader, leader->last);
        log_model_settle(leader);
        log_model_write_behind(leader);
        if (leader->last % 50 < 8) log_model_vote(leader, leader->term + 1, 1);
    }
    log_model_flush(leader);
    const struct segment *last = leader->log->segments[DROPPED - 1];
    uint64_t index = last->end.last_index;
    log_model_drop(leader, last->end.offset, index);
    assert_int_equal(leader->first, index + 1);
}

static void sum_blocks(struct prefix_file *file, const uint8_t *bytes) {
    uint64_t blocks = prefix_file_blocks(file->size_bytes);
    file->block_crcs = mem_alloc(blocks * sizeof *file->block_crcs);
    for (uint64_t i = 0; i < blocks; i++) {
        uint64_t left = file->size_bytes - i * PREFIX_BLOCK;
        file->block_crcs[i] = crc32c(0, bytes + i * PREFIX_BLOCK,
                                     left < PREFIX_BLOCK ? (size_t)left : PREFIX_BLOCK);
    }
}

static void add_file(struct given *given, struct prefix_file file) {
    size_t len, at = given->list.count++;
    assert_true(at < GIVEN_FILES);
    char *group = log_model_group_path(&given->leader), *path = staged_file_path(group, &file);
    given->bytes[at] = file_bytes(path, &len);
    if (file.size_bytes == 0) file.size_bytes = len;
    assert_true(file.size_bytes <= len);
    sum_blocks(&file, given->bytes[at]);
    given->list.files[at] = file;
    mem_free(path);
    mem_free(group);
}

static void end_behind(struct given *given, const struct segment *segment) {
    const struct log_model *leader = &given->leader;
    struct start_file *ends = &given->list.ends;
    uint64_t index = segment->end.last_index, change = index;
    while (leader->entries[change - 1]->type != ENTRY_CHANGE)
        change--;
    slice_unref(&ends->change);
    *ends = (struct start_file){.index = index,
                                .term = leader->entries[index - 1]->term,
                                .next_offset = segment->end.offset,
                                .change_index = change,
                                .change = slice_ref(leader->entries[change - 1]->body)};
}

static void make_list(struct given *given, size_t segments) {
    struct log_model *leader = &given->leader;
    char *group = log_model_group_path(leader);
    assert_int_equal(
        start_file_read(leader->folder.env, group, LOG_MODEL_GROUP, &given->list.begins), ERR_NONE);
    mem_free(group);
    given->list.ends = given->list.begins;
    given->list.ends.change = slice_ref(given->list.begins.change);
    given->list.state_index = leader->log->kept_index;
    given->list.files = mem_zalloc(GIVEN_FILES * sizeof *given->list.files);
    add_file(given,
             (struct prefix_file){.kind = PREFIX_STATE, .last_index = given->list.state_index});
    for (size_t i = 0; i < segments; i++) {
        const struct segment *segment = leader->log->segments[i];
        assert_false(segment->active);
        add_file(given, (struct prefix_file){.kind = PREFIX_SEGMENT,
                                             .first_index = segment->header.first_index,
                                             .last_index = segment->end.last_index,
                                             .base_offset = segment->header.base_offset,
                                             .end_offset = segment->end.offset,
                                             .size_bytes = segment->end.position});
        end_behind(given, segment);
    }
    given->last_given = given->list.ends.index;
}

/* ---- Set up ---- */

void given_set_up(struct given *given, size_t segments, uint64_t seed) {
    *given = (struct given){0};
    make_leader(given, seed);
    make_list(given, segments);
    given_open_member(given, seed + 1);
}

void given_open_member(struct given *given, uint64_t seed) {
    struct log_model *member = &given->member;
    log_model_open(member, seed);
    member->has_state = true;
    log_model_start(member);
    log_model_vote(member, 1, 1);
    log_model_append_one(member, ENTRY_CHANGE);
    log_model_append(member, 8);
    log_model_append(member, 8);
    log_model_commit(member, 10);
    log_model_settle(member);
}

void given_tear_down(struct given *given) {
    if (given->staging != NULL) log_staging_close(given->staging);
    if (given->member.log != NULL) log_model_stop(&given->member, false);
    if (given->leader.log != NULL) log_model_stop(&given->leader, false);
    for (size_t i = 0; i < given->list.count; i++)
        mem_free(given->bytes[i]);
    prefix_files_free(&given->list);
    log_model_close(&given->member);
    log_model_close(&given->leader);
}

/* ---- Staging ---- */

static void moved(void *arg, int error) {
    struct given *given = arg;
    given->moved = true;
    given->error = error;
    folder_stop(&given->member.folder);
}

static void wait_moved(struct given *given) {
    given->moved = false;
    folder_run(&given->member.folder);
    assert_true(given->moved);
}

void given_open(struct given *given) {
    struct slice bytes = prefix_files_encode(&given->list);
    struct prefix_files copy;
    assert_int_equal(prefix_files_decode(bytes.data, bytes.len, &copy), ERR_NONE);
    slice_unref(&bytes);
    given->staging = log_staging_open(given->member.log, &copy, moved, given);
    wait_moved(given);
}

void given_put(struct given *given, uint32_t most, void (*spoil)(uint8_t *bytes, size_t len)) {
    struct log_staging_wanted wanted;
    assert_true(log_staging_wanted(given->staging, most, &wanted));
    assert_true(wanted.length > 0 && wanted.length <= most);
    struct slice piece = slice_copy(NULL, given->bytes[wanted.file] + wanted.offset, wanted.length);
    if (spoil != NULL) spoil((uint8_t *)piece.data, piece.len);
    log_staging_put(given->staging, &wanted, piece);
    slice_unref(&piece);
    wait_moved(given);
}

void given_put_all(struct given *given) {
    struct log_staging_wanted wanted;
    while (log_staging_wanted(given->staging, 1000, &wanted)) {
        given_put(given, 1000, NULL);
        assert_int_equal(given->error, ERR_NONE);
    }
}

void given_prepare(struct given *given) {
    log_staging_prepare(given->staging);
    wait_moved(given);
}

void given_fetch(struct given *given) {
    given_open(given);
    assert_int_equal(given->error, ERR_NONE);
    given_put_all(given);
    given_prepare(given);
    assert_int_equal(given->error, ERR_NONE);
}

/* ---- Installing ---- */

void given_begin_install(struct given *given) {
    log_staging_settle(given->staging);
    wait_moved(given);
    partition_log_install(given->member.log, given->staging);
    given->staging = NULL;
}

void given_install(struct given *given) {
    unsigned before = given->member.installs;
    given_begin_install(given);
    while (given->member.installs == before)
        log_model_run(&given->member);
    assert_int_equal(given->member.installs, before + 1);
    given_follow(given);
}

void given_follow(struct given *given) {
    const struct log_model *leader = &given->leader;
    struct log_model *member = &given->member;
    for (uint64_t i = 0; i < member->last; i++)
        entry_unref(member->entries[i]);
    member->last = member->durable = given->last_given;
    member->room = leader->last;
    member->entries = mem_realloc(member->entries, member->room * sizeof(struct entry *));
    for (uint64_t i = 0; i < member->last; i++)
        member->entries[i] = entry_ref(leader->entries[i]);
    member->first = given->list.begins.index + 1;
    member->start_offset = given->list.begins.file_offset;
    member->end_offset = given->list.ends.next_offset;
    member->commit = given->list.state_index;
}

void given_go_on(struct given *given) {
    const struct log_model *leader = &given->leader;
    struct log_model *member = &given->member;
    if (member->term < leader->term) log_model_vote(member, leader->term, 0);
    member->room = leader->last;
    member->entries = mem_realloc(member->entries, member->room * sizeof(struct entry *));
    while (member->last < leader->last) {
        struct entry *entry = leader->entries[member->last];
        member->entries[member->last++] = entry_ref(entry);
        member->end_offset = entry->base_offset + entry->records;
        partition_log_append(member->log, &entry, 1);
    }
    log_model_commit(member, leader->commit);
    log_model_settle(member);
}

char *given_staged_path(const struct given *given, const char *name) {
    char *group = log_model_group_path(&given->member), *staged = staged_directory_path(group);
    char *path = path_join(staged, name);
    mem_free(staged);
    mem_free(group);
    return path;
}
