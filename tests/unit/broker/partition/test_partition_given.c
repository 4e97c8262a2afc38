/* A replica whose log is replaced by what its leader gives: what its appliers knew is replaced,
 * too. */
#include <string.h>

#include "broker/partition/partition_internal.h"
#include "protocol/kafka_error.h"
#include "raft-glue/raft_group_internal.h"
#include "storage/log/log_internal.h"
#include "tests/unit/broker/fixture_partitions.h"
#include "tests/unit/unit.h"

enum { PRODUCERS = 5, BATCHES = 60 };

static struct partition_log *log_of(const struct fixture_node *node) {
    return raft_group_log(partition_group(node->partition));
}

static void produce(struct fixture *fixture, int64_t producer_id, int32_t sequence) {
    struct record_batch_options options = options_of(producer_id, 0, sequence);
    struct sent sent;
    send_batch(fixture_leader(fixture)->partition, make_batch(&options, 1, 300, 1000), &sent);
    run_until_over(fixture, &sent);
    assert_int_equal(sent.produce.error, KAFKA_NONE);
    sent_free(&sent);
}

/* ---- By its leader ---- */

static struct fixture_node *away;

static bool beginnings_are_gone(struct fixture *fixture) {
    log_index lacks = *(log_index *)fixture->until_arg;
    for (int i = 0; i < 3; i++) {
        const struct fixture_node *node = &fixture->nodes[i];
        if (node->open && partition_log_first_index(log_of(node)) <= lacks + 1) return false;
    }
    return true;
}

static bool has_applied_all(struct fixture *fixture) {
    const struct fixture_node *leader = fixture_leader(fixture);
    return leader != NULL && away->partition->applied == leader->partition->applied;
}

static bool has_all(struct fixture *fixture) {
    return has_applied_all(fixture) &&
           away->partition->high_watermark == fixture_leader(fixture)->partition->high_watermark;
}

static bool somebody_leads(struct fixture *fixture) {
    return fixture_leader(fixture) != NULL;
}

static void on_trimmed(struct partition_trim *trim) {
    (void)trim; /* its files are waited for */
}

/* It knows afterwards what all others know, also what was in the entries that nobody has any more,
 * and can lead. */
static void test_partition_is_given_its_beginning(void **state) {
    struct fixture *fixture = *state;
    fixture->store_options.segment_bytes = 4096;
    fixture->options.absent_ms = 0;
    fixture->settings.store_lz4 = false;
    fixture_start(fixture, 3);
    for (int64_t id = 0; id < PRODUCERS; id++)
        produce(fixture, id, 0);
    away = fixture_leader(fixture) == &fixture->nodes[0] ? &fixture->nodes[1] : &fixture->nodes[0];
    run_until(fixture, has_all);
    log_index lacks = partition_log_last_index(log_of(away));
    node_stop(away);
    for (int32_t i = 0; i < BATCHES; i++)
        produce(fixture, i % PRODUCERS + 1, i / PRODUCERS + (i % PRODUCERS + 1 < PRODUCERS));
    struct partition_trim trim = {.done = on_trimmed};
    partition_trim(fixture_leader(fixture)->partition, BATCHES / 2, &trim);
    fixture->until_arg = &lacks;
    run_until(fixture, beginnings_are_gone);
    node_open(away, false);
    run_until(fixture, has_applied_all); /* it hears of the watermark with the next entry */
    struct shard_stats stats;
    shard_stats_get(away->shard, &stats);
    assert_true(stats.snapshots_installed > 0);
    assert_int_equal(partition_start_offset(away->partition), BATCHES / 2);
    struct slice theirs = partition_applied_state(fixture_leader(fixture)->partition),
                 ours = partition_applied_state(away->partition);
    assert_int_equal(ours.len, theirs.len);
    assert_memory_equal(ours.data, theirs.data, ours.len);
    slice_unref(&theirs);
    slice_unref(&ours);
    for (int i = 0; i < 3; i++)
        if (&fixture->nodes[i] != away && !partition_is_leading(fixture->nodes[i].partition)) {
            node_close(&fixture->nodes[i]); /* a majority needs the other one from now on */
            break;
        }
    produce(fixture, 1, BATCHES / PRODUCERS + 1);
    run_until(fixture, has_all);
    node_stop(away); /* what it was given is its log from now on */
    node_open(away, false);
    run_until(fixture, somebody_leads);
    run_until(fixture, has_applied_all);
    shard_stats_get(away->shard, &stats);
    assert_int_equal(stats.snapshots_installed, 0);
}

/* ---- While it keeps what it knew ---- */

static bool stuck;
static unsigned stops, resets;

static bool stuck_encode(void *state, void **walk, struct snapshot_bytes *into) {
    (void)into;
    *walk = state;
    return !stuck;
}
static void stuck_stop(void *state, void *walk) {
    assert_ptr_equal(state, walk);
    stops++;
}
static int stuck_restore(void *state, const uint8_t *bytes, size_t len, size_t *took) {
    (void)state, (void)bytes;
    *took = len;
    return ERR_NONE;
}
static void stuck_reset(void *state) {
    (void)state;
    resets++;
}
static void make_stuck(struct fixture_node *node, struct applier *applier) {
    static const struct applier_type type = {.mark = 77,
                                             .version = 1,
                                             .encode = stuck_encode,
                                             .encode_stop = stuck_stop,
                                             .restore = stuck_restore,
                                             .reset = stuck_reset};
    *applier = (struct applier){.type = &type, .state = node};
}

static bool has_kept(struct fixture *fixture) {
    return log_of(&fixture->nodes[0])->kept_index > 0;
}

static bool keeps_nothing(struct fixture *fixture) {
    const struct partition_log *log = log_of(&fixture->nodes[0]);
    return !log->keeping && log->early.count == 0 && log->saving == 0;
}

/* What the log has asked for it is told not to wait for, and it may ask again. */
static void test_partition_forgets_while_it_keeps(void **state) {
    struct fixture *fixture = *state;
    fixture->make_applier = make_stuck;
    fixture->store_options.segment_bytes = 4096;
    stuck = false;
    fixture_start(fixture, 1);
    struct partition *partition = fixture->nodes[0].partition;
    for (int32_t i = 0; i < 40; i++)
        produce(fixture, 1, i);
    partition_log_roll(log_of(&fixture->nodes[0]));
    run_until(fixture, has_kept);
    run_until(fixture, keeps_nothing);
    log_index before = log_of(&fixture->nodes[0])->kept_index;
    produce(fixture, 1, 40);
    stuck = true;
    stops = resets = 0;
    applier_snapshot_keep(log_of(&fixture->nodes[0]));
    assert_non_null(partition->keeping);
    run_ms(fixture, 5);
    appliers_forget(partition);
    assert_null(partition->keeping);
    assert_false(log_of(&fixture->nodes[0])->keeping);
    assert_int_equal(stops, 1);
    assert_int_equal(resets, 1);
    assert_int_equal(producer_state_count(partition_producers(partition)), 0);
    stuck = false;
    applier_snapshot_keep(log_of(&fixture->nodes[0]));
    run_until(fixture, keeps_nothing);
    assert_true(log_of(&fixture->nodes[0])->kept_index > before);
}

/* ---- By another replica, to one that leads and cannot apply ---- */

static bool has_committed_its_own(struct fixture *fixture) {
    const struct raft_group *group = partition_group(fixture->nodes[0].partition);
    return group->serve_index > 0 && group->commit >= group->serve_index;
}

/* The state describes the leader's own first entry, too, which it never applies: it knows where its
 * offsets go on all the same, and serves. */
static void test_partition_leads_with_a_given_state(void **state) {
    struct fixture *fixture = *state;
    struct fixture_node *node = &fixture->nodes[0];
    fixture_start(fixture, 1);
    for (int32_t i = 0; i < 5; i++)
        produce(fixture, 1, i);
    struct slice known = partition_applied_state(node->partition);
    node_close(node);
    node_open(node, false);
    struct raft_group *group = partition_group(node->partition);
    group->applying.blocked = true;
    run_until(fixture, has_committed_its_own);
    assert_false(partition_is_leading(node->partition));
    log_index last = partition_log_last_index(group->log);
    assert_int_equal(
        raft_group_take_state(group, last, partition_log_term_at(group->log, last), known),
        ERR_NONE);
    run_until(fixture, somebody_leads);
    assert_int_equal(node->partition->high_watermark, 5);
    produce(fixture, 1, 5);
    assert_int_equal(node->partition->high_watermark, 6);
}

static bool leads_no_more(struct fixture *fixture) {
    return fixture_leader(fixture) == NULL;
}

static bool last_is_committed(struct fixture *fixture) {
    const struct partition_log *log = log_of(&fixture->nodes[0]);
    return log->committed == log->last_index;
}

static bool last_is_in_a_segment(struct fixture *fixture) {
    const struct partition_log *log = log_of(&fixture->nodes[0]);
    return log->written == log->last_index && log_memory_at(&log->memory, log->last_index) == NULL;
}

/* A leader that cannot apply what it has submitted in its term, and that is mended, serves when
 * that is applied. */
static void test_partition_leads_again_behind_all(void **state) {
    struct fixture *fixture = *state;
    struct fixture_node *node = &fixture->nodes[0];
    fixture->store_options.tail_cache_bytes = 0;
    fixture_start(fixture, 1);
    produce(fixture, 1, 0);
    struct raft_group *group = partition_group(node->partition);
    struct sent sent;
    send_numbered(node->partition, 1, 0, 1, &sent);
    group->applying.blocked = true;
    run_until_over(fixture, &sent);
    assert_int_equal(sent.produce.error, KAFKA_NOT_LEADER_OR_FOLLOWER);
    sent_free(&sent);
    run_until(fixture, leads_no_more);
    assert_true(partition_log_last_index(group->log) > group->applied); /* it was submitted */
    run_until(fixture, last_is_committed); /* what is not is not rolled */
    partition_log_roll(group->log);
    run_until(fixture, last_is_in_a_segment);
    assert_int_equal(node->partition->high_watermark, 1);
    leader_fitness_mended(group);
    /* However long it takes to read that. */
    assert_int_equal(group->serve_index, partition_log_last_index(group->log));
    run_until(fixture, somebody_leads);
    assert_int_equal(node->partition->high_watermark, 2);
    produce(fixture, 1, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_partition_is_given_its_beginning),
        TEST(test_partition_forgets_while_it_keeps),
        TEST(test_partition_leads_with_a_given_state),
        TEST(test_partition_leads_again_behind_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
