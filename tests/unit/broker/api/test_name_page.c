/* The first names of many, beside a sort of all of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/api/name_page.h"
#include "tests/unit/unit.h"

enum { NAMES = 500, LONGEST = 249, FIRST_BLOCK = 1024 };

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static int by_name(const void *a, const void *b) {
    return name_compare(*(const struct kp_string *)a, *(const struct kp_string *)b);
}

/* Whatever is offered, in whatever order, and however many are kept: they are the first, in order;
 * those that are copied take no more memory than those that are kept. */
static void test_name_page_is_the_first_in_order(void **state) {
    (void)state;
    uint32_t seed = 20261128;
    for (size_t most = 0; most < 40; most++) {
        struct kp_string names[NAMES];
        struct kp_arena arena;
        struct name_page page;
        size_t offered = next_random(&seed) % NAMES;
        struct kp_arena copies;
        kp_arena_init(&arena, 1 << 20);
        kp_arena_init(&copies, 1 << 20);
        assert_true(name_page_init(&page, &arena, most));
        for (size_t i = 0; i < offered; i++) {
            names[i] = kp_arena_printf(&arena, "%x", next_random(&seed) % 4096);
            if (!name_page_wants(&page, names[i])) continue;
            if (most % 2 == 0) {
                name_page_put(&page, names[i]);
                continue;
            }
            char leaving[LONGEST];
            memcpy(leaving, names[i].data, (size_t)names[i].len);
            assert_true(name_page_put_copy(&page, &copies,
                                           (struct kp_string){leaving, names[i].len}, LONGEST));
            memset(leaving, '!', sizeof leaving);
        }
        qsort(names, offered, sizeof names[0], by_name);
        while (name_page_sort(&page))
            ;
        assert_int_equal(page.count, offered < most ? offered : most);
        assert_true(copies.used <= FIRST_BLOCK + 4 * (page.count + 1) * LONGEST);
        for (size_t i = 0; i < page.count; i++)
            assert_int_equal(name_compare(page.names[i], names[i]), 0);
        kp_arena_close(&arena);
        kp_arena_close(&copies);
    }
}

/* A name is before all that it begins; bytes above 127 come last. */
static void test_name_compare(void **state) {
    (void)state;
    static const char *const rising[] = {"", "A", "a", "a-", "aa", "b", "\xc3\xa4"};
    for (size_t a = 0; a < 7; a++)
        for (size_t b = 0; b < 7; b++) {
            int order = name_compare(kp_string_of(rising[a]), kp_string_of(rising[b]));
            assert_int_equal((order > 0) - (order < 0), (a > b) - (a < b));
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name_page_is_the_first_in_order),
        cmocka_unit_test(test_name_compare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
