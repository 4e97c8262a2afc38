/* Who fetches as which member, by the hosts and names that groups and leaders remember. */
#include "why/facts.h"

#include <string.h>

#include "tests/unit/unit.h"

enum { COMMITTED = 100 };

static struct why_fetcher fetches(const char *client_id, const char *peer, int64_t furthest,
                                  int64_t seen_age_ms) {
    return (struct why_fetcher){
        .client_id = kp_string_of(client_id),
        .peer = kp_string_of(peer),
        .reader = {.offset = furthest, .furthest = furthest, .seen_age_ms = seen_age_ms}};
}

static bool looks_like(const char *client_id, const char *peer, const char *member_client_id,
                       const char *member_host) {
    const struct why_sought sought = {.client_id = kp_string_of(member_client_id),
                                      .host = kp_string_of(member_host),
                                      .committed = COMMITTED};
    const struct why_fetcher one = fetches(client_id, peer, COMMITTED, 5);
    struct why_reader reader = {.known = false};
    why_take_reader(&reader, &sought, &one);
    return reader.known;
}

/* The host is that of the connection, whatever its port; as a group or a person writes it. */
static void test_reader_at_its_host(void **state) {
    (void)state;
    assert_true(looks_like("c", "10.0.0.7:41234", "c", "/10.0.0.7"));
    assert_true(looks_like("c", "10.0.0.7:41234", "c", "10.0.0.7"));
    assert_true(looks_like("c", "[::1]:41234", "c", "/::1"));
    assert_false(looks_like("c", "10.0.0.71:41234", "c", "/10.0.0.7"));
    assert_false(looks_like("c", "10.0.0.7:41234", "c", "/10.0.0.71"));
    assert_false(looks_like("c", "10.0.0.7:41234", "other", "/10.0.0.7"));
    assert_false(looks_like("c", "10.0.0.7:41234", "c", ""));
    assert_false(looks_like("c", "10.0.0.7:41234", "c", "/"));
    assert_false(looks_like("c", "", "c", "/10.0.0.7"));
    assert_false(looks_like("c", "10.0.0.7", "c", "/10.0.0.7"));
}

/* A name is cut where it is remembered: what is left of it is compared, and a shorter one is
 * another. */
static void test_reader_with_a_long_name(void **state) {
    (void)state;
    char whole[101], cut[64];
    memset(whole, 'n', sizeof whole - 1);
    whole[sizeof whole - 1] = '\0';
    memcpy(cut, whole, sizeof cut - 1);
    cut[sizeof cut - 1] = '\0';
    assert_true(looks_like(cut, "10.0.0.7:1", whole, "/10.0.0.7"));
    cut[62] = '\0';
    assert_false(looks_like(cut, "10.0.0.7:1", whole, "/10.0.0.7"));
    assert_false(looks_like("n", "10.0.0.7:1", "nn", "/10.0.0.7"));
    assert_false(looks_like("nn", "10.0.0.7:1", "n", "/10.0.0.7"));
    assert_true(looks_like("", "10.0.0.7:1", "", "/10.0.0.7"));
}

/* Of several, the one that fetched last of those that came to where the group stands. */
static void test_reader_is_the_last_that_may_be_it(void **state) {
    (void)state;
    const struct why_sought sought = {
        .client_id = kp_string_of("c"), .host = kp_string_of("/h"), .committed = COMMITTED};
    const struct why_fetcher all[] = {
        fetches("c", "h:1", COMMITTED + 7, 50), fetches("c", "h:2", COMMITTED + 9, 20),
        fetches("c", "h:3", COMMITTED + 8, 30), fetches("c", "h:4", COMMITTED - 1, 0)};
    struct why_reader reader = {.known = false};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        why_take_reader(&reader, &sought, &all[i]);
    assert_true(reader.known);
    assert_int_equal(reader.furthest, COMMITTED + 9);
}

/* What a leader told is taken likewise. */
static void test_readers_that_a_leader_told(void **state) {
    (void)state;
    struct kp_partition_traffic_response_reader told[] = {
        {.client_id = kp_string_of("other"), .peer = kp_string_of("h:1"), .furthest = 200},
        {.client_id = kp_string_of("c"),
         .peer = kp_string_of("h:2"),
         .offset = 150,
         .furthest = 160,
         .seen_age_ms = 3,
         .moved_age_ms = 4,
         .again = 5}};
    const struct kp_partition_traffic_response_partition partition = {
        .readers = {.items = told, .count = 2}};
    const struct why_member member = {.client_id = "c", .host = "/h"};
    struct why_partition one = why_partition_unknown("orders", 3, 0);
    one.committed = COMMITTED;
    why_take_readers(&one, &member, &partition);
    assert_true(one.reader.known);
    assert_int_equal(one.reader.offset, 150);
    assert_int_equal(one.reader.furthest, 160);
    assert_int_equal(one.reader.seen_age_ms, 3);
    assert_int_equal(one.reader.moved_age_ms, 4);
    assert_int_equal(one.reader.again, 5);
}

/* Nothing that is not known stands for 0. */
static void test_partition_of_which_nothing_is_known(void **state) {
    (void)state;
    const struct why_partition one = why_partition_unknown("orders", 3, WHY_NOBODY);
    assert_string_equal(one.topic, "orders");
    assert_int_equal(one.partition, 3);
    assert_int_equal(one.member, WHY_NOBODY);
    const int64_t numbers[] = {one.committed,
                               one.log_start,
                               one.end,
                               one.lag,
                               one.age_ms,
                               one.commit_age_ms,
                               one.moved_age_ms,
                               one.produced[WHY_SHORT],
                               one.produced[WHY_LONG],
                               one.consumed[WHY_SHORT],
                               one.consumed[WHY_LONG]};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_int_equal(numbers[i], WHY_UNKNOWN);
    assert_false(one.watched);
    assert_false(one.reader.known);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_at_its_host),
        cmocka_unit_test(test_reader_with_a_long_name),
        cmocka_unit_test(test_reader_is_the_last_that_may_be_it),
        cmocka_unit_test(test_readers_that_a_leader_told),
        cmocka_unit_test(test_partition_of_which_nothing_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
