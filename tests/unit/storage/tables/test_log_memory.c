/* Entries in memory and the tail cache; ranges of equal term. Both against naive arrays. */
#include <string.h>

#include "storage/tables/log_memory.h"
#include "storage/tables/term_table.h"
#include "tests/unit/storage/fixture_folder.h"
#include "tests/unit/unit.h"

enum { LOGS = 3, STEPS = 4000 };

struct log_under_test {
    struct log_memory memory;
    uint64_t last;
    int64_t end;
};

static void push(struct log_under_test *log, struct dice *dice, unsigned group) {
    struct entry *entry =
        dice_below(dice, 6)
            ? entry_of_batches(dice, group, log->last + 1, 1, log->end, 1, 3, 300, 1000)
            : entry_internal(ENTRY_BARRIER, group, log->last + 1, 1, log->end, "");
    log_memory_push(&log->memory, entry);
    assert_ptr_equal(log_memory_at(&log->memory, entry->index), entry);
    log->last++;
    log->end += entry->records;
    entry_unref(entry);
}

static void check(const struct log_under_test *log) {
    const struct log_memory *memory = &log->memory;
    assert_int_equal(memory->first_index + memory->count, log->last + 1);
    assert_true(memory->first_index <= memory->served + 1); /* what is not served is there */
    assert_null(log_memory_at(memory, memory->first_index - 1));
    assert_null(log_memory_at(memory, log->last + 1));
    for (uint64_t i = memory->first_index; i <= log->last; i++) {
        struct entry *entry = log_memory_at(memory, i);
        assert_int_equal(entry->index, i);
        for (uint32_t r = 0; r < entry->records; r++)
            assert_ptr_equal(log_memory_find_offset(memory, entry->base_offset + r), entry);
    }
    assert_null(log_memory_find_offset(memory, log->end));
    if (memory->count > 0)
        assert_null(log_memory_find_offset(
            memory, log_memory_at(memory, memory->first_index)->base_offset - 1));
}

/* Several logs share a cache: it holds to its limit, gives up the oldest first, and counts to the
 * byte. */
static void test_memory_is_like_an_array(void **state) {
    (void)state;
    struct dice dice = {.state = 12};
    struct tail_cache cache;
    tail_cache_init(&cache, 20000);
    struct log_under_test logs[LOGS] = {{.last = 0}};
    for (unsigned i = 0; i < LOGS; i++)
        log_memory_init(&logs[i].memory, &cache, 1);
    for (int step = 0; step < STEPS; step++) {
        unsigned i = (unsigned)dice_below(&dice, LOGS);
        struct log_under_test *log = &logs[i];
        uint64_t unserved = log->last - log->memory.served;
        switch (dice_below(&dice, 8)) {
        case 0:
            if (unserved > 0)
                log_memory_serve(&log->memory,
                                 log->memory.served + 1 + dice_below(&dice, unserved));
            break;
        case 1:
            if (unserved > 0) {
                uint64_t index = log->memory.served + 1 + dice_below(&dice, unserved);
                log->end = log_memory_at(&log->memory, index)->base_offset;
                log_memory_truncate(&log->memory, index);
                log->last = index - 1;
            }
            break;
        case 2:
            if (log->memory.count > 0) {
                uint64_t index = log->memory.first_index + dice_below(&dice, log->memory.count);
                struct slice raw;
                assert_int_equal(log_memory_raw(&log->memory, index, &raw), 0);
                assert_int_equal(raw.len, log_memory_at(&log->memory, index)->raw_len);
                slice_unref(&raw);
            }
            break;
        case 3:
            if (log->memory.served >= log->memory.first_index) {
                uint64_t first = log->memory.first_index,
                         index = first + dice_below(&dice, log->memory.served - first + 1);
                log_memory_forget(&log->memory, index);
                assert_int_equal(log->memory.first_index, index + 1);
            }
            break;
        default: push(log, &dice, i + 1); break;
        }
        assert_true(cache.bytes <= cache.limit);
        check(log);
    }
    for (unsigned i = 0; i < LOGS; i++) {
        assert_true(logs[i].memory.first_index > 10);
        log_memory_close(&logs[i].memory);
    }
    assert_int_equal(cache.bytes, 0);
    assert_null(cache.oldest);
}

/* A lower limit is reached a little at a time, oldest first, and holds then; a higher one at once.
 */
static void test_memory_with_another_limit(void **state) {
    (void)state;
    enum { ENTRIES = 64, BYTES = 128 << 10 };
    (void)state;
    static char body[BYTES + 1];
    struct tail_cache cache;
    struct log_memory memory;
    memset(body, 'x', BYTES);
    tail_cache_init(&cache, UINT64_MAX);
    log_memory_init(&memory, &cache, 1);
    for (log_index index = 1; index <= ENTRIES; index++) {
        struct entry *entry = entry_internal(ENTRY_COMMAND, 1, index, 1, 0, body);
        log_memory_push(&memory, entry);
        entry_unref(entry);
        log_memory_serve(&memory, index);
    }
    uint64_t all = cache.bytes;
    assert_true(all > (uint64_t)ENTRIES * BYTES);
    assert_true(tail_cache_set_limit(&cache, 1 << 20));
    assert_true(cache.bytes > all - (2 << 20) && cache.bytes < all);
    assert_int_equal(memory.first_index + memory.count, ENTRIES + 1);
    unsigned steps = 1;
    while (tail_cache_set_limit(&cache, 1 << 20))
        steps++;
    assert_true(steps >= 6);
    assert_true(cache.bytes <= 1 << 20 && cache.limit == 1 << 20);
    assert_false(tail_cache_set_limit(&cache, 2 << 20));
    assert_int_equal(cache.limit, 2 << 20);
    log_memory_close(&memory);
    assert_int_equal(cache.bytes, 0);
}

/* Terms of random ranges, truncated again and again, where each epoch ends, and whose an offset
 * is. */
static void test_terms_are_like_an_array(void **state) {
    (void)state;
    enum { MOST = 200 };
    struct dice dice = {.state = 13};
    struct term_table table = {0};
    uint32_t terms[MOST + 1] = {0};
    int64_t offsets[MOST + 2] = {0};
    uint64_t last = 0;
    for (int step = 0; step < 3000; step++) {
        if (last < MOST && dice_below(&dice, 10)) {
            uint32_t before = last ? terms[last] : 1;
            terms[++last] = before +
                            (dice_below(&dice, 6) ? 0 : 1 + (uint32_t)dice_below(&dice, 3));
            offsets[last + 1] = offsets[last] + (int64_t)dice_below(&dice, 4);
            term_table_add(&table, last, offsets[last], terms[last]);
        } else if (last > 0) {
            uint64_t index = 1 + dice_below(&dice, last);
            term_table_truncate(&table, index);
            last = index - 1;
        }
        assert_int_equal(term_table_at(&table, 0), 0);
        for (uint64_t i = 1; i <= last; i++)
            assert_int_equal(term_table_at(&table, i), terms[i]);
        if (last == 0) continue;
        uint32_t epoch = (uint32_t)dice_below(&dice, terms[last] + 2), found = 0;
        int64_t end = term_table_epoch_end(&table, epoch, offsets[last + 1], &found);
        uint64_t i = last;
        while (i > 0 && terms[i] > epoch)
            i--;
        bool none = epoch > terms[last];
        assert_int_equal(end, none ? -1 : offsets[i + 1]);
        if (!none) assert_int_equal(found, i == 0 ? epoch : terms[i]);
        int64_t offset = (int64_t)dice_below(&dice, (uint64_t)offsets[last + 1] + 2);
        for (i = last; offsets[i] > offset;)
            i--;
        assert_int_equal(term_table_of_offset(&table, offset), terms[i]);
        assert_int_equal(term_table_of_offset(&table, -1), 0);
    }
    term_table_close(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_like_an_array),
        cmocka_unit_test(test_memory_with_another_limit),
        cmocka_unit_test(test_terms_are_like_an_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
