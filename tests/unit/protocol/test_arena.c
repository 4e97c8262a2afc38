/* Arenas: zeroed, aligned, and never beyond their limit. */
#include <string.h>

#include "base/error.h"
#include "protocol/arena.h"
#include "tests/unit/unit.h"

/* Memory is zeroed and suits any type, also right after an odd size. */
static void test_arena_memory_is_zeroed_and_aligned(void **state) {
    (void)state;
    struct kp_arena arena;
    kp_arena_init(&arena, 1 << 20);
    for (size_t size = 1; size < 3000; size = size * 3 + 1) {
        uint8_t *memory = kp_arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)memory % 16, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xff, size);
    }
    kp_arena_close(&arena);
}

/* The limit is one of the memory that is held; what does not fit gives NULL, what fits still works,
 * and closing makes room again. */
static void test_arena_limit(void **state) {
    (void)state;
    struct kp_arena arena;
    kp_arena_init(&arena, 1024);
    assert_non_null(kp_arena_alloc(&arena, 940));
    assert_null(kp_arena_alloc(&arena, 49));
    assert_null(kp_arena_alloc(&arena, SIZE_MAX));
    assert_int_equal(
        kp_arena_string(&arena, "0123456789012345678901234567890123456789012345678", 49).len, -1);
    assert_int_equal(kp_arena_printf(&arena, "%060d", 7).len, -1);
    assert_non_null(kp_arena_alloc(&arena, 40));
    assert_int_equal(arena.used, 1024);
    kp_arena_close(&arena);
    assert_int_equal(arena.used, 0);
    assert_null(kp_arena_alloc(&arena, 1024));
    assert_non_null(kp_arena_alloc(&arena, 980));
    kp_arena_close(&arena);
}

/* What a client makes cheapest for himself is counted as what it takes: single bytes, and pieces of
 * which one fits into a block. */
static void test_arena_counts_what_it_holds(void **state) {
    (void)state;
    struct kp_arena arena;
    static const struct {
        size_t asked, taken;
    } sizes[] = {{1, 16}, {17, 32}, {33 * 1024, 64 * 1024}, {65 * 1024, 65 * 1024}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t count = 0, early = 64 * 1024; /* the first blocks are smaller */
        kp_arena_init(&arena, 1 << 20);
        while (kp_arena_alloc(&arena, sizes[i].asked) != NULL)
            count++;
        assert_true(count > 10);
        assert_true(arena.used + early >= count * sizes[i].taken);
        assert_true(arena.used <= 1 << 20);
        kp_arena_close(&arena);
    }
}

/* A size near the largest number is refused even without a limit. */
static void test_arena_size_does_not_overflow(void **state) {
    (void)state;
    struct kp_arena arena;
    kp_arena_init(&arena, SIZE_MAX);
    assert_null(kp_arena_alloc(&arena, SIZE_MAX));
    assert_null(kp_arena_alloc(&arena, SIZE_MAX - 3));
    kp_arena_close(&arena);
}

/* Text is copied or formatted, with a terminator that does not count. */
static void test_arena_text(void **state) {
    (void)state;
    struct kp_arena arena;
    kp_arena_init(&arena, 1 << 20);
    char source[] = "orders";
    struct kp_string copy = kp_arena_string(&arena, source, 3);
    source[0] = 'x';
    assert_true(kp_string_is(copy, "ord"));
    assert_string_equal(copy.data, "ord");
    struct kp_string printed = kp_arena_printf(&arena, "partition %d of %s", 7, "orders");
    assert_true(kp_string_is(printed, "partition 7 of orders"));
    assert_string_equal(printed.data, "partition 7 of orders");
    kp_arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena_memory_is_zeroed_and_aligned),
        cmocka_unit_test(test_arena_limit),
        cmocka_unit_test(test_arena_counts_what_it_holds),
        cmocka_unit_test(test_arena_size_does_not_overflow),
        cmocka_unit_test(test_arena_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
