/* The map of last offsets against an array; what happens when it is full. */
#include <stdio.h>
#include <string.h>

#include "storage/clean/key_map.h"
#include "tests/unit/storage/fixture_folder.h"
#include "tests/unit/unit.h"

static const uint8_t secret[SIPHASH_SECRET_SIZE] = {1, 2, 3};

static size_t key_of(size_t number, char key[16]) {
    return (size_t)snprintf(key, 16, "k%zu", number);
}

/* Every key has the largest offset that was put, whatever the order; others have none. */
static void test_key_map_last_offsets(void **state) {
    (void)state;
    enum { KEYS = 3000, PUTS = 20000 };
    struct key_map map;
    struct dice dice = {.state = 5};
    static int64_t last[KEYS];
    char key[16];
    key_map_open(&map, KEYS * 24 * 2, secret);
    for (size_t i = 0; i < KEYS; i++)
        last[i] = -1;
    for (int i = 0; i < PUTS; i++) {
        size_t number = dice_below(&dice, KEYS);
        int64_t offset = (int64_t)dice_below(&dice, PUTS);
        size_t len = key_of(number, key);
        assert_true(key_map_put(&map, key, len, offset));
        if (offset > last[number]) last[number] = offset;
    }
    for (size_t i = 0; i < KEYS; i++) {
        size_t len = key_of(i, key);
        assert_int_equal(key_map_find(&map, key, len), last[i]);
    }
    assert_int_equal(key_map_find(&map, "", 0), -1);
    assert_true(key_map_put(&map, "", 0, 0)); /* an empty key is a key */
    assert_int_equal(key_map_find(&map, "", 0), 0);
    key_map_close(&map);
}

/* Nine tenths of the slots; keys that are in it can still move. */
static void test_key_map_full(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 48, 240, 24000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct key_map map;
        char key[16];
        size_t count = 0;
        key_map_open(&map, sizes[i], secret);
        while (key_map_put(&map, key, key_of(count, key), 1))
            count++;
        assert_int_equal(count, sizes[i] < 48 ? 1 : sizes[i] / 24 - (sizes[i] / 24 + 9) / 10);
        assert_true(key_map_put(&map, key, key_of(0, key), 2));
        assert_int_equal(key_map_find(&map, key, key_of(0, key)), 2);
        assert_int_equal(key_map_find(&map, key, key_of(count, key)), -1);
        key_map_close(&map);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_key_map_last_offsets),
                                       cmocka_unit_test(test_key_map_full)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
