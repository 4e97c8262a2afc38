/* Who is connected, with what, and what they asked: without a broker. */
#include "broker/clients/client_book.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

static struct client_book book;

static int setup(void **state) {
    *state = &book;
    book = (struct client_book){.count = 0};
    return 0;
}

static int teardown(void **state) {
    (void)state;
    client_book_close(&book);
    return 0;
}

/* Entries are found by their ids, in order; who leaves is not found; ids are not used again. */
static void test_client_book_walk(void **state) {
    (void)state;
    struct client_entry entries[4] = {{.id = 0}};
    for (int i = 0; i < 3; i++)
        client_book_add(&book, &entries[i], 5);
    client_book_remove(&book, &entries[1]);
    client_book_add(&book, &entries[3], 6);
    assert_int_equal(book.count, 3);
    assert_ptr_equal(client_book_next(&book, 0), &entries[0]);
    assert_ptr_equal(client_book_next(&book, 1), &entries[2]);
    assert_ptr_equal(client_book_next(&book, 3), &entries[3]);
    assert_int_equal(entries[3].id, 4);
    assert_null(client_book_next(&book, 4));
    client_book_request(&entries[3], 3, kp_string_of("one"), 9);
    client_book_request(&entries[3], 0, kp_string_of("an\x1b[2Jother"), 10);
    assert_int_equal(entries[3].requests, 2);
    assert_int_equal(entries[3].last_ms, 10);
    assert_string_equal(entries[3].client_id, "an?[2Jother"); /* nothing steers a terminal */
    client_book_request(&entries[3], 0, KP_NULL_STRING, 11);
    assert_string_equal(entries[3].client_id, "");
    char large[200];
    memset(large, 'x', sizeof large);
    client_book_request(&entries[3], 0, (struct kp_string){large, sizeof large}, 12);
    assert_int_equal(strlen(entries[3].client_id), CLIENT_TEXT - 1);
}

/* Kinds of software are counted as connections come, say what they are, and go; beyond the most
 * they are one number; places are used again. */
static void test_client_book_software(void **state) {
    (void)state;
    static struct client_entry entries[CLIENT_SOFTWARE_MOST + 2];
    for (int i = 0; i < CLIENT_SOFTWARE_MOST + 2; i++) {
        char version[16];
        snprintf(version, sizeof version, "1.%d", i);
        entries[i] = (struct client_entry){.id = 0};
        client_book_add(&book, &entries[i], 0);
        client_book_name(&book, &entries[i], kp_string_of("java"), kp_string_of(version));
    }
    assert_int_equal(book.software[0].connections, 0);
    assert_int_equal(book.other_software, 3);
    assert_string_equal(entries[7].software->version, "1.7");
    client_book_name(&book, &entries[7], kp_string_of("java"), kp_string_of("1.8"));
    assert_int_equal(entries[8].software->connections, 2);
    client_book_name(&book, &entries[CLIENT_SOFTWARE_MOST], kp_string_of("go"), kp_string_of("2"));
    assert_int_equal(book.other_software, 2);
    assert_string_equal(entries[CLIENT_SOFTWARE_MOST].software->name, "go");
    for (int i = 0; i < CLIENT_SOFTWARE_MOST + 2; i++)
        client_book_remove(&book, &entries[i]);
    assert_int_equal(book.other_software, 0);
    for (int i = 0; i < CLIENT_SOFTWARE_MOST; i++)
        assert_int_equal(book.software[i].connections, 0);
}

static void note(uint64_t now_ms, const char *client_id) {
    struct traced_request request = {.api_key = 1};
    snprintf(request.client_id, sizeof request.client_id, "%s", client_id);
    client_book_note(&book, now_ms, &request);
}

/* Nothing is kept while nobody asks; then the last ones, of the client that is wanted. */
static void test_client_book_trace(void **state) {
    (void)state;
    note(0, "a");
    assert_null(client_book_traced(&book, 0));
    assert_null(book.traced);
    client_book_trace(&book, 100, kp_string_of("a"));
    note(101, "a");
    note(102, "b");
    assert_string_equal(client_book_traced(&book, 0)->client_id, "a");
    assert_null(client_book_traced(&book, 1));
    client_book_trace(&book, 103, kp_string_of("b")); /* two who want different things get all */
    note(104, "a");
    note(104, "b");
    assert_int_equal(client_book_traced(&book, 2)->id, 3);
    for (int i = 0; i < CLIENT_TRACED_MOST; i++)
        note(105, "c");
    assert_int_equal(client_book_traced(&book, 0)->id, 4);
    assert_string_equal(client_book_traced(&book, 0)->client_id, "c");
    note(103 + CLIENT_TRACE_MS, "c"); /* nobody has asked for so long */
    assert_null(client_book_traced(&book, 0));
    assert_null(book.traced);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_client_book_walk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_book_software, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_book_trace, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
