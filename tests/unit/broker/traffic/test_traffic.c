/* What a replica remembers: when records came, and who fetches. */
#include "broker/traffic/traffic.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/unit/unit.h"

static const int64_t windows[2] = {10000, 100000};
static struct traffic traffic;

static int setup(void **state) {
    *state = &traffic;
    traffic = (struct traffic){.readers = NULL};
    return 0;
}

static int teardown(void **state) {
    (void)state;
    traffic_close(&traffic);
    return 0;
}

/* The age of a record is counted from when it came; of what was there before only so much is known
 * that it is older. */
static void test_traffic_ages(void **state) {
    (void)state;
    traffic_opened(&traffic, 100);
    traffic_committed(&traffic, 1000, 90, 100, false); /* replayed */
    struct traffic_arrival arrival = traffic_arrival(&traffic, 5000, 95, 100, windows);
    assert_true(arrival.at_least);
    assert_int_equal(arrival.per_second[0], PROGRESS_UNKNOWN);
    traffic_leading(&traffic, 2000, 100);
    traffic_committed(&traffic, 3000, 100, 110, false);
    traffic_committed(&traffic, 9000, 110, 120, false);
    arrival = traffic_arrival(&traffic, 12000, 105, 120, windows);
    assert_int_equal(arrival.age_ms, 9000);
    assert_false(arrival.at_least);
    assert_int_equal(traffic_arrival(&traffic, 12000, 110, 120, windows).age_ms, 3000);
    assert_int_equal(traffic_arrival(&traffic, 12000, 120, 120, windows).age_ms, -1);
    arrival = traffic_arrival(&traffic, 12000, 99, 120, windows);
    assert_true(arrival.at_least);
    assert_int_equal(arrival.age_ms, 10000);
    assert_int_equal(arrival.per_second[0], 2000); /* 20 records in ten seconds */
    assert_int_equal(arrival.per_second[1], PROGRESS_UNKNOWN);
}

/* What a follower hears of long after it was written came at an unknown time; what comes after it
 * is known again. */
static void test_traffic_comes_late(void **state) {
    (void)state;
    traffic_committed(&traffic, 1000, 0, 10, false);
    traffic_committed(&traffic, 60000, 10, 500, true);
    traffic_committed(&traffic, 61000, 500, 510, false);
    struct traffic_arrival arrival = traffic_arrival(&traffic, 62000, 499, 510, windows);
    assert_true(arrival.at_least);
    assert_int_equal(arrival.age_ms, 2000);
    arrival = traffic_arrival(&traffic, 62000, 505, 510, windows);
    assert_false(arrival.at_least);
    assert_int_equal(arrival.age_ms, 1000);
}

static void fetched(int64_t now_ms, const char *peer, int64_t offset, bool brought) {
    struct traffic_reader_id id = {.client_id = kp_string_of("c"), .peer = peer};
    id.key = traffic_reader_key(id.client_id, peer);
    traffic_fetched(&traffic, now_ms, &id, offset, brought);
}

/* One that gets on is given nothing again; one that waits at the end neither; one that goes back,
 * or asks once more for what it was given, is. */
static void test_traffic_given_again(void **state) {
    (void)state;
    fetched(1000, "10.0.0.1:1", 0, true);
    fetched(1100, "10.0.0.1:1", 50, true);
    fetched(1200, "10.0.0.1:1", 100, false);
    fetched(1300, "10.0.0.1:1", 100, false);
    fetched(1400, "10.0.0.1:1", 100, true);
    const struct traffic_reader *reader = &traffic.readers[0];
    assert_int_equal(traffic.reader_count, 1);
    assert_int_equal(reader->again, 0);
    assert_int_equal(reader->furthest, 100);
    assert_int_equal(reader->moved_ms, 1200);
    assert_string_equal(reader->client_id, "c");
    assert_string_equal(reader->peer, "10.0.0.1:1");
    fetched(1500, "10.0.0.1:1", 100, true);
    fetched(1600, "10.0.0.1:1", 20, true);
    fetched(1700, "10.0.0.1:1", 60, true); /* on its way again */
    fetched(1800, "10.0.0.1:1", 20, true);
    assert_int_equal(reader->again, 3);
    assert_int_equal(reader->offset, 20);
    assert_int_equal(reader->furthest, 100);
    fetched(1900, "10.0.0.1:1", 101, true);
    assert_int_equal(reader->again, 0);
}

/* Who produces is summed by client; of too many those stay that came last. */
static void test_traffic_writers(void **state) {
    (void)state;
    for (int64_t i = 0; i < 2 * TRAFFIC_READERS_MAX; i++) {
        char peer[32];
        snprintf(peer, sizeof peer, "10.0.0.1:%d", (int)i);
        struct traffic_reader_id id = {traffic_reader_key(kp_string_of("w"), peer),
                                       kp_string_of("w"), peer, 0};
        traffic_produced(&traffic, 100 + i, &id, 3, 70);
        traffic_produced(&traffic, 200 + i, &id, 4, 80);
    }
    assert_int_equal(traffic.writer_count, TRAFFIC_READERS_MAX);
    for (size_t i = 0; i < TRAFFIC_READERS_MAX; i++) {
        const struct traffic_writer *writer = &traffic.writers[i];
        assert_string_equal(writer->client_id, "w");
        assert_true(writer->seen_ms >= 200 + TRAFFIC_READERS_MAX);
        assert_int_equal(writer->seen_ms - writer->since_ms, 100);
        assert_int_equal(writer->batches, 2);
        assert_int_equal(writer->records, 7);
        assert_int_equal(writer->bytes, 150);
    }
}

/* Those that came last stay; texts are cut, also none at all. */
static void test_traffic_has_room(void **state) {
    (void)state;
    char peer[100], longest[200];
    for (int i = 0; i < TRAFFIC_READERS_MAX + 3; i++) {
        snprintf(peer, sizeof peer, "10.0.0.1:%d", i);
        fetched(1000 + i, peer, 0, false);
    }
    assert_int_equal(traffic.reader_count, TRAFFIC_READERS_MAX);
    for (int i = 0; i < TRAFFIC_READERS_MAX; i++)
        assert_true(traffic.readers[i].seen_ms >= 1003);
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = 0;
    struct traffic_reader_id id = {.client_id = {NULL, -1}, .peer = longest, .session_id = 9};
    id.key = traffic_reader_key(id.client_id, longest);
    traffic_fetched(&traffic, 5000, &id, 7, true);
    for (int i = 0; i < TRAFFIC_READERS_MAX; i++) {
        if (traffic.readers[i].key != id.key) continue;
        assert_string_equal(traffic.readers[i].client_id, "");
        assert_int_equal(strlen(traffic.readers[i].peer), TRAFFIC_TEXT - 1);
        return;
    }
    fail_msg("the one that came last is not there");
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Both cost below a microsecond; so much is left for a machine that is busy, or sanitizers. */
static void test_traffic_costs_little(void **state) {
    (void)state;
    enum { TIMES = 100000 };
    double began = seconds();
    for (int i = 0; i < TIMES; i++) {
        traffic_committed(&traffic, i * INT64_C(300), i, i + 1, false);
        fetched(i, "10.0.0.1:1", i, true);
    }
    double each_us = (seconds() - began) * 1e6 / TIMES;
    printf("# noting a commit and a fetch: %.3f us\n", each_us);
    assert_true(each_us < 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_traffic_ages),     TEST(test_traffic_comes_late), TEST(test_traffic_given_again),
        TEST(test_traffic_has_room), TEST(test_traffic_writers),    TEST(test_traffic_costs_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
