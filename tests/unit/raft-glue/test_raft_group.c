/* A group with one voter on real files: it leads, commits what is durable, and comes back in a
 * later term. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/unit/raft-glue/fixture_cluster.h"
#include "tests/unit/unit.h"

static uint64_t wanted;
static bool has_applied(struct cluster *cluster) {
    return cluster->nodes[0].replicas[0].count >= wanted;
}

/* A sole voter leads and gives back what was submitted, in order, each once. */
static void test_group_sole_voter_commits(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 1, 1);
    struct replica *replica = &cluster->nodes[0].replicas[0];
    assert_int_equal(replica_submit(replica, "early", 5, &wanted), ERR_NOT_LEADER);
    cluster_run(cluster, cluster_all_lead);
    assert_true(raft_group_is_leading(replica->group));
    assert_int_equal(raft_group_leader(replica->group), 100);
    for (int i = 0; i < 500; i++)
        assert_int_equal(replica_submit(replica, &i, sizeof i, &wanted), ERR_NONE);
    assert_true(replica->count < wanted); /* nothing commits before it is durable */
    cluster_run(cluster, has_applied);
    assert_int_equal(replica->data, 500);
    assert_int_equal(raft_group_commit_index(replica->group), wanted);
    assert_int_equal(raft_group_applied_index(replica->group), wanted);
    assert_true(raft_group_member_in_sync(replica->group, 100));
}

/* After a restart it leads in a later term, and everything comes again, from the journal and from
 * segments. */
static void test_group_sole_voter_restarts_in_later_term(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 1, 1);
    struct replica *replica = &cluster->nodes[0].replicas[0];
    char block[3000];
    for (int round = 0; round < 4; round++) {
        cluster_run(cluster, cluster_all_lead);
        uint32_t term = replica->term;
        for (int i = 0; i < 300; i++) {
            memset(block, i + round, sizeof block);
            assert_int_equal(replica_submit(replica, block, sizeof block, &wanted), ERR_NONE);
        }
        cluster_run(cluster, has_applied);
        assert_int_equal(replica->data, 300 * (uint64_t)(round + 1));
        node_close(&cluster->nodes[0]);
        node_open(&cluster->nodes[0], false);
        cluster_run(cluster, cluster_all_lead);
        assert_true(replica->term > term);
        assert_int_equal(replica->data, 300 * (uint64_t)(round + 1));
    }
}

/* An owner that takes its time with what it knows is handed nothing before, and leads nothing. */
static void test_group_waits_for_its_owner(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 1, 1);
    struct replica *replica = &cluster->nodes[0].replicas[0];
    cluster_run(cluster, cluster_all_lead);
    for (int i = 0; i < 20; i++)
        assert_int_equal(replica_submit(replica, &i, sizeof i, &wanted), ERR_NONE);
    cluster_run(cluster, has_applied);
    node_close(&cluster->nodes[0]);
    cluster->restores = true;
    node_open(&cluster->nodes[0], false);
    cluster_run_ms(cluster, 200);
    assert_int_equal(replica->count, 0);
    assert_false(replica->leading);
    raft_group_restored(replica->group, 0);
    cluster_run(cluster, cluster_all_lead);
    assert_int_equal(replica->data, 20);
}

static void give_state(void *arg) {
    struct replica *replica = arg;
    struct slice *parts = mem_alloc(sizeof *parts);
    *parts = slice_copy(NULL, "state", 5);
    partition_log_keep(raft_group_log(replica->group), raft_group_applied_index(replica->group),
                       parts, 1);
}

static bool is_flushed;
static void on_flushed(void *arg) {
    (void)arg;
    is_flushed = true;
}
static bool has_flushed(struct cluster *cluster) {
    return (void)cluster, is_flushed;
}
static bool has_no_beginning(struct cluster *cluster) {
    return partition_log_first_index(raft_group_log(cluster->nodes[0].replicas[0].group)) > 1;
}

/* What is gone from the log the owner must know: else the replica stops. */
static void test_group_owner_knows_too_little(void **state) {
    struct cluster *cluster = *state;
    cluster->store_options.segment_bytes = 8192;
    cluster_start(cluster, 1, 1);
    struct replica *replica = &cluster->nodes[0].replicas[0];
    char block[3000] = "";
    cluster_run(cluster, cluster_all_lead);
    partition_log_on_seal(raft_group_log(replica->group), 1 << 20, give_state, replica);
    for (int i = 0; i < 100; i++) {
        struct entry_spec spec = {.type = ENTRY_BATCHES,
                                  .max_timestamp = -1,
                                  .base_offset = i,
                                  .records = 1,
                                  .raw = slice_copy(NULL, block, sizeof block)};
        assert_int_equal(raft_group_submit(replica->group, &spec, &wanted), ERR_NONE);
    }
    cluster_run(cluster, has_applied);
    log_store_flush(cluster->nodes[0].store, on_flushed, NULL);
    cluster_run(cluster, has_flushed);
    partition_log_drop_prefix(raft_group_log(replica->group), 100, wanted, 0);
    cluster_run(cluster, has_no_beginning);
    node_close(&cluster->nodes[0]);
    cluster->restores = true;
    node_open(&cluster->nodes[0], false);
    raft_group_restored(replica->group, 0);
    cluster_run_ms(cluster, 200);
    assert_true(replica->broken);
    assert_int_equal(replica->count, 0);
    assert_false(replica->leading);
}

/* With too much uncommitted a submit is refused, and its bytes stay the caller's; later it is
 * taken. */
static void test_group_limit(void **state) {
    struct cluster *cluster = *state;
    cluster->options.group_uncommitted_bytes = 100000;
    cluster_start(cluster, 1, 1);
    struct replica *replica = &cluster->nodes[0].replicas[0];
    cluster_run(cluster, cluster_all_lead);
    static char block[10000];
    int taken = 0;
    while (replica_submit(replica, block, sizeof block, &wanted) == ERR_NONE)
        taken++;
    assert_in_range(taken, 9, 10);
    cluster_run(cluster, has_applied);
    assert_int_equal(replica_submit(replica, block, sizeof block, &wanted), ERR_NONE);
    cluster_run(cluster, has_applied);
}

static int confirmed = -1;
static void on_confirmed(struct raft_group_read_index *confirm, int error) {
    (void)confirm;
    confirmed = error;
}
static bool is_confirmed(struct cluster *cluster) {
    return (void)cluster, confirmed != -1;
}

/* A sole voter confirms itself, not within the call; before it leads it says so; closing cancels.
 */
static void test_group_confirm_alone(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 1, 1);
    struct replica *replica = &cluster->nodes[0].replicas[0];
    struct raft_group_read_index confirm = {.done = on_confirmed};
    confirmed = -1;
    raft_group_read_index(replica->group, &confirm);
    assert_int_equal(confirmed, -1);
    cluster_run(cluster, is_confirmed);
    assert_int_equal(confirmed, ERR_NOT_LEADER);
    cluster_run(cluster, cluster_all_lead);
    confirmed = -1;
    raft_group_read_index(replica->group, &confirm);
    assert_int_equal(confirmed, -1);
    cluster_run(cluster, is_confirmed);
    assert_int_equal(confirmed, ERR_NONE);
    confirmed = -1;
    raft_group_read_index(replica->group, &confirm);
    node_close(&cluster->nodes[0]);
    assert_int_equal(confirmed, ERR_CANCELED);
}

/* Behind a start there may be very much to apply: it is handed over in turns that are not long. */
static void test_group_applies_in_pieces(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 1, 1);
    cluster_run(cluster, cluster_all_lead);
    struct replica *replica = &cluster->nodes[0].replicas[0];
    for (int i = 0; i < 12000; i++)
        assert_int_equal(replica_submit(replica, &i, sizeof i, &wanted), ERR_NONE);
    cluster_run(cluster, has_applied);
    node_close(&cluster->nodes[0]);
    cluster->busy_us = 2; /* for each */
    node_open(&cluster->nodes[0], false);
    cluster_run(cluster, has_applied);
    assert_int_equal(replica->data, 12000);
    assert_in_range(replica->most_at_once, 1, 4096);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_group_sole_voter_commits, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_group_sole_voter_restarts_in_later_term, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_group_waits_for_its_owner, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_group_owner_knows_too_little, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_group_limit, cluster_setup, cluster_teardown),
        cmocka_unit_test_setup_teardown(test_group_applies_in_pieces, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_group_confirm_alone, cluster_setup, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
