/* One real replica and a made-up peer that breaks the rules: nothing that it says may reach the
 * engine unchecked. */
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "raft-glue/engine/configuration.h"
#include "raft-glue/raft_group_internal.h"
#include "storage/little_endian.h"
#include "tests/unit/raft-glue/fixture_fake_peer.h"
#include "tests/unit/unit.h"

static bool was_down(struct cluster *cluster) {
    return (void)cluster, fake.downs > 0;
}

static struct entry *make_entry(uint64_t index, uint32_t term, uint8_t type, const void *bytes,
                                size_t len) {
    struct entry_spec spec = {
        .type = type, .max_timestamp = -1, .raw = slice_copy(NULL, bytes, len)};
    struct entry *entry = entry_new(NULL, &spec);
    entry_seal(entry, 1, index, term);
    return entry;
}

/* Sends the entries as one piece, and gives up the references. */
static void send_piece(struct peer_piece piece, struct entry **entries) {
    struct peer_bytes meta = {0}, bodies = {0};
    piece.group = 1;
    piece.from = FAKE;
    piece.to = OURS;
    peer_bytes_extend(&meta, 4);
    peer_piece_encode(peer_bytes_extend(&meta, PEER_PIECE_SIZE), &piece);
    for (uint32_t i = 0; i < piece.count; i++) {
        peer_bytes_add(&meta, entries[i]->header, ENTRY_HEADER_SIZE);
        peer_bytes_add(&bodies, entries[i]->body.data, entries[i]->body.len);
        entry_unref(entries[i]);
    }
    le_put_u32(meta.data, (uint32_t)meta.len);
    struct slice slices[] = {peer_bytes_take(&meta), peer_bytes_take(&bodies)};
    peers_send(fake.peers, 1, PEER_BULK, PEER_KIND_ENTRIES, slices, 2);
}

/* Records with impossible terms, indexes, senders and receivers are dropped and counted, and change
 * nothing. */
static void test_admit_impossible_records(void **state) {
    (void)state;
    fake_send_and_expect_drop((struct peer_record){
        .type = RECORD_APPEND, .term = 1u << 31, .append = {.prev_index = 1, .prev_term = 1}});
    fake_send_and_expect_drop((struct peer_record){
        .type = RECORD_APPEND, .term = 0, .append = {.prev_index = 1, .prev_term = 1}});
    fake_send_and_expect_drop((struct peer_record){
        .type = RECORD_APPEND, .term = 7, .append = {.prev_index = 1, .prev_term = 0}});
    fake_send_and_expect_drop((struct peer_record){
        .type = RECORD_APPEND, .term = 7, .append = {.prev_index = 0, .prev_term = 1}});
    fake_send_and_expect_drop((struct peer_record){
        .type = RECORD_APPEND, .term = 7, .append = {.prev_index = UINT64_MAX, .prev_term = 1}});
    fake_send_and_expect_drop((struct peer_record){
        .type = RECORD_APPEND, .term = 7, .append = {.prev_index = 1, .prev_term = 8}});
    fake_send_and_expect_drop((struct peer_record){
        .type = RECORD_VOTE, .term = 7, .vote = {.last_index = 1, .last_term = 7}});
    fake_send_and_expect_drop((struct peer_record){
        .type = RECORD_VOTE, .term = 7, .vote = {.last_index = 0, .last_term = 1}});
    fake_send_and_expect_drop(
        (struct peer_record){.type = RECORD_VOTE_RESULT, .term = 7, .flags = RECORD_GRANTED});
    fake_send_and_expect_drop((struct peer_record){
        .type = RECORD_APPEND_RESULT, .term = 7, .append_result = {.last_index = 1}});
    fake_send_and_expect_drop((struct peer_record){
        .type = RECORD_TIMEOUT_NOW, .term = 7, .vote = {.last_index = 1, .last_term = 1}});
    fake_send_and_expect_drop((struct peer_record){.type = RECORD_APPEND,
                                                   .term = 7,
                                                   .group = 99,
                                                   .append = {.prev_index = 1, .prev_term = 1}});
    fake_send_and_expect_drop((struct peer_record){
        .type = RECORD_APPEND, .term = 7, .to = 102, .append = {.prev_index = 1, .prev_term = 1}});
    fake_send_and_expect_drop((struct peer_record){.type = RECORD_APPEND,
                                                   .term = 7,
                                                   .from = 103,
                                                   .append = {.prev_index = 1, .prev_term = 1}});
    fake_send_and_expect_drop((struct peer_record){.type = RECORD_APPEND,
                                                   .term = 7,
                                                   .from = OURS,
                                                   .append = {.prev_index = 1, .prev_term = 1}});
    assert_int_equal(fake.downs, 0);
}

/* What cannot be parsed breaks the link, and only the link. */
static void test_admit_unreadable_records(void **state) {
    struct cluster *cluster = *state;
    struct slice slice = slice_copy(NULL, "not a record", 12);
    peers_send(fake.peers, 1, PEER_CONTROL, PEER_KIND_MESSAGES, &slice, 1);
    cluster_run(cluster, was_down);
    cluster_run(cluster, fake_is_up);
}

/* Entries of a leader: appended, acknowledged when durable, given to the owner when committed; what
 * contradicts that stops the group. */
static void test_admit_entries_then_contradiction(void **state) {
    struct cluster *cluster = *state;
    struct entry *entries[] = {make_entry(2, 5, ENTRY_BARRIER, "", 0),
                               make_entry(3, 5, ENTRY_COMMAND, "a", 1),
                               make_entry(4, 5, ENTRY_COMMAND, "bb", 2)};
    send_piece(
        (struct peer_piece){.term = 5, .count = 3, .prev_index = 1, .prev_term = 1, .commit = 3},
        entries);
    cluster_run(cluster, fake_got_result);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].append_result.rejected, 0);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].append_result.last_index, 4);
    fake.applied_wanted = 3;
    cluster_run(cluster, fake_has_applied);
    assert_int_equal(fake.replica->count, 3);
    assert_int_equal(raft_group_leader(fake.replica->group), FAKE);
    assert_int_equal(raft_group_term(fake.replica->group), 5);

    /* An uncommitted entry may be replaced, ... */
    struct entry *other[] = {make_entry(4, 6, ENTRY_COMMAND, "ccc", 3)};
    fake.got[RECORD_APPEND_RESULT] = 0;
    send_piece(
        (struct peer_piece){.term = 6, .count = 1, .prev_index = 3, .prev_term = 5, .commit = 4},
        other);
    cluster_run(cluster, fake_got_result);
    fake.applied_wanted = 4;
    cluster_run(cluster, fake_has_applied);
    assert_int_equal(fake.replica->checksums[3] >> 32, 6);
    struct shard_stats stats;
    shard_stats_get(fake.replica->node->shard, &stats);
    assert_int_equal(stats.truncations, 1);

    /* ... a committed one may not, and the owner hears of it. */
    assert_false(fake.replica->contradicted);
    struct entry *wrong[] = {make_entry(3, 7, ENTRY_COMMAND, "x", 1)};
    fake.got[RECORD_APPEND_RESULT] = 0;
    send_piece(
        (struct peer_piece){.term = 7, .count = 1, .prev_index = 2, .prev_term = 5, .commit = 4},
        wrong);
    cluster_run_ms(cluster, 20);
    assert_int_equal(fake.got[RECORD_APPEND_RESULT], 0);
    assert_int_equal(partition_log_term_at(raft_group_log(fake.replica->group), 3), 5);
    assert_true(fake.replica->contradicted);
    fake_send_and_expect_drop((struct peer_record){
        .type = RECORD_APPEND, .term = 8, .append = {.prev_index = 4, .prev_term = 6}});
}

static void send_command(log_index index, log_term prev_term, log_term term) {
    struct entry *entry = make_entry(index, term, ENTRY_COMMAND, "a", 1);
    fake.got[RECORD_APPEND_RESULT] = 0;
    send_piece((struct peer_piece){.term = term,
                                   .count = 1,
                                   .prev_index = index - 1,
                                   .prev_term = prev_term,
                                   .commit = index},
               &entry);
}

/* The owner's state is ahead of the log, which was given up for another one meanwhile: what comes
 * of that one is not taken for what the state describes. Who takes any state goes on. */
static void test_admit_entries_of_another_history(void **state) {
    struct cluster *cluster = *state;
    send_command(2, 1, 5);
    cluster_run(cluster, fake_got_result);
    struct raft_group *group = fake.replica->group;
    group->applying.restoring = true;
    raft_group_restored(group, 9);
    assert_int_equal(raft_group_commit_index(group), 9);
    send_command(3, 5, 5);
    cluster_run(cluster, fake_got_result);
    struct raft_group_events others = *group->events, *events = (void *)group->events;
    others.contradicted = NULL;
    group->events = &others;
    send_command(4, 5, 7);
    cluster_run(cluster, fake_got_result);
    assert_int_equal(partition_log_term_at(raft_group_log(group), 4), 7);
    group->events = events;
    assert_false(fake.replica->contradicted);
    send_command(5, 7, 8);
    cluster_run_ms(cluster, 20);
    assert_true(fake.replica->contradicted);
    assert_int_equal(partition_log_last_index(raft_group_log(group)), 4);
}

/* A heartbeat that is anchored below what is committed, and tells of more, does not set the commit
 * index back: the step checks it. */
static void test_admit_commit_beyond_the_anchor(void **state) {
    struct cluster *cluster = *state;
    struct entry *entries[] = {make_entry(2, 5, ENTRY_BARRIER, "", 0),
                               make_entry(3, 5, ENTRY_COMMAND, "a", 1)};
    send_piece(
        (struct peer_piece){.term = 5, .count = 2, .prev_index = 1, .prev_term = 1, .commit = 3},
        entries);
    fake.applied_wanted = 3;
    cluster_run(cluster, fake_has_applied);
    fake.got[RECORD_APPEND_RESULT] = 0;
    fake_send((struct peer_record){.type = RECORD_APPEND,
                                   .term = 5,
                                   .append = {.prev_index = 2, .commit = 9, .prev_term = 5}});
    cluster_run(cluster, fake_got_result);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].append_result.rejected, 0);
    assert_int_equal(raft_group_commit_index(fake.replica->group), 3);
}

/* Pieces whose entries break a rule are dropped whole. */
static void test_admit_wrong_entries(void **state) {
    struct cluster *cluster = *state;
    struct entry *back[] = {make_entry(2, 5, ENTRY_COMMAND, "a", 1),
                            make_entry(3, 4, ENTRY_COMMAND, "b", 1)};
    fake.drops_wanted = fake_dropped() + 1;
    send_piece((struct peer_piece){.term = 5, .count = 2, .prev_index = 1, .prev_term = 1}, back);
    cluster_run(cluster, fake_has_dropped);
    struct entry *later[] = {make_entry(2, 6, ENTRY_COMMAND, "a", 1)};
    fake.drops_wanted++;
    send_piece((struct peer_piece){.term = 5, .count = 1, .prev_index = 1, .prev_term = 1}, later);
    cluster_run(cluster, fake_has_dropped);
    struct entry *change[] = {make_entry(2, 5, ENTRY_CHANGE, "\1garbage", 8)};
    fake.drops_wanted++;
    send_piece((struct peer_piece){.term = 5, .count = 1, .prev_index = 1, .prev_term = 1}, change);
    cluster_run(cluster, fake_has_dropped);
    assert_int_equal(partition_log_last_index(raft_group_log(fake.replica->group)), 1);
    assert_int_equal(raft_group_term(fake.replica->group), 1);

    /* An entry at another place than the piece says is a format error: the link breaks. */
    struct entry *misplaced[] = {make_entry(3, 5, ENTRY_COMMAND, "a", 1)};
    send_piece((struct peer_piece){.term = 5, .count = 1, .prev_index = 1, .prev_term = 1},
               misplaced);
    cluster_run(cluster, was_down);
    assert_int_equal(partition_log_last_index(raft_group_log(fake.replica->group)), 1);
}

static struct entry *make_batches(uint64_t index, uint32_t term, int64_t base_offset,
                                  uint32_t records) {
    struct entry_spec spec = {.type = ENTRY_BATCHES,
                              .base_offset = base_offset,
                              .records = records,
                              .max_timestamp = -1,
                              .raw = slice_copy(NULL, "records", 7)};
    struct entry *entry = entry_new(NULL, &spec);
    entry_seal(entry, 1, index, term);
    return entry;
}

/* A configuration whose bytes are good, and whose header says that they are compressed. */
static struct entry *make_packed_change(uint64_t index, uint32_t term) {
    const struct configuration_server servers[] = {{.replica = OURS, .voter = true}};
    struct slice bytes = configuration_encode(servers, 1);
    struct entry *entry = make_entry(index, term, ENTRY_CHANGE, bytes.data, bytes.len);
    slice_unref(&bytes);
    entry->header[29] = ENTRY_LZ4;
    le_put_u32(entry->header + 60, crc32c(0, entry->header, 60));
    return entry;
}

/* Offsets that are not dense inside a piece, and a compressed configuration: dropped; the group
 * goes on. */
static void test_admit_holes_in_offsets(void **state) {
    struct cluster *cluster = *state;
    struct entry *hole[] = {make_batches(2, 5, 0, 10), make_batches(3, 5, 11, 10)};
    fake.drops_wanted = fake_dropped() + 1;
    send_piece((struct peer_piece){.term = 5, .count = 2, .prev_index = 1, .prev_term = 1}, hole);
    cluster_run(cluster, fake_has_dropped);
    struct entry *overlap[] = {make_batches(2, 5, 0, 10), make_batches(3, 5, 9, 10)};
    fake.drops_wanted++;
    send_piece((struct peer_piece){.term = 5, .count = 2, .prev_index = 1, .prev_term = 1},
               overlap);
    cluster_run(cluster, fake_has_dropped);
    struct entry *packed[] = {make_packed_change(2, 5)};
    fake.drops_wanted++;
    send_piece((struct peer_piece){.term = 5, .count = 1, .prev_index = 1, .prev_term = 1}, packed);
    cluster_run(cluster, fake_has_dropped);
    assert_int_equal(partition_log_last_index(raft_group_log(fake.replica->group)), 1);
    struct entry *good[] = {make_batches(2, 5, 0, 10), make_batches(3, 5, 10, 10)};
    send_piece((struct peer_piece){.term = 5, .count = 2, .prev_index = 1, .prev_term = 1}, good);
    cluster_run(cluster, fake_got_result);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].append_result.last_index, 3);
    assert_int_equal(partition_log_end_offset(raft_group_log(fake.replica->group)), 20);
    assert_int_equal(fake.downs, 0);
}

/* Entries that fit our log by index and term, and not by offset, at its end or over what is
 * uncommitted: the group stops, the process lives. */
static void check_offset_stops(struct cluster *cluster, uint64_t prev_index, uint32_t prev_term,
                               int64_t base_offset) {
    struct entry *good[] = {make_batches(2, 5, 0, 10), make_batches(3, 5, 10, 10)};
    send_piece(
        (struct peer_piece){.term = 5, .count = 2, .prev_index = 1, .prev_term = 1, .commit = 2},
        good);
    cluster_run(cluster, fake_got_result);
    struct entry *wrong[] = {make_batches(prev_index + 1, 6, base_offset, 10)};
    fake.got[RECORD_APPEND_RESULT] = 0;
    send_piece(
        (struct peer_piece){
            .term = 6, .count = 1, .prev_index = prev_index, .prev_term = prev_term},
        wrong);
    cluster_run_ms(cluster, 20);
    assert_int_equal(fake.got[RECORD_APPEND_RESULT], 0);
    assert_int_equal(partition_log_last_index(raft_group_log(fake.replica->group)), 3);
    assert_int_equal(partition_log_end_offset(raft_group_log(fake.replica->group)), 20);
    fake_send_and_expect_drop((struct peer_record){
        .type = RECORD_APPEND, .term = 8, .append = {.prev_index = 3, .prev_term = 5}});
    assert_int_equal(fake.downs, 0);
}
static void test_admit_other_end_offset(void **state) {
    check_offset_stops(*state, 3, 5, 25);
}
static void test_admit_other_offset_inside(void **state) {
    check_offset_stops(*state, 2, 5, 20);
}

/* Frames of every kind with bytes that a good frame might have, bent: whatever is made of them, the
 * process lives and the link comes back. */
static void test_admit_bent_frames(void **state) {
    struct cluster *cluster = *state;
    srand(3);
    for (int turn = 0; turn < 80; turn++) {
        uint8_t bytes[4 + PEER_PIECE_SIZE + 2 * ENTRY_HEADER_SIZE + 16];
        struct entry *entry = make_batches(2, 5, 0, 1);
        struct peer_piece piece = {.group = 1,
                                   .from = FAKE,
                                   .to = OURS,
                                   .term = 5,
                                   .count = 1 + (uint32_t)turn % 3,
                                   .prev_index = 1,
                                   .prev_term = 1};
        memset(bytes, 0, sizeof bytes);
        le_put_u32(bytes, 4 + PEER_PIECE_SIZE + ENTRY_HEADER_SIZE * (1 + (uint32_t)turn % 2));
        peer_piece_encode(bytes + 4, &piece);
        memcpy(bytes + 4 + PEER_PIECE_SIZE, entry->header, ENTRY_HEADER_SIZE);
        memcpy(bytes + 4 + PEER_PIECE_SIZE + ENTRY_HEADER_SIZE, "records", 7);
        entry_unref(entry);
        size_t from = turn % 4 == 0 ? 0 : 4;
        for (int flips = rand() % 4; flips >= 0; flips--)
            bytes[from + (size_t)rand() % (sizeof bytes - from)] = (uint8_t)rand();
        size_t len = turn % 5 == 0 ? (size_t)rand() % sizeof bytes
                                   : sizeof bytes - (size_t)(turn % 16);
        uint8_t kinds[] = {
            PEER_KIND_ENTRIES, PEER_KIND_ENTRIES, PEER_KIND_MESSAGES, PEER_KIND_STOPPING, 50, 200};
        struct slice slice = slice_copy(NULL, bytes, len);
        peers_send(fake.peers, 1, turn % 2 ? PEER_BULK : PEER_CONTROL, kinds[rand() % 6], &slice,
                   1);
        cluster_run_ms(cluster, 1);
        if (fake.up) continue;
        cluster_run(cluster, fake_is_up);
        cluster_run_ms(cluster, 60); /* it holds: the next one is dialled without a pause */
    }
}

static bool got_vote_result(struct cluster *cluster) {
    return (void)cluster, fake.got[RECORD_VOTE_RESULT] > 0;
}

/* A vote that was answered is on disk: after a restart the same term is not voted in again for
 * somebody else. */
static void test_admit_vote_is_durable_before_its_answer(void **state) {
    struct cluster *cluster = *state;
    fake_send((struct peer_record){
        .type = RECORD_VOTE, .term = 9, .vote = {.last_index = 1, .last_term = 1}});
    cluster_run(cluster, got_vote_result);
    assert_int_equal(fake.last[RECORD_VOTE_RESULT].flags, RECORD_GRANTED);
    fake.up = false;
    node_close(fake.replica->node);
    node_open(fake.replica->node, false);
    assert_int_equal(partition_log_term(raft_group_log(fake.replica->group)), 9);
    assert_int_equal(partition_log_voted_for(raft_group_log(fake.replica->group)), FAKE);
}

/* While a leader is known, a vote is refused; its term is not taken over. */
static void test_admit_vote_while_leader_is_known(void **state) {
    struct cluster *cluster = *state;
    fake_send((struct peer_record){.type = RECORD_APPEND,
                                   .term = 3,
                                   .append = {.prev_index = 1, .commit = 1, .prev_term = 1}});
    cluster_run(cluster, fake_got_result);
    fake_send((struct peer_record){
        .type = RECORD_VOTE, .term = 9, .vote = {.last_index = 5, .last_term = 3}});
    cluster_run(cluster, got_vote_result);
    assert_int_equal(fake.last[RECORD_VOTE_RESULT].flags, 0);
    assert_int_equal(raft_group_term(fake.replica->group), 3);
}

/* Somebody else who leads our term: this replica stops rather than choose. */
static void test_admit_two_leaders_in_a_term(void **state) {
    struct cluster *cluster = *state;
    fake_make_it_lead();
    fake_send((struct peer_record){.type = RECORD_APPEND,
                                   .term = 3,
                                   .append = {.prev_index = 1, .commit = 1, .prev_term = 1}});
    cluster_run_ms(cluster, 50);
    assert_false(fake.replica->leading);
    uint64_t index;
    assert_int_equal(replica_submit(fake.replica, "x", 1, &index), ERR_NOT_LEADER);
}

/* What answers a question of an older term only tells its term: it is no rejection of what is asked
 * now. */
static void test_admit_answer_to_an_older_term(void **state) {
    struct cluster *cluster = *state;
    fake.grants = fake.acknowledges = true;
    fake_send((struct peer_record){.type = RECORD_APPEND,
                                   .term = 2,
                                   .append = {.prev_index = 1, .commit = 1, .prev_term = 1}});
    cluster_run(cluster, fake_got_result);
    /* Asked in an older term, this replica answers so ... */
    fake.got[RECORD_APPEND_RESULT] = 0;
    fake_send((struct peer_record){.type = RECORD_APPEND,
                                   .term = 1,
                                   .append = {.prev_index = 1, .commit = 1, .prev_term = 1}});
    cluster_run(cluster, fake_got_result);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].flags, RECORD_STALE);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].append_result.last_index, 0);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].term, 2);
    /* ... and such an answer does no harm, though it names what is acknowledged. */
    fake_send((struct peer_record){
        .type = RECORD_TIMEOUT_NOW, .term = 2, .vote = {.last_index = 1, .last_term = 1}});
    cluster_run(cluster, fake_sees_it_lead);
    uint64_t index;
    assert_int_equal(replica_submit(fake.replica, "one", 3, &index), ERR_NONE);
    fake.applied_wanted = index;
    cluster_run(cluster, fake_has_applied);
    fake_send((struct peer_record){.type = RECORD_APPEND_RESULT,
                                   .flags = RECORD_STALE,
                                   .term = raft_group_term(fake.replica->group),
                                   .append_result = {.rejected = index}});
    assert_int_equal(replica_submit(fake.replica, "two", 3, &index), ERR_NONE);
    fake.applied_wanted = index;
    cluster_run(cluster, fake_has_applied);
    assert_true(raft_group_member_in_sync(fake.replica->group, FAKE));
}

/* A pre-vote for a term that is long over is refused with the present term, so that a candidate
 * with the longer log learns it. */
static void test_admit_pre_vote_of_an_older_term(void **state) {
    struct cluster *cluster = *state;
    fake_send((struct peer_record){
        .type = RECORD_VOTE, .term = 9, .vote = {.last_index = 1, .last_term = 1}});
    cluster_run(cluster, got_vote_result);
    fake.got[RECORD_VOTE_RESULT] = 0;
    fake_send((struct peer_record){.type = RECORD_VOTE,
                                   .flags = RECORD_PRE_VOTE,
                                   .term = 5,
                                   .vote = {.last_index = 7, .last_term = 4}});
    cluster_run(cluster, got_vote_result);
    assert_int_equal(fake.last[RECORD_VOTE_RESULT].flags, RECORD_PRE_VOTE);
    assert_int_equal(fake.last[RECORD_VOTE_RESULT].term, 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_admit_impossible_records, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_admit_unreadable_records, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_admit_entries_of_another_history, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_admit_entries_then_contradiction, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_admit_commit_beyond_the_anchor, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_admit_wrong_entries, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_admit_holes_in_offsets, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_admit_other_end_offset, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_admit_other_offset_inside, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_admit_bent_frames, fake_setup, fake_teardown),
        cmocka_unit_test_setup_teardown(test_admit_vote_is_durable_before_its_answer, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_admit_vote_while_leader_is_known, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_admit_two_leaders_in_a_term, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_admit_answer_to_an_older_term, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_admit_pre_vote_of_an_older_term, fake_setup,
                                        fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
