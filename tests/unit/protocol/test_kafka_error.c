/* Error codes against the list of Apache Kafka's own client (tests/golden/errors.txt). */
#include <string.h>

#include <stdlib.h>

#include "base/error.h"
#include "protocol/kafka_error.h"
#include "tests/unit/protocol/fixture_golden.h"
#include "tests/unit/unit.h"

/* Each code that we know has Kafka's name, and is repeated by clients exactly if Kafka's client
 * repeats it. */
static void test_kafka_error_is_as_in_kafka(void **state) {
    (void)state;
    struct golden_file *file = golden_open("errors.txt", 3);
    struct golden_line line;
    int known = 0;
    while (golden_next(file, &line)) {
        int code = (int)strtol(line.fields[0], NULL, 10);
        if (strcmp(kafka_error_name(code), "UNKNOWN_ERROR") == 0) continue;
        known++;
        /* Kafka's own names of these end in EXCEPTION, or differ by age. */
        if (code != KAFKA_INVALID_TOPIC && code != KAFKA_STORAGE_ERROR)
            assert_string_equal(kafka_error_name(code), line.fields[1]);
        if (kafka_error_retriable(code) != (strcmp(line.fields[2], "true") == 0))
            print_error("%s\n", line.fields[1]);
        assert_int_equal(kafka_error_retriable(code), strcmp(line.fields[2], "true") == 0);
    }
    golden_close(file);
    int ours = 0;
    for (int code = -5; code < 1000; code++)
        ours += strcmp(kafka_error_name(code), "UNKNOWN_ERROR") != 0 ? 1 : 0;
    assert_int_equal(known, ours);
}

/* Messages are sentences; a code from a newer broker has one, too. */
static void test_kafka_error_messages(void **state) {
    (void)state;
    for (int code = -5; code < 200; code++) {
        const char *message = kafka_error_message(code);
        assert_true(strlen(message) > 5);
        assert_int_equal(message[strlen(message) - 1], '.');
    }
    assert_string_equal(kafka_error_name(KAFKA_NONE), "NONE");
    assert_string_equal(kafka_error_name(999), "UNKNOWN_ERROR");
    assert_false(kafka_error_retriable(999));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kafka_error_is_as_in_kafka),
        cmocka_unit_test(test_kafka_error_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
