/* Limits of connections, also those that change while clients are there. */
#include <unistd.h>

#include "broker/arrival/door.h"
#include "tests/unit/broker/fixture_server.h"
#include "tests/unit/unit.h"

/* Beyond max.connections clients wait, and come in when others leave. */
static void test_server_limits_connections(void **state) {
    struct stage *stage = *state;
    stage->options.max_connections = 2;
    stage_open_server(stage);
    int clients[3];
    for (int i = 0; i < 3; i++) {
        clients[i] = stage_dial(stage);
        stage_ask_cluster(clients[i], i);
    }
    stage_run_until_held(stage, 2);
    stage_run_ms(stage, 20);
    assert_int_equal(stage->held_count, 2);
    assert_int_equal(server_connection_count(stage->server), 2);
    stage_assert_logged(stage, "Raise max.connections (now 2)");
    close(clients[0]);
    stage_run_until_held(stage, 3);
    close(clients[1]);
    close(clients[2]);
}

/* Where the limit of open files is why no more may connect, that is what is to be raised. */
static void test_server_few_files(void **state) {
    struct stage *stage = *state;
    stage->options.max_connections = 2;
    stage->options.few_files = 64;
    stage_open_server(stage);
    int clients[2] = {stage_dial(stage), stage_dial(stage)};
    stage_ask_cluster(clients[1], 1);
    stage_run_until_held(stage, 1);
    stage_assert_logged(stage, "Raise the hard limit of open files (ulimit -Hn, LimitNOFILE)");
    close(clients[0]);
    close(clients[1]);
}

static bool has_one_connection(struct stage *stage) {
    return server_connection_count(stage->server) == 1;
}

/* Limits that change while clients are there: who is over a lower one stays, and nobody comes in; a
 * higher one lets in who waits. */
static void test_server_limits_change(void **state) {
    struct stage *stage = *state;
    stage->options.max_connections = 2;
    stage_open_server(stage);
    int clients[4];
    for (int i = 0; i < 3; i++) {
        clients[i] = stage_dial(stage);
        stage_ask_cluster(clients[i], i);
    }
    stage_run_until_held(stage, 2);
    stage->options.max_connections = 3;
    server_set_limits(stage->server, &stage->options);
    stage_run_until_held(stage, 3);
    stage->options.max_connections = 1;
    server_set_limits(stage->server, &stage->options);
    clients[3] = stage_dial(stage);
    stage_ask_cluster(clients[3], 3);
    close(clients[0]);
    close(clients[1]);
    stage_run_until(stage, has_one_connection);
    stage_run_ms(stage, 20);
    assert_int_equal(server_connection_count(stage->server), 1);
    assert_int_equal(stage->held_count, 3);
    close(clients[2]);
    stage_run_until_held(stage, 4);
    close(clients[3]);
}

/* A budget that was raised goes on with what waited for it. */
static void test_server_memory_is_raised(void **state) {
    struct stage *stage = *state;
    stage->options.request_bytes = 4;
    stage_open_server(stage);
    int client = stage_dial(stage);
    stage_ask_cluster(client, 1);
    stage_run_until_held(stage, 1);
    stage_ask_cluster(client, 2);
    stage_run_ms(stage, 20);
    assert_int_equal(stage->held_count, 1);
    stage->options.request_bytes = 1 << 20;
    server_set_limits(stage->server, &stage->options);
    stage_run_until_held(stage, 2);
    close(client);
}

static bool has_two_connections(struct stage *stage) {
    return server_connection_count(stage->server) == 2;
}

/* One address may have so many, also when the limit is lowered while it has more; when one leaves
 * another may come. */
static void test_server_connections_of_an_address(void **state) {
    struct stage *stage = *state;
    stage_open_server(stage);
    int clients[4];
    for (int i = 0; i < 3; i++)
        clients[i] = stage_dial(stage);
    stage_ask_cluster(clients[2], 1);
    stage_run_until_held(stage, 1);
    stage->options.max_connections_per_ip = 2;
    server_set_limits(stage->server, &stage->options);
    clients[3] = stage_dial(stage);
    stage_assert_server_closes(stage, clients[3]);
    stage_assert_logged(stage, "its address has 2 (max.connections.per.ip) already");
    close(clients[0]);
    stage_run_until(stage, has_two_connections);
    clients[3] = stage_dial(stage);
    stage_assert_server_closes(stage, clients[3]);
    close(clients[1]);
    stage_run_until(stage, has_one_connection);
    clients[3] = stage_dial(stage);
    stage_ask_cluster(clients[3], 2);
    stage_run_until_held(stage, 2);
    close(clients[2]);
    close(clients[3]);
}

/* Who operates the broker gets in though no more clients may: from this machine, where of those who
 * came in like this the one that asked longest ago leaves for it. */
static void test_server_own_places(void **state) {
    struct stage *stage = *state;
    int clients[4];
    stage->options.max_connections = 1;
    stage->options.own_places = 2;
    stage_open_server(stage);
    for (int i = 0; i < 4; i++) {
        clients[i] = stage_dial(stage);
        stage_ask_cluster(clients[i], i);
        stage_run_until_held(stage, (size_t)i + 1);
    }
    assert_int_equal(server_connection_count(stage->server), 3);
    stage_assert_server_closes(stage, clients[1]);
    stage_assert_ended(stage, ENDED_PLACE, 1);
    stage_ask_cluster(clients[0], 4); /* who came in as anybody does is still there */
    stage_run_until_held(stage, 5);
    for (int i = 0; i < 4; i++)
        close(clients[i]);
}

/* Also when there are more clients than may be by now; none of those leaves for it. */
static void test_server_own_places_beyond_a_lower_limit(void **state) {
    struct stage *stage = *state;
    int clients[4];
    stage->options.max_connections = 3;
    stage->options.own_places = 1;
    stage_open_server(stage);
    for (int i = 0; i < 4; i++) {
        clients[i] = stage_dial(stage);
        stage_ask_cluster(clients[i], i);
        stage_run_until_held(stage, (size_t)i + 1);
        if (i != 2) continue;
        stage->options.max_connections = 1;
        server_set_limits(stage->server, &stage->options);
    }
    assert_int_equal(server_connection_count(stage->server), 4);
    for (int i = 0; i < 4; i++)
        close(clients[i]);
}

/* However many wait at the door, the next one is looked at: for it the first that waits is closed.
 */
static void test_server_door_is_bounded(void **state) {
    struct stage *stage = *state;
    int in, waiting[DOOR_PLACES + 1];
    stage->options.max_connections = 1;
    stage_open_server(stage);
    in = stage_dial(stage);
    stage_ask_cluster(in, 0);
    stage_run_until_held(stage, 1);
    for (int i = 0; i <= DOOR_PLACES; i++) {
        waiting[i] = stage_dial(stage);
        stage_ask_cluster(waiting[i], i + 1);
    }
    stage_assert_server_closes(stage, waiting[0]);
    assert_int_equal(stage->held_count, 1);
    close(in);
    stage_run_until_held(stage, 2);
    for (int i = 0; i <= DOOR_PLACES; i++)
        close(waiting[i]);
}

enum { CROWD = 25, RATE = 20 };

static bool has_the_crowd(struct stage *stage) {
    return server_connection_count(stage->server) == CROWD;
}

/* New connections come no faster than they may: those beyond wait, and are let in later. */
static void test_server_pace_of_connections(void **state) {
    struct stage *stage = *state;
    int clients[CROWD];
    stage->options.max_connection_rate = RATE;
    stage_open_server(stage);
    uint64_t began_us = env_now_us(stage->env);
    for (int i = 0; i < CROWD; i++)
        clients[i] = stage_dial(stage);
    stage_run_until(stage, has_the_crowd);
    /* A second's worth at once, the others one by one. */
    assert_true(env_now_us(stage->env) - began_us >= (CROWD - RATE) * 1000 * 1000 / RATE);
    for (int i = 0; i < CROWD; i++)
        close(clients[i]);
}

/* Who comes too often from its address is held without an answer, and closed a moment later; when
 * the quota has gone it is let in. */
static void test_server_quota_of_an_address(void **state) {
    struct stage *stage = *state;
    struct quota_table quotas = {0};
    const struct quota_entity any = {.types = 1u << QUOTA_IP,
                                     .names = {KP_NULL_STRING, KP_NULL_STRING, KP_NULL_STRING}};
    int clients[3];
    stage->options.quotas = (struct quotas_options){.shape = {.samples = 2, .sample_ms = 200},
                                                    .longest_ms = 60000};
    stage_open_server(stage);
    quota_table_set(&quotas, &any, QUOTA_CONNECTIONS, 5); /* one in 200 ms */
    server_follow(stage->server, &(struct server_tables){.quotas = &quotas});
    uint64_t began_us = env_now_us(stage->env);
    for (int i = 0; i < 2; i++) {
        clients[i] = stage_dial(stage);
        stage_ask_cluster(clients[i], i);
    }
    stage_assert_server_closes(stage, clients[1]);
    assert_true(env_now_us(stage->env) - began_us >= 100 * 1000);
    assert_int_equal(stage->held_count, 1);
    assert_int_equal(server_stats_of(stage->server)->refused[REFUSED_QUOTA], 1);
    quota_table_set(&quotas, &any, QUOTA_CONNECTIONS, 0);
    clients[2] = stage_dial(stage);
    stage_ask_cluster(clients[2], 2);
    stage_run_until_held(stage, 2);
    server_follow(stage->server, &(struct server_tables){.quotas = NULL});
    quota_table_close(&quotas);
    for (int i = 0; i < 3; i++)
        close(clients[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_server_limits_connections),
        TEST(test_server_few_files),
        TEST(test_server_limits_change),
        TEST(test_server_memory_is_raised),
        TEST(test_server_connections_of_an_address),
        TEST(test_server_pace_of_connections),
        TEST(test_server_quota_of_an_address),
        TEST(test_server_own_places),
        TEST(test_server_own_places_beyond_a_lower_limit),
        TEST(test_server_door_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
