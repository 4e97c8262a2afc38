/* Marks of tombstones: which of them are past, and their bytes. */
#include <string.h>

#include "base/error.h"
#include "broker/log_start/tombstone_marks.h"
#include "tests/unit/unit.h"

/* What the last mark that is old enough says; none that goes back counts. */
static void test_marks_are_past(void **state) {
    (void)state;
    struct tombstone_marks marks = {0};
    assert_int_equal(tombstone_marks_past(&marks, 1000, 0), 0);
    tombstone_marks_add(&marks, (struct tombstone_mark){10, 1000});
    tombstone_marks_add(&marks, (struct tombstone_mark){30, 1500});
    tombstone_marks_add(&marks, (struct tombstone_mark){20, 1600});
    tombstone_marks_add(&marks, (struct tombstone_mark){30, 1700});
    assert_int_equal(marks.count, 2);
    assert_int_equal(tombstone_marks_last(&marks).offset, 30);
    assert_int_equal(tombstone_marks_past(&marks, 1099, 100), 0);
    assert_int_equal(tombstone_marks_past(&marks, 1100, 100), 10);
    assert_int_equal(tombstone_marks_past(&marks, 1599, 100), 10);
    assert_int_equal(tombstone_marks_past(&marks, 1600, 100), 30);
    assert_int_equal(tombstone_marks_past(&marks, 1500, 0), 30);
    assert_int_equal(tombstone_marks_past(&marks, 999, 0), 0); /* a clock that is behind */
    assert_int_equal(tombstone_marks_past(&marks, 5000, INT64_MAX), 0);
    tombstone_marks_add(&marks, (struct tombstone_mark){40, 1200}); /* likewise */
    assert_int_equal(tombstone_marks_past(&marks, 1499, 0), 10);
    assert_int_equal(tombstone_marks_past(&marks, 1500, 0), 40);
}

/* As many as there may be: the first ones are forgotten, which lets nothing go early. */
static void test_marks_are_forgotten(void **state) {
    (void)state;
    struct tombstone_marks marks = {0};
    for (int i = 1; i <= 2 * TOMBSTONE_MARKS_MAX; i++)
        tombstone_marks_add(&marks, (struct tombstone_mark){i, i * 100});
    assert_int_equal(marks.count, TOMBSTONE_MARKS_MAX);
    assert_int_equal(marks.marks[0].offset, TOMBSTONE_MARKS_MAX + 1);
    assert_int_equal(tombstone_marks_past(&marks, TOMBSTONE_MARKS_MAX * 100, 0), 0);
    assert_int_equal(tombstone_marks_past(&marks, INT64_MAX, 0), 2 * TOMBSTONE_MARKS_MAX);
}

/* There and back; what is no mark is refused. */
static void test_marks_as_bytes(void **state) {
    (void)state;
    struct tombstone_mark mark = {.offset = 1234567890123, .at_ms = 1700000000000}, got;
    struct slice bytes = tombstone_mark_encode(&mark);
    assert_int_equal(tombstone_mark_decode(bytes.data, bytes.len, &got), ERR_NONE);
    assert_int_equal(got.offset, mark.offset);
    assert_int_equal(got.at_ms, mark.at_ms);
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_equal(tombstone_mark_decode(bytes.data, len, &got), ERR_MALFORMED);
    slice_unref(&bytes);
    mark.offset = 0;
    bytes = tombstone_mark_encode(&mark);
    assert_int_equal(tombstone_mark_decode(bytes.data, bytes.len, &got), ERR_MALFORMED);
    assert_int_equal(tombstone_mark_decode("\1\2", 2, &got), ERR_VERSION);
    assert_int_equal(tombstone_mark_decode("\2\3", 2, &got), ERR_VERSION);
    slice_unref(&bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks_are_past),
        cmocka_unit_test(test_marks_are_forgotten),
        cmocka_unit_test(test_marks_as_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
