/* Aborted transactions, against a search through all of them. */
#include "base/mem.h"
#include "broker/producer/aborted_list.h"
#include "tests/unit/unit.h"

enum { PRODUCERS = 7, STEPS = 3000 };

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* A log in which producers open transactions, and end them by commits and aborts. */
struct made_log {
    struct aborted_transaction all[STEPS];
    size_t count;
    kafka_offset end, open[PRODUCERS]; /* -1: none is open */
};

static kafka_offset first_open(const struct made_log *log) {
    kafka_offset first = -1;
    for (int i = 0; i < PRODUCERS; i++)
        if (log->open[i] >= 0 && (first < 0 || log->open[i] < first)) first = log->open[i];
    return first;
}

static void make_log(struct made_log *log, uint32_t seed) {
    *log = (struct made_log){.end = 0};
    for (int i = 0; i < PRODUCERS; i++)
        log->open[i] = -1;
    for (int step = 0; step < STEPS; step++) {
        uint32_t who = next_random(&seed) % PRODUCERS, what = next_random(&seed) % 4;
        kafka_offset offset = log->end++;
        if (log->open[who] < 0) {
            if (what < 3) log->open[who] = offset;
            continue;
        }
        if (what > 1) continue; /* it writes more */
        struct aborted_transaction ended = {.producer_id = who,
                                            .first_offset = log->open[who],
                                            .marker_offset = offset,
                                            .stable_offset = offset + 1};
        log->open[who] = -1;
        if (first_open(log) >= 0) ended.stable_offset = first_open(log);
        if (what == 0) log->all[log->count++] = ended;
    }
}

static size_t concerned(const struct made_log *log, kafka_offset from, kafka_offset to) {
    size_t count = 0;
    for (size_t i = 0; i < log->count; i++)
        if (log->all[i].marker_offset >= from && log->all[i].first_offset < to) count++;
    return count;
}

/* How many are found, in the right order, of the right ones. */
static size_t look_for(const struct aborted_list *list, kafka_offset from, kafka_offset to) {
    struct aborted_search search = {.from = from, .to = to};
    while (!aborted_search_step(list, &search))
        continue;
    size_t count = search.count;
    for (size_t i = 0; i < count; i++) {
        const struct aborted_transaction *found = &search.found[i];
        assert_true(found->marker_offset >= from && found->first_offset < to);
        if (i > 0) assert_true(found[-1].first_offset <= found->first_offset);
    }
    aborted_search_drop(&search);
    return count;
}

/* Every range gets all that concern it, and no others, by their first offsets; also when the front
 * is cut off. */
static void test_aborted_list_finds_all(void **state) {
    (void)state;
    static struct made_log log;
    for (uint32_t seed = 1; seed <= 5; seed++) {
        struct aborted_list list = {0};
        make_log(&log, seed);
        for (size_t i = 0; i < log.count; i++)
            aborted_list_add(&list, &log.all[i]);
        kafka_offset start = 0;
        for (uint32_t i = 0; i < 2000; i++) {
            kafka_offset from = start + next_random(&seed) % (log.end - start),
                         to = from + 1 + next_random(&seed) % 50;
            assert_int_equal(look_for(&list, from, to), concerned(&log, from, to));
            if (i % 100 == 99) aborted_list_cut(&list, start += 100);
        }
        aborted_list_cut(&list, log.end);
        assert_null(list.items);
        aborted_list_free(&list);
    }
}

/* Many thousands for one reader, which ended in another order than they began: in steps, between
 * which more are added, and in the right order. */
static void test_aborted_list_finds_many(void **state) {
    (void)state;
    enum { MANY = 50001, BLOCK = 7000 };
    struct aborted_list list = {0};
    struct aborted_search search = {.from = 0, .to = MANY};
    for (int64_t i = 0; i < MANY; i++) {
        int64_t block = i / BLOCK * BLOCK, last = block + BLOCK < MANY ? block + BLOCK : MANY;
        struct aborted_transaction aborted = {.producer_id = i,
                                              .first_offset = block + last - 1 - i,
                                              .marker_offset = MANY + i,
                                              .stable_offset = 0};
        aborted_list_add(&list, &aborted);
    }
    unsigned steps = 1;
    for (; !aborted_search_step(&list, &search); steps++) {
        struct aborted_transaction later = {.producer_id = 1,
                                            .first_offset = MANY,
                                            .marker_offset = 3 * MANY + steps,
                                            .stable_offset = 3 * MANY};
        aborted_list_add(&list, &later);
    }
    assert_int_equal(search.count, MANY);
    for (int64_t i = 0; i < MANY; i++)
        assert_int_equal(search.found[i].first_offset, i);
    assert_true(steps > MANY / 1024);
    aborted_search_drop(&search);
    aborted_search_drop(&search);
    aborted_list_free(&list);
}

/* A list whose front goes as fast as its end comes takes no more memory. */
static void test_aborted_list_does_not_grow(void **state) {
    (void)state;
    struct aborted_list list = {0};
    for (int64_t i = 0; i < 100000; i++) {
        struct aborted_transaction aborted = {
            .producer_id = 1, .first_offset = i, .marker_offset = i, .stable_offset = i + 1};
        aborted_list_add(&list, &aborted);
        aborted_list_cut(&list, i - 20);
    }
    assert_true(list.room <= 64);
    assert_int_equal(list.count, 21);
    size_t count;
    const struct aborted_transaction *since = aborted_list_since(&list, 99990, &count);
    assert_int_equal(since->marker_offset, 99990);
    assert_int_equal(count, 10);
    assert_int_equal(aborted_list_since(&list, 0, &count)->marker_offset, 99979);
    assert_int_equal(count, 21);
    assert_null(aborted_list_since(&list, 100000, &count));
    aborted_list_free(&list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aborted_list_finds_all),
        cmocka_unit_test(test_aborted_list_finds_many),
        cmocka_unit_test(test_aborted_list_does_not_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
