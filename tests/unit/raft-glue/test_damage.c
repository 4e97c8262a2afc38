/* Damage in a replica's segments: who leads then, who gets the damaged range, and what becomes of a
 * group in which nobody is whole. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "raft-glue/raft_group_internal.h"
#include "tests/unit/patience.h"
#include "tests/unit/raft-glue/fixture_cluster.h"
#include "tests/unit/unit.h"

enum { RECORDS = 300, RECORD_BYTES = 10000 };

static bool is_flushed;
static void on_flushed(void *arg) {
    (void)arg;
    is_flushed = true;
}
static bool flushed(struct cluster *cluster) {
    return (void)cluster, is_flushed;
}

static void submit_many(struct cluster *cluster) {
    char block[RECORD_BYTES];
    uint64_t index;
    for (int i = 0; i < RECORDS; i++) {
        struct replica *leader = cluster_leader(cluster, 0);
        assert_non_null(leader);
        memset(block, i, sizeof block);
        assert_int_equal(replica_submit(leader, block, sizeof block, &index), ERR_NONE);
        if (i % 20 == 19) cluster_run(cluster, cluster_agrees);
    }
    for (int i = 0; i < cluster->node_count; i++) {
        if (!cluster->nodes[i].open) continue;
        is_flushed = false;
        log_store_flush(cluster->nodes[i].store, on_flushed, NULL);
        cluster_run(cluster, flushed);
    }
}

/* Three replicas with a dozen segments each. */
static void start(struct cluster *cluster, uint32_t heartbeat_ms) {
    cluster->options.election_timeout_ms = 6 * heartbeat_ms;
    cluster->options.heartbeat_ms = heartbeat_ms;
    cluster_start(cluster, 3, 1);
    cluster_run(cluster, cluster_all_lead);
    submit_many(cluster);
}

static void damage(const struct node *node, off_t position) {
    char path[256];
    uint8_t byte;
    snprintf(path, sizeof path, "%s/groups/%016x/%020d.log", node->dir, 1, 0);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, position), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, position), 1);
    close(fd);
}

static bool read_over;
static int read_error;
static void on_read(struct partition_log_read *read, int error) {
    read_over = true;
    read_error = error;
    if (error == ERR_NONE) partition_log_read_release(read);
}
static bool read_is_over(struct cluster *cluster) {
    return (void)cluster, read_over;
}

/* Reads one entry after the other, as consumers do. Returns the error that ended it. */
static int read_first_segment(struct cluster *cluster, struct replica *replica) {
    read_error = ERR_NONE;
    for (uint64_t i = 1; i <= 20 && read_error == ERR_NONE; i++) {
        struct partition_log_read read = {.done = on_read};
        read_over = false;
        if (!partition_log_read(raft_group_log(replica->group), i, i, 1, &read))
            cluster_run(cluster, read_is_over);
    }
    return read_error;
}

static int was_led_by;
static bool somebody_else_leads(struct cluster *cluster) {
    const struct replica *leader = cluster_leader(cluster, 0);
    return leader != NULL && leader->node->id != was_led_by;
}

/* A leader in whose segments a read meets damage hands over at once; it counts for commits, and for
 * nothing else. */
static void test_damage_leader_hands_over(void **state) {
    struct cluster *cluster = *state;
    start(cluster, 1000);
    struct replica *damaged = cluster_leader(cluster, 0);
    uint64_t id = 100 + (uint64_t)damaged->node->id - 1;
    was_led_by = damaged->node->id;
    damage(damaged->node, 30000);
    uint64_t start_ms = env_now_ms(cluster->env);
    assert_int_equal(read_first_segment(cluster, damaged), ERR_CORRUPT);
    assert_true(partition_log_is_damaged(raft_group_log(damaged->group)));
    cluster_run(cluster, somebody_else_leads);
    print_message("the lead moved within %d ms\n", (int)(env_now_ms(cluster->env) - start_ms));
    assert_true(
        is_within_ms(env_now_ms(cluster->env) - start_ms, 2000)); /* not after a try that failed */
    struct shard_stats stats;
    shard_stats_get(damaged->node->shard, &stats);
    assert_int_equal(stats.damaged_files, 1);
    assert_int_equal(stats.left_for_damage, 1);
    submit_many(cluster); /* committed everywhere */
    struct replica *leader = cluster_leader(cluster, 0);
    assert_int_not_equal(leader->node->id, was_led_by);
    assert_false(raft_group_member_in_sync(leader->group, id));
    struct raft_group_transfer transfer = {.done = NULL};
    assert_int_equal(raft_group_transfer_begin(leader->group, &transfer, id), ERR_AGAIN);
    assert_int_equal(read_first_segment(cluster, leader), ERR_NONE);
}

/* When the leader dies the replica without damage is elected, time and again. */
static void test_damage_is_not_elected(void **state) {
    struct cluster *cluster = *state;
    start(cluster, 50);
    struct replica *leader = cluster_leader(cluster, 0);
    struct node *damaged = &cluster->nodes[leader->node->id % 3];
    damage(damaged, 30000);
    assert_int_equal(read_first_segment(cluster, &damaged->replicas[0]), ERR_CORRUPT);
    for (int round = 0; round < 4; round++) {
        struct node *node = cluster_leader(cluster, 0)->node;
        was_led_by = node->id;
        node_close(node);
        cluster_run(cluster, somebody_else_leads);
        assert_int_not_equal(cluster_leader(cluster, 0)->node->id, damaged->id);
        node_open(node, false);
        cluster_run(cluster, cluster_agrees);
    }
}

/* A follower that needs the damaged range makes the leader find it, and gets it from the next one.
 */
static void test_damage_in_what_a_follower_needs(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 3, 1);
    cluster_run(cluster, cluster_all_lead);
    cluster_run(cluster, cluster_agrees);
    struct node *leader = cluster_leader(cluster, 0)->node;
    struct node *away = &cluster->nodes[leader->id % 3];
    node_close(away);
    submit_many(cluster);
    damage(leader, 100000);
    was_led_by = leader->id;
    node_open(away, false);
    cluster_run(cluster, somebody_else_leads);
    cluster_run(cluster, cluster_agrees);
    assert_int_equal(away->replicas[0].data, RECORDS);
}

static bool same_commit(struct cluster *cluster) {
    const struct replica *leader = cluster_leader(cluster, 0);
    for (int i = 0; leader != NULL && i < 3; i++)
        if (raft_group_commit_index(cluster->nodes[i].replicas[0].group) <
            raft_group_commit_index(leader->group))
            return false;
    return leader != NULL;
}

/* Nobody is whole: somebody leads all the same, after a while, and new entries are committed. */
static void test_damage_everywhere(void **state) {
    struct cluster *cluster = *state;
    start(cluster, 50);
    for (int i = 0; i < 3; i++) {
        damage(&cluster->nodes[i], 30000 + 20000 * i);
        assert_int_equal(read_first_segment(cluster, &cluster->nodes[i].replicas[0]), ERR_CORRUPT);
    }
    cluster_run_ms(cluster, 300);
    struct node *node = cluster_leader(cluster, 0)->node;
    was_led_by = node->id;
    node_close(node);
    uint64_t start_ms = env_now_ms(cluster->env);
    cluster_run(cluster, somebody_else_leads);
    print_message("somebody leads after %d ms\n", (int)(env_now_ms(cluster->env) - start_ms));
    submit_many(cluster);
    node_open(node, false); /* it cannot apply what it has, and acknowledges all the same */
    cluster_run(cluster, same_commit);
}

static uint64_t id_from(struct raft_group *(*next)(const struct shard *shard, uint64_t from),
                        const struct shard *shard, uint64_t from) {
    const struct raft_group *group = next(shard, from);
    return group != NULL ? raft_group_id(group) : 0;
}

/* Whoever passes over groups gets them in the order of their ids, however they came and went; also
 * those that are damaged. */
static void test_damage_is_met_in_order(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 1, 5);
    cluster_run(cluster, cluster_all_lead);
    submit_many(cluster);
    struct node *node = &cluster->nodes[0];
    struct shard *shard = node->shard;
    for (uint64_t from = 0; from < 7; from++)
        assert_int_equal(id_from(shard_group_from, shard, from), from > 5   ? 0
                                                                 : from > 0 ? from
                                                                            : 1);
    static const uint64_t leaving[] = {3, 1, 4};
    struct raft_group *left[3];
    for (size_t i = 0; i < 3; i++) {
        left[i] = shard_group(shard, leaving[i]);
        ids_row_remove(&shard->row, left[i]);
    }
    assert_int_equal(id_from(shard_group_from, shard, 0), 2);
    assert_int_equal(id_from(shard_group_from, shard, 3), 5);
    for (size_t i = 0; i < 3; i++)
        ids_row_add(&shard->row, left[i]);
    assert_int_equal(id_from(shard_group_from, shard, 3), 3);
    assert_int_equal(id_from(shard_damaged_from, shard, 0), 0);
    damage(node, 30000);
    assert_int_equal(read_first_segment(cluster, &node->replicas[0]), ERR_CORRUPT);
    assert_int_equal(id_from(shard_damaged_from, shard, 0), 1);
    assert_int_equal(id_from(shard_damaged_from, shard, 2), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_damage_is_met_in_order, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_damage_leader_hands_over, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_damage_is_not_elected, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_damage_in_what_a_follower_needs, cluster_setup,
                                        cluster_teardown),
        cmocka_unit_test_setup_teardown(test_damage_everywhere, cluster_setup, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
