/* Names in texts of all kinds, and what must stay. */
#include "client/bundle/pseudonyms.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/unit/unit.h"

static void expect(struct pseudonyms *names, const char *text, const char *wanted) {
    size_t len;
    char *made = pseudonyms_apply(names, text, strlen(text), &len);
    assert_string_equal(made, wanted);
    assert_int_equal(len, strlen(wanted));
    mem_free(made);
}

static void add(struct pseudonyms *names, const char *kind, const char *name) {
    pseudonyms_add(names, kind, name, strlen(name));
}

/* The longest name wins, a name is a whole word, a partition stays one. */
static void test_pseudonyms_words(void **state) {
    (void)state;
    struct pseudonyms *names = pseudonyms_new();
    add(names, "topic", "orders");
    add(names, "topic", "orders.eu");
    add(names, "group", "a group/of \"them\"");
    add(names, "topic", "orders");
    expect(names, "orders, orders-3 and orders.eu-12; reorders, orders2, orders_x",
           "topic-1, topic-1-3 and topic-2-12; reorders, orders2, orders_x");
    expect(names, "topic:orders {\"topic\":\"orders\"}", "topic:topic-1 {\"topic\":\"topic-1\"}");
    expect(names, "a group/of \"them\" \"a group/of \\\"them\\\"\"", "group-1 \"group-1\"");
    expect(names, "", "");
    pseudonyms_free(names);
}

/* What a value is called stays, also when something else is called so; numbers stay. */
static void test_pseudonyms_stay(void **state) {
    (void)state;
    struct pseudonyms *names = pseudonyms_new();
    add(names, "topic", "topic");
    add(names, "topic", "17");
    add(names, "topic", "");
    expect(names, "{\"topic\":\"topic\",\"leader\":17}", "{\"topic\":\"topic-1\",\"leader\":17}");
    pseudonyms_free(names);
}

/* Addresses are found without being named, with and without a port, and not in the middle of what
 * is none. */
static void test_pseudonyms_addresses(void **state) {
    (void)state;
    struct pseudonyms *names = pseudonyms_new();
    expect(names, "10.1.2.3:4711 and 10.1.2.3, [fe80::1]:9092, ::1, 10:13:14.250, 0.1.0, 2.11",
           "address-1:4711 and address-1, [address-2]:9092, address-3, 10:13:14.250, 0.1.0, 2.11");
    pseudonyms_free(names);
}

/* Thousands of names, each its own for good. */
static void test_pseudonyms_many(void **state) {
    (void)state;
    struct pseudonyms *names = pseudonyms_new();
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 5000; i++) {
            char name[32], wanted[32];
            snprintf(name, sizeof name, "t%d.of-%d", i, i);
            snprintf(wanted, sizeof wanted, "topic-%d", i + 1);
            if (round == 0)
                add(names, "topic", name);
            else
                expect(names, name, wanted);
        }
    pseudonyms_free(names);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pseudonyms_words),
        cmocka_unit_test(test_pseudonyms_stay),
        cmocka_unit_test(test_pseudonyms_addresses),
        cmocka_unit_test(test_pseudonyms_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
