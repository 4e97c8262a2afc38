/* Brokers remember each other's journals; one that was disowned is not opened. The end of a broker
 * that went back: tests/integration. */
#include <stdlib.h>
#include <string.h>

#include "storage/journal/journal.h"
#include "tests/unit/raft-glue/fixture_cluster.h"
#include "tests/unit/unit.h"

static struct journal *journal_of(struct node *node) {
    return log_store_journal(shard_store(node->shard));
}

/* What node 1 has in its journal of node 2's; the directories of the fixture begin with the node's
 * number. */
static const struct journal_witness *recorded(struct cluster *cluster) {
    return journal_witness_of(journal_of(&cluster->nodes[0]), 2);
}

static bool is_recorded(struct cluster *cluster) {
    const struct journal_witness *witness = recorded(cluster);
    return witness != NULL && witness->run == journal_run(journal_of(&cluster->nodes[1]));
}

static uint64_t rounds(struct cluster *cluster) {
    uint64_t sum = 0;
    for (int i = 0; i < cluster->node_count; i++) {
        struct journal_stats stats;
        journal_stats_get(journal_of(&cluster->nodes[i]), &stats);
        sum += stats.rounds;
    }
    return sum;
}

/* Within a second or two a node has on its disk in which run the others are, and how far, though
 * nothing else is written; again after they started anew. Then nobody has anything to tell, and
 * nothing is written any more. */
static void test_witness_records(void **state) {
    struct cluster *cluster = *state;
    cluster_start(cluster, 3, 1);
    cluster_run(cluster, is_recorded);
    uint64_t sequence = recorded(cluster)->sequence;
    assert_in_range(sequence, 1, journal_sequence(journal_of(&cluster->nodes[1])));
    node_close(&cluster->nodes[1]);
    node_open(&cluster->nodes[1], false);
    assert_true(journal_covers(journal_of(&cluster->nodes[1]), recorded(cluster)->run, sequence));
    cluster_run(cluster, is_recorded);
    assert_true(recorded(cluster)->sequence > sequence);
    cluster_run_ms(cluster, 2500);
    uint64_t before = rounds(cluster);
    cluster_run_ms(cluster, 2500);
    assert_int_equal(rounds(cluster), before);
}

static bool disowned;

static void is_durable(struct journal_waiter *waiter) {
    (void)waiter;
    disowned = true;
}

static bool is_disowned(struct cluster *cluster) {
    (void)cluster;
    return disowned;
}

/* A shard does not open over a journal that is known to have gone back in time, and says so. */
static void test_witness_disowned(void **state) {
    struct cluster *cluster = *state;
    struct journal_waiter waiter = {.durable = is_durable};
    struct shard *shard;
    struct error_text why = {""};
    cluster_start(cluster, 1, 1);
    cluster_run(cluster, cluster_all_lead);
    struct node *node = &cluster->nodes[0];
    journal_disown(journal_of(node));
    journal_wait(journal_of(node), &waiter);
    cluster_run(cluster, is_disowned);
    node_close(node);
    assert_int_equal(log_store_open(cluster->env, &cluster->log, node->dir, &cluster->store_options,
                                    &node->store, &why),
                     ERR_NONE);
    struct shard_options options = cluster->options;
    options.node = options.peers.node = 1;
    assert_int_equal(
        shard_open(cluster->env, &cluster->log, node->store, &options, NULL, NULL, &shard, &why),
        ERR_CORRUPT);
    assert_non_null(strstr(why.text, "went back in time"));
    assert_non_null(strstr(why.text, "Put back the newest copy"));
    log_store_close(node->store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_witness_records, cluster_setup, cluster_teardown),
        cmocka_unit_test_setup_teardown(test_witness_disowned, cluster_setup, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
