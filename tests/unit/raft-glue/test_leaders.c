/* First leaders are where they were placed, whichever broker opens first; and a planned transfer of
 * the lead is short. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/patience.h"
#include "tests/unit/raft-glue/fixture_cluster.h"
#include "tests/unit/unit.h"

enum { GROUPS = 24 };

static bool all_linked(struct cluster *cluster) {
    for (int i = 0; i < cluster->node_count; i++)
        for (int j = 0; j < cluster->node_count; j++)
            if (i != j && !peers_is_up(shard_peers(cluster->nodes[i].shard), cluster->nodes[j].id))
                return false;
    return true;
}

/* Three brokers that are connected and have no group yet. */
static void start_without_groups(struct cluster *cluster) {
    cluster_start(cluster, 3, 0);
    cluster_run(cluster, all_linked);
    cluster->group_count = GROUPS;
}

static void expect_leaders_as_placed(struct cluster *cluster) {
    for (size_t g = 0; g < GROUPS; g++) {
        const struct replica *leader = cluster_leader(cluster, g);
        assert_non_null(leader);
        assert_int_equal(leader->node->id - 1, g % 3);
        assert_in_range(leader->term, 2,
                        4); /* a slow machine may take a try or two; nobody else stood */
    }
}

/* The brokers open the groups one after the other, each long after the one before: longer than an
 * election timeout, and its double. */
static void test_leaders_as_placed_whoever_opens_first(void **state) {
    struct cluster *cluster = *state;
    cluster->options.election_timeout_ms = 300;
    cluster->options.heartbeat_ms = 50;
    static const int orders[] = {1, 2, 0};
    start_without_groups(cluster);
    for (int i = 0; i < 3; i++) {
        node_open_groups(&cluster->nodes[orders[i]], true);
        if (i < 2) cluster_run_ms(cluster, 700);
    }
    uint64_t start = env_now_ms(cluster->env);
    cluster_run(cluster, cluster_all_lead);
    print_message("all are led %d ms after the last one opened\n",
                  (int)(env_now_ms(cluster->env) - start));
    assert_true(is_within_ms(env_now_ms(cluster->env) - start, 1000));
    expect_leaders_as_placed(cluster);
}

static bool others_lead_all(struct cluster *cluster) {
    for (size_t g = 0; g < GROUPS; g++)
        if (cluster_leader(cluster, g) == NULL) return false;
    return true;
}

/* The one that is to lead first never opens its groups: the others wait, but not for ever, and not
 * once its broker is gone. */
static void test_leaders_first_one_cannot_open(void **state) {
    struct cluster *cluster = *state;
    cluster->options.election_timeout_ms = 150;
    cluster->options.heartbeat_ms = 30;
    start_without_groups(cluster);
    uint64_t start = env_now_ms(cluster->env);
    node_open_groups(&cluster->nodes[1], true);
    node_open_groups(&cluster->nodes[2], true);
    cluster_run(cluster, others_lead_all);
    uint64_t took = env_now_ms(cluster->env) - start;
    assert_true(took >= 10 * 150 && is_within_ms(took, 10 * 150 + 8000));
    node_open_groups(&cluster->nodes[0], true);
    cluster_run(cluster, cluster_agrees);
}

static void test_leaders_first_one_dies(void **state) {
    struct cluster *cluster = *state;
    start_without_groups(cluster);
    node_open_groups(&cluster->nodes[1], true);
    node_open_groups(&cluster->nodes[2], true);
    cluster_run_ms(cluster, 100);
    uint64_t start = env_now_ms(cluster->env);
    cluster->group_count = 0; /* it has opened none */
    node_close(&cluster->nodes[0]);
    cluster->group_count = GROUPS;
    cluster_run(cluster, others_lead_all);
    assert_true(is_within_ms(env_now_ms(cluster->env) - start, 4000));
    node_open(&cluster->nodes[0], true);
    cluster_run(cluster, cluster_agrees);
}

/* ---- Planned transfers ---- */

static int ended;
static void on_transfer(struct raft_group_transfer *transfer, int error) {
    (void)transfer;
    ended = error;
}
static bool has_ended(struct cluster *cluster) {
    return (void)cluster, ended != -1;
}

/* The lead goes round under load: nothing is lost, each takes it over within a few ms, and what the
 * leader does not take for the moment is refused so that it may be offered again. */
static void test_leaders_transfer_under_load(void **state) {
    struct cluster *cluster = *state;
    char block[2000] = {0};
    uint64_t index, longest = 0, taken = 0;
    int given_up = 0;
    cluster_start(cluster, 3, 1);
    cluster_run(cluster, cluster_all_lead);
    cluster_run(cluster, cluster_agrees);
    for (int round = 0; round < 20; round++) {
        struct replica *leader = cluster_leader(cluster, 0);
        uint32_t term = leader->term;
        uint64_t target = 100 + (uint64_t)(leader->node->id % 3);
        struct raft_group_transfer transfer = {.done = on_transfer}, second = {.done = on_transfer};
        for (int i = 0; i < 20; i++)
            taken += replica_submit(leader, block, sizeof block, &index) == ERR_NONE;
        cluster_run(cluster, cluster_agrees);
        taken += replica_submit(leader, block, sizeof block, &index) == ERR_NONE;
        ended = -1;
        uint64_t start = env_now_us(cluster->env);
        assert_int_equal(raft_group_transfer_begin(leader->group, &transfer, target), ERR_NONE);
        assert_int_equal(raft_group_transfer_begin(leader->group, &second, target), ERR_LIMIT);
        while (ended == -1 || cluster_leader(cluster, 0) == NULL) {
            assert_in_range(env_now_us(cluster->env) - start, 0, 20 * 1000 * 1000); /* it hangs */
            if (leader->leading) {
                int error = replica_submit(leader, block, sizeof block, &index);
                assert_true(error == ERR_NONE || error == ERR_LIMIT || error == ERR_NOT_LEADER);
            }
            cluster_run_ms(cluster, 1);
        }
        uint64_t took = env_now_us(cluster->env) - start;
        if (ended ==
            ERR_TIMEOUT) { /* the machine stood still for an election timeout: the leader goes on */
            given_up++;
            cluster_run(cluster, cluster_agrees);
            continue;
        }
        longest = took > longest ? took : longest;
        assert_int_equal(ended, ERR_NONE);
        assert_int_equal(cluster_leader(cluster, 0)->node->id, leader->node->id % 3 + 1);
        assert_int_equal(cluster_leader(cluster, 0)->term, term + 1); /* one election */
    }
    print_message("the longest of 20 transfers took %.1f ms\n", (double)longest / 1000);
    assert_in_range(given_up, 0, 2);
    assert_in_range(longest, 0, 200000); /* no timer is so early but that of a fail-over */
    cluster_run(cluster, cluster_agrees);
    assert_true(cluster_leader(cluster, 0)->data >= taken);
}

/* To a replica that is away, that is no voter, that leads, or that lags, nothing is transferred;
 * and the leader goes on. */
static void test_leaders_transfer_is_refused(void **state) {
    struct cluster *cluster = *state;
    char block[2000] = {0};
    uint64_t index;
    cluster_start(cluster, 3, 1);
    cluster_run(cluster, cluster_all_lead);
    cluster_run(cluster, cluster_agrees);
    struct replica *leader = cluster_leader(cluster, 0);
    struct node *other = &cluster->nodes[leader->node->id % 3],
                *away = &cluster->nodes[(leader->node->id + 1) % 3];
    struct raft_group_transfer transfer = {.done = on_transfer};
    assert_int_equal(raft_group_transfer_begin(leader->group, &transfer, 999), ERR_INVALID);
    assert_int_equal(
        raft_group_transfer_begin(leader->group, &transfer, 100 + (uint64_t)leader->node->id - 1),
        ERR_INVALID);
    assert_int_equal(raft_group_transfer_begin(other->replicas[0].group, &transfer, 100),
                     ERR_NOT_LEADER);
    node_close(away);
    cluster_run_ms(cluster, 50);
    assert_int_equal(
        raft_group_transfer_begin(leader->group, &transfer, 100 + (uint64_t)away->id - 1),
        ERR_AGAIN);
    assert_int_equal(replica_submit(leader, block, sizeof block, &index), ERR_NONE);
    node_open(away, false);
    cluster_run(cluster, cluster_agrees);
    assert_true(cluster_leader(cluster, 0) == leader);
}

/* The target dies when it is about to take over: the leader goes on in its term, after its time is
 * over at the latest. */
static void test_leaders_transfer_target_dies(void **state) {
    struct cluster *cluster = *state;
    char block[2000] = {0};
    uint64_t index;
    cluster_start(cluster, 3, 1);
    cluster_run(cluster, cluster_all_lead);
    cluster_run(cluster, cluster_agrees);
    struct replica *leader = cluster_leader(cluster, 0);
    struct node *target = &cluster->nodes[leader->node->id % 3];
    struct raft_group_transfer transfer = {.done = on_transfer};
    ended = -1;
    assert_int_equal(
        raft_group_transfer_begin(leader->group, &transfer, 100 + (uint64_t)target->id - 1),
        ERR_NONE);
    node_close(target);
    cluster_run(cluster, has_ended);
    assert_int_equal(ended, ERR_TIMEOUT);
    assert_true(leader->leading);
    assert_int_equal(replica_submit(leader, block, sizeof block, &index), ERR_NONE);
    node_open(target, false);
    cluster_run(cluster, cluster_agrees);
}

/* The target has everything, is connected, and does not stand, because of its disk or of what is
 * wrong with its group: it is asked once, and the leader takes entries again when the engine has
 * given up. */
static void transfer_to_deaf_target(struct cluster *cluster) {
    char block[2000] = {0};
    uint64_t index;
    struct replica *leader = cluster_leader(cluster, 0);
    struct node *target = &cluster->nodes[leader->node->id % 3];
    struct raft_group_transfer transfer = {.done = on_transfer};
    ended = -1;
    assert_int_equal(
        raft_group_transfer_begin(leader->group, &transfer, 100 + (uint64_t)target->id - 1),
        ERR_NONE);
    raft_group_close(target->replicas[0].group);
    cluster->group_count = 0; /* it has none to close */
    uint64_t start = env_now_ms(cluster->env);
    cluster_run(cluster, has_ended);
    uint64_t took = env_now_ms(cluster->env) - start;
    bool leads = leader->leading;
    int error = replica_submit(leader, block, sizeof block, &index);
    node_close(target);
    cluster->group_count = 1;
    node_open(target, false);
    print_message("it was given up after %d ms\n", (int)took);
    assert_int_equal(ended, ERR_TIMEOUT);
    assert_true(leads);
    assert_int_equal(error, ERR_NONE);
    /* sooner when the target's last acknowledgement was still on its way: then it was not asked at
     * all */
    assert_true(took >= 2 * cluster->options.failover_ms && is_within_ms(took, 10000));
    cluster_run(cluster, cluster_agrees);
}

static void test_leaders_transfer_target_is_deaf(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 3, 1);
    cluster_run(cluster, cluster_all_lead);
    cluster_run(cluster, cluster_agrees);
    for (int round = 0; round < 2; round++)
        transfer_to_deaf_target(cluster);
}

static bool second_hears_the_leader(struct cluster *cluster) {
    const struct replica *second = &cluster->nodes[1].replicas[0];
    return second->leader != 0 && second->count > 0 && !raft_group_leader_is_silent(second->group);
}

static bool second_hears_nobody(struct cluster *cluster) {
    return raft_group_leader_is_silent(cluster->nodes[1].replicas[0].group);
}

static uint64_t hears_until_ms;

static bool second_hears_on(struct cluster *cluster) {
    assert_false(second_hears_nobody(cluster));
    return env_now_ms(cluster->env) >= hears_until_ms;
}

/* A stand-by never forgets the last leader, and hears it while the group is quiet; that it hears
 * nothing of it any more it does know, although the other broker lives, and the link. */
static void test_leaders_stand_by_hears_nothing(void **state) {
    struct cluster *cluster = *state;
    cluster->voters = 1;
    cluster_start(cluster, 2, 1);
    cluster_run(cluster, cluster_all_lead);
    struct replica *leader = cluster_leader(cluster, 0);
    replica_id second = 101;
    assert_int_equal(raft_group_change(leader->group, RAFT_GROUP_ADD, second), ERR_NONE);
    cluster_run(cluster, second_hears_the_leader);
    hears_until_ms = env_now_ms(cluster->env) + 3000;
    cluster_run(cluster, second_hears_on);
    raft_group_stop(leader->group, "the test says so");
    cluster_run(cluster, second_hears_nobody);
    assert_true(peers_is_up(shard_peers(cluster->nodes[1].shard), 1));
    assert_int_not_equal(cluster->nodes[1].replicas[0].leader, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_leaders_as_placed_whoever_opens_first, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_leaders_first_one_cannot_open, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_leaders_first_one_dies, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_leaders_transfer_under_load, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_leaders_transfer_is_refused, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_leaders_transfer_target_dies, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_leaders_stand_by_hears_nothing, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_leaders_transfer_target_is_deaf, cluster_setup,
                                        cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
