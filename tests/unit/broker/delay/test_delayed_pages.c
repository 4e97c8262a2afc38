/* Pages beside a plain array, over random comings and goings. */
#include "broker/delay/delayed_pages.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/unit/unit.h"

enum { MOST = 20000, STEPS = 54000 };

/* The offset is the record. */
static kafka_offset *there[MOST];
static size_t count;

static size_t place_of(kafka_offset offset) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (*there[middle] < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static kafka_offset at(const struct delayed_record *record) {
    return record == NULL ? -1 : *(const kafka_offset *)record;
}

static void compare(const struct delayed_pages *pages, kafka_offset offset) {
    size_t place = place_of(offset), behind = place_of(offset + 1);
    bool is_there = place < count && *there[place] == offset;
    assert_int_equal(pages->count, count);
    assert_int_equal(at(delayed_pages_find(pages, offset)), is_there ? offset : -1);
    assert_int_equal(at(delayed_pages_behind(pages, offset)), behind < count ? *there[behind] : -1);
    assert_int_equal(delayed_pages_last(pages), count > 0 ? *there[count - 1] : -1);
    /* half full on average: what a record takes is what is said */
    assert_true(pages->pages <= 2 * count * 16 / 4096 + 1);
}

static void remove_at(struct delayed_pages *pages, size_t place) {
    kafka_offset *record = there[place];
    delayed_pages_remove(pages, *record);
    memmove(&there[place], &there[place + 1], (count - place - 1) * sizeof there[0]);
    count--;
    mem_free(record);
}

/* What is left stays in a few pages, wherever it lies. */
static void thin_out(struct delayed_pages *pages) {
    for (size_t place = 0; place + 1 < count; place++)
        for (int i = 0; i < 99 && place + 1 < count; i++)
            remove_at(pages, place + 1);
}

static void test_pages_beside_an_array(void **state) {
    (void)state;
    struct delayed_pages pages = {0};
    kafka_offset next = 0;
    srand(3);
    for (int i = 0; i < STEPS; i++) {
        bool grows = i / 6000 % 2 == 0;
        if (count < MOST && (count == 0 || rand() % 10 < (grows ? 9 : 2))) {
            kafka_offset *record = mem_alloc(sizeof *record);
            *record = next;
            delayed_pages_add(&pages, next, (struct delayed_record *)record);
            there[count++] = record;
            next += 1 + rand() % 3;
        } else {
            remove_at(&pages, rand() % 2 ? 0 : (size_t)rand() % count);
        }
        if (i % 7919 == 0) thin_out(&pages);
        compare(&pages, rand() % (next + 3) - 1);
    }
    assert_true(count > 0);
    compare(&pages, INT64_MAX - 1);
    assert_null(delayed_pages_behind(&pages, INT64_MAX));
    while (count > 0)
        remove_at(&pages, count - 1);
    compare(&pages, 0);
    assert_int_equal(pages.pages, 0);
    delayed_pages_free(&pages);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pages_beside_an_array)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
