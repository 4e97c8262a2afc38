/* SipHash against the vectors of its authors (secret 00 01 .. 0f, input 00 01 ..). */
#include <string.h>

#include "storage/clean/siphash.h"
#include "tests/unit/unit.h"

static void check(size_t len, const char *want) {
    uint8_t secret[SIPHASH_SECRET_SIZE], input[64], bytes[16];
    uint64_t hash[2];
    char text[33] = {0};
    for (size_t i = 0; i < sizeof secret; i++)
        secret[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof input; i++)
        input[i] = (uint8_t)i;
    siphash_128(secret, len == 0 ? NULL : input, len, hash);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(hash[i / 8] >> 8 * (i % 8));
        text[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    assert_string_equal(text, want);
}

static void test_siphash_vectors(void **state) {
    (void)state;
    check(0, "a3817f04ba25a8e66df67214c7550293");
    check(1, "da87c1d86b99af44347659119b22fc45");
    check(2, "8177228da4a45dc7fca38bdef60affe4");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_siphash_vectors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
