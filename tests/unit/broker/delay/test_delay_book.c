/* What waits in several partitions, summed over those that lead. */
#include "broker/delay/delay_book.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/record/held_batch.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/unit/unit.h"

enum { NOW_MS = 1000 };

/* One record at the offset, with that header. */
static void hold(struct delayed *delayed, int64_t offset, const char *name, int64_t number) {
    char text[32];
    struct record_header header = {.key = name, .value = (const uint8_t *)text};
    header.key_len = (int32_t)strlen(name);
    header.value_len = snprintf(text, sizeof text, "%" PRId64, number);
    struct record_batch_options options = record_batch_plain();
    options.base_offset = offset;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    record_batch_builder_append(builder, 7, "key", 3, NULL, -1, &header, 1);
    uint8_t *bytes;
    size_t len;
    struct record_batch batch;
    int32_t visible;
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    held_batch_make(bytes, len, NOW_MS);
    assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_NONE);
    assert_int_equal(delayed_hold(delayed, &batch, &visible), ERR_NONE);
    struct slice owned = slice_adopt(NULL, bytes, len);
    slice_unref(&owned);
}

/* Who leads counts, who has nothing pending has no seat, and what is called off is counted. */
static void test_seats(void **state) {
    (void)state;
    struct delay_book book = {.seats = NULL};
    struct delay_seat led = {.delayed = delayed_new(), .leads = true},
                      followed = {.delayed = delayed_new()};
    struct delayed *pending = (struct delayed *)led.delayed,
                   *other = (struct delayed *)followed.delayed;
    delay_book_take(&book, &led);
    delay_book_leave(&book, &led);
    assert_null(book.seats);
    assert_true(delay_book_sum(&book).next_due_ms == INT64_MAX);
    hold(pending, 0, DELIVER_AT, 5000);
    hold(pending, 1, DELIVER_AT, 3000);
    hold(other, 0, DELIVER_AT, 2000);
    for (int i = 0; i < 2; i++) {
        delay_book_take(&book, &led);
        delay_book_take(&book, &followed);
    }
    struct delay_sums sums = delay_book_sum(&book);
    assert_int_equal(sums.records, 2);
    assert_int_equal(sums.bytes, delayed_bytes(pending));
    assert_int_equal(sums.next_due_ms, 3000);
    followed.leads = true;
    assert_int_equal(delay_book_sum(&book).next_due_ms, 2000);
    hold(other, 1, DELIVER_CANCEL, 0);
    hold(other, 2, DELIVER_CANCEL, 0); /* it is not there any more */
    assert_int_equal(delayed_called_off(other), 1);
    delay_book_take(&book, &followed);
    assert_false(followed.taken);
    assert_int_equal(delay_book_sum(&book).records, 2);
    delay_book_leave(&book, &led);
    assert_null(book.seats);
    delayed_free(pending);
    delayed_free(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_seats)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
