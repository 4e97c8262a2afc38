/* A real leader and a made-up follower: what the leader sends to one that lost data, swallows
 * entries, or is silent. */
#include <stdlib.h>

#include "tests/unit/patience.h"
#include "tests/unit/raft-glue/fixture_fake_peer.h"
#include "tests/unit/unit.h"

static void on_confirmed(struct raft_group_read_index *confirm, int error) {
    (void)confirm;
    assert_int_equal(error, ERR_CANCELED); /* with the group */
}
static bool was_asked_to_confirm(struct cluster *cluster) {
    return (void)cluster, fake.got[RECORD_CONFIRM] >= 1;
}

/* A follower that rejects what it has acknowledged has lost data: it does not count any more,
 * neither for commits nor when a majority is asked who leads (its later vote may be among what it
 * lost). */
static void test_replicate_follower_that_lost_data(void **state) {
    struct cluster *cluster = *state;
    fake_make_it_lead();
    uint64_t index;
    assert_int_equal(replica_submit(fake.replica, "one", 3, &index), ERR_NONE);
    fake.applied_wanted = index;
    cluster_run(cluster, fake_has_applied);
    assert_true(raft_group_member_in_sync(fake.replica->group, FAKE));
    fake_send_and_expect_drop(
        (struct peer_record){.type = RECORD_APPEND_RESULT,
                             .term = raft_group_term(fake.replica->group),
                             .append_result = {.rejected = index, .last_index = index - 1}});
    assert_false(raft_group_member_in_sync(fake.replica->group, FAKE));
    assert_int_equal(replica_submit(fake.replica, "two", 3, &index), ERR_NONE);
    cluster_run_ms(cluster, 50);
    assert_true(fake.entries_last < index); /* it would only fill the window */
    fake_send_and_expect_drop((struct peer_record){.type = RECORD_APPEND_RESULT,
                                                   .term = raft_group_term(fake.replica->group),
                                                   .append_result = {.last_index = index}});
    cluster_run_ms(cluster, 50);
    assert_true(fake.replica->count < index);
    static struct raft_group_read_index confirm = {.done = on_confirmed};
    raft_group_read_index(fake.replica->group, &confirm);
    cluster_run(cluster, was_asked_to_confirm);
    fake_send_and_expect_drop(
        (struct peer_record){.type = RECORD_CONFIRMED,
                             .term = fake.last[RECORD_CONFIRM].term,
                             .confirm = {.round = fake.last[RECORD_CONFIRM].confirm.round}});
    cluster_run_ms(cluster, 50);
    fake.replica->leading = false; /* the teardown does not wait for `lost` */
}

static bool got_entries(struct cluster *cluster) {
    return (void)cluster, fake.entries_got >= 1;
}
static bool got_them_again(struct cluster *cluster) {
    return (void)cluster, fake.entries_got >= 2;
}

/* Entries that a follower swallows without a word, on a link that stays, are sent once; after a
 * while, again. */
static void test_replicate_swallowed_entries_come_again(void **state) {
    struct cluster *cluster = *state;
    fake_make_it_lead();
    fake.swallows_entries = true;
    fake.entries_got = 0;
    uint64_t index;
    assert_int_equal(replica_submit(fake.replica, "one", 3, &index), ERR_NONE);
    cluster_run(cluster, got_entries);
    cluster_run_ms(cluster, 1000); /* some heartbeats */
    assert_int_equal(fake.entries_got, 1);
    cluster_run(cluster, got_them_again);
    assert_int_equal(fake.entries_last, index);
    fake.swallows_entries = false;
    fake.applied_wanted = index;
    cluster_run(cluster, fake_has_applied);
}

/* The follower dropped entries (its replica was not open yet, when the leader probed already) and
 * says so when later ones do not fit: they come again at once. */
static void test_replicate_dropped_entries_come_again(void **state) {
    struct cluster *cluster = *state;
    fake_make_it_lead();
    fake.acknowledges = false;
    fake.entries_got = 0;
    uint64_t first, index;
    assert_int_equal(replica_submit(fake.replica, "one", 3, &first), ERR_NONE);
    cluster_run(cluster, got_entries);
    cluster_run_ms(cluster, 500); /* some heartbeats: the engine probes */
    assert_int_equal(replica_submit(fake.replica, "two", 3, &index), ERR_NONE);
    cluster_run(cluster, got_them_again);
    fake.acknowledges = true;
    fake.applied_wanted = index;
    uint64_t began_ms = env_now_ms(cluster->env);
    struct peer_record rejection = {.type = RECORD_APPEND_RESULT,
                                    .term = raft_group_term(fake.replica->group),
                                    .append_result = {.rejected = first, .last_index = first - 1}};
    for (unsigned i = 0; i < 3; i++) /* of each frame that was under way */
        fake_send(rejection);
    cluster_run(cluster, fake_has_applied);
    assert_true(is_within_ms(env_now_ms(cluster->env) - began_ms, 1000));
    assert_true(fake.entries_got <= 4); /* once more, and not for each rejection */
}

static bool was_asked_for_long(struct cluster *cluster) {
    return (void)cluster, fake.got[RECORD_APPEND] >= 22; /* heartbeats: 4.4 s */
}

/* A follower that says nothing at all (its replica stopped) gets questions only, and not the same
 * entries again and again, which would fill the window that other groups need; when it answers,
 * they come. */
static void test_replicate_silent_follower_is_only_asked(void **state) {
    struct cluster *cluster = *state;
    fake_make_it_lead();
    fake.acknowledges = false;
    fake.entries_got = 0;
    uint64_t index;
    assert_int_equal(replica_submit(fake.replica, "one", 3, &index), ERR_NONE);
    cluster_run(cluster, got_entries);
    fake.got[RECORD_APPEND] = 0;
    cluster_run(cluster, was_asked_for_long);
    assert_int_equal(fake.entries_got, 1);
    assert_int_equal(replica_submit(fake.replica, "two", 3, &index), ERR_NONE);
    fake.got[RECORD_APPEND] = 20;
    cluster_run(cluster, was_asked_for_long);
    assert_int_equal(fake.entries_got, 1);
    fake.acknowledges = true;
    fake.applied_wanted = index;
    cluster_run(cluster, fake_has_applied);
    assert_int_equal(fake.entries_last, index);
}

/* So does one whose disk has no room, also when it rejects what was under way: the same records
 * would go to it once a heartbeat. */
static void test_replicate_full_follower_is_only_asked(void **state) {
    struct cluster *cluster = *state;
    fake_make_it_lead();
    fake.acknowledges = false;
    fake.entries_got = 0;
    uint64_t first, index;
    assert_int_equal(replica_submit(fake.replica, "one", 3, &first), ERR_NONE);
    cluster_run(cluster, got_entries);
    cluster_run_ms(cluster, 500); /* some heartbeats: the engine probes */
    assert_int_equal(replica_submit(fake.replica, "two", 3, &index), ERR_NONE);
    cluster_run(cluster, got_them_again);
    struct peer_record rejection = {.type = RECORD_APPEND_RESULT,
                                    .term = raft_group_term(fake.replica->group),
                                    .flags = RECORD_NO_ROOM | RECORD_TAKES_NONE,
                                    .append_result = {.rejected = first, .last_index = first - 1}};
    for (unsigned i = 0; i < 3; i++) { /* what it takes none of fits no better */
        fake_send(rejection);
        cluster_run_ms(cluster, 400);
    }
    assert_int_equal(fake.entries_got, 2);
    fake.acknowledges = true; /* without these flags: it has room again */
    fake.applied_wanted = index;
    cluster_run(cluster, fake_has_applied);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_replicate_follower_that_lost_data, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_replicate_swallowed_entries_come_again, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_replicate_dropped_entries_come_again, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_replicate_silent_follower_is_only_asked, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_replicate_full_follower_is_only_asked, fake_setup,
                                        fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
