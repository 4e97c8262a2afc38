/* What the engine knows of a log: a trail that was extended is the trail that the library builds
 * itself, and one that is short makes nobody wait. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "raft-glue/engine/configuration.h"
#include "raft-glue/engine/engine_heap.h"
#include "raft-glue/raft_group_internal.h"
#include "storage/little_endian.h"
#include "tests/unit/raft-glue/fixture_fake_peer.h"
#include "tests/unit/unit.h"

/* ---- The same as the library's own ---- */

enum { ROUNDS = 200, LONGEST = 300, OURSELVES = 1, LEADER = 2 };

static void ignore_durable(void *arg, uint64_t number) {
    (void)arg, (void)number;
}

/* A log of `last` entries, the first a configuration, in terms that go up now and then. */
static struct partition_log *make_log(struct log_store *store, uint64_t group, uint64_t last) {
    static const struct partition_log_events events = {.durable = ignore_durable,
                                                       .hard_state_durable = ignore_durable};
    struct partition_log *log;
    struct error_text why;
    if (partition_log_open(store, group, "log", &events, NULL, &log, &why) != ERR_NONE)
        fail_msg("%s", why.text);
    uint32_t term = 1;
    for (uint64_t i = 1; i <= last; i++) {
        struct entry_spec spec = {.type = i == 1 ? ENTRY_CHANGE : ENTRY_COMMAND,
                                  .max_timestamp = -1};
        struct entry *entry = entry_new(NULL, &spec);
        if (rand() % 5 == 0) term += 1 + (uint32_t)rand() % 3;
        entry_seal(entry, group, i, term);
        partition_log_append(log, &entry, 1);
        entry_unref(entry);
    }
    return log;
}

static void make_configuration(struct raft_configuration *configuration) {
    raft_configuration_init(configuration);
    static const char *const addresses[] = {"1", "2", "3"};
    for (raft_id id = 1; id <= 3; id++)
        assert_int_equal(raft_configuration_add(configuration, id, addresses[id - 1], RAFT_VOTER),
                         0);
}

/* An engine that is given the entries above `behind` one by one. */
static void start(struct raft *raft, const struct partition_log *log, uint64_t behind) {
    struct raft_configuration configuration;
    struct raft_buffer bytes;
    make_configuration(&configuration);
    assert_int_equal(raft_configuration_encode(&configuration, &bytes), 0);
    assert_int_equal(raft_init(raft, NULL, NULL, OURSELVES, "1"), 0);
    raft->tracer = NULL;
    uint64_t last = partition_log_last_index(log);
    struct raft_entry *entries = mem_zalloc((last + 1) * sizeof *entries);
    for (uint64_t i = behind + 1; i <= last; i++)
        entries[i - behind - 1] = (struct raft_entry){.type = RAFT_COMMAND,
                                                      .term = partition_log_term_at(log, i)};
    if (behind == 0) {
        entries[0].type = RAFT_CHANGE;
        entries[0].buf = bytes;
    }
    struct raft_snapshot_metadata metadata = {
        behind, behind == 0 ? 0 : partition_log_term_at(log, behind), configuration, 1};
    struct raft_event event = {.type = RAFT_START};
    event.start.term = 1000;
    event.start.metadata = behind == 0 ? NULL : &metadata;
    event.start.start_index = behind + 1;
    event.start.entries = entries;
    event.start.n_entries = (unsigned)(last - behind);
    struct raft_update update;
    assert_int_equal(raft_step(raft, &event, &update), 0);
    if (behind == 0) raft_configuration_close(&configuration);
    raft_free(bytes.base);
    mem_free(entries);
}

static void assert_same_trail(const struct raft_trail *a, const struct raft_trail *b) {
    unsigned n = (a->back + a->size - a->front) % a->size;
    assert_int_equal(n, (b->back + b->size - b->front) % b->size);
    assert_int_equal(a->offset, b->offset);
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(a->records[(a->front + i) % a->size].index,
                         b->records[(b->front + i) % b->size].index);
        assert_int_equal(a->records[(a->front + i) % a->size].term,
                         b->records[(b->front + i) % b->size].term);
    }
}

/* The answer to a heartbeat that asks for that entry; term 0 is no question. */
static struct raft_append_entries_result ask(struct raft *raft, uint64_t index, uint32_t term) {
    struct raft_message message = {
        .type = RAFT_APPEND_ENTRIES, .server_id = LEADER, .server_address = "2"};
    message.append_entries = (struct raft_append_entries){
        .term = 1000, .prev_log_index = index, .prev_log_term = term, .leader_commit = 1};
    struct raft_event event = {.type = RAFT_RECEIVE};
    event.receive.message = &message;
    struct raft_update update;
    assert_int_equal(raft_step(raft, &event, &update), 0);
    assert_int_equal(update.messages.n, 1);
    return update.messages.batch[0].append_entries_result;
}

/* A leader's entry at `index` in the term 1000, which replaces what is there. */
static void replace(struct raft *raft, const struct partition_log *log, uint64_t index) {
    struct raft_entry entry = {.type = RAFT_COMMAND, .term = 1000, .batch = raft_malloc(1)};
    void *token = entry.batch;
    struct raft_message message = {
        .type = RAFT_APPEND_ENTRIES, .server_id = LEADER, .server_address = "2"};
    message.append_entries = (struct raft_append_entries){
        .term = 1000,
        .prev_log_index = index - 1,
        .prev_log_term = partition_log_term_at(log, index - 1),
        .entries = &entry,
        .n_entries = 1};
    struct raft_event event = {.type = RAFT_RECEIVE};
    event.receive.message = &message;
    struct raft_update update;
    assert_int_equal(raft_step(raft, &event, &update), 0);
    assert_true(update.flags & (RAFT_UPDATE_ENTRIES));
    raft_free(token);
}

static void compare(const struct partition_log *log, uint64_t behind) {
    struct raft whole, extended;
    uint64_t last = partition_log_last_index(log);
    start(&whole, log, 0);
    start(&extended, log, behind);
    engine_trail_extend(&extended, log, 1);
    assert_same_trail(&whole.trail, &extended.trail);
    assert_int_equal(whole.last_stored, extended.last_stored);
    assert_int_equal(extended.commit_index, behind);
    assert_int_equal(extended.configuration_committed_index, 1);
    for (uint64_t i = 1; i <= last + 1; i++) {
        uint32_t term = i > last ? 999 : partition_log_term_at(log, i);
        struct raft_append_entries_result a = ask(&whole, i, term), b = ask(&extended, i, term);
        assert_int_equal(a.rejected, b.rejected);
        assert_int_equal(a.last_log_index, b.last_log_index);
    }
    if (behind < last) {
        uint64_t at = behind + 1 + (uint64_t)rand() % (last - behind);
        if (at > 1) {
            replace(&whole, log, at);
            replace(&extended, log, at);
            assert_same_trail(&whole.trail, &extended.trail);
        }
    }
    raft_close(&whole, NULL);
    raft_close(&extended, NULL);
}

/* Wherever the engine was started: the terms below, told afterwards, make the trail that it would
 * have built entry by entry. */
static void test_trail_equals_the_engines_own(void **state) {
    struct cluster *cluster = *state;
    struct log_store *store;
    struct error_text why;
    char dir[128];
    snprintf(dir, sizeof dir, "%s/logs", cluster->dir);
    engine_heap_use();
    assert_int_equal(
        log_store_open(cluster->env, &cluster->log, dir, &cluster->store_options, &store, &why),
        ERR_NONE);
    srand(8);
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        struct partition_log *log = make_log(store, round, 1 + (uint64_t)rand() % LONGEST);
        compare(log, 1 + (uint64_t)rand() % partition_log_last_index(log));
        partition_log_close(log);
    }
    log_store_close(store);
}

/* ---- A short trail ---- */

static struct shard_stats stats_of(const struct node *node) {
    struct shard_stats stats;
    shard_stats_get(node->shard, &stats);
    return stats;
}

static void submit(struct cluster *cluster, int n) {
    for (int i = 0; i < n; i++) {
        uint64_t index;
        assert_int_equal(replica_submit(cluster_leader(cluster, 0), &i, sizeof i, &index),
                         ERR_NONE);
    }
}

/* A follower that was away for longer than the leader's engine remembers is sent what it lacks all
 * the same; after a restart of all, engines start behind what was committed, and go on. */
static void test_trail_shorter_than_what_a_follower_lacks(void **state) {
    struct cluster *cluster = *state;
    cluster->options.engine_entries = 8;
    cluster->options.heartbeat_ms = 50;
    cluster->options.election_timeout_ms = 250;
    cluster_start(cluster, 3, 1);
    cluster_run(cluster, cluster_all_lead);
    struct node *away = &cluster->nodes[cluster_leader(cluster, 0)->node->id % 3];
    submit(cluster, 5);
    cluster_run(cluster, cluster_agrees);
    node_close(away);
    submit(cluster, 400);
    cluster_run(cluster, cluster_agrees);
    cluster_run_ms(cluster,
                   11 * cluster->options.election_timeout_ms); /* until it is not waited for */
    submit(cluster, 100);
    cluster_run(cluster, cluster_agrees);
    struct node *leading = cluster_leader(cluster, 0)->node;
    assert_true(stats_of(leading).trails_cut > 0);
    assert_true(leading->replicas[0].group->raft.trail.offset > 405);
    node_open(away, false);
    cluster_run(cluster, cluster_agrees);
    assert_true(stats_of(leading).trails_extended > 0);
    for (int i = 0; i < 3; i++)
        node_close(&cluster->nodes[i]);
    for (int i = 0; i < 3; i++) {
        node_open(&cluster->nodes[i], false);
        assert_int_equal(stats_of(&cluster->nodes[i]).late_starts, 1);
    }
    cluster_run(cluster, cluster_all_lead);
    submit(cluster, 100);
    cluster_run(cluster, cluster_agrees);
}

static struct entry *make_entry(uint64_t index, uint32_t term) {
    struct entry_spec spec = {
        .type = ENTRY_COMMAND, .max_timestamp = -1, .raw = slice_copy(NULL, "x", 1)};
    struct entry *entry = entry_new(NULL, &spec);
    entry_seal(entry, 1, index, term);
    return entry;
}

/* Entries first..last of term 5, behind one of `prev_term`. */
static void send_entries(uint64_t first, uint64_t last, uint32_t prev_term) {
    struct peer_bytes meta = {0}, bodies = {0};
    struct peer_piece piece = {
        .group = 1, .from = FAKE, .to = OURS, .term = 5, .prev_index = first - 1, .commit = last};
    piece.prev_term = prev_term;
    piece.count = (uint32_t)(last - first + 1);
    peer_bytes_extend(&meta, 4);
    peer_piece_encode(peer_bytes_extend(&meta, PEER_PIECE_SIZE), &piece);
    for (uint64_t i = first; i <= last; i++) {
        struct entry *entry = make_entry(i, 5);
        peer_bytes_add(&meta, entry->header, ENTRY_HEADER_SIZE);
        peer_bytes_add(&bodies, entry->body.data, entry->body.len);
        entry_unref(entry);
    }
    le_put_u32(meta.data, (uint32_t)meta.len);
    struct slice slices[] = {peer_bytes_take(&meta), peer_bytes_take(&bodies)};
    fake.got[RECORD_APPEND_RESULT] = 0;
    peers_send(fake.peers, 1, PEER_BULK, PEER_KIND_ENTRIES, slices, 2);
    cluster_run(fake.cluster, fake_got_result);
}

/* What a leader sends from below the trail is taken from where the trail begins: never refused
 * there, where the leader would ask the same again, and never appended once more. */
static void test_trail_appends_that_reach_below(void **state) {
    struct cluster *cluster = *state;
    struct node *node = &cluster->nodes[0];
    node_close(node);
    cluster->options.engine_entries = 8;
    fake.up = false;
    node_open(node, false);
    peers_add(shard_peers(node->shard), 2, "127.0.0.1", peers_port(fake.peers));
    cluster_run(cluster, fake_is_up);
    send_entries(2, 40, 1);
    fake.applied_wanted = 40;
    cluster_run(cluster, fake_has_applied);
    send_entries(41, 41, 5);
    uint64_t offset = fake.replica->group->raft.trail.offset;
    assert_in_range(offset, 30, 40);

    send_entries(2, 20, 1); /* all below */
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].append_result.rejected, 0);
    assert_in_range(fake.last[RECORD_APPEND_RESULT].append_result.last_index, offset, offset + 1);
    send_entries(2, 45, 1); /* across, and four new ones */
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].append_result.rejected, 0);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].append_result.last_index, 45);
    fake.applied_wanted = 45;
    cluster_run(cluster, fake_has_applied);
    fake.got[RECORD_APPEND_RESULT] = 0;
    fake_send((struct peer_record){
        .type = RECORD_APPEND,
        .term = 5,
        .append = {.prev_index = 7, .commit = 45, .prev_term = 5}}); /* a question below */
    cluster_run(cluster, fake_got_result);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].append_result.rejected, 0);
    assert_int_equal(stats_of(node).reanchored, 3);
    assert_int_equal(partition_log_last_index(raft_group_log(fake.replica->group)), 45);
    assert_int_equal(fake.replica->count, 45);

    /* A leader whose committed entries are others than ours is broken; so is one below the trail.
     */
    fake_send((struct peer_record){.type = RECORD_APPEND,
                                   .term = 5,
                                   .append = {.prev_index = 7, .commit = 45, .prev_term = 4}});
    cluster_run_ms(cluster, 20);
    fake_send_and_expect_drop((struct peer_record){
        .type = RECORD_APPEND, .term = 8, .append = {.prev_index = 45, .prev_term = 5}});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_trail_equals_the_engines_own, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_trail_shorter_than_what_a_follower_lacks,
                                        cluster_setup, cluster_teardown),
        cmocka_unit_test_setup_teardown(test_trail_appends_that_reach_below, fake_setup,
                                        fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
