/* CRC-32C against published vectors (RFC 3720, B.4), with the library's code and with our tables.
 */
#include <string.h>

#include "base/crc32c.h"

/* The tables, which this build may not use, under another name. */
#undef DRAVE_HAVE_ISAL
#define crc32c crc32c_by_tables
#define crc32c_changed crc32c_changed_by_tables
#include "base/crc32c.c"
#include "tests/unit/unit.h"
#undef crc32c
#undef crc32c_changed

uint32_t crc32c(uint32_t seed, const void *data, size_t len);
uint32_t crc32c_changed(uint32_t crc, const void *old, const void *new, size_t len,
                        uint64_t behind);

static uint32_t (*const both[])(uint32_t seed, const void *data, size_t len) = {crc32c,
                                                                                crc32c_by_tables};

/* The vectors of the standard. */
static void test_crc32c_vectors(void **state) {
    (void)state;
    uint8_t zeros[32] = {0}, ones[32], up[32];
    memset(ones, 0xFF, sizeof ones);
    for (int i = 0; i < 32; i++)
        up[i] = (uint8_t)i;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(both[i](0, "123456789", 9), 0xE3069283);
        assert_int_equal(both[i](0, zeros, sizeof zeros), 0x8A9136AA);
        assert_int_equal(both[i](0, ones, sizeof ones), 0x62A8AB43);
        assert_int_equal(both[i](0, up, sizeof up), 0x46DD794E);
        assert_int_equal(both[i](0, "", 0), 0);
    }
}

/* A checksum in two parts, cut anywhere and starting at any alignment, is the checksum of the
 * whole. */
static void test_crc32c_in_parts(void **state) {
    (void)state;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 13);
    for (size_t from = 0; from < 9; from++) {
        uint32_t whole = crc32c(0, bytes + from, sizeof bytes - from);
        for (size_t cut = from; cut <= sizeof bytes; cut++)
            for (int i = 0; i < 2; i++)
                assert_int_equal(
                    both[i](both[i](0, bytes + from, cut - from), bytes + cut, sizeof bytes - cut),
                    whole);
    }
}

/* A change in the middle gives the checksum that reading everything again would give, however much
 * is behind it. */
static void test_crc32c_changed(void **state) {
    (void)state;
    static uint8_t bytes[100000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 13);
    static const size_t lengths[] = {40, 41, 48, 1000, sizeof bytes};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint8_t old[30];
        uint32_t before = crc32c(0, bytes, lengths[i]);
        memcpy(old, bytes + 10, sizeof old);
        for (size_t at = 10; at < 40; at += 3)
            bytes[at] ^= (uint8_t)(0x55 + at);
        uint32_t after = crc32c(0, bytes, lengths[i]);
        assert_int_equal(crc32c_changed(before, old, bytes + 10, sizeof old, lengths[i] - 40),
                         after);
        assert_int_equal(
            crc32c_changed_by_tables(before, old, bytes + 10, sizeof old, lengths[i] - 40), after);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32c_vectors),
        cmocka_unit_test(test_crc32c_in_parts),
        cmocka_unit_test(test_crc32c_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
