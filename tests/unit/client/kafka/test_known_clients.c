/* Whether a client fits, from the versions that brokers serve. */
#include <string.h>

#include "client/kafka/known_clients.h"
#include "protocol/messages/api_table.h"
#include "tests/unit/unit.h"

static const struct known_client client = {"some client",
                                           "groups",
                                           {{KP_METADATA, 0, 4}, {KP_FETCH, 4, 11}}};

struct range {
    int key, from, to;
};

/* Two rows; the rest is not served. */
static bool served(const void *arg, int key, int *from, int *to) {
    const struct range *rows = arg;
    for (int i = 0; i < 2; i++) {
        if (rows[i].key == key) {
            *from = rows[i].from;
            *to = rows[i].to;
            return true;
        }
    }
    return false;
}

/* Ranges that touch are enough; one that is missing or lies beside is named with both ranges. */
static void test_fits_or_why_not(void **state) {
    (void)state;
    const struct {
        struct range rows[2];
        bool fits;
        const char *why;
    } cases[] = {
        {{{KP_METADATA, 4, 13}, {KP_FETCH, 0, 4}}, true, "all 2 requests have a common version"},
        {{{KP_METADATA, 0, 13}, {-1, 0, 0}}, false, "Fetch is not served"},
        {{{KP_METADATA, 5, 13}, {KP_FETCH, 4, 11}},
         false,
         "Metadata is served in 5-13, it speaks 0-4"},
        {{{KP_METADATA, 0, 13}, {KP_FETCH, 0, 3}}, false, "Fetch is served in 0-3, it speaks 4-11"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error_text why = {""};
        assert_int_equal(known_client_fits(&client, served, cases[i].rows, &why), cases[i].fits);
        assert_string_equal(why.text, cases[i].why);
    }
}

/* Whatever this drave serves itself, each client of the table finds at least one request to
 * compare. */
static void test_the_table_is_whole(void **state) {
    (void)state;
    for (size_t i = 0; i < known_client_count; i++) {
        assert_true(known_clients[i].needs[0].to > 0);
        for (int n = 0; n < KNOWN_CLIENT_NEEDS_MAX; n++) {
            assert_true(known_clients[i].needs[n].from <= known_clients[i].needs[n].to);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fits_or_why_not),
                                       cmocka_unit_test(test_the_table_is_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
