/* CRC-32C against published vectors (RFC 3720, B.4), with the library's code and with our tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/crc32c.h"

/* The tables, which this build may not use, under another name. */
#undef DRAVE_HAVE_ISAL
#define crc32c crc32c_by_tables
#include "base/crc32c.c"
#undef crc32c

uint32_t crc32c(uint32_t seed, const void *data, size_t len);

static uint32_t (*const both[])(uint32_t seed, const void *data, size_t len) = {crc32c, crc32c_by_tables};

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

/* A checksum in two parts, cut anywhere and starting at any alignment, is the checksum of the whole. */
static void test_crc32c_in_parts(void **state) {
    (void)state;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 13);
    for (size_t from = 0; from < 9; from++) {
        uint32_t whole = crc32c(0, bytes + from, sizeof bytes - from);
        for (size_t cut = from; cut <= sizeof bytes; cut++)
            for (int i = 0; i < 2; i++)
                assert_int_equal(both[i](both[i](0, bytes + from, cut - from), bytes + cut, sizeof bytes - cut), whole);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32c_vectors),
        cmocka_unit_test(test_crc32c_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
