/* The table of leaders: terms, announcements, waiting. */
#include <stdio.h>
#include <string.h>

#include "base/env_uv/env_uv.h"
#include "base/mem.h"
#include "broker/cluster/leader_table.h"
#include "tests/unit/unit.h"

/* Two brokers whose announcements go straight to each other. */
struct fixture {
    struct env *env;
    struct log log;
    struct leader_table *tables[2]; /* of brokers 1 and 2 */
    size_t sent, last_len;
    struct leader_wait wait;
    bool ended;
    int error;
};

static struct fixture *current;

static void deliver(void *arg, int32_t node, struct slice announcement) {
    struct fixture *fixture = current;
    int32_t from = *(int32_t *)arg;
    fixture->sent++;
    fixture->last_len = announcement.len;
    if (node <= 2) leader_table_receive(fixture->tables[node - 1], from, &announcement);
    slice_unref(&announcement);
}

static int32_t names[2] = {1, 2};

static int setup(void **state) {
    struct fixture *fixture = mem_zalloc(sizeof *fixture);
    current = fixture;
    *state = fixture;
    assert_int_equal(env_uv_new(&fixture->env, 2), ERR_NONE);
    fixture->log = (struct log){.env = fixture->env, .level = LOG_ERROR};
    for (int i = 0; i < 2; i++)
        fixture->tables[i] = leader_table_new(fixture->env, &fixture->log, i + 1, deliver,
                                              &names[i]);
    leader_table_peer_up(fixture->tables[0], 2);
    leader_table_peer_up(fixture->tables[1], 1);
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    for (int i = 0; i < 2; i++)
        leader_table_free(fixture->tables[i]);
    assert_true(env_uv_free(fixture->env));
    mem_free(fixture);
    return 0;
}

/* Until nothing is left to do: announcements leave at the end of a turn. */
static void run(struct fixture *fixture) {
    env_uv_run(fixture->env);
}

static const int32_t both[] = {1, 2};

/* Who leads says so; the other knows it after the turn, with who is in sync; what did not change is
 * not sent again. */
static void test_leader_table_announces(void **state) {
    struct fixture *fixture = *state;
    leader_table_lead(fixture->tables[0], 7, 3, both, 2);
    leader_table_lead(fixture->tables[0], 8, 3, both, 1);
    assert_int_equal(leader_table_get(fixture->tables[1], 7).node, LEADER_NONE);
    run(fixture);
    assert_int_equal(fixture->sent, 1);
    struct leader leader = leader_table_get(fixture->tables[1], 7);
    assert_int_equal(leader.node, 1);
    assert_int_equal(leader.term, 3);
    assert_int_equal(leader.in_sync_count, 2);
    assert_int_equal(leader.in_sync[1], 2);
    assert_int_equal(leader_table_led_by(fixture->tables[1], 1), 2);
    leader_table_lead(fixture->tables[0], 7, 3, both, 1);
    run(fixture);
    assert_int_equal(leader_table_get(fixture->tables[1], 7).in_sync_count, 1);
    assert_int_equal(fixture->sent, 2);
    assert_int_equal(fixture->last_len, 5 + 21); /* one row, one broker in sync */
}

/* The highest term wins, in whatever order it is heard; leadership that was lost shows nobody. */
static void test_leader_table_terms(void **state) {
    struct fixture *fixture = *state;
    leader_table_lead(fixture->tables[1], 7, 3, both,
                      2); /* does not know yet that its term is over */
    leader_table_lead(fixture->tables[0], 7, 5, both, 2);
    run(fixture);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(leader_table_get(fixture->tables[i], 7).node, 1);
        assert_int_equal(leader_table_get(fixture->tables[i], 7).term, 5);
    }
    leader_table_lead(fixture->tables[1], 7, 4, both, 2);
    run(fixture);
    assert_int_equal(leader_table_get(fixture->tables[1], 7).node, 1);
    leader_table_lead(fixture->tables[1], 7, 6, both, 2);
    run(fixture);
    assert_int_equal(leader_table_get(fixture->tables[0], 7).node, 2);
    leader_table_lost(fixture->tables[0], 7); /* lost long ago: changes nothing */
    run(fixture);
    assert_int_equal(leader_table_get(fixture->tables[0], 7).node, 2);
    leader_table_lost(fixture->tables[1], 7);
    run(fixture);
    assert_int_equal(leader_table_get(fixture->tables[0], 7).node, LEADER_NONE);
    assert_int_equal(leader_table_get(fixture->tables[0], 7).term, 6);
}

/* A broker known to be dead leads nothing until somebody announces; one that comes up is told
 * everything we lead. */
static void test_leader_table_dead_and_up(void **state) {
    struct fixture *fixture = *state;
    for (uint64_t group = 1; group <= 5000; group++)
        leader_table_lead(fixture->tables[0], group, 2, both, 2);
    run(fixture);
    assert_int_equal(leader_table_led_by(fixture->tables[1], 1), 5000);
    leader_table_peer_dead(fixture->tables[1], 1);
    assert_int_equal(leader_table_led_by(fixture->tables[1], 1), 0);
    assert_int_equal(leader_table_get(fixture->tables[1], 17).term, 2);
    leader_table_peer_up(fixture->tables[0], 2);
    assert_int_equal(leader_table_led_by(fixture->tables[1], 1), 5000);
    leader_table_forget(fixture->tables[1], 17);
    assert_int_equal(leader_table_get(fixture->tables[1], 17).term, 0);
}

static void on_wait(struct leader_wait *wait, int error) {
    struct fixture *fixture = current;
    assert_ptr_equal(wait, &fixture->wait);
    fixture->ended = true;
    fixture->error = error;
}

/* Waiting ends when the last of the groups has a leader, or when the time is over; never inside the
 * call. */
static void test_leader_table_waits(void **state) {
    struct fixture *fixture = *state;
    static const uint64_t groups[] = {1, 2};
    fixture->wait.done = on_wait;
    leader_table_lead(fixture->tables[0], 1, 1, both, 1);
    leader_table_wait(fixture->tables[0], &fixture->wait, groups, 2, 10000);
    leader_table_lead(fixture->tables[0], 2, 1, both, 1);
    assert_false(fixture->ended);
    run(fixture);
    assert_true(fixture->ended);
    assert_int_equal(fixture->error, ERR_NONE);
    fixture->ended = false;
    leader_table_lost(fixture->tables[0], 2);
    leader_table_wait(fixture->tables[0], &fixture->wait, groups, 2, 5);
    run(fixture); /* ends with the timer */
    assert_int_equal(fixture->error, ERR_TIMEOUT);
    fixture->ended = false;
    leader_table_lead(fixture->tables[0], 2, 2, both, 1);
    fixture->wait.term_above = 2; /* for the next leader */
    leader_table_wait(fixture->tables[0], &fixture->wait, groups + 1, 1, 5);
    run(fixture);
    assert_int_equal(fixture->error, ERR_TIMEOUT);
    fixture->ended = false;
    leader_table_wait(fixture->tables[0], &fixture->wait, groups + 1, 1, 10000);
    leader_table_lead(fixture->tables[0], 2, 3, both, 1);
    run(fixture);
    assert_true(fixture->ended && fixture->error == ERR_NONE);
    fixture->ended = false;
    fixture->wait.term_above = 0;
    leader_table_lost(fixture->tables[0], 2);
    leader_table_wait(fixture->tables[0], &fixture->wait, groups, 2, 10000);
    leader_table_wait_cancel(&fixture->wait);
    run(fixture);
    assert_false(fixture->ended);
    leader_table_wait(fixture->tables[0], &fixture->wait, groups, 2, 10000);
    leader_table_free(fixture->tables[0]);
    assert_int_equal(fixture->error, ERR_CANCELED);
    fixture->tables[0] = NULL;
}

static struct leader_wait waits[4];
static unsigned ended; /* a bit for each */

static void on_one_of_many(struct leader_wait *wait, int error) {
    static const uint64_t group = 1;
    ended |= 1u << (wait - waits);
    if (error == ERR_CANCELED || wait != &waits[0]) return;
    leader_table_wait_cancel(&waits[1]);
    leader_table_wait(current->tables[0], &waits[3], &group, 1, 10000);
}

/* One that ends may cancel the next and begin another. */
static void test_leader_table_waits_end_each_other(void **state) {
    struct fixture *fixture = *state;
    static const uint64_t group = 1;
    ended = 0;
    for (int i = 0; i < 4; i++)
        waits[i] = (struct leader_wait){.done = on_one_of_many};
    for (int i = 0; i < 3; i++)
        leader_table_wait(fixture->tables[0], &waits[i], &group, 1, 10000);
    leader_table_lead(fixture->tables[0], 1, 1, both, 1);
    run(fixture);
    assert_int_equal(ended, 1 | 4 | 8);
}

/* A leader whose link broke is in doubt until it is back, another one is announced, or the time is
 * over; who waits waits that long. */
static void test_leader_table_doubt(void **state) {
    struct fixture *fixture = *state;
    struct leader_table *table = fixture->tables[1];
    static const uint64_t groups[] = {1, 2};
    leader_table_lead(fixture->tables[0], 1, 2, both, 2);
    leader_table_lead(table, 2, 2, both, 2);
    run(fixture);
    assert_false(leader_table_in_doubt(table));
    leader_table_peer_down(table, 1);
    assert_true(leader_table_in_doubt(table));
    assert_in_range(leader_table_doubt_ms(table, 1), 1, LEADER_DOUBT_MS);
    assert_int_equal(leader_table_doubt_ms(table, 2), 0);
    assert_int_equal(leader_table_get(table, 1).node, 1); /* it may well live */
    fixture->wait.done = on_wait;
    leader_table_wait(table, &fixture->wait, groups, 2, 5);
    run(fixture);
    assert_int_equal(fixture->error, ERR_TIMEOUT);

    fixture->ended = false;
    leader_table_wait(table, &fixture->wait, groups, 2, 10000);
    leader_table_peer_up(table, 1); /* back */
    run(fixture);
    assert_true(fixture->ended && fixture->error == ERR_NONE);
    assert_int_equal(leader_table_doubt_ms(table, 1), 0);

    fixture->ended = false;
    leader_table_peer_down(table, 1);
    leader_table_peer_dead(table, 1);
    leader_table_wait(table, &fixture->wait, groups, 2, 10000);
    leader_table_lead(table, 1, 3, both, 1); /* another one */
    run(fixture);
    assert_true(fixture->ended && fixture->error == ERR_NONE);

    leader_table_lost(table, 1);
    assert_true(leader_table_doubt_ms(table, 1) > 0);
}

/* Announcements that make no sense are dropped, as far as they make none. */
static void test_leader_table_hostile(void **state) {
    struct fixture *fixture = *state;
    uint8_t bytes[64];
    uint32_t random = 7;
    for (int round = 0; round < 20000; round++) {
        size_t len = round % sizeof bytes;
        for (size_t i = 0; i < len; i++) {
            random = random * 1664525 + 1013904223;
            bytes[i] = (uint8_t)(random >> 24) & (round % 3 == 0 ? 0xff : 0x03);
        }
        if (len > 0) bytes[0] = 1;
        struct slice slice = {.data = bytes, .len = len};
        leader_table_receive(fixture->tables[0], 2, &slice);
    }
    run(fixture);
}

/* A broker that claims to lead ever more groups does not fill the memory of the others; those that
 * are known go on. */
static void test_leader_table_is_bounded(void **state) {
    struct fixture *fixture = *state;
    enum { ROW = 17, ROWS = 1000 };
    static uint8_t bytes[5 + ROW * ROWS];
    for (uint32_t first = 0; first < 300000; first += ROWS) {
        memset(bytes, 0, sizeof bytes);
        bytes[0] = 1;
        bytes[3] = ROWS >> 8;
        bytes[4] = ROWS & 255;
        for (uint32_t i = 0; i < ROWS; i++) {
            uint8_t *row = bytes + 5 + (size_t)ROW * i;
            for (int shift = 0; shift < 32; shift += 8)
                row[7 - shift / 8] = (uint8_t)((first + i) >> shift);
            row[11] = 2; /* term */
            row[12] = 1; /* leads */
        }
        struct slice slice = {.data = bytes, .len = sizeof bytes};
        leader_table_receive(fixture->tables[0], 2, &slice);
    }
    assert_in_range(leader_table_led_by(fixture->tables[0], 2), 100000, 250000);
    assert_int_equal(leader_table_get(fixture->tables[0], 77).node, 2);
    assert_int_equal(leader_table_get(fixture->tables[0], 299999).node, LEADER_NONE);
    run(fixture);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_leader_table_announces),
        TEST(test_leader_table_terms),
        TEST(test_leader_table_dead_and_up),
        TEST(test_leader_table_waits),
        TEST(test_leader_table_hostile),
        TEST(test_leader_table_is_bounded),
        TEST(test_leader_table_waits_end_each_other),
        TEST(test_leader_table_hostile),
        TEST(test_leader_table_is_bounded),
        TEST(test_leader_table_doubt),
    };
    return cmocka_run_group_tests_name("leader_table", tests, NULL, NULL);
}
