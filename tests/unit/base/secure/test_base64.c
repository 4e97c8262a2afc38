/* Base64 against the examples of RFC 4648, against every text of a few digits, and for all bytes.
 */
#include <stdint.h>
#include <string.h>

#include "base/secure/base64.h"
#include "tests/unit/unit.h"

static void assert_both(enum base64_form form, const char *bytes, const char *text) {
    char into[64], back[64];
    size_t got;
    assert_int_equal(base64_encode(form, bytes, strlen(bytes), into), strlen(text));
    assert_string_equal(into, text);
    assert_true(base64_decode(form, text, strlen(text), back, strlen(bytes), &got));
    assert_int_equal(got, strlen(bytes));
    assert_memory_equal(back, bytes, got);
    if (got > 0) assert_false(base64_decode(form, text, strlen(text), back, got - 1, &got));
}

/* RFC 4648, section 10, in each form. */
static void test_base64_examples(void **state) {
    static const char *const examples[][3] = {{"", "", ""},
                                              {"f", "Zg==", "Zg"},
                                              {"fo", "Zm8=", "Zm8"},
                                              {"foo", "Zm9v", "Zm9v"},
                                              {"foob", "Zm9vYg==", "Zm9vYg"},
                                              {"fooba", "Zm9vYmE=", "Zm9vYmE"},
                                              {"foobar", "Zm9vYmFy", "Zm9vYmFy"}};
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        assert_both(BASE64_PADDED, examples[i][0], examples[i][1]);
        assert_both(BASE64_BARE, examples[i][0], examples[i][2]);
        assert_both(BASE64_URL, examples[i][0], examples[i][2]);
    }
    assert_both(BASE64_PADDED, "\xfb\xff\xfe", "+//+");
    assert_both(BASE64_URL, "\xfb\xff\xfe", "-__-");
}

/* Each group of three bytes, of which many, is what its digits say, and comes back. */
static void test_base64_all_digits(void **state) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    (void)state;
    for (uint32_t bits = 0; bits < 1u << 24; bits += 61) {
        uint8_t bytes[3] = {(uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits}, back[3];
        char text[8];
        size_t got;
        assert_int_equal(base64_encode(BASE64_PADDED, bytes, 3, text), 4);
        for (int i = 0; i < 4; i++)
            assert_int_equal(text[i], digits[bits >> (18 - 6 * i) & 63]);
        assert_true(base64_decode(BASE64_PADDED, text, 4, back, 3, &got));
        assert_memory_equal(back, bytes, 3);
    }
}

/* What is written is read, of every length and form, and fits in no less room. */
static void test_base64_lengths(void **state) {
    uint8_t bytes[40], back[40];
    char text[BASE64_SIZE(sizeof bytes)];
    size_t got;
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
    for (enum base64_form form = BASE64_PADDED; form <= BASE64_URL; form++)
        for (size_t len = 0; len <= sizeof bytes; len++) {
            size_t text_len = base64_encode(form, bytes, len, text);
            assert_true(text_len < BASE64_SIZE(len));
            assert_true(base64_decode(form, text, text_len, back, len, &got));
            assert_int_equal(got, len);
            assert_memory_equal(back, bytes, len);
            if (len > 0) assert_false(base64_decode(form, text, text_len, back, len - 1, &got));
        }
}

/* Whatever stands in one place: only digits are taken; bits of no byte are 0; padding is whole and
 * at the end; and it may be read into its own place. */
static void test_base64_what_is_none(void **state) {
    static const char *const none[] = {"Z",    "Zg",       "Zg=",   "Zh==",   "Zm9=",     "====",
                                       "Z===", "Zg==Zg==", "Z=g=",  "Zm9v\n", " Zm9v",    "Zm9vY",
                                       "-__-", "A===",     "AB==",  "AAB=",   "AA==AAAA", "AA=A",
                                       "AA A", "AA\n=",    "AAAA=", "=AAA",   "AAAAAAA"};
    (void)state;
    char into[64];
    size_t got;
    for (int c = 0; c < 256; c++) {
        char text[4] = {'A', (char)c, 'A', 'A'};
        bool digit = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        bool taken = base64_decode(BASE64_PADDED, text, 4, into, 3, &got);
        assert_int_equal(taken, digit || c == '+' || c == '/');
        taken = base64_decode(BASE64_URL, text, 4, into, 3, &got);
        assert_int_equal(taken, digit || c == '-' || c == '_');
    }
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_false(
            base64_decode(BASE64_PADDED, none[i], strlen(none[i]), into, sizeof into, &got));
    assert_false(base64_decode(BASE64_BARE, "Zg==", 4, into, sizeof into, &got));
    assert_false(base64_decode(BASE64_URL, "Zh", 2, into, sizeof into, &got));
    char text[] = "Zm9vYmFy";
    assert_true(base64_decode(BASE64_BARE, text, 8, text, 6, &got));
    assert_memory_equal(text, "foobar", 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64_examples), cmocka_unit_test(test_base64_all_digits),
        cmocka_unit_test(test_base64_lengths), cmocka_unit_test(test_base64_what_is_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
