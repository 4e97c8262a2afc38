/* The table of fetch sessions: who has to go when there is no room (Kafka's rules), and that
 * nothing of it stays. */
#include "broker/api/fetch_sessions.h"

#include <stdio.h>

#include "base/env_uv/env_uv.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

enum { SLOTS = 3, MIB = 1 << 20, OLD = FETCH_SESSION_OLD_MS };

struct table {
    struct env *env;
    struct fetch_sessions *sessions;
    int asked; /* each time by another client */
    struct env_timer *looks;
};

static int table_setup(void **state) {
    struct table *table = test_calloc(1, sizeof *table);
    assert_int_equal(env_uv_new(&table->env, 2), ERR_NONE);
    table->sessions = fetch_sessions_new(table->env, SLOTS, 64 * MIB);
    *state = table;
    return 0;
}

static int table_teardown(void **state) {
    struct table *table = *state;
    fetch_sessions_free(table->sessions);
    assert_true(env_uv_free(table->env));
    test_free(table);
    return 0;
}

static struct fetch_session *fill(struct fetch_session *session, int32_t partitions) {
    struct topic_ref ref = {.by_id = session->set.by_id, .name = kp_string_of("topic")};
    struct kp_fetch_request_partition asked;
    kp_set_fallbacks(&kp_fetch_request_partition_schema, &asked);
    struct fetch_topic *topic = fetch_set_topic(&session->set, &ref);
    for (asked.partition = 0; asked.partition < partitions; asked.partition++)
        assert_non_null(fetch_set_put(&session->set, topic, &asked));
    assert_true(fetch_session_charge(session));
    return session;
}

/* A session of a new client of that host; NULL: there is no room. */
static struct fetch_session *make_at(struct table *table, const char *host, int port,
                                     int32_t partitions, uint64_t now_ms) {
    char peer[64];
    snprintf(peer, sizeof peer, "%s:%d", host, port);
    struct fetch_asker asker = {.principal = "User:a", .peer = peer, .now_ms = now_ms};
    struct fetch_session *session = fetch_sessions_make(table->sessions, &asker, true, 1,
                                                        (size_t)partitions);
    return session == NULL ? NULL : fill(session, partitions);
}

/* Of a new client, or of one that has many, all of one host. */
static struct fetch_session *make(struct table *table, int32_t partitions, uint64_t now_ms,
                                  bool same) {
    return make_at(table, "127.0.0.1", same ? 1 : 1000 + table->asked++, partitions, now_ms);
}

static int16_t take(struct table *table, int32_t id, int32_t epoch, uint64_t now_ms) {
    struct fetch_asker asker = {.principal = "User:a", .peer = "x", .now_ms = now_ms};
    struct fetch_session *session = NULL;
    int16_t code = fetch_sessions_take(table->sessions, &asker, id, epoch, true, &session);
    assert_int_equal(session != NULL, code == KAFKA_NONE);
    return code;
}

/* Young sessions stay, whoever comes; of old ones the smallest goes for a larger one, and one that
 * nobody uses for any. */
static void test_fetch_sessions_evict(void **state) {
    struct table *table = *state;
    int32_t ids[SLOTS];
    for (int32_t i = 0; i < SLOTS; i++)
        ids[i] = make(table, 10 * (i + 1), 0, false)->id;
    assert_null(make(table, 1000, OLD, false));
    for (int32_t i = 0; i < SLOTS; i++)
        assert_int_equal(take(table, ids[i], 1, OLD), KAFKA_NONE);
    assert_null(make(table, 10, OLD + 1, false)); /* no larger than the smallest */
    struct fetch_session *larger = make(table, 11, OLD + 1, false);
    assert_non_null(larger);
    assert_int_equal(fetch_sessions_count(table->sessions), SLOTS);
    assert_int_equal(take(table, ids[0], 2, OLD + 1), KAFKA_FETCH_SESSION_ID_NOT_FOUND);
    /* those that were used last at OLD are not unused for long before twice that */
    assert_null(make(table, 5, 2 * OLD, false));
    assert_int_equal(take(table, ids[1], 2, 2 * OLD), KAFKA_NONE);
    assert_non_null(make(table, 5, 2 * OLD + 1, false));
    assert_int_equal(take(table, ids[2], 2, 2 * OLD + 1), KAFKA_FETCH_SESSION_ID_NOT_FOUND);
    assert_int_equal(take(table, ids[1], 3, 2 * OLD + 1), KAFKA_NONE);
}

/* Epochs count up; behind the largest comes 1. A session is its principal's alone. */
static void test_fetch_sessions_epochs(void **state) {
    struct table *table = *state;
    struct fetch_session *session = make(table, 1, 0, false);
    int32_t id = session->id;
    session->epoch = INT32_MAX;
    assert_int_equal(take(table, id, INT32_MAX - 1, 1), KAFKA_INVALID_FETCH_SESSION_EPOCH);
    assert_int_equal(take(table, id, INT32_MAX, 1), KAFKA_NONE);
    assert_int_equal(session->epoch, 1);
    struct fetch_asker other = {.principal = "User:b", .peer = "x", .now_ms = 1};
    struct fetch_session *taken = NULL;
    assert_int_equal(fetch_sessions_take(table->sessions, &other, id, 1, true, &taken),
                     KAFKA_FETCH_SESSION_ID_NOT_FOUND);
    fetch_sessions_end(table->sessions, &other, id);
    assert_int_equal(take(table, id, 1, 1), KAFKA_NONE);
    other.principal = "User:a";
    fetch_sessions_end(table->sessions, &other, id);
    assert_int_equal(fetch_sessions_count(table->sessions), 0);
}

static void look(void *arg) {
    struct table *table = arg;
    if (fetch_sessions_bytes(table->sessions) == 0)
        env_uv_stop(table->env);
    else
        env_timer_start(table->looks, 100);
}

/* What is removed is taken apart later, but not before the fetch that is under way in it ends; then
 * nothing of it is charged. */
static void test_fetch_sessions_taken_apart(void **state) {
    struct table *table = *state;
    struct fetch_session *large = make(table, 50000, 0, false), *small = make(table, 1, 0, false);
    assert_in_range(fetch_sessions_bytes(table->sessions), 50000 * 100, 50000 * 300);
    large->fetch = table;
    fetch_session_remove(large);
    fetch_session_remove(large);
    fetch_session_remove(small);
    assert_int_equal(fetch_sessions_count(table->sessions), 0);
    assert_true(fetch_sessions_bytes(table->sessions) > 0);
    fetch_session_leave(large);
    table->looks = env_timer_new(table->env, look, table);
    env_timer_start(table->looks, 0);
    env_uv_run(table->env);
    env_timer_free(table->looks);
    assert_int_equal(fetch_sessions_bytes(table->sessions), 0);
}

/* One client keeps few, however many it makes; memory has its limit, too. */
static void test_fetch_sessions_limits(void **state) {
    struct table *table = *state;
    fetch_sessions_free(table->sessions);
    table->sessions = fetch_sessions_new(table->env, 1000, 4 * MIB);
    for (int i = 0; i < 100; i++)
        assert_non_null(make(table, 3, 0, true));
    assert_int_equal(fetch_sessions_count(table->sessions), FETCH_SESSIONS_OF_A_CONNECTION);
    assert_null(make(table, 50000, 0, false));
    int made = 0;
    while (make(table, 5000, 0, false) != NULL)
        made++;
    assert_in_range(made, 2, 5);
    assert_in_range(fetch_sessions_bytes(table->sessions), MIB, 4 * MIB);
    /* old ones go for one that is larger, as many as it takes */
    assert_non_null(make(table, 16000, OLD + 1, false));
    assert_null(make(table, FETCH_SESSION_PARTITIONS_MAX + 1, OLD + 1, false));
}

/* A host that has more than another one gives up some of it, however young: what it used least. Not
 * for one that would have as much then. */
static void test_fetch_sessions_are_shared(void **state) {
    struct table *table = *state;
    int32_t ids[SLOTS];
    for (int i = 0; i < SLOTS; i++)
        ids[i] = make_at(table, "[::1]", i, 10, 0)->id;
    assert_int_equal(take(table, ids[0], 1, 1), KAFKA_NONE);
    assert_null(make_at(table, "[::1]", 100, 10, 1));
    assert_non_null(make_at(table, "10.0.0.2", 1, 10, 1));
    assert_int_equal(take(table, ids[1], 1, 1), KAFKA_FETCH_SESSION_ID_NOT_FOUND);
    assert_null(make_at(table, "10.0.0.2", 2, 10, 1));
    assert_non_null(make_at(table, "10.0.0.3", 1, 10, 1));
    assert_int_equal(take(table, ids[2], 1, 1), KAFKA_FETCH_SESSION_ID_NOT_FOUND);
    assert_null(make_at(table, "10.0.0.4", 1, 10, 1)); /* one each */
    assert_int_equal(take(table, ids[0], 2, 1), KAFKA_NONE);
    /* the same of memory */
    fetch_sessions_free(table->sessions);
    table->sessions = fetch_sessions_new(table->env, 1000, 4 * MIB);
    int port = 0;
    while (make_at(table, "10.0.0.1", port, 3000, 0) != NULL)
        port++;
    assert_in_range(port, 4, 9);
    assert_non_null(make_at(table, "10.0.0.2", 1, 3000, 0));
    assert_int_equal(fetch_sessions_count(table->sessions), port);
    assert_null(make_at(table, "10.0.0.2", 2, 16000, 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, table_setup, table_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_fetch_sessions_evict),       TEST(test_fetch_sessions_epochs),
        TEST(test_fetch_sessions_taken_apart), TEST(test_fetch_sessions_limits),
        TEST(test_fetch_sessions_are_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
