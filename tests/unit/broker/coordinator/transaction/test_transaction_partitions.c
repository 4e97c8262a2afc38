/* Sets of partitions against a table of what was put in. */
#include "broker/coordinator/transaction/transaction_partitions.h"

#include <stdio.h>

#include "tests/unit/unit.h"

enum { TOPICS = 20, PARTITIONS = 30, ROUNDS = 300 };

static uint32_t seed = 5;

static uint32_t below(uint32_t limit) {
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % limit;
}

/* Whatever the order, and twice: what was put in is in it, and nothing else. */
static void test_partitions_in_any_order(void **state) {
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        static bool in[TOPICS][PARTITIONS];
        struct transaction_partitions set = {0};
        for (int t = 0; t < TOPICS; t++)
            for (int p = 0; p < PARTITIONS; p++)
                in[t][p] = false;
        for (uint32_t adds = below(40); adds > 0; adds--) {
            char name[8];
            uint32_t topic = below(TOPICS);
            int32_t numbers[4];
            for (size_t i = 0; i < 4; i++) {
                numbers[i] = (int32_t)below(PARTITIONS);
                in[topic][numbers[i]] = true;
            }
            snprintf(name, sizeof name, "%u", topic * 7);
            transaction_partitions_add(&set, kp_string_of(name), numbers, 4);
            if (below(3) == 0) transaction_partitions_settle(&set);
        }
        transaction_partitions_settle(&set);
        struct transaction_partitions copy = transaction_partitions_copy(&set);
        for (uint32_t t = 0; t < TOPICS; t++)
            for (int p = 0; p < PARTITIONS; p++) {
                char name[8];
                snprintf(name, sizeof name, "%u", t * 7);
                assert_int_equal(transaction_partitions_have(&set, kp_string_of(name), p),
                                 in[t][p]);
            }
        assert_true(transaction_partitions_have_all(&set, &copy));
        int32_t other = PARTITIONS;
        transaction_partitions_add(&copy, kp_string_of("0"), &other, 1);
        transaction_partitions_settle(&copy);
        assert_false(transaction_partitions_have_all(&set, &copy));
        assert_true(transaction_partitions_have_all(&copy, &set));
        transaction_partitions_close(&set);
        transaction_partitions_close(&copy);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_partitions_in_any_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
