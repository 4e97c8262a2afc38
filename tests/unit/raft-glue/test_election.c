/* A leader that hears nobody says that it leads no more, and who hears that stands at once. */
#include <stdlib.h>

#include "tests/unit/raft-glue/fixture_fake_peer.h"
#include "tests/unit/unit.h"

enum { HEARTBEAT_MS = 200, FAR_MS = 60 * 1000 };

static int setup_that_resigns(void **state) {
    return fake_setup_with(state, 2 * HEARTBEAT_MS, FAR_MS);
}

static int setup_that_stands(void **state) {
    return fake_setup_with(state, FAR_MS, 20);
}

static bool it_resigned(struct cluster *cluster) {
    return (void)cluster, fake.got[RECORD_RESIGNED] > 0;
}

/* The made-up follower hears it and says nothing more. */
static void test_election_leader_resigns(void **state) {
    struct cluster *cluster = *state;
    fake_make_it_lead();
    uint32_t term = raft_group_term(fake.replica->group);
    fake.grants = fake.acknowledges = false;
    cluster_run(cluster, it_resigned);
    assert_int_equal(fake.last[RECORD_RESIGNED].term, term);
    assert_false(raft_group_is_leading(fake.replica->group));
}

static bool it_stands(struct cluster *cluster) {
    return (void)cluster, fake.got[RECORD_VOTE] > 0;
}

/* Only the leader of the present term can resign. */
static void test_election_stands_when_the_leader_resigned(void **state) {
    struct cluster *cluster = *state;
    fake_send((struct peer_record){.type = RECORD_APPEND,
                                   .term = 20,
                                   .append = {.prev_index = 1, .commit = 1, .prev_term = 1}});
    cluster_run(cluster, fake_got_result);
    fake.got[RECORD_VOTE] = 0;
    fake_send((struct peer_record){.type = RECORD_RESIGNED, .term = 19});
    cluster_run_ms(cluster, 200);
    assert_int_equal(fake.got[RECORD_VOTE], 0);
    fake_send((struct peer_record){.type = RECORD_RESIGNED, .term = 20});
    cluster_run(cluster, it_stands); /* long before its election timeout */
}

static bool it_stood_thrice(struct cluster *cluster) {
    return (void)cluster, fake.got[RECORD_VOTE] >= 3;
}

/* Who was told to stand may depose a leader, once; then it asks first, as everybody does. */
static void test_election_told_once(void **state) {
    struct cluster *cluster = *state;
    fake_send((struct peer_record){.type = RECORD_APPEND,
                                   .term = 20,
                                   .append = {.prev_index = 1, .commit = 1, .prev_term = 1}});
    cluster_run(cluster, fake_got_result);
    fake.grants = false;
    fake_send((struct peer_record){
        .type = RECORD_TIMEOUT_NOW, .term = 20, .vote = {.last_index = 1, .last_term = 1}});
    cluster_run(cluster, it_stands);
    assert_int_equal(fake.last[RECORD_VOTE].term, 21);
    assert_int_equal(fake.last[RECORD_VOTE].flags & (RECORD_DISRUPT | RECORD_PRE_VOTE),
                     RECORD_DISRUPT);
    cluster_run(cluster, it_stood_thrice);
    assert_int_equal(fake.last[RECORD_VOTE].term, 22); /* which it only would have */
    assert_int_equal(fake.last[RECORD_VOTE].flags & (RECORD_DISRUPT | RECORD_PRE_VOTE),
                     RECORD_PRE_VOTE);
    assert_int_equal(raft_group_term(fake.replica->group), 21);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_election_leader_resigns, setup_that_resigns,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_election_stands_when_the_leader_resigned,
                                        setup_that_stands, fake_teardown),
        cmocka_unit_test_setup_teardown(test_election_told_once, setup_that_resigns, fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
