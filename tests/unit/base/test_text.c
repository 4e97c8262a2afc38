/* Which text is plain, and what becomes of text that is not. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tests/unit/unit.h"

struct text {
    const char *data;
    size_t len;
    const char *plain; /* what becomes of it */
};

#define CASE(bytes, plain) {bytes, sizeof(bytes) - 1, plain}

/* UTF-8 in its shortest form, without C0, DEL, C1, surrogates and what lies beyond Unicode; each
 * wrong byte becomes a '?'. */
static void test_text_plain(void **state) {
    (void)state;
    static const struct text cases[] = {
        CASE("", ""),
        CASE("plain ~", "plain ~"),
        CASE("\xc3\xa4\xe2\x82\xac\xf0\x9f\xaa\xb5", "\xc3\xa4\xe2\x82\xac\xf0\x9f\xaa\xb5"),
        CASE("a\nb\x1b[31m\x7f", "a?b?[31m?"),
        CASE("\xc2\x9b", "??"),           /* C1: a control sequence introducer */
        CASE("\xc2\xa0", "\xc2\xa0"),     /* the first behind C1 */
        CASE("\xff\xfe", "??"),           /* never in UTF-8 */
        CASE("\xc0\x80", "??"),           /* NUL, too long */
        CASE("\xe0\x80\xaf", "???"),      /* a slash, too long */
        CASE("\xed\xa0\x80", "???"),      /* a surrogate */
        CASE("\xf4\x90\x80\x80", "????"), /* above U+10FFFF */
        CASE("ab\xe2\x82", "ab??"),       /* cut */
        CASE("\x80z", "?z"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[32];
        memcpy(text, cases[i].data, cases[i].len + 1);
        assert_int_equal(text_is_plain(text, cases[i].len), strcmp(text, cases[i].plain) == 0);
        text_make_plain(text);
        assert_string_equal(text, cases[i].plain);
        assert_true(text_is_plain(text, strlen(text)));
    }
    assert_false(text_is_plain("a\0b", 3));
}

/* What Java trims: all up to the blank, NUL too, at the ends alone. */
static void test_text_trim(void **state) {
    (void)state;
    static const struct text cases[] = {
        CASE("", ""),           CASE("a", "a"),   CASE(" \t\r\n", ""),
        CASE(" a b\0 ", "a b"), CASE("\1a", "a"), CASE("\xc2\xa0 a", "\xc2\xa0 a"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *begin;
        size_t len = text_trim(cases[i].data, cases[i].len, &begin);
        assert_int_equal(len, strlen(cases[i].plain));
        assert_memory_equal(begin, cases[i].plain, len);
    }
}

/* Empty items stay: whoever checks the list sees them. */
static void test_text_trim_items(void **state) {
    (void)state;
    static const struct text cases[] = {
        CASE("", ""),
        CASE(" ", ""),
        CASE("a", "a"),
        CASE("a,b", "a,b"),
        CASE(" a ,\tb c ", "a,b c"),
        CASE(", a,,b, ", ",a,,b,"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char list[32];
        memcpy(list, cases[i].data, cases[i].len + 1);
        list[text_trim_items(list, cases[i].len)] = '\0';
        assert_string_equal(list, cases[i].plain);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text_plain),
                                       cmocka_unit_test(test_text_trim),
                                       cmocka_unit_test(test_text_trim_items)};
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
