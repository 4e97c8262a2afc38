/* Which partition a group lives in: Java's hash of its UTF-16 form. */
#include <string.h>

#include "broker/coordinator/coordinator_key.h"
#include "tests/unit/unit.h"

static int32_t hash_of(const char *text) {
    return coordinator_key_hash(text, strlen(text));
}

/* What Java's String.hashCode says: ASCII, two and three bytes, a pair of surrogates, overflow. */
static void test_coordinator_key_hashes_as_java(void **state) {
    (void)state;
    assert_int_equal(hash_of(""), 0);
    assert_int_equal(hash_of("a"), 97);
    assert_int_equal(hash_of("polygenelubricants"), INT32_MIN);
    assert_int_equal(hash_of("gr\xc3\xbc\xc3\x9f"
                             "e-\xf0\x9f\x98\x80"),
                     347391577);
    assert_int_equal(hash_of("\xe2\x82\xac"), 0x20ac);
}

/* abs() of the smallest number is 0, as Kafka has it; negative hashes lose their sign. */
static void test_coordinator_key_partitions(void **state) {
    (void)state;
    assert_int_equal(coordinator_key_partition("polygenelubricants", 18, 50), 0);
    assert_int_equal(coordinator_key_partition("", 0, 50), 0);
    assert_int_equal(coordinator_key_partition("a", 1, 50), 47);
    assert_int_equal(hash_of("my-consumer"), -901342473);
    assert_int_equal(coordinator_key_partition("my-consumer", 11, 50), 23);
}

/* Broken bytes are one replacement character for each sequence that is broken off. */
static void test_coordinator_key_of_broken_text(void **state) {
    (void)state;
    assert_int_equal(hash_of("\xff"), 0xfffd);
    assert_int_equal(hash_of("\xe2\x82"), 0xfffd);
    assert_int_equal(hash_of("\xe2\x82z"), 31 * 0xfffd + 'z');
    assert_int_equal(hash_of("\xc0\x80"), 31 * 0xfffd + 0xfffd);
    assert_int_equal(hash_of("\xed\xa0\x80"), (31 * 31 + 31 + 1) * 0xfffd);
    assert_int_equal(hash_of("\xf4\x90z"), (int32_t)((31u * 31 + 31) * 0xfffd + 'z'));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coordinator_key_hashes_as_java),
        cmocka_unit_test(test_coordinator_key_partitions),
        cmocka_unit_test(test_coordinator_key_of_broken_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
