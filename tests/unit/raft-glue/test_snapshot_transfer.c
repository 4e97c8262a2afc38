/* Replicas that were away while the beginning of the log went get it as files, whatever happens
 * meanwhile, and the log goes on as entries. */
#include <stdio.h>
#include <string.h>

#include "raft-glue/raft_group_internal.h"
#include "tests/unit/raft-glue/fixture_cluster.h"
#include "tests/unit/unit.h"

enum { VALUE = 500, BEFORE = 20, MEANWHILE = 100, STEPS = 12 };

static struct node *away;

static struct shard_stats stats_of(const struct node *node) {
    struct shard_stats stats;
    shard_stats_get(node->shard, &stats);
    return stats;
}

static void submit(struct cluster *cluster, int n) {
    for (int i = 0; i < n; i++)
        assert_int_equal(replica_submit_record(cluster_leader(cluster, 0), VALUE), ERR_NONE);
    cluster_run(cluster, cluster_agrees);
}

static struct partition_log *log_of(const struct node *node) {
    return raft_group_log(node->replicas[0].group);
}

/* All whole segments below that offset go, on every node that is there. */
static void drop_below(struct cluster *cluster, kafka_offset offset) {
    for (int i = 0; i < cluster->node_count; i++)
        if (cluster->nodes[i].open)
            partition_log_drop_prefix(log_of(&cluster->nodes[i]), offset, UINT64_MAX, 0);
}

static bool starts_have_moved(struct cluster *cluster) {
    for (int i = 0; i < cluster->node_count; i++)
        if (cluster->nodes[i].open &&
            partition_log_first_index(log_of(&cluster->nodes[i])) <= BEFORE + 3)
            return false;
    return true;
}

/* One is away, and the others let go of what it lacks. */
static int setup(void **state) {
    cluster_setup(state);
    struct cluster *cluster = *state;
    cluster->keeps_state = true;
    cluster->store_options.segment_bytes = 4096;
    cluster->options.heartbeat_ms = 50;
    cluster->options.election_timeout_ms = 250;
    cluster_start(cluster, 3, 1);
    cluster_run(cluster, cluster_all_lead);
    submit(cluster, BEFORE);
    away = &cluster->nodes[cluster_leader(cluster, 0)->node->id % 3];
    node_close(away);
    submit(cluster, MEANWHILE);
    drop_below(cluster, BEFORE + MEANWHILE / 2);
    cluster_run(cluster, starts_have_moved);
    return 0;
}

static void restart_all(struct cluster *cluster) {
    for (int i = 0; i < cluster->node_count; i++)
        if (cluster->nodes[i].open) node_close(&cluster->nodes[i]);
    for (int i = 0; i < cluster->node_count; i++)
        node_open(&cluster->nodes[i], false);
    cluster_run(cluster, cluster_all_lead);
}

static bool has_installed(struct cluster *cluster) {
    return cluster_agrees(cluster) && stats_of(away).snapshots_installed > 0;
}

/* It has all, and has it after a restart; and the log goes on. */
static void test_transfer_to_who_was_away(void **state) {
    struct cluster *cluster = *state;
    node_open(away, false);
    cluster_run(cluster, has_installed);
    assert_int_equal(stats_of(away).snapshots_installed, 1);
    assert_true(partition_log_first_index(log_of(away)) > BEFORE);
    submit(cluster, 10);
    restart_all(cluster);
    submit(cluster, 10);
    assert_int_equal(away->replicas[0].count,
                     partition_log_last_index(log_of(cluster_leader(cluster, 0)->node)));
}

/* Entries flow all the time, before, while and after it is given files (camunda 6092). */
static void test_transfer_beside_entries(void **state) {
    struct cluster *cluster = *state;
    node_open(away, false);
    for (int i = 0; i < 200 && stats_of(away).snapshots_installed == 0; i++) {
        struct replica *leader = cluster_leader(cluster, 0);
        if (leader != NULL) replica_submit_record(leader, VALUE);
        cluster_run_ms(cluster, 2);
    }
    cluster_run(cluster, has_installed);
    submit(cluster, 5);
}

/* The link breaks at every step (scylla 15222). */
static void test_transfer_over_broken_links(void **state) {
    struct cluster *cluster = *state;
    node_open(away, false);
    for (unsigned step = 0; step < STEPS; step++) {
        cluster_run_ms(cluster, 3 * step);
        for (int i = 0; i < cluster->node_count; i++)
            peers_break(shard_peers(away->shard), cluster->nodes[i].id, "the test wants it");
    }
    cluster_run(cluster, has_installed);
    submit(cluster, 5);
}

/* It ends at every step, and begins again with what its disk has. */
static void test_transfer_to_who_stops_and_starts(void **state) {
    struct cluster *cluster = *state;
    node_open(away, false);
    for (unsigned step = 0; step < STEPS; step++) {
        cluster_run_ms(cluster, 3 * step);
        node_close(away);
        node_open(away, false);
    }
    cluster_run(cluster, cluster_all_lead);
    cluster_run(cluster, cluster_agrees);
    submit(cluster, 5);
    restart_all(cluster);
    submit(cluster, 5);
}

/* The start of the log wants to move all the time: the transfer ends all the same, and then it
 * moves (cockroach 76215). */
static void test_transfer_beside_retention(void **state) {
    struct cluster *cluster = *state;
    uint64_t first = partition_log_first_index(log_of(cluster_leader(cluster, 0)->node));
    node_open(away, false);
    for (int i = 0; i < 200 && stats_of(away).snapshots_installed == 0; i++) {
        struct replica *leader = cluster_leader(cluster, 0);
        if (leader != NULL) replica_submit_record(leader, VALUE);
        drop_below(cluster, INT64_MAX);
        cluster_run_ms(cluster, 2);
    }
    cluster_run(cluster, has_installed);
    submit(cluster, 20);
    drop_below(cluster, INT64_MAX);
    cluster_run_ms(cluster, 50);
    assert_true(partition_log_first_index(log_of(cluster_leader(cluster, 0)->node)) > first);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, cluster_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_transfer_to_who_was_away),   TEST(test_transfer_beside_entries),
        TEST(test_transfer_over_broken_links), TEST(test_transfer_to_who_stops_and_starts),
        TEST(test_transfer_beside_retention),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
