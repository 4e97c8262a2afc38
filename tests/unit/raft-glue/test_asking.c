/* Whoever starts leads nothing before the others have said that it belongs to them still, and
 * believes only who knows. */
#include "raft-glue/shard.h"
#include "tests/unit/raft-glue/fixture_cluster.h"
#include "tests/unit/unit.h"

enum { LONG_MS = ASKING_MS / 2 };

static int setup(void **state) {
    int error = cluster_setup(state);
    ((struct cluster *)*state)->options.asks_around = true;
    return error;
}

static bool somebody_leads(struct cluster *cluster) {
    for (size_t g = 0; g < cluster->group_count; g++)
        if (cluster_leader(cluster, g) != NULL) return true;
    return false;
}

static bool nobody_asks(struct cluster *cluster) {
    for (int i = 0; i < cluster->node_count; i++)
        if (cluster->nodes[i].open && shard_is_asking(cluster->nodes[i].shard)) return false;
    return true;
}

static bool are_linked(struct cluster *cluster) {
    return peers_is_up(shard_peers(cluster->nodes[0].shard), 2) &&
           peers_is_up(shard_peers(cluster->nodes[1].shard), 1);
}

/* One that votes alone needs nobody to lead; but it may have been given up, with all of its
 * replicas. Nobody else is there here, so it leads as soon as it knows that. */
static void test_asking_sole_voter(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 1, 3);
    cluster_run_ms(cluster, LONG_MS);
    assert_true(shard_is_asking(cluster->nodes[0].shard));
    assert_false(somebody_leads(cluster));
    shard_settled(cluster->nodes[0].shard);
    assert_false(shard_is_asking(cluster->nodes[0].shard));
    cluster_run(cluster, cluster_all_lead);
}

/* That another one lets this one in is no answer before it knows who belongs to the cluster; nor is
 * there anybody to ask before this one does. */
static void test_asking_those_who_know(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 2, 3);
    struct shard *first = cluster->nodes[0].shard, *second = cluster->nodes[1].shard;
    cluster_run(cluster, are_linked);
    shard_settled(first);
    assert_true(shard_is_asking(first) && shard_is_asking(second));
    assert_false(peers_all_answered(shard_peers(first)) || somebody_leads(cluster));
    shard_settled(second);
    cluster_run(cluster, nobody_asks);
    assert_true(peers_all_answered(shard_peers(first)) && peers_all_answered(shard_peers(second)));
    cluster_run(cluster, cluster_all_lead);
}

/* Who cannot be reached may be about to start, and know better: so long it is waited for. */
static void test_asking_one_that_is_not_there(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 3, 3);
    node_close(&cluster->nodes[2]);
    uint64_t before_ms = env_now_ms(cluster->env);
    shard_settled(cluster->nodes[0].shard);
    shard_settled(cluster->nodes[1].shard);
    cluster_run(cluster, nobody_asks);
    assert_true(env_now_ms(cluster->env) - before_ms >= ASKING_MS - 10);
    cluster_run(cluster, cluster_all_lead);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_asking_sole_voter, setup, cluster_teardown),
        cmocka_unit_test_setup_teardown(test_asking_those_who_know, setup, cluster_teardown),
        cmocka_unit_test_setup_teardown(test_asking_one_that_is_not_there, setup, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
