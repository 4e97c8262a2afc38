/* Cooperative members: while one gives back what another waits for, those with nothing to give back
 * wait with their Syncs, and hear of the next rebalance at once. */
#include <string.h>

#include "base/mem.h"
#include "tests/unit/broker/coordinator/fixture_groups.h"

enum { TEXT_MAX = 400 * 1024, HOLD_MS = 500 };

/* What a consumer sends: its metadata says what it has, in the bytes of the protocol. */
struct consumer {
    const char *id;
    int version; /* of what it says */
    struct group_join join;
    struct group_sync sync;
    struct group_protocol protocol;
    uint8_t *metadata, *assigned[3];
    int join_error, sync_error, generation;
};

static struct groups g;
static struct consumer m1, m2, m3;
static struct consumer *const all[] = {&m1, &m2, &m3};
static struct group_assignment assignments[3];

static int setup(void **state) {
    *state = &g;
    groups_open(&g);
    groups_stable(&g, 3, false);
    for (int i = 0; i < 3; i++) {
        static const char *const ids[] = {"m1", "m2", "m3"};
        *all[i] = (struct consumer){.id = ids[i], .version = 3};
        all[i]->metadata = mem_alloc(TEXT_MAX);
        for (int k = 0; k < 3; k++)
            all[i]->assigned[k] = mem_alloc(TEXT_MAX);
    }
    return 0;
}

static int teardown(void **state) {
    (void)state;
    groups_close(&g);
    for (int i = 0; i < 3; i++) {
        mem_free(all[i]->metadata);
        for (int k = 0; k < 3; k++)
            mem_free(all[i]->assigned[k]);
    }
    return 0;
}

/* ---- Bytes ---- */

static uint8_t *put(uint8_t *at, int bytes, int32_t value) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        *at++ = (uint8_t)((uint32_t)value >> shift);
    return at;
}

/* Partitions first to first + count - 1 of topic "t". */
static uint8_t *put_partitions(uint8_t *at, int first, int count) {
    at = put(at, 4, 1);
    at = put(at, 2, 1);
    *at++ = 't';
    at = put(at, 4, count);
    for (int i = 0; i < count; i++)
        at = put(at, 4, first + i);
    return at;
}

static struct kp_bytes subscription(uint8_t *into, int version, int first, int count) {
    uint8_t *at = put(into, 2, version);
    at = put(at, 4, 0);
    at = put(at, 4, -1);
    at = put_partitions(at, first, count);
    if (version >= 2) at = put(at, 4, 1);
    if (version >= 3) at = put(at, 2, -1);
    return (struct kp_bytes){into, (int32_t)(at - into)};
}

static struct kp_bytes assignment(uint8_t *into, int first, int count) {
    uint8_t *at = put_partitions(put(into, 2, 0), first, count);
    at = put(at, 4, -1);
    return (struct kp_bytes){into, (int32_t)(at - into)};
}

/* ---- Calls ---- */

static void join_done(struct group_call *call) {
    struct consumer *consumer = CONTAINER_OF(call, struct consumer, join.call);
    consumer->join_error = call->error;
    consumer->generation = consumer->join.generation;
}

static void sync_done(struct group_call *call) {
    CONTAINER_OF(call, struct consumer, sync.call)->sync_error = call->error;
}

/* It has these partitions. */
static void join(struct consumer *consumer, int first, int count) {
    consumer->protocol = (struct group_protocol){
        kp_string_of("range"), subscription(consumer->metadata, consumer->version, first, count)};
    consumer->join_error = NOT_DONE;
    consumer->join = (struct group_join){.call.done = join_done,
                                         .group_id = kp_string_of("g"),
                                         .member_id = kp_string_of(consumer->id),
                                         .instance_id = {.len = -1},
                                         .protocol_type = kp_string_of("consumer"),
                                         .client_id = kp_string_of("c"),
                                         .client_host = kp_string_of("h"),
                                         .protocols = &consumer->protocol,
                                         .protocol_count = 1,
                                         .session_timeout_ms = 10000,
                                         .rebalance_timeout_ms = 60000};
    group_coordinator_join(g.coordinator, &consumer->join);
    groups_turn(&g);
}

static void sync_of(struct consumer *consumer, size_t count) {
    consumer->sync_error = NOT_DONE;
    consumer->sync = (struct group_sync){.call.done = sync_done,
                                         .group_id = kp_string_of("g"),
                                         .member_id = kp_string_of(consumer->id),
                                         .instance_id = {.len = -1},
                                         .protocol_type = {.len = -1},
                                         .protocol = {.len = -1},
                                         .generation = consumer->generation,
                                         .assignments = assignments,
                                         .assignment_count = count};
    group_coordinator_sync(g.coordinator, &consumer->sync);
    groups_turn(&g);
}

/* m1 leads; the three are assigned partitions from `first[i]` on, `count[i]` of them. */
static void sync_all(const int first[3], const int count[3]) {
    sync_of(&m2, 0);
    sync_of(&m3, 0);
    for (int i = 0; i < 3; i++)
        assignments[i] = (struct group_assignment){kp_string_of(all[i]->id),
                                                   assignment(m1.assigned[i], first[i], count[i])};
    sync_of(&m1, 3);
    assert_int_equal(groups_commit(&g), 1);
}

/* m1 and m2 have three each, m3 is to get the last of each. */
static void one_gives_back(void) {
    join(&m1, 0, 3);
    join(&m2, 3, 3);
    join(&m3, 0, 0);
    assert_int_equal(m3.join_error, 0);
    sync_all((int[]){0, 3, 0}, (int[]){2, 3, 0});
    assert_int_equal(m1.sync_error, 0);
}

/* ---- Tests ---- */

/* The rebalance in which m3 gets what m1 gave back waits for nobody's heartbeat. */
static void test_handover_others_join_at_once(void **state) {
    (void)state;
    one_gives_back();
    assert_int_equal(m2.sync_error, NOT_DONE);
    assert_int_equal(m3.sync_error, NOT_DONE);
    assert_string_equal(groups_state(&g), "Stable 2 m1,m2,m3");
    groups_pass(&g, HOLD_MS - 1);
    join(&m1, 0, 2);
    assert_int_equal(m2.sync_error, KAFKA_REBALANCE_IN_PROGRESS);
    assert_int_equal(m3.sync_error, KAFKA_REBALANCE_IN_PROGRESS);
    join(&m2, 3, 3);
    join(&m3, 0, 0);
    assert_int_equal(m1.join_error, 0);
    sync_all((int[]){0, 3, 2}, (int[]){2, 3, 1});
    for (int i = 0; i < 3; i++)
        assert_int_equal(all[i]->sync_error, 0);
    assert_string_equal(groups_state(&g), "Stable 3 m1,m2,m3");
}

/* Also who leads waits, and who comes when all is assigned. */
static void test_handover_leader_and_late_sync_wait(void **state) {
    (void)state;
    join(&m1, 0, 3);
    join(&m2, 3, 3);
    join(&m3, 0, 0);
    assignments[0] = (struct group_assignment){kp_string_of("m1"),
                                               assignment(m1.assigned[0], 0, 3)};
    assignments[1] = (struct group_assignment){kp_string_of("m2"),
                                               assignment(m1.assigned[1], 3, 2)};
    sync_of(&m1, 2);
    assert_int_equal(groups_commit(&g), 1);
    assert_int_equal(m1.sync_error, NOT_DONE);
    sync_of(&m3, 0);
    assert_int_equal(m3.sync_error, NOT_DONE);
    sync_of(&m2, 0);
    assert_int_equal(m2.sync_error, 0);
    join(&m2, 3, 2);
    assert_int_equal(m1.sync_error, KAFKA_REBALANCE_IN_PROGRESS);
    assert_int_equal(m3.sync_error, KAFKA_REBALANCE_IN_PROGRESS);
}

/* Who gives back takes its time: nobody waits longer than half a second for it. */
static void test_handover_ends(void **state) {
    (void)state;
    one_gives_back();
    groups_pass(&g, HOLD_MS);
    assert_int_equal(m2.sync_error, 0);
    assert_int_equal(m3.sync_error, 0);
    sync_of(&m3, 0);
    assert_int_equal(m3.sync_error, 0); /* again: nobody waits any more */
    groups_pass(&g, 9000);
    assert_string_equal(groups_state(&g), "Stable 2 m1,m2,m3");
    groups_pass(&g, 1000); /* their sessions began when they were answered */
    assert_int_equal(groups_commit(&g), 1);
    assert_string_equal(groups_state(&g), "Empty 3");
}

/* Eager members have nothing, cooperative ones at the second time only what they keep. */
static void test_handover_nobody_gives_back(void **state) {
    (void)state;
    join(&m1, 0, 2);
    join(&m2, 2, 2);
    join(&m3, 0, 0);
    sync_all((int[]){0, 2, 4}, (int[]){3, 2, 2});
    for (int i = 0; i < 3; i++)
        assert_int_equal(all[i]->sync_error, 0);
}

/* Old assignors give away what one has whose Sync was refused: where there may be one, and be it a
 * member that has nothing to give back, no Sync is. */
static void test_handover_old_clients(void **state) {
    (void)state;
    m3.version = 2;
    one_gives_back();
    assert_int_equal(m2.sync_error, 0);
    assert_int_equal(m3.sync_error, 0);
}

/* A client that says that it has very much does not keep the loop busy: nobody waits. */
static void test_handover_too_much_to_look_at(void **state) {
    (void)state;
    join(&m1, 0, 70000);
    join(&m2, 0, 0);
    join(&m3, 0, 0);
    sync_all((int[]){0, 0, 0}, (int[]){0, 0, 0});
    assert_int_equal(m2.sync_error, 0);
    for (int i = 0; i < 2; i++) { /* in little text, and much to compare */
        join(&m1, 0, 10000);
        join(&m2, 0, 0);
        join(&m3, 0, 0);
        sync_all((int[]){0, 0, 0}, (int[]){10000 - i, 0, 0});
        assert_int_equal(m2.sync_error, 0);
    }
}

/* A static member that is to give something back, and is started anew before it joins again: the
 * new process knows nothing of it, so that without a rebalance nobody would ever have the rest;
 * whoever coordinates by then. Once all is assigned again nobody notices. */
static void test_handover_static_member_starts_anew(void **state) {
    (void)state;
    static struct asked again, later;
    for (int moved = 0; moved < 2; moved++) {
        groups_close(&g);
        groups_open(&g);
        groups_stable(&g, 3, true);
        one_gives_back();
        if (moved) groups_move(&g);
        ask_join(&g, &again, (struct asks){.instance = "i1"});
        assert_int_equal(groups_commit(&g), 0);
        assert_int_equal(again.error, NOT_DONE);
        assert_int_equal(ask_heartbeat(&g, (struct asks){.member = "m2", .generation = 2}),
                         KAFKA_REBALANCE_IN_PROGRESS);
        ask_join(&g, &later, (struct asks){.instance = "i1"});
        assert_int_equal(again.error, KAFKA_FENCED_INSTANCE_ID);
        join(&m2, 3, 3);
        join(&m3, 0, 0);
        assert_int_equal(later.error, 0);
        assert_int_equal(later.generation, 3);
    }
}

/* Those that wait end with the lead, and with their member. */
static void test_handover_is_given_up(void **state) {
    (void)state;
    static struct asked leave;
    one_gives_back();
    ask_leave(&g, &leave, "g", "m2");
    assert_int_equal(m2.sync_error, KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(m3.sync_error, KAFKA_REBALANCE_IN_PROGRESS);
    join(&m1, 0, 3);
    join(&m3, 0, 0);
    assert_int_equal(m1.join_error, 0);
    sync_of(&m3, 0);
    assignments[0] = (struct group_assignment){kp_string_of("m1"),
                                               assignment(m1.assigned[0], 0, 2)};
    sync_of(&m1, 1);
    assert_int_equal(groups_commit(&g), 1);
    assert_int_equal(m3.sync_error, NOT_DONE);
    groups_move(&g);
    assert_int_equal(m3.sync_error, KAFKA_NOT_COORDINATOR);
    groups_pass(&g, HOLD_MS);
    assert_string_equal(groups_state(&g), "Stable 3 m1,m3");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_handover_others_join_at_once),
        TEST(test_handover_leader_and_late_sync_wait),
        TEST(test_handover_ends),
        TEST(test_handover_nobody_gives_back),
        TEST(test_handover_old_clients),
        TEST(test_handover_too_much_to_look_at),
        TEST(test_handover_static_member_starts_anew),
        TEST(test_handover_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
