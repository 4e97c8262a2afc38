/* One real replica and a made-up peer that breaks the rules: nothing that it says may reach the engine unchecked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/crc32c.h"
#include "fixture_cluster.h"
#include "raft-glue/change.h"
#include "raft-glue/peer_frame.h"
#include "storage/little_endian.h"

enum { OURS = 100, FAKE = 101 }; /* replicas of the group: voters on node 1 (real) and node 2 (made up) */

/* The made-up peer: speaks frames by hand and keeps the last record of each type that it got. */
static struct {
    struct cluster *cluster;
    struct peers *peers;
    struct replica *replica;
    bool up;
    unsigned downs;
    struct peer_record last[RECORD_CONFIRMED + 1];
    unsigned got[RECORD_CONFIRMED + 1];
    uint64_t entries_got, entries_last;
    bool grants, acknowledges, swallows_entries;
} fake;

static void send_record(struct peer_record record) {
    if (record.group == 0) record.group = 1;
    if (record.from == 0) record.from = FAKE;
    if (record.to == 0) record.to = OURS;
    struct slice slice = slice_of(buffer_new(NULL, PEER_RECORD_SIZE), 0, PEER_RECORD_SIZE);
    buffer_unref(slice.buffer);
    peer_record_encode((uint8_t *)slice.data, &record);
    peers_send(fake.peers, 1, PEER_CONTROL, PEER_KIND_MESSAGES, &slice, 1);
}

static void on_record(const struct peer_record *record) {
    fake.last[record->type] = *record;
    fake.got[record->type]++;
    if (record->type == RECORD_VOTE && fake.grants)
        send_record((struct peer_record){.type = RECORD_VOTE_RESULT,
                                         .term = record->term,
                                         .flags = RECORD_GRANTED | (record->flags & RECORD_PRE_VOTE)});
    if (record->type == RECORD_APPEND && fake.acknowledges)
        send_record((struct peer_record){.type = RECORD_APPEND_RESULT, .term = record->term, .b = record->a});
}

static void on_message(void *arg, int32_t node, uint8_t kind, struct slice payload) {
    (void)arg, (void)node;
    if (kind == PEER_KIND_MESSAGES) {
        for (size_t at = 0; at < payload.len; at += PEER_RECORD_SIZE) {
            struct peer_record record;
            assert_int_equal(peer_record_decode(payload.data + at, &record), ERR_NONE);
            on_record(&record);
        }
    } else if (kind == PEER_KIND_ENTRIES) {
        struct peer_piece piece;
        peer_piece_decode(payload.data + 4, &piece);
        fake.entries_got += piece.count;
        fake.entries_last = piece.prev_index + piece.count;
        if (fake.acknowledges && !fake.swallows_entries)
            send_record((struct peer_record){.type = RECORD_APPEND_RESULT, .term = piece.term, .b = fake.entries_last});
    }
    slice_unref(&payload);
}
static void on_up(void *arg, int32_t node) {
    (void)arg, (void)node;
    fake.up = true;
}
static void on_down(void *arg, int32_t node, bool dead) {
    (void)arg, (void)node, (void)dead;
    fake.up = false;
    fake.downs++;
}

static bool is_up(struct cluster *cluster) {
    return (void)cluster, fake.up;
}
static bool was_down(struct cluster *cluster) {
    return (void)cluster, fake.downs > 0;
}
static uint64_t dropped(void) {
    struct shard_stats stats;
    shard_stats_get(fake.replica->node->shard, &stats);
    return stats.messages_dropped;
}
static uint64_t drops_wanted;
static bool has_dropped(struct cluster *cluster) {
    return (void)cluster, dropped() >= drops_wanted;
}

/* The configuration is durable. */
static bool engine_runs(struct cluster *cluster) {
    return (void)cluster, group_term(fake.replica->group) == 1;
}

static int setup(void **state) {
    static const struct peers_events events = {NULL, on_up, on_down, on_message, NULL, NULL};
    cluster_setup(state);
    struct cluster *cluster = *state;
    cluster->options.election_timeout_ms = 60 * 1000; /* no election of its own */
    cluster->options.failover_ms = 30 * 1000;
    cluster->node_count = 2;
    cluster->group_count = 1;
    struct node *node = &cluster->nodes[0];
    node->cluster = cluster;
    node->id = 1;
    snprintf(node->dir, sizeof node->dir, "%s/1", cluster->dir);
    memset(&fake, 0, sizeof fake);
    fake.cluster = cluster;
    fake.replica = &node->replicas[0];
    struct peers_options options = cluster->options.peers;
    struct error_text why;
    options.node = 2;
    assert_int_equal(peers_open(cluster->env, &cluster->log, &options, &events, NULL, &fake.peers, &why), ERR_NONE);
    struct peer_hello hello = {.version = PEER_PROTOCOL_VERSION, .node = 2, .cluster_id = "c", .nodes = "n"};
    peers_set_hello(fake.peers, &hello);
    node_open(node, true);
    peers_add(shard_peers(node->shard), 2, "127.0.0.1", peers_port(fake.peers));
    peers_add(fake.peers, 1, "127.0.0.1", node->port);
    cluster_run(cluster, is_up);
    cluster_run(cluster, engine_runs);
    return 0;
}

static int teardown(void **state) {
    peers_close(fake.peers);
    return cluster_teardown(state);
}

static void send_and_expect_drop(struct peer_record record) {
    drops_wanted = dropped() + 1;
    uint32_t term = group_term(fake.replica->group);
    send_record(record);
    cluster_run(fake.cluster, has_dropped);
    assert_int_equal(group_term(fake.replica->group), term);
}

static struct entry *make_entry(uint64_t index, uint32_t term, uint8_t type, const void *bytes, size_t len) {
    struct entry_spec spec = {.type = type, .max_timestamp = -1, .raw = slice_copy(NULL, bytes, len)};
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

/* Records with impossible terms, indexes, senders and receivers are dropped and counted, and change nothing. */
static void test_admit_impossible_records(void **state) {
    (void)state;
    send_and_expect_drop((struct peer_record){.type = RECORD_APPEND, .term = 1u << 31, .a = 1, .c = 1});
    send_and_expect_drop((struct peer_record){.type = RECORD_APPEND, .term = 0, .a = 1, .c = 1});
    send_and_expect_drop((struct peer_record){.type = RECORD_APPEND, .term = 7, .a = 1, .c = 0});
    send_and_expect_drop((struct peer_record){.type = RECORD_APPEND, .term = 7, .a = 0, .c = 1});
    send_and_expect_drop((struct peer_record){.type = RECORD_APPEND, .term = 7, .a = UINT64_MAX, .c = 1});
    send_and_expect_drop((struct peer_record){.type = RECORD_APPEND, .term = 7, .a = 1, .c = 8});
    send_and_expect_drop((struct peer_record){.type = RECORD_VOTE, .term = 7, .a = 1, .b = 7});
    send_and_expect_drop((struct peer_record){.type = RECORD_VOTE, .term = 7, .a = 0, .b = 1});
    send_and_expect_drop((struct peer_record){.type = RECORD_VOTE_RESULT, .term = 7, .flags = RECORD_GRANTED});
    send_and_expect_drop((struct peer_record){.type = RECORD_APPEND_RESULT, .term = 7, .b = 1});
    send_and_expect_drop((struct peer_record){.type = RECORD_TIMEOUT_NOW, .term = 7, .a = 1, .b = 1});
    send_and_expect_drop((struct peer_record){.type = RECORD_APPEND, .term = 7, .a = 1, .c = 1, .group = 99});
    send_and_expect_drop((struct peer_record){.type = RECORD_APPEND, .term = 7, .a = 1, .c = 1, .to = 102});
    send_and_expect_drop((struct peer_record){.type = RECORD_APPEND, .term = 7, .a = 1, .c = 1, .from = 103});
    send_and_expect_drop((struct peer_record){.type = RECORD_APPEND, .term = 7, .a = 1, .c = 1, .from = OURS});
    assert_int_equal(fake.downs, 0);
}

/* What cannot be parsed breaks the link, and only the link. */
static void test_admit_unreadable_records(void **state) {
    struct cluster *cluster = *state;
    struct slice slice = slice_copy(NULL, "not a record", 12);
    peers_send(fake.peers, 1, PEER_CONTROL, PEER_KIND_MESSAGES, &slice, 1);
    cluster_run(cluster, was_down);
    cluster_run(cluster, is_up);
}

static bool got_result(struct cluster *cluster) {
    return (void)cluster, fake.got[RECORD_APPEND_RESULT] > 0;
}
static uint64_t applied_wanted;
static bool has_applied(struct cluster *cluster) {
    return (void)cluster, fake.replica->count >= applied_wanted;
}

/* Entries of a leader: appended, acknowledged when durable, given to the owner when committed; what contradicts that stops the group. */
static void test_admit_entries_then_contradiction(void **state) {
    struct cluster *cluster = *state;
    struct entry *entries[] = {make_entry(2, 5, ENTRY_BARRIER, "", 0), make_entry(3, 5, ENTRY_COMMAND, "a", 1),
                               make_entry(4, 5, ENTRY_COMMAND, "bb", 2)};
    send_piece((struct peer_piece){.term = 5, .count = 3, .prev_index = 1, .prev_term = 1, .commit = 3}, entries);
    cluster_run(cluster, got_result);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].a, 0);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].b, 4);
    applied_wanted = 3;
    cluster_run(cluster, has_applied);
    assert_int_equal(fake.replica->count, 3);
    assert_int_equal(group_leader(fake.replica->group), FAKE);
    assert_int_equal(group_term(fake.replica->group), 5);

    /* An uncommitted entry may be replaced, ... */
    struct entry *other[] = {make_entry(4, 6, ENTRY_COMMAND, "ccc", 3)};
    fake.got[RECORD_APPEND_RESULT] = 0;
    send_piece((struct peer_piece){.term = 6, .count = 1, .prev_index = 3, .prev_term = 5, .commit = 4}, other);
    cluster_run(cluster, got_result);
    applied_wanted = 4;
    cluster_run(cluster, has_applied);
    assert_int_equal(fake.replica->checksums[3] >> 32, 6);
    struct shard_stats stats;
    shard_stats_get(fake.replica->node->shard, &stats);
    assert_int_equal(stats.truncations, 1);

    /* ... a committed one may not. */
    struct entry *wrong[] = {make_entry(3, 7, ENTRY_COMMAND, "x", 1)};
    fake.got[RECORD_APPEND_RESULT] = 0;
    send_piece((struct peer_piece){.term = 7, .count = 1, .prev_index = 2, .prev_term = 5, .commit = 4}, wrong);
    cluster_run_ms(cluster, 20);
    assert_int_equal(fake.got[RECORD_APPEND_RESULT], 0);
    assert_int_equal(partition_log_term_at(group_log(fake.replica->group), 3), 5);
    send_and_expect_drop((struct peer_record){.type = RECORD_APPEND, .term = 8, .a = 4, .c = 6});
}

/* Pieces whose entries break a rule are dropped whole. */
static void test_admit_wrong_entries(void **state) {
    struct cluster *cluster = *state;
    struct entry *back[] = {make_entry(2, 5, ENTRY_COMMAND, "a", 1), make_entry(3, 4, ENTRY_COMMAND, "b", 1)};
    drops_wanted = dropped() + 1;
    send_piece((struct peer_piece){.term = 5, .count = 2, .prev_index = 1, .prev_term = 1}, back);
    cluster_run(cluster, has_dropped);
    struct entry *later[] = {make_entry(2, 6, ENTRY_COMMAND, "a", 1)};
    drops_wanted++;
    send_piece((struct peer_piece){.term = 5, .count = 1, .prev_index = 1, .prev_term = 1}, later);
    cluster_run(cluster, has_dropped);
    struct entry *change[] = {make_entry(2, 5, ENTRY_CHANGE, "\1garbage", 8)};
    drops_wanted++;
    send_piece((struct peer_piece){.term = 5, .count = 1, .prev_index = 1, .prev_term = 1}, change);
    cluster_run(cluster, has_dropped);
    assert_int_equal(partition_log_last_index(group_log(fake.replica->group)), 1);
    assert_int_equal(group_term(fake.replica->group), 1);

    /* An entry at another place than the piece says is a format error: the link breaks. */
    struct entry *misplaced[] = {make_entry(3, 5, ENTRY_COMMAND, "a", 1)};
    send_piece((struct peer_piece){.term = 5, .count = 1, .prev_index = 1, .prev_term = 1}, misplaced);
    cluster_run(cluster, was_down);
    assert_int_equal(partition_log_last_index(group_log(fake.replica->group)), 1);
}

static struct entry *make_batches(uint64_t index, uint32_t term, int64_t base_offset, uint32_t records) {
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
    const struct change_server servers[] = {{.replica = OURS, .voter = true}};
    struct slice bytes = change_encode(servers, 1);
    struct entry *entry = make_entry(index, term, ENTRY_CHANGE, bytes.data, bytes.len);
    slice_unref(&bytes);
    entry->header[29] = ENTRY_LZ4;
    le_put_u32(entry->header + 60, crc32c(0, entry->header, 60));
    return entry;
}

/* Offsets that are not dense inside a piece, and a compressed configuration: dropped; the group goes on. */
static void test_admit_holes_in_offsets(void **state) {
    struct cluster *cluster = *state;
    struct entry *hole[] = {make_batches(2, 5, 0, 10), make_batches(3, 5, 11, 10)};
    drops_wanted = dropped() + 1;
    send_piece((struct peer_piece){.term = 5, .count = 2, .prev_index = 1, .prev_term = 1}, hole);
    cluster_run(cluster, has_dropped);
    struct entry *overlap[] = {make_batches(2, 5, 0, 10), make_batches(3, 5, 9, 10)};
    drops_wanted++;
    send_piece((struct peer_piece){.term = 5, .count = 2, .prev_index = 1, .prev_term = 1}, overlap);
    cluster_run(cluster, has_dropped);
    struct entry *packed[] = {make_packed_change(2, 5)};
    drops_wanted++;
    send_piece((struct peer_piece){.term = 5, .count = 1, .prev_index = 1, .prev_term = 1}, packed);
    cluster_run(cluster, has_dropped);
    assert_int_equal(partition_log_last_index(group_log(fake.replica->group)), 1);
    struct entry *good[] = {make_batches(2, 5, 0, 10), make_batches(3, 5, 10, 10)};
    send_piece((struct peer_piece){.term = 5, .count = 2, .prev_index = 1, .prev_term = 1}, good);
    cluster_run(cluster, got_result);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].b, 3);
    assert_int_equal(partition_log_end_offset(group_log(fake.replica->group)), 20);
    assert_int_equal(fake.downs, 0);
}

/* Entries that fit our log by index and term, and not by offset, at its end or over what is uncommitted: the group stops, the process lives. */
static void check_offset_stops(struct cluster *cluster, uint64_t prev_index, uint32_t prev_term, int64_t base_offset) {
    struct entry *good[] = {make_batches(2, 5, 0, 10), make_batches(3, 5, 10, 10)};
    send_piece((struct peer_piece){.term = 5, .count = 2, .prev_index = 1, .prev_term = 1, .commit = 2}, good);
    cluster_run(cluster, got_result);
    struct entry *wrong[] = {make_batches(prev_index + 1, 6, base_offset, 10)};
    fake.got[RECORD_APPEND_RESULT] = 0;
    send_piece((struct peer_piece){.term = 6, .count = 1, .prev_index = prev_index, .prev_term = prev_term}, wrong);
    cluster_run_ms(cluster, 20);
    assert_int_equal(fake.got[RECORD_APPEND_RESULT], 0);
    assert_int_equal(partition_log_last_index(group_log(fake.replica->group)), 3);
    assert_int_equal(partition_log_end_offset(group_log(fake.replica->group)), 20);
    send_and_expect_drop((struct peer_record){.type = RECORD_APPEND, .term = 8, .a = 3, .c = 5});
    assert_int_equal(fake.downs, 0);
}
static void test_admit_other_end_offset(void **state) {
    check_offset_stops(*state, 3, 5, 25);
}
static void test_admit_other_offset_inside(void **state) {
    check_offset_stops(*state, 2, 5, 20);
}

/* Frames of every kind with bytes that a good frame might have, bent: whatever is made of them, the process lives and the link comes back. */
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
        size_t len = turn % 5 == 0 ? (size_t)rand() % sizeof bytes : sizeof bytes - (size_t)(turn % 16);
        uint8_t kinds[] = {PEER_KIND_ENTRIES, PEER_KIND_ENTRIES, PEER_KIND_MESSAGES, PEER_KIND_STOPPING, 50, 200};
        struct slice slice = slice_copy(NULL, bytes, len);
        peers_send(fake.peers, 1, turn % 2 ? PEER_BULK : PEER_CONTROL, kinds[rand() % 6], &slice, 1);
        cluster_run_ms(cluster, 1);
        if (fake.up) continue;
        cluster_run(cluster, is_up);
        cluster_run_ms(cluster, 60); /* it holds: the next one is dialled without a pause */
    }
}

static bool got_vote_result(struct cluster *cluster) {
    return (void)cluster, fake.got[RECORD_VOTE_RESULT] > 0;
}

/* A vote that was answered is on disk: after a restart the same term is not voted in again for somebody else. */
static void test_admit_vote_is_durable_before_its_answer(void **state) {
    struct cluster *cluster = *state;
    send_record((struct peer_record){.type = RECORD_VOTE, .term = 9, .a = 1, .b = 1});
    cluster_run(cluster, got_vote_result);
    assert_int_equal(fake.last[RECORD_VOTE_RESULT].flags, RECORD_GRANTED);
    fake.up = false;
    node_close(fake.replica->node);
    node_open(fake.replica->node, false);
    assert_int_equal(partition_log_term(group_log(fake.replica->group)), 9);
    assert_int_equal(partition_log_voted_for(group_log(fake.replica->group)), FAKE);
}

/* While a leader is known, a vote is refused; its term is not taken over. */
static void test_admit_vote_while_leader_is_known(void **state) {
    struct cluster *cluster = *state;
    send_record((struct peer_record){.type = RECORD_APPEND, .term = 3, .a = 1, .b = 1, .c = 1});
    cluster_run(cluster, got_result);
    send_record((struct peer_record){.type = RECORD_VOTE, .term = 9, .a = 5, .b = 3});
    cluster_run(cluster, got_vote_result);
    assert_int_equal(fake.last[RECORD_VOTE_RESULT].flags, 0);
    assert_int_equal(group_term(fake.replica->group), 3);
}

static bool we_lead(struct cluster *cluster) {
    return (void)cluster, fake.replica->leading;
}

static void on_confirmed(struct group_confirm *confirm, int error) {
    (void)confirm;
    assert_int_equal(error, ERR_CANCELED); /* with the group */
}
static bool was_asked_to_confirm(struct cluster *cluster) {
    return (void)cluster, fake.got[RECORD_CONFIRM] >= 1;
}

/* A follower that rejects what it has acknowledged has lost data: it does not count any more, neither for commits nor when a
 * majority is asked who leads (its later vote may be among what it lost). */
static void test_admit_follower_that_lost_data(void **state) {
    struct cluster *cluster = *state;
    fake.grants = fake.acknowledges = true;
    send_record((struct peer_record){.type = RECORD_APPEND, .term = 2, .a = 1, .b = 1, .c = 1});
    cluster_run(cluster, got_result);
    send_record((struct peer_record){.type = RECORD_TIMEOUT_NOW, .term = 2, .a = 1, .b = 1});
    cluster_run(cluster, we_lead);
    uint64_t index;
    assert_int_equal(replica_submit(fake.replica, "one", 3, &index), ERR_NONE);
    applied_wanted = index;
    cluster_run(cluster, has_applied);
    assert_true(group_member_in_sync(fake.replica->group, FAKE));
    send_and_expect_drop((struct peer_record){
        .type = RECORD_APPEND_RESULT, .term = group_term(fake.replica->group), .a = index, .b = index - 1});
    assert_false(group_member_in_sync(fake.replica->group, FAKE));
    assert_int_equal(replica_submit(fake.replica, "two", 3, &index), ERR_NONE);
    cluster_run_ms(cluster, 50);
    assert_true(fake.entries_last < index); /* it would only fill the window */
    send_and_expect_drop(
        (struct peer_record){.type = RECORD_APPEND_RESULT, .term = group_term(fake.replica->group), .b = index});
    cluster_run_ms(cluster, 50);
    assert_true(fake.replica->count < index);
    static struct group_confirm confirm = {.done = on_confirmed};
    group_confirm(fake.replica->group, &confirm);
    cluster_run(cluster, was_asked_to_confirm);
    send_and_expect_drop((struct peer_record){
        .type = RECORD_CONFIRMED, .term = fake.last[RECORD_CONFIRM].term, .a = fake.last[RECORD_CONFIRM].a});
    cluster_run_ms(cluster, 50);
    fake.replica->leading = false; /* the teardown does not wait for `lost` */
}

static bool got_entries(struct cluster *cluster) {
    return (void)cluster, fake.entries_got >= 1;
}
static bool got_them_again(struct cluster *cluster) {
    return (void)cluster, fake.entries_got >= 2;
}

/* Entries that a follower swallows without a word, on a link that stays, are sent once; after a while, again. */
static void test_admit_swallowed_entries_come_again(void **state) {
    struct cluster *cluster = *state;
    fake.grants = fake.acknowledges = true;
    send_record((struct peer_record){.type = RECORD_APPEND, .term = 2, .a = 1, .b = 1, .c = 1});
    cluster_run(cluster, got_result);
    send_record((struct peer_record){.type = RECORD_TIMEOUT_NOW, .term = 2, .a = 1, .b = 1});
    cluster_run(cluster, we_lead);
    fake.swallows_entries = true;
    fake.entries_got = 0;
    uint64_t index;
    assert_int_equal(replica_submit(fake.replica, "one", 3, &index), ERR_NONE);
    cluster_run(cluster, got_entries);
    cluster_run_ms(cluster, 1000); /* some heartbeats */
    assert_int_equal(fake.entries_got, 1);
    cluster_run(cluster, got_them_again);
    assert_int_equal(fake.entries_last, index);
    fake.swallows_entries = false;
    applied_wanted = index;
    cluster_run(cluster, has_applied);
}

static bool was_asked_for_long(struct cluster *cluster) {
    return (void)cluster, fake.got[RECORD_APPEND] >= 22; /* heartbeats: 4.4 s */
}

/* A follower that says nothing at all (its replica stopped) gets questions only, and not the same entries again and again, which
 * would fill the window that other groups need; when it answers, they come. */
static void test_admit_silent_follower_is_only_asked(void **state) {
    struct cluster *cluster = *state;
    fake.grants = fake.acknowledges = true;
    send_record((struct peer_record){.type = RECORD_APPEND, .term = 2, .a = 1, .b = 1, .c = 1});
    cluster_run(cluster, got_result);
    send_record((struct peer_record){.type = RECORD_TIMEOUT_NOW, .term = 2, .a = 1, .b = 1});
    cluster_run(cluster, we_lead);
    fake.acknowledges = false;
    fake.entries_got = 0;
    uint64_t index;
    assert_int_equal(replica_submit(fake.replica, "one", 3, &index), ERR_NONE);
    cluster_run(cluster, got_entries);
    fake.got[RECORD_APPEND] = 0;
    cluster_run(cluster, was_asked_for_long);
    assert_int_equal(fake.entries_got, 1);
    assert_int_equal(replica_submit(fake.replica, "two", 3, &index), ERR_NONE);
    fake.got[RECORD_APPEND] = 20;
    cluster_run(cluster, was_asked_for_long);
    assert_int_equal(fake.entries_got, 1);
    fake.acknowledges = true;
    applied_wanted = index;
    cluster_run(cluster, has_applied);
    assert_int_equal(fake.entries_last, index);
}

/* Somebody else who leads our term: this replica stops rather than choose. */
static void test_admit_two_leaders_in_a_term(void **state) {
    struct cluster *cluster = *state;
    fake.grants = fake.acknowledges = true;
    send_record((struct peer_record){.type = RECORD_APPEND, .term = 2, .a = 1, .b = 1, .c = 1});
    cluster_run(cluster, got_result);
    send_record((struct peer_record){.type = RECORD_TIMEOUT_NOW, .term = 2, .a = 1, .b = 1});
    cluster_run(cluster, we_lead);
    send_record((struct peer_record){.type = RECORD_APPEND, .term = 3, .a = 1, .b = 1, .c = 1});
    cluster_run_ms(cluster, 50);
    assert_false(fake.replica->leading);
    uint64_t index;
    assert_int_equal(replica_submit(fake.replica, "x", 1, &index), ERR_NOT_LEADER);
}

/* What answers a question of an older term only tells its term: it is no rejection of what is asked now. */
static void test_admit_answer_to_an_older_term(void **state) {
    struct cluster *cluster = *state;
    fake.grants = fake.acknowledges = true;
    send_record((struct peer_record){.type = RECORD_APPEND, .term = 2, .a = 1, .b = 1, .c = 1});
    cluster_run(cluster, got_result);
    /* Asked in an older term, this replica answers so ... */
    fake.got[RECORD_APPEND_RESULT] = 0;
    send_record((struct peer_record){.type = RECORD_APPEND, .term = 1, .a = 1, .b = 1, .c = 1});
    cluster_run(cluster, got_result);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].flags, RECORD_STALE);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].b, 0);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].term, 2);
    /* ... and such an answer does no harm, though it names what is acknowledged. */
    send_record((struct peer_record){.type = RECORD_TIMEOUT_NOW, .term = 2, .a = 1, .b = 1});
    cluster_run(cluster, we_lead);
    uint64_t index;
    assert_int_equal(replica_submit(fake.replica, "one", 3, &index), ERR_NONE);
    applied_wanted = index;
    cluster_run(cluster, has_applied);
    send_record((struct peer_record){
        .type = RECORD_APPEND_RESULT, .flags = RECORD_STALE, .term = group_term(fake.replica->group), .a = index});
    assert_int_equal(replica_submit(fake.replica, "two", 3, &index), ERR_NONE);
    applied_wanted = index;
    cluster_run(cluster, has_applied);
    assert_true(group_member_in_sync(fake.replica->group, FAKE));
}

/* A pre-vote for a term that is long over is refused with the present term, so that a candidate with the longer log learns it. */
static void test_admit_pre_vote_of_an_older_term(void **state) {
    struct cluster *cluster = *state;
    send_record((struct peer_record){.type = RECORD_VOTE, .term = 9, .a = 1, .b = 1});
    cluster_run(cluster, got_vote_result);
    fake.got[RECORD_VOTE_RESULT] = 0;
    send_record((struct peer_record){.type = RECORD_VOTE, .flags = RECORD_PRE_VOTE, .term = 5, .a = 7, .b = 4});
    cluster_run(cluster, got_vote_result);
    assert_int_equal(fake.last[RECORD_VOTE_RESULT].flags, RECORD_PRE_VOTE);
    assert_int_equal(fake.last[RECORD_VOTE_RESULT].term, 9);
}

/* Configurations: ours is what the engine makes, and anything cut or bent is refused. */
static void test_change_decode_bent(void **state) {
    (void)state;
    const struct change_server encoded[] = {{7, true}, {1234567890123, false}, {9, true}};
    struct slice slice = change_encode(encoded, 3);
    struct raft_buffer buffer = {(void *)slice.data, slice.len};
    struct raft_configuration conf;
    raft_configuration_init(&conf);
    assert_int_equal(raft_configuration_decode(&buffer, &conf), 0);
    assert_int_equal(conf.n, 3);
    assert_string_equal(conf.servers[1].address, "1234567890123");
    assert_int_equal(conf.servers[1].role, RAFT_STANDBY);
    struct raft_buffer theirs;
    assert_int_equal(raft_configuration_encode(&conf, &theirs), 0);
    assert_int_equal(theirs.len, slice.len);
    assert_memory_equal(theirs.base, slice.data, slice.len);
    raft_free(theirs.base);
    raft_configuration_close(&conf);
    struct change_server servers[CHANGE_SERVERS_MAX];
    size_t n;
    assert_int_equal(change_decode(slice.data, slice.len, servers, &n), ERR_NONE);
    assert_true(n == 3 && servers[2].replica == 9 && servers[2].voter && !servers[1].voter);
    size_t padding = 0;
    while (slice.data[slice.len - 1 - padding] == 0)
        padding++;
    for (size_t len = 0; len + padding < slice.len; len++)
        assert_int_equal(change_decode(slice.data, len, servers, &n), ERR_MALFORMED);
    uint8_t *bytes = (uint8_t *)slice.data;
    for (size_t i = 0; i < slice.len; i++) {
        bytes[i] ^= 0x40;
        assert_int_equal(change_decode(bytes, slice.len, servers, &n), ERR_MALFORMED);
        bytes[i] ^= 0x40;
    }
    slice_unref(&slice);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_admit_impossible_records, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit_unreadable_records, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit_entries_then_contradiction, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit_wrong_entries, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit_holes_in_offsets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit_other_end_offset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit_other_offset_inside, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit_bent_frames, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit_vote_is_durable_before_its_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit_vote_while_leader_is_known, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit_follower_that_lost_data, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit_silent_follower_is_only_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit_two_leaders_in_a_term, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit_swallowed_entries_come_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit_answer_to_an_older_term, setup, teardown),
        cmocka_unit_test_setup_teardown(test_admit_pre_vote_of_an_older_term, setup, teardown),
        cmocka_unit_test(test_change_decode_bent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
