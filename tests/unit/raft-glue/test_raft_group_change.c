/* Changes of a group's configuration: one step at a time, on every replica, kept over restarts, and
 * whose majority counts. */
#include <stdio.h>
#include <string.h>

#include "raft-glue/raft_group_internal.h"
#include "storage/log/log_internal.h"
#include "tests/unit/raft-glue/fixture_cluster.h"
#include "tests/unit/unit.h"

static replica_id id_of(int node) {
    return 100 + (replica_id)node - 1;
}

static struct raft_group *group_of(struct cluster *cluster, int node) {
    return cluster->nodes[node - 1].replicas[0].group;
}

static struct raft_group *leader(struct cluster *cluster) {
    struct replica *replica = cluster_leader(cluster, 0);
    assert_non_null(replica);
    return replica->group;
}

/* "100 101 102, 103": voters, behind the comma stand-bys; with a ? while it is not committed. */
static const char *configuration(struct raft_group *group) {
    static char text[200];
    struct raft_group_configuration now;
    size_t used = 0;
    raft_group_configuration(group, &now);
    text[0] = '\0';
    for (int voter = 1; voter >= 0; voter--)
        for (size_t i = 0; i < now.count; i++)
            if (now.servers[i].voter == (bool)voter)
                used += (size_t)snprintf(text + used, sizeof text - used, "%s%d",
                                         used == 0 ? ""
                                         : voter   ? " "
                                                   : ", ",
                                         (int)now.servers[i].replica);
    snprintf(text + used, sizeof text - used, "%s", now.committed ? "" : "?");
    return text;
}

static const char *wanted;

static bool all_have_it(struct cluster *cluster) {
    for (int i = 1; i <= cluster->node_count; i++)
        if (cluster->nodes[i - 1].open && group_of(cluster, i) != NULL &&
            strcmp(configuration(group_of(cluster, i)), wanted) != 0)
            return false;
    return true;
}

static bool leader_has_it(struct cluster *cluster) {
    struct replica *replica = cluster_leader(cluster, 0);
    return replica != NULL && strcmp(configuration(replica->group), wanted) == 0;
}

/* One step, until everybody who is there has it. */
static void change(struct cluster *cluster, enum raft_group_change step, int node,
                   const char *then) {
    assert_int_equal(raft_group_change(leader(cluster), step, id_of(node)), ERR_NONE);
    wanted = then;
    cluster_run(cluster, all_have_it);
}

static void submit(struct cluster *cluster, unsigned n) {
    uint64_t index;
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(replica_submit(cluster_leader(cluster, 0), "record", 6, &index), ERR_NONE);
}

/* Three, of whom one goes after a fourth has come; the fourth has all that there is. */
static void test_change_swaps_a_replica(void **state) {
    struct cluster *cluster = *state;
    cluster->voters = 3;
    cluster_start(cluster, 4, 1);
    cluster_run(cluster, cluster_all_lead);
    submit(cluster, 20);
    assert_string_equal(configuration(leader(cluster)), "100 101 102");
    assert_string_equal(configuration(group_of(cluster, 4)), "");
    change(cluster, RAFT_GROUP_ADD, 4, "100 101 102, 103");
    assert_false(raft_group_member_in_sync(leader(cluster), id_of(4))); /* it does not vote */
    change(cluster, RAFT_GROUP_PROMOTE, 4, "100 101 102 103");
    cluster_run(cluster, cluster_agrees);
    int out = leader(cluster) == group_of(cluster, 2) ? 3 : 2;
    assert_int_equal(raft_group_change(leader(cluster), RAFT_GROUP_REMOVE, id_of(out)), ERR_NONE);
    wanted = out == 2 ? "100 102 103" : "100 101 103";
    cluster_run(cluster, leader_has_it);
}

static void on_change_read(struct partition_log_read *read, int error) {
    (void)read;
    assert_int_equal(error, ERR_NONE);
}

/* A log that cannot read the configuration in force, because of damage, is given what its entry
 * says; of any other it is given nothing. */
static void test_change_is_told_to_the_log(void **state) {
    struct cluster *cluster = *state;
    cluster->voters = 3;
    cluster_start(cluster, 4, 1);
    cluster_run(cluster, cluster_all_lead);
    change(cluster, RAFT_GROUP_ADD, 4, "100 101 102, 103");
    for (int i = 1; i <= 4; i++) {
        struct raft_group *group = group_of(cluster, i);
        struct partition_log *log = raft_group_log(group);
        struct partition_log_read read = {.done = on_change_read};
        struct raft_group_configuration now;
        raft_group_configuration(group, &now);
        assert_int_not_equal(log->prefix.change_index, now.index);
        raft_group_tell_change(group, now.index + 1);
        assert_int_not_equal(log->prefix.change_index, now.index + 1);
        raft_group_tell_change(group, now.index);
        assert_int_equal(log->prefix.change_index, now.index);
        assert_true(partition_log_read(log, now.index, now.index, 1, &read)); /* in memory */
        const struct slice *body = &read.entries[0]->body;
        assert_int_equal(log->prefix.change.len, body->len);
        assert_memory_equal(log->prefix.change.data, body->data, body->len);
        partition_log_read_release(&read);
    }
}

/* What is no step, or comes too early, is refused, and nothing happens. */
static void test_change_refuses(void **state) {
    struct cluster *cluster = *state;
    cluster->voters = 3;
    cluster_start(cluster, 4, 1);
    cluster_run(cluster, cluster_all_lead);
    struct raft_group *group = leader(cluster);
    int ours = cluster_leader(cluster, 0)->node->id, other = ours == 1 ? 2 : 1;
    assert_int_equal(raft_group_change(group_of(cluster, other), RAFT_GROUP_ADD, id_of(4)),
                     ERR_NOT_LEADER);
    assert_int_equal(raft_group_change(group, RAFT_GROUP_ADD, id_of(other)), ERR_INVALID);
    assert_int_equal(raft_group_change(group, RAFT_GROUP_PROMOTE, id_of(other)), ERR_INVALID);
    assert_int_equal(raft_group_change(group, RAFT_GROUP_PROMOTE, id_of(4)), ERR_INVALID);
    assert_int_equal(raft_group_change(group, RAFT_GROUP_REMOVE, id_of(4)), ERR_INVALID);
    assert_int_equal(raft_group_change(group, RAFT_GROUP_REMOVE, id_of(ours)), ERR_INVALID);
    assert_int_equal(raft_group_change(group, RAFT_GROUP_ADD, id_of(4)), ERR_NONE);
    assert_int_equal(raft_group_change(group, RAFT_GROUP_PROMOTE, id_of(4)), ERR_LIMIT);
    wanted = "100 101 102, 103";
    cluster_run(cluster, all_have_it);
}

/* What has committed is there after a start of everybody, and goes on from there. */
static void test_change_is_kept(void **state) {
    struct cluster *cluster = *state;
    cluster->voters = 3;
    cluster_start(cluster, 4, 1);
    cluster_run(cluster, cluster_all_lead);
    change(cluster, RAFT_GROUP_ADD, 4, "100 101 102, 103");
    change(cluster, RAFT_GROUP_PROMOTE, 4, "100 101 102 103");
    cluster_run(cluster, cluster_agrees);
    for (int i = 0; i < 4; i++)
        node_close(&cluster->nodes[i]);
    for (int i = 0; i < 4; i++)
        node_open(&cluster->nodes[i], false);
    cluster_run(cluster, cluster_all_lead);
    wanted = "100 101 102 103";
    cluster_run(cluster, all_have_it);
    submit(cluster, 5);
    cluster_run(cluster, cluster_agrees);
}

/* One that was the only voter by a change, and was deposed, does not lead in the term that it
 * follows in. */
static void test_change_to_one_voter_and_back(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 3, 1);
    cluster_run(cluster, cluster_all_lead);
    int ours = cluster_leader(cluster, 0)->node->id;
    for (int node = 1; node <= 3; node++) {
        if (node == ours) continue;
        assert_int_equal(raft_group_change(leader(cluster), RAFT_GROUP_REMOVE, id_of(node)),
                         ERR_NONE);
        static char text[40];
        size_t used = 0;
        for (int i = 1; i <= 3; i++)
            if (i == ours || i > node)
                used += (size_t)snprintf(text + used, sizeof text - used, "%s%d",
                                         used > 0 ? " " : "", (int)id_of(i));
        /* those that come behind the removed one stay */
        wanted = text;
        cluster_run(cluster, leader_has_it);
    }
    uint32_t term = cluster_leader(cluster, 0)->term;
    node_close(&cluster->nodes[ours - 1]);
    node_open(&cluster->nodes[ours - 1], false);
    cluster_run(cluster, cluster_all_lead);
    assert_int_equal(cluster_leader(cluster, 0)->node->id, ours);
    assert_true(cluster_leader(cluster, 0)->term > term);
    submit(cluster, 3);
    for (int node = 1; node <= 3; node++)
        if (node != ours) {
            assert_int_equal(raft_group_change(leader(cluster), RAFT_GROUP_ADD, id_of(node)),
                             ERR_NONE);
            static char text[40];
            snprintf(text, sizeof text, "%d, %d", (int)id_of(ours), (int)id_of(node));
            wanted = text;
            cluster_run(cluster, leader_has_it);
            break;
        }
}

/* ---- The majority is lost ---- */

static struct raft_group *survivor;

static bool has_no_majority(struct cluster *cluster) {
    (void)cluster;
    return !raft_group_has_majority(survivor);
}

static bool survivor_leads(struct cluster *cluster) {
    struct replica *replica = cluster_leader(cluster, 0);
    return replica != NULL && replica->group == survivor;
}

/* One of three goes on with all that its log has, once, in a term that nobody has had, and says so
 * to whoever applies; after a start, too. Then another of them, which had an election to win, is
 * brought up by it. */
static void test_recover(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 3, 1);
    cluster_run(cluster, cluster_all_lead);
    submit(cluster, 20);
    cluster_run(cluster, cluster_agrees);
    int ours = cluster_leader(cluster, 0)->node->id % 3 + 1; /* one that follows */
    survivor = group_of(cluster, ours);
    struct partition_log *log = raft_group_log(survivor);
    uint64_t last = partition_log_last_index(log);
    log_term term = partition_log_term_at(log, last);
    assert_int_equal(raft_group_recover(survivor, term, last, NULL, 0), ERR_BUSY);
    for (int node = 1; node <= 3; node++)
        if (node != ours) node_close(&cluster->nodes[node - 1]);
    cluster_run(cluster, has_no_majority);
    assert_true(raft_group_commit_heard(survivor) >= raft_group_commit_index(survivor));
    assert_int_equal(raft_group_recover(survivor, term + 1, last, NULL, 0), ERR_INVALID);
    assert_int_equal(raft_group_recover(survivor, term, last - 1, NULL, 0), ERR_INVALID);
    struct slice said[] = {slice_copy(NULL, "ids", 3), slice_copy(NULL, "they are lost", 13)};
    assert_int_equal(raft_group_recover(survivor, term, last, said, 2), ERR_NONE);
    slice_unref(&said[0]);
    slice_unref(&said[1]);
    assert_int_not_equal(raft_group_recover(survivor, term, last, NULL, 0), ERR_NONE);
    cluster_run(cluster, survivor_leads);
    assert_int_equal(cluster->nodes[ours - 1].replicas[0].data, 22);
    assert_int_equal(raft_group_recover(survivor, term, last, NULL, 0), ERR_BUSY);
    assert_true(raft_group_term(survivor) > term + 1000);
    wanted = ours == 1 ? "100" : ours == 2 ? "101" : "102";
    cluster_run(cluster, leader_has_it);
    submit(cluster, 3);
    node_close(&cluster->nodes[ours - 1]);
    node_open(&cluster->nodes[ours - 1], false);
    survivor = group_of(cluster, ours);
    cluster_run(cluster, survivor_leads);
    assert_string_equal(configuration(survivor), wanted);
    int other = ours % 3 + 1;
    node_open(&cluster->nodes[other - 1], false);
    assert_int_equal(raft_group_change(survivor, RAFT_GROUP_ADD, id_of(other)), ERR_NONE);
    cluster_run(cluster, cluster_agrees);
    assert_true(survivor_leads(cluster));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, cluster_setup, cluster_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_change_swaps_a_replica),
        TEST(test_change_is_told_to_the_log),
        TEST(test_change_refuses),
        TEST(test_change_is_kept),
        TEST(test_change_to_one_voter_and_back),
        TEST(test_recover),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
