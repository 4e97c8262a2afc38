/* Three voters over loopback, real files: elections, replication, catching up, fail-over, handing
 * over, confirmations. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/patience.h"
#include "tests/unit/raft-glue/fixture_cluster.h"
#include "tests/unit/unit.h"

static uint64_t wanted; /* index */
static size_t watched;  /* group */
static struct replica *old_leader;

static bool leader_applied(struct cluster *cluster) {
    const struct replica *leader = cluster_leader(cluster, watched);
    return leader != NULL && leader->count >= wanted;
}
static bool has_other_leader(struct cluster *cluster) {
    const struct replica *leader = cluster_leader(cluster, watched);
    return leader != NULL && leader != old_leader;
}

/* Every entry that is submitted while the leader takes it; the last one's index is `wanted`. */
static void submit_all(struct cluster *cluster, size_t group, int n, size_t len) {
    char *block = calloc(1, len);
    watched = group;
    for (int i = 0; i < n; i++) {
        struct replica *leader = cluster_leader(cluster, group);
        assert_non_null(leader);
        memcpy(block, &i, sizeof i);
        while (replica_submit(leader, block, len, &wanted) == ERR_LIMIT)
            cluster_run_ms(cluster, 2);
    }
    free(block);
}

/* Three brokers elect one leader soon after they see each other; what it takes, all three are
 * given, the same and in order. */
static void test_cluster_replicates(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 3, 1);
    uint64_t start = env_now_ms(cluster->env);
    cluster_run(cluster, cluster_all_lead);
    assert_true(
        is_within_ms(env_now_ms(cluster->env) - start, 900)); /* long before an election timeout */
    submit_all(cluster, 0, 2000, 1000);
    cluster_run(cluster, leader_applied);
    cluster_run(cluster, cluster_agrees);
    assert_int_equal(cluster_leader(cluster, 0)->data, 2000);
    const struct replica *leader = cluster_leader(cluster, 0);
    for (uint64_t replica = 100; replica < 103; replica++)
        assert_true(raft_group_member_in_sync(leader->group, replica));
    struct shard_stats stats;
    shard_stats_get(leader->node->shard, &stats);
    assert_int_equal(stats.entries_sent, 2 * (2000 + 1)); /* each once to each, with the barrier */
}

static uint64_t count_of(const struct buckets *buckets) {
    uint64_t count = 0;
    for (int i = 0; i <= BUCKETS_MAX; i++)
        count += buckets->counts[i];
    return count;
}

static uint64_t count_wanted;

static bool has_so_many(struct cluster *cluster) {
    const struct replica *leader = cluster_leader(cluster, 0);
    return leader != NULL && leader->count >= count_wanted;
}

/* Of an entry with batches its time is told: until our own disk has it, until a majority has. */
static void test_cluster_tells_where_time_goes(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 3, 1);
    cluster_run(cluster, cluster_all_lead);
    submit_all(cluster, 0, 10, 1000);
    cluster_run(cluster, cluster_agrees);
    struct replica *leader = cluster_leader(cluster, 0);
    struct shard_stats stats;
    shard_stats_get(leader->node->shard, &stats);
    assert_int_equal(count_of(&stats.journal_us), 0);
    count_wanted = leader->count + 1;
    assert_int_equal(replica_submit_record(leader, 100), ERR_NONE);
    cluster_run(cluster, has_so_many);
    shard_stats_get(leader->node->shard, &stats);
    assert_int_equal(count_of(&stats.journal_us), 1);
    assert_int_equal(count_of(&stats.quorum_us), 1);
    assert_true(stats.journal_us.sum + stats.quorum_us.sum > 0);
}

/* With a small window and large entries everything still arrives, through disk reads when memory no
 * longer has it. */
static void test_cluster_catches_up_from_disk(void **state) {
    struct cluster *cluster = *state;
    cluster->options.peer_window_bytes = 300000;
    cluster_start(cluster, 3, 1);
    cluster_run(cluster, cluster_all_lead);
    struct node *away =
        &cluster->nodes[cluster_leader(cluster, 0)->node == &cluster->nodes[0] ? 1 : 0];
    node_close(away);
    submit_all(cluster, 0, 400, 50000);
    cluster_run(cluster, leader_applied);
    node_open(away, false);
    cluster_run(cluster, cluster_agrees);
    assert_int_equal(away->replicas[0].data, 400);
}

/* The leader's process dies: another one leads before an election timeout is over, with everything
 * that was committed. */
static void test_cluster_fast_failover(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 3, 1);
    cluster_run(cluster, cluster_all_lead);
    for (int round = 0; round < 4; round++) {
        submit_all(cluster, 0, 100, 100);
        cluster_run(cluster, leader_applied);
        old_leader = cluster_leader(cluster, 0);
        uint64_t committed = old_leader->data, start = env_now_ms(cluster->env);
        node_close(old_leader->node);
        cluster_run(cluster, has_other_leader);
        uint64_t gap = env_now_ms(cluster->env) - start;
        print_message("fail-over %d took %d ms\n", round, (int)gap);
        assert_in_range(gap, 0,
                        cluster->options.election_timeout_ms -
                            100); /* no timer of the engine is so early */
        assert_true(cluster_leader(cluster, 0)->data >= committed);
        node_open(old_leader->node, false);
        cluster_run(cluster, cluster_agrees);
    }
}

static void count_leads(struct cluster *cluster, int led[NODES_MAX]) {
    memset(led, 0, NODES_MAX * sizeof *led);
    for (size_t g = 0; g < GROUPS_MAX; g++)
        led[cluster_leader(cluster, g)->node->id - 1]++;
}

/* Many groups: they spread, share frames, and survive the death of one broker all at once; one that
 * is back leads again after the next death, so that no broker ends up leading everything. */
static void test_cluster_many_groups(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 3, GROUPS_MAX);
    cluster_run(cluster, cluster_all_lead);
    int led[NODES_MAX];
    count_leads(cluster, led);
    for (int i = 0; i < 3; i++)
        assert_true(led[i] > 0);
    for (size_t g = 0; g < GROUPS_MAX; g++)
        submit_all(cluster, g, 10, 500);
    cluster_run(cluster, cluster_agrees);
    uint64_t start = env_now_ms(cluster->env);
    node_close(&cluster->nodes[0]);
    cluster_run(cluster, cluster_all_lead);
    print_message("all groups led again after %d ms\n", (int)(env_now_ms(cluster->env) - start));
    assert_true(is_within_ms(env_now_ms(cluster->env) - start, 500));
    for (size_t g = 0; g < GROUPS_MAX; g++)
        submit_all(cluster, g, 10, 500);
    node_open(&cluster->nodes[0], false);
    cluster_run(cluster, cluster_agrees);
    count_leads(cluster, led);
    assert_int_equal(led[0], 0);
    int moving = led[1];
    node_close(&cluster->nodes[1]);
    cluster_run(cluster, cluster_all_lead);
    count_leads(cluster, led);
    assert_in_range(led[0], moving / 2 + 1, moving);
}

static bool drained;
static void on_drained(void *arg) {
    (void)arg;
    drained = true;
}
static bool is_drained(struct cluster *cluster) {
    return (void)cluster, drained;
}
static bool others_lead(struct cluster *cluster) {
    for (size_t g = 0; g < cluster->group_count; g++) {
        const struct replica *leader = cluster_leader(cluster, g);
        if (leader == NULL || leader->node == &cluster->nodes[0]) return false;
    }
    return true;
}

/* The first node takes nothing any more for what it leads: it hands over, or has done so. */
static bool first_refuses(struct cluster *cluster) {
    for (size_t g = 0; g < cluster->group_count; g++) {
        struct replica *replica = &cluster->nodes[0].replicas[g];
        uint64_t index;
        if (!replica->leading) continue;
        int error = replica_submit(replica, "x", 1, &index);
        if (error == ERR_NONE) return false;
        assert_int_equal(error, ERR_NOT_LEADER);
    }
    return true;
}

/* A clean stop hands every leadership over, quickly, and submits are refused meanwhile. */
static void test_cluster_hands_over(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 3, 8);
    cluster_run(cluster, cluster_all_lead);
    for (size_t g = 0; g < 8; g++)
        submit_all(cluster, g, 20, 5000);
    uint64_t start = env_now_ms(cluster->env);
    drained = false;
    shard_transfer_all(cluster->nodes[0].shard, 3000, on_drained, NULL);
    cluster_run(cluster, first_refuses);
    cluster_run(cluster, is_drained);
    cluster_run(cluster, others_lead);
    print_message("handed over in %d ms\n", (int)(env_now_ms(cluster->env) - start));
    assert_true(is_within_ms(env_now_ms(cluster->env) - start, 500));
    cluster_run(cluster, cluster_agrees);
}

static unsigned drained_count;
static void on_one_drained(void *arg) {
    (void)arg;
    drained_count++;
}
static bool all_are_drained(struct cluster *cluster) {
    return drained_count == (unsigned)cluster->node_count;
}
static bool two_are_drained(struct cluster *cluster) {
    return (void)cluster, drained_count == 2;
}
static bool third_leads_all(struct cluster *cluster) {
    for (size_t g = 0; g < cluster->group_count; g++)
        if (!cluster->nodes[2].replicas[g].leading) return false;
    return true;
}

/* Brokers that stop together hand nothing to each other: no leadership moves, nobody stands for
 * election, and it is over at once. */
static void test_cluster_all_stop(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 3, 8);
    cluster_run(cluster, cluster_all_lead);
    cluster_run(cluster, cluster_agrees);
    uint32_t terms[8];
    for (size_t g = 0; g < 8; g++)
        terms[g] = cluster_leader(cluster, g)->term;
    uint64_t start = env_now_ms(cluster->env);
    drained_count = 0;
    for (int i = 0; i < 3; i++)
        shard_transfer_all(cluster->nodes[i].shard, 3000, on_one_drained, NULL);
    cluster_run(cluster, all_are_drained);
    assert_true(is_within_ms(env_now_ms(cluster->env) - start, 1000));
    cluster_run_ms(cluster, 100); /* what was on the way has arrived */
    for (size_t g = 0; g < 8; g++)
        for (int i = 0; i < 3; i++)
            assert_int_equal(raft_group_term(cluster->nodes[i].replicas[g].group), terms[g]);
}

/* Of three brokers two stop: the third gets everything, in one step each. */
static void test_cluster_two_stop(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 3, 8);
    cluster_run(cluster, cluster_all_lead);
    cluster_run(cluster, cluster_agrees);
    uint32_t terms[8];
    for (size_t g = 0; g < 8; g++)
        terms[g] = cluster_leader(cluster, g)->term;
    drained_count = 0;
    shard_transfer_all(cluster->nodes[0].shard, 3000, on_one_drained, NULL);
    shard_transfer_all(cluster->nodes[1].shard, 3000, on_one_drained, NULL);
    cluster_run(cluster, two_are_drained);
    cluster_run(cluster, third_leads_all);
    for (size_t g = 0; g < 8; g++)
        assert_in_range(cluster_leader(cluster, g)->term, terms[g], terms[g] + 1);
}

static int confirmed;
static void on_confirmed(struct raft_group_read_index *confirm, int error) {
    (void)confirm;
    confirmed = error;
}
static bool is_confirmed(struct cluster *cluster) {
    return (void)cluster, confirmed != -1;
}

/* A majority confirms a leader; alone it can not, and says so within some election timeouts; and it
 * steps down. */
static void test_cluster_confirms(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 3, 1);
    cluster_run(cluster, cluster_all_lead);
    struct replica *leader = cluster_leader(cluster, 0);
    struct raft_group_read_index confirm = {.done = on_confirmed};
    confirmed = -1;
    raft_group_read_index(leader->group, &confirm);
    cluster_run(cluster, is_confirmed);
    assert_int_equal(confirmed, ERR_NONE);
    for (int i = 0; i < 3; i++)
        if (leader->node != &cluster->nodes[i]) node_close(&cluster->nodes[i]);
    confirmed = -1;
    raft_group_read_index(leader->group, &confirm);
    cluster_run(cluster, is_confirmed);
    assert_true(confirmed == ERR_TIMEOUT || confirmed == ERR_NOT_LEADER);
    cluster_run_ms(cluster, 1500);
    assert_false(raft_group_is_leading(leader->group));
    assert_int_equal(leader->times_lost, 1);
}

/* Every broker dies at once under load; what was committed is there when they are back. */
static void test_cluster_all_die(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 3, 4);
    for (int round = 0; round < 3; round++) {
        cluster_run(cluster, cluster_all_lead);
        uint64_t committed[4];
        for (size_t g = 0; g < 4; g++)
            submit_all(cluster, g, 50, 2000);
        cluster_run_ms(cluster, 5);
        for (size_t g = 0; g < 4; g++) {
            committed[g] = 0;
            for (int i = 0; i < 3; i++)
                if (cluster->nodes[i].replicas[g].count > committed[g])
                    committed[g] = cluster->nodes[i].replicas[g].count;
        }
        for (int i = 0; i < 3; i++)
            node_close(&cluster->nodes[i]);
        for (int i = 0; i < 3; i++)
            node_open(&cluster->nodes[i], false);
        cluster_run(cluster, cluster_agrees);
        for (size_t g = 0; g < 4; g++)
            assert_true(cluster_leader(cluster, g)->count >= committed[g]);
    }
}

/* Small budgets everywhere: entries wait, bulk connections are paused and resumed, and nothing is
 * stuck or lost. */
static void test_cluster_small_budgets(void **state) {
    struct cluster *cluster = *state;
    cluster->options.peers.entry_budget = 64 << 10;
    cluster->options.peers.queue_limit = 32 << 10;
    cluster->options.uncommitted_bytes = 200 << 10;
    cluster->options.group_uncommitted_bytes = 100 << 10;
    cluster->options.peer_window_bytes = 48 << 10;
    cluster_start(cluster, 3, 4);
    cluster_run(cluster, cluster_all_lead);
    for (size_t g = 0; g < 4; g++)
        submit_all(cluster, g, 100, 20000);
    cluster_run(cluster, cluster_agrees);
    struct node *away = &cluster->nodes[1];
    node_close(away);
    cluster_run(cluster, cluster_all_lead);
    for (size_t g = 0; g < 4; g++)
        submit_all(cluster, g, 100, 20000);
    node_open(away, false);
    cluster_run(cluster, cluster_agrees);
    for (size_t g = 0; g < 4; g++)
        assert_int_equal(away->replicas[g].data, 200);
}

static bool all_applied(struct cluster *cluster) {
    for (int i = 0; i < cluster->node_count; i++)
        if (cluster->nodes[i].replicas[0].count < wanted) return false;
    return true;
}

/* A group that is eager: its followers hear of a commit long before the next heartbeat. */
static void test_cluster_eager_commit(void **state) {
    struct cluster *cluster = *state;
    cluster->eager = true;
    cluster->options.heartbeat_ms = 800;
    cluster->options.election_timeout_ms = 3000;
    cluster_start(cluster, 3, 1);
    cluster_run(cluster, cluster_all_lead);
    cluster_run(cluster, cluster_agrees);
    uint64_t start = env_now_ms(cluster->env);
    for (int i = 0; i < 10; i++) {
        submit_all(cluster, 0, 1, 10);
        cluster_run(cluster, all_applied);
    }
    assert_true(is_within_ms(env_now_ms(cluster->env) - start,
                             2000)); /* half a heartbeat each would be 4000 */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cluster_replicates, cluster_setup, cluster_teardown),
        cmocka_unit_test_setup_teardown(test_cluster_tells_where_time_goes, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_cluster_catches_up_from_disk, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_cluster_fast_failover, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_cluster_many_groups, cluster_setup, cluster_teardown),
        cmocka_unit_test_setup_teardown(test_cluster_hands_over, cluster_setup, cluster_teardown),
        cmocka_unit_test_setup_teardown(test_cluster_all_stop, cluster_setup, cluster_teardown),
        cmocka_unit_test_setup_teardown(test_cluster_two_stop, cluster_setup, cluster_teardown),
        cmocka_unit_test_setup_teardown(test_cluster_confirms, cluster_setup, cluster_teardown),
        cmocka_unit_test_setup_teardown(test_cluster_all_die, cluster_setup, cluster_teardown),
        cmocka_unit_test_setup_teardown(test_cluster_small_budgets, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_cluster_eager_commit, cluster_setup, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
