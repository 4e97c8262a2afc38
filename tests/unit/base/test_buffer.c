/* Buffers, slices and budgets: who pays, until when, and who is woken. */
#include <string.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "tests/unit/unit.h"

/* The charge lasts until the last reference, whichever that is, is gone. */
static void test_buffer_charge_until_last_reference(void **state) {
    (void)state;
    struct budget budget;
    budget_init(&budget, 1000);
    struct buffer *buffer = buffer_new(&budget, 600);
    memset(buffer->data, 7, 600);
    struct slice a = slice_of(buffer, 100, 50), b = slice_ref(a);
    buffer_unref(buffer);
    assert_int_equal(budget.used, 600);
    slice_unref(&a);
    assert_null(a.buffer);
    assert_int_equal(a.len, 0);
    assert_int_equal(b.data[49], 7);
    assert_int_equal(budget.used, 600);
    slice_unref(&b);
    assert_int_equal(budget.used, 0);
}

/* Adopted memory is charged and freed like any other; a buffer without a budget costs nobody. */
static void test_buffer_adopt_and_charge_later(void **state) {
    (void)state;
    struct budget budget;
    budget_init(&budget, 1000);
    struct buffer *adopted = buffer_adopt(&budget, mem_alloc(300), 300);
    assert_int_equal(budget.used, 300);
    struct buffer *free_of_charge = buffer_new(NULL, 50);
    assert_int_equal(budget.used, 300);
    buffer_charge(free_of_charge, &budget);
    buffer_charge(free_of_charge, &budget);
    assert_int_equal(budget.used, 350);
    buffer_unref(free_of_charge);
    buffer_unref(adopted);
    buffer_unref(NULL);
    assert_int_equal(budget.used, 0);
}

/* A budget may be overdrawn by what is under way; it is spent from its limit on. */
static void test_budget_spent_from_limit(void **state) {
    (void)state;
    struct budget budget;
    budget_init(&budget, 100);
    budget_charge(&budget, 99);
    assert_false(budget_spent(&budget));
    budget_charge(&budget, 1);
    assert_true(budget_spent(&budget));
    budget_charge(&budget, 500);
    assert_int_equal(budget.used, 600);
    budget_release(&budget, 501);
    assert_false(budget_spent(&budget));
    budget_release(&budget, 99);
}

struct eater {
    struct budget_waiter waiter; /* first */
    struct budget *budget;
    int *order;
    size_t takes;
};

static int woken_count;

static void eat(struct budget_waiter *waiter) {
    struct eater *eater = (struct eater *)waiter;
    *eater->order = ++woken_count;
    budget_charge(eater->budget, eater->takes);
}

/* Waiters are woken first come first served, and only while there is still room after the one
 * before. */
static void test_budget_wakes_in_order_while_room(void **state) {
    (void)state;
    struct budget budget;
    budget_init(&budget, 100);
    budget_charge(&budget, 150);
    int order[4] = {0};
    struct eater eaters[4];
    woken_count = 0;
    for (int i = 0; i < 4; i++) {
        eaters[i] = (struct eater){
            .waiter = {.room = eat}, .budget = &budget, .order = &order[i], .takes = 60};
        budget_wait(&budget, &eaters[i].waiter);
    }
    budget_wait_cancel(&budget, &eaters[1].waiter);
    budget_wait_cancel(&budget, &eaters[1].waiter);
    budget_release(&budget, 50); /* used 100: spent */
    assert_int_equal(woken_count, 0);
    budget_release(&budget, 100); /* 0: the first takes 60, the third 60 */
    assert_int_equal(order[0], 1);
    assert_int_equal(order[1], 0);
    assert_int_equal(order[2], 2);
    assert_int_equal(order[3], 0);
    budget_release(&budget, 120);
    assert_int_equal(order[3], 3);
    budget_release(&budget, 60);
    assert_null(budget.waiters);
}

/* A copy is independent of what it was made from, also when it is empty. */
static void test_slice_copy(void **state) {
    (void)state;
    char text[] = "abc";
    struct slice copy = slice_copy(NULL, text, 3), empty = slice_copy(NULL, NULL, 0);
    text[0] = 'x';
    assert_memory_equal(copy.data, "abc", 3);
    assert_int_equal(empty.len, 0);
    slice_unref(&copy);
    slice_unref(&empty);
    slice_unref(&empty);
}

/* A buffer that is discharged is free for its budget at once, and stays usable. */
static void test_buffer_discharge(void **state) {
    (void)state;
    struct budget budget;
    budget_init(&budget, 100);
    struct buffer *buffer = buffer_new(&budget, 60);
    buffer_discharge(buffer);
    assert_int_equal(budget.used, 0);
    buffer_discharge(buffer);
    buffer->data[59] = 1;
    buffer_unref(buffer);
    assert_int_equal(budget.used, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buffer_charge_until_last_reference),
        cmocka_unit_test(test_buffer_adopt_and_charge_later),
        cmocka_unit_test(test_buffer_discharge),
        cmocka_unit_test(test_budget_spent_from_limit),
        cmocka_unit_test(test_budget_wakes_in_order_while_room),
        cmocka_unit_test(test_slice_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
