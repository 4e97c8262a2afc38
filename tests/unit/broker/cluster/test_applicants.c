/* Who asks to be admitted: found by its id, forgotten in time, never more than a few. */
#include <string.h>

#include "broker/cluster/applicants.h"
#include "tests/unit/unit.h"

static struct applicants applicants;

static int setup(void **state) {
    (void)state;
    memset(&applicants, 0, sizeof applicants);
    return 0;
}

static void ask(int32_t node, uint8_t directory, const char *list, uint64_t now_ms) {
    struct peer_hello hello = {.node = node, .directory = {directory}, .nodes = list};
    applicants_note(&applicants, &hello, now_ms);
}

/* Its own entry of its list says where it is reached. */
static void test_applicants_found(void **state) {
    (void)state;
    const struct applicant *found = NULL;
    ask(4, 1, "1@a:1,4@[::1]:9,44@b:2 metadata.voters=3", 1000);
    assert_int_equal(applicants_find(&applicants, 44, 1000, &found), 0);
    assert_int_equal(applicants_find(&applicants, 4, 1000, &found), 1);
    assert_string_equal(found->host, "::1");
    assert_int_equal(found->port, 9);
    assert_int_equal(found->directory[0], 1);
    ask(4, 1, "4@moved:7", 2000);
    assert_int_equal(applicants_find(&applicants, 4, 2000, &found), 1);
    assert_string_equal(found->host, "moved");
}

/* One that was admitted does not stand in the way of the next directory under its id. */
static void test_applicants_admitted(void **state) {
    (void)state;
    static const uint8_t admitted[CLUSTER_UUID_SIZE] = {1};
    const struct applicant *found = NULL;
    ask(4, 1, "4@a:1", 1000);
    ask(4, 2, "4@a:1", 1000);
    ask(5, 3, "5@a:2", 1000);
    assert_int_equal(applicants_find(&applicants, 4, 1000, &found), 2);
    applicants_forget(&applicants, admitted);
    assert_int_equal(applicants_find(&applicants, 4, 1000, &found), 1);
    assert_int_equal(found->directory[0], 2);
    assert_int_equal(applicants_find(&applicants, 5, 1000, &found), 1);
}

/* A list without it, or with something else in its place, is not believed. */
static void test_applicants_without_an_address(void **state) {
    (void)state;
    const struct applicant *found;
    static const char *const lists[] = {"",         "1@a:1 metadata.voters=3", "4@", "4@a:", "4",
                                        "4@a:99999"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        ask(4, 1, lists[i], 1000);
    assert_int_equal(applicants_find(&applicants, 4, 1000, &found), 0);
}

/* Two with one id are both told of; one that says no more is forgotten. */
static void test_applicants_two_with_one_id(void **state) {
    (void)state;
    const struct applicant *found = NULL;
    ask(4, 1, "4@a:1", 1000);
    ask(4, 2, "4@b:1", 1000 + APPLICANT_MS);
    assert_int_equal(applicants_find(&applicants, 4, 1000 + APPLICANT_MS, &found), 2);
    assert_int_equal(applicants_find(&applicants, 4, 1001 + APPLICANT_MS, &found), 1);
    assert_int_equal(found->directory[0], 2);
}

/* However many strangers there are, the last few are known. */
static void test_applicants_too_many(void **state) {
    (void)state;
    const struct applicant *found = NULL;
    char list[] = "10@a:1";
    for (int i = 0; i < 3 * APPLICANTS_MAX; i++) {
        list[1] = (char)('0' + i % 10);
        ask(10 + i % 10, (uint8_t)i, list, 1000 + (uint64_t)i);
    }
    assert_int_equal(applicants.count, APPLICANTS_MAX);
    int last = 3 * APPLICANTS_MAX - 1;
    assert_true(applicants_find(&applicants, 10 + last % 10, 2000, &found) >= 1);
    bool kept = false;
    for (size_t i = 0; i < applicants.count; i++)
        kept = kept || applicants.items[i].directory[0] == last;
    assert_true(kept);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_applicants_found, setup),
        cmocka_unit_test_setup(test_applicants_admitted, setup),
        cmocka_unit_test_setup(test_applicants_without_an_address, setup),
        cmocka_unit_test_setup(test_applicants_two_with_one_id, setup),
        cmocka_unit_test_setup(test_applicants_too_many, setup),
    };
    return cmocka_run_group_tests_name("applicants", tests, NULL, NULL);
}
