/* The heap of deadlines against a naive array. */

#include "base/timer_heap.h"
#include "tests/unit/unit.h"

enum { ENTRIES = 200, STEPS = 20000 };

static uint64_t next_random(uint64_t *seed) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* After any sequence of inserts, moves and removals the first is the smallest of those that are in
 * it. */
static void test_timer_heap_like_an_array(void **state) {
    (void)state;
    static struct timer_entry entries[ENTRIES];
    struct timer_heap heap;
    timer_heap_init(&heap);
    uint64_t seed = 42;
    for (int step = 0; step < STEPS; step++) {
        struct timer_entry *entry = &entries[next_random(&seed) % ENTRIES];
        if (next_random(&seed) % 3 == 0)
            timer_heap_remove(&heap, entry);
        else
            timer_heap_set(&heap, entry, next_random(&seed) % 1000);
        const struct timer_entry *smallest = NULL;
        size_t inside = 0;
        for (int i = 0; i < ENTRIES; i++) {
            if (entries[i].place == 0) continue;
            inside++;
            if (smallest == NULL || entries[i].at_ms < smallest->at_ms) smallest = &entries[i];
        }
        assert_int_equal(heap.count, inside);
        const struct timer_entry *first = timer_heap_first(&heap);
        assert_int_equal(first == NULL, smallest == NULL);
        if (first != NULL) assert_int_equal(first->at_ms, smallest->at_ms);
    }
    timer_heap_close(&heap);
    for (int i = 0; i < ENTRIES; i++)
        assert_int_equal(entries[i].place, 0);
}

/* Taking the first again and again gives all deadlines in order. */
static void test_timer_heap_drains_in_order(void **state) {
    (void)state;
    static struct timer_entry entries[ENTRIES];
    struct timer_heap heap;
    timer_heap_init(&heap);
    uint64_t seed = 7, last = 0;
    for (int i = 0; i < ENTRIES; i++)
        timer_heap_set(&heap, &entries[i], next_random(&seed) % 50);
    struct timer_entry *first;
    int taken = 0;
    while ((first = timer_heap_first(&heap)) != NULL) {
        assert_true(first->at_ms >= last);
        last = first->at_ms;
        timer_heap_remove(&heap, first);
        taken++;
    }
    assert_int_equal(taken, ENTRIES);
    timer_heap_close(&heap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timer_heap_like_an_array),
        cmocka_unit_test(test_timer_heap_drains_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
