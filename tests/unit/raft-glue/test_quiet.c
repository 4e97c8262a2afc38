/* Groups in which nothing happens send nothing, and wake when something does: with a made-up peer,
 * and among three brokers. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/patience.h"
#include "tests/unit/raft-glue/fixture_fake_peer.h"
#include "tests/unit/unit.h"

enum { HEARTBEAT_MS = 200, TIMEOUT_MS = 400, FAR_MS = 60 * 1000 };

static int setup_leader(void **state) {
    return fake_setup_with(state, FAR_MS, FAR_MS);
}
static int setup_follower(void **state) {
    return fake_setup_with(state, TIMEOUT_MS, FAR_MS);
}

static struct shard_stats stats_of(const struct node *node) {
    struct shard_stats stats;
    shard_stats_get(node->shard, &stats);
    return stats;
}
static bool is_quiet(const struct node *node) {
    struct shard_stats stats = stats_of(node);
    return stats.quiet_begun > stats.quiet_ended;
}
static bool ours_is_quiet(struct cluster *cluster) {
    return is_quiet(&cluster->nodes[0]);
}
static bool ours_is_awake(struct cluster *cluster) {
    return !is_quiet(&cluster->nodes[0]);
}
static unsigned wanted;
static bool fake_heard_more(struct cluster *cluster) {
    return (void)cluster, fake.got[RECORD_APPEND] > wanted;
}

static void make_quiet_leader(struct cluster *cluster) {
    fake.agrees = true;
    fake_make_it_lead();
    cluster_run(cluster, ours_is_quiet);
}

/* Nothing goes to a follower that has agreed; it stays in sync, by the signs of life of its broker.
 */
static void test_quiet_leader_sends_nothing(void **state) {
    struct cluster *cluster = *state;
    make_quiet_leader(cluster);
    unsigned appends = fake.got[RECORD_APPEND];
    cluster_run_ms(cluster, 5 * HEARTBEAT_MS);
    assert_int_equal(fake.got[RECORD_APPEND], appends);
    assert_true(raft_group_member_in_sync(fake.replica->group, FAKE));
}

/* A follower that does not agree goes on hearing heartbeats. */
static void test_quiet_needs_all(void **state) {
    struct cluster *cluster = *state;
    fake_make_it_lead();
    cluster_run_ms(cluster, 8 * HEARTBEAT_MS);
    assert_false(is_quiet(&cluster->nodes[0]));
    wanted = fake.got[RECORD_APPEND];
    cluster_run(cluster, fake_heard_more);
}

/* Who agrees to an older question does not agree: it may have been woken since. */
static void test_quiet_old_answer_does_not_count(void **state) {
    struct cluster *cluster = *state;
    fake_make_it_lead();
    wanted = fake.got[RECORD_APPEND] + 4;
    cluster_run(cluster, fake_heard_more); /* it asks by now */
    struct peer_record asked = fake.last[RECORD_APPEND];
    assert_true(asked.flags & RECORD_QUIET);
    fake_send((struct peer_record){.type = RECORD_APPEND_RESULT,
                                   .term = asked.term,
                                   .flags = RECORD_QUIET,
                                   .append_result = {.last_index = asked.append.prev_index,
                                                     .quiet_round = asked.append.quiet_round - 1}});
    cluster_run_ms(cluster, HEARTBEAT_MS / 4);
    assert_false(is_quiet(&cluster->nodes[0]));
}

static int confirm_error;
static unsigned confirms_ended;
static void on_confirmed(struct raft_group_read_index *confirm, int error) {
    (void)confirm;
    confirm_error = error;
    confirms_ended++;
}
static bool fake_was_asked(struct cluster *cluster) {
    return (void)cluster, fake.got[RECORD_CONFIRM] > 0;
}
static bool confirm_ended(struct cluster *cluster) {
    return (void)cluster, confirms_ended > 0;
}

/* A quiet leader may have been deposed: signs of life of a broker confirm nothing, its replica is
 * asked. */
static void test_quiet_leader_asks_before_it_confirms(void **state) {
    struct cluster *cluster = *state;
    struct raft_group_read_index confirm = {.done = on_confirmed};
    confirms_ended = 0;
    make_quiet_leader(cluster);
    raft_group_read_index(fake.replica->group, &confirm);
    cluster_run(cluster, fake_was_asked);
    cluster_run_ms(cluster, 2 * HEARTBEAT_MS);
    assert_int_equal(confirms_ended, 0);
    fake_send((struct peer_record){.type = RECORD_CONFIRMED,
                                   .term = fake.last[RECORD_CONFIRM].term,
                                   .confirm = {.round = fake.last[RECORD_CONFIRM].confirm.round}});
    cluster_run(cluster, confirm_ended);
    assert_int_equal(confirm_error, ERR_NONE);
}

/* Somebody who stands for election has lost the leader: he hears of it at once. */
static void test_quiet_leader_is_woken_by_a_candidate(void **state) {
    struct cluster *cluster = *state;
    make_quiet_leader(cluster);
    wanted = fake.got[RECORD_APPEND];
    fake_send(
        (struct peer_record){.type = RECORD_VOTE,
                             .term = raft_group_term(fake.replica->group) + 1,
                             .flags = RECORD_PRE_VOTE,
                             .vote = {.last_index = fake.last[RECORD_APPEND].append.prev_index,
                                      .last_term = (uint64_t)fake.last[RECORD_APPEND].term}});
    cluster_run(cluster, ours_is_awake);
    cluster_run(cluster, fake_heard_more);
}

/* A leader that stops says so: nobody would notice, its broker lives. */
static void test_quiet_leader_that_stops_says_so(void **state) {
    struct cluster *cluster = *state;
    make_quiet_leader(cluster);
    uint32_t term = raft_group_term(fake.replica->group);
    raft_group_stop(fake.replica->group, "the test wants it");
    cluster_run_ms(cluster, HEARTBEAT_MS);
    assert_int_equal(fake.last[RECORD_RESIGNED].term, term);
}

static bool it_resigned(struct cluster *cluster) {
    return (void)cluster, fake.got[RECORD_RESIGNED] > 0;
}

/* So does one that learns of a later term, which perhaps nobody ever leads. */
static void test_quiet_leader_that_is_deposed_says_so(void **state) {
    struct cluster *cluster = *state;
    make_quiet_leader(cluster);
    uint32_t term = raft_group_term(fake.replica->group);
    fake_send((struct peer_record){.type = RECORD_APPEND_RESULT, .term = term + 5});
    cluster_run(cluster, it_resigned);
    assert_int_equal(raft_group_term(fake.replica->group), term + 5);
    assert_int_equal(fake.last[RECORD_RESIGNED].term, term);
    assert_int_equal(fake.last[RECORD_RESIGNED].resigned.deposed_by, term + 5);
}

static bool it_agreed(struct cluster *cluster) {
    return (void)cluster, fake.last[RECORD_APPEND_RESULT].flags & RECORD_QUIET;
}

static void ask_to_be_quiet(uint32_t term) {
    fake_send((struct peer_record){
        .type = RECORD_APPEND,
        .term = term,
        .flags = RECORD_QUIET,
        .append = {.prev_index = 1, .commit = 1, .prev_term = 1, .quiet_round = 7}});
}

static void make_quiet_follower(struct cluster *cluster) {
    fake_send((struct peer_record){.type = RECORD_APPEND,
                                   .term = 20,
                                   .append = {.prev_index = 1, .commit = 1, .prev_term = 1}});
    cluster_run(cluster, fake_got_result);
    ask_to_be_quiet(20); /* its log is the configuration, which is committed */
    cluster_run(cluster, it_agreed);
    assert_true(is_quiet(&cluster->nodes[0]));
}

/* It stands for no election while its leader's broker lives, and does so when that is gone. */
static void test_quiet_follower_sleeps_and_wakes(void **state) {
    struct cluster *cluster = *state;
    make_quiet_follower(cluster);
    assert_int_equal(fake.last[RECORD_APPEND_RESULT].append_result.quiet_round, 7);
    unsigned votes = fake.got[RECORD_VOTE];
    cluster_run_ms(cluster, 5 * TIMEOUT_MS);
    assert_int_equal(fake.got[RECORD_VOTE], votes);
    peers_break(fake.peers, 1, "the test wants it");
    cluster_run(cluster, ours_is_awake);
    cluster_run_ms(cluster, 3 * TIMEOUT_MS);
    assert_true(fake.got[RECORD_VOTE] > votes);
}

/* It does not sleep on a leader that was deposed while its broker lives: its own timeout runs,
 * without haste, somebody else may lead. */
static void test_quiet_follower_of_a_deposed_leader_wakes(void **state) {
    struct cluster *cluster = *state;
    make_quiet_follower(cluster);
    fake_send(
        (struct peer_record){.type = RECORD_RESIGNED, .term = 19, .resigned = {.deposed_by = 20}});
    cluster_run_ms(cluster, HEARTBEAT_MS / 2);
    assert_true(is_quiet(&cluster->nodes[0])); /* of an older term */
    fake_send(
        (struct peer_record){.type = RECORD_RESIGNED, .term = 20, .resigned = {.deposed_by = 21}});
    cluster_run(cluster, ours_is_awake);
    cluster_run_ms(cluster, TIMEOUT_MS / 4);
    assert_int_equal(fake.got[RECORD_VOTE], 0);
    cluster_run_ms(cluster, 2 * TIMEOUT_MS + HEARTBEAT_MS);
    assert_true(fake.got[RECORD_VOTE] > 0);
}

static bool it_answered_a_vote(struct cluster *cluster) {
    return (void)cluster, fake.got[RECORD_VOTE_RESULT] > 0;
}

/* Silence is no reason to vote: as long as its leader's broker shows signs of life, whoever lost
 * sight of the leader deposes nobody. */
static void test_quiet_follower_refuses_a_pre_vote(void **state) {
    struct cluster *cluster = *state;
    make_quiet_follower(cluster);
    fake_send((struct peer_record){
        .type = RECORD_VOTE, .term = 21, .flags = RECORD_PRE_VOTE, .vote = {1, 1}});
    cluster_run(cluster, it_answered_a_vote);
    assert_false(fake.last[RECORD_VOTE_RESULT].flags & RECORD_GRANTED);
    assert_int_equal(raft_group_term(fake.replica->group), 20);
    assert_true(is_quiet(&cluster->nodes[0]));
}

static bool it_told_its_state(struct cluster *cluster) {
    return (void)cluster, fake.last[RECORD_APPEND_RESULT].flags & RECORD_STALE;
}

/* A follower that stops says so: its leader would count it in sync by the signs of life of its
 * broker. */
static void test_quiet_follower_that_stops_says_so(void **state) {
    struct cluster *cluster = *state;
    make_quiet_follower(cluster);
    raft_group_stop(fake.replica->group, "the test wants it");
    cluster_run(cluster, it_told_its_state);
}

static void test_quiet_leader_is_woken_by_what_a_follower_tells(void **state) {
    struct cluster *cluster = *state;
    make_quiet_leader(cluster);
    fake.acknowledges = false;
    wanted = fake.got[RECORD_APPEND];
    fake_send((struct peer_record){.type = RECORD_APPEND_RESULT,
                                   .term = raft_group_term(fake.replica->group),
                                   .flags = RECORD_STALE});
    cluster_run(cluster, fake_heard_more);
    assert_false(is_quiet(&cluster->nodes[0]));
}

/* One that lacks what its leader has does not agree. */
static void test_quiet_follower_has_all(void **state) {
    struct cluster *cluster = *state;
    fake_send((struct peer_record){.type = RECORD_APPEND,
                                   .term = 20,
                                   .append = {.prev_index = 1, .commit = 0, .prev_term = 1}});
    cluster_run(cluster, fake_got_result);
    fake_send((struct peer_record){
        .type = RECORD_APPEND,
        .term = 20,
        .flags = RECORD_QUIET,
        .append = {.prev_index = 1, .commit = 0, .prev_term = 1, .quiet_round = 7}});
    cluster_run_ms(cluster, HEARTBEAT_MS / 2);
    assert_false(is_quiet(&cluster->nodes[0]));
    assert_false(fake.last[RECORD_APPEND_RESULT].flags & RECORD_QUIET);
}

/* ---- Three brokers ---- */

static bool all_are_quiet(struct cluster *cluster) {
    for (int i = 0; i < cluster->node_count; i++) {
        const struct node *node = &cluster->nodes[i];
        if (!node->open) continue;
        struct shard_stats stats = stats_of(node);
        if (stats.quiet_begun - stats.quiet_ended != cluster->group_count) return false;
    }
    return true;
}

/* All groups of a cluster fall quiet, take what is submitted, fall quiet again, and are led again
 * at once when a broker dies. */
static void test_quiet_cluster(void **state) {
    struct cluster *cluster = *state;
    uint64_t index;
    cluster_start(cluster, 3, GROUPS_MAX);
    cluster_run(cluster, cluster_all_lead);
    cluster_run(cluster, all_are_quiet);
    uint64_t frames = stats_of(&cluster->nodes[0]).frames_sent;
    cluster_run_ms(cluster, 5 * HEARTBEAT_MS);
    assert_int_equal(stats_of(&cluster->nodes[0]).frames_sent, frames);
    for (size_t g = 0; g < GROUPS_MAX; g++)
        assert_int_equal(replica_submit(cluster_leader(cluster, g), "x", 1, &index), ERR_NONE);
    cluster_run(cluster, cluster_agrees);
    cluster_run(cluster, all_are_quiet);
    uint64_t start = env_now_ms(cluster->env), woken = stats_of(&cluster->nodes[1]).quiet_ended,
             led = 0;
    for (size_t g = 0; g < GROUPS_MAX; g++)
        led += cluster_leader(cluster, g)->node == &cluster->nodes[0];
    node_close(&cluster->nodes[0]);
    cluster_run(cluster, cluster_all_lead);
    assert_in_range(stats_of(&cluster->nodes[1]).quiet_ended - woken, 1,
                    led); /* the others sleep on */
    print_message("all groups led again after %d ms\n", (int)(env_now_ms(cluster->env) - start));
    assert_true(is_within_ms(env_now_ms(cluster->env) - start, 700));
    cluster_run(cluster, all_are_quiet); /* without the dead one */
    node_open(&cluster->nodes[0], false);
    cluster_run(cluster, all_are_quiet);
    cluster_run(cluster, cluster_agrees);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_quiet_leader_sends_nothing, setup_leader,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_quiet_needs_all, setup_leader, fake_teardown),
        cmocka_unit_test_setup_teardown(test_quiet_old_answer_does_not_count, setup_leader,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_quiet_leader_asks_before_it_confirms, setup_leader,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_quiet_leader_is_woken_by_a_candidate, setup_leader,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_quiet_leader_that_stops_says_so, setup_leader,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_quiet_leader_that_is_deposed_says_so, setup_leader,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_quiet_leader_is_woken_by_what_a_follower_tells,
                                        setup_leader, fake_teardown),
        cmocka_unit_test_setup_teardown(test_quiet_follower_of_a_deposed_leader_wakes,
                                        setup_follower, fake_teardown),
        cmocka_unit_test_setup_teardown(test_quiet_follower_refuses_a_pre_vote, setup_follower,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_quiet_follower_that_stops_says_so, setup_follower,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_quiet_follower_sleeps_and_wakes, setup_follower,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_quiet_follower_has_all, setup_follower, fake_teardown),
        cmocka_unit_test_setup_teardown(test_quiet_cluster, cluster_setup, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
