/* Places in JSON: what is there, what is not, and bytes that are none. */

#include <string.h>

#include "base/mem.h"
#include "broker/console/json_find.h"
#include "tests/unit/unit.h"

/* Of a copy without a byte behind it, so that a sanitizer sees what is read beyond. */
static bool has(const char *json, size_t len, const char *text) {
    struct json_wish wish;
    uint8_t *copy = mem_alloc(len == 0 ? 1 : len);
    memcpy(copy, json, len);
    assert_true(json_wish_parse(text, &wish));
    bool found = json_has(&wish, copy, len);
    mem_free(copy);
    return found;
}

static void test_json_find_values(void **state) {
    (void)state;
    static const char json[] =
        " {\"a\" : {\"b\":[1, {\"c\":\"x\\\"y\"}, [ ], 9223372036854775807]},\"a/b\":true,\"~\":null,"
        "\"\":\"empty\",\"u\":\"\\u00e9\\ud83d\\ude00\",\"a\":2,\"n\":-1.50e3,\"s\":\"\"}";
    static const struct {
        const char *text;
        bool found;
    } cases[] = {
        {"/a", true},
        {"/a/b/0=1", true},
        {"/a/b/0=01", false},
        {"/a/b/1/c=x\"y", true},
        {"/a/b/1/c=x", false},
        {"/a/b/2", true},
        {"/a/b/2/0", false},
        {"/a/b/3=9223372036854775807", true},
        {"/a/b/3=9223372036854775808", false},
        {"/a/b/4", false},
        {"/a/b/-1", false},
        {"/a/b/99999999999", false},
        {"/a=2", false}, /* the first counts */
        {"/a~1b=true", true},
        {"/~0=null", true},
        {"/=empty", true},
        {"/u=\xc3\xa9\xf0\x9f\x98\x80", true},
        {"/n=-1.50e3", true},
        {"/n=-1500", false},
        {"/s=", true},
        {"/s=x", false},
        {"/missing", false},
        {"/n/deeper", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (has(json, sizeof json - 1, cases[i].text) != cases[i].found)
            fail_msg("%s", cases[i].text);
    assert_true(has("[5,6]", 5, "/1=6"));
    struct json_wish wish;
    assert_false(json_wish_parse("a=1", &wish));
    assert_false(json_wish_parse("", &wish));
}

/* Cut off or changed anywhere it ends, and reads nothing beyond. */
static void test_json_find_broken(void **state) {
    (void)state;
    static const char json[] = "{\"x\":[{\"y\":\"\\u12aB\\\\z\"},{\"k\":{\"v\":[[[7]]]}}],\"k\":1}";
    static const char *const places[] = {"/k=1", "/x/1/k/v/0/0/0=7", "/x/0/y=q", "/x/5"};
    char changed[sizeof json];
    for (size_t len = 0; len < sizeof json; len++)
        for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
            has(json, len, places[p]);
            for (int byte = 0; byte < 256; byte++) {
                memcpy(changed, json, sizeof json);
                changed[len] = (char)byte;
                has(changed, sizeof json - 1, places[p]);
            }
        }
    assert_false(has("", 0, "/a"));
    assert_false(has("{\"a\"", 4, "/a"));
    assert_false(has("{\"a\":", 5, "/a"));
    assert_false(has("not json", 8, "/a"));
    assert_false(has("{\"b\":}}}},\"a\":1}", 16, "/a"));
}

/* As deep as it likes: no stack is used up. */
static void test_json_find_deep(void **state) {
    (void)state;
    size_t depth = 1 << 20, len = 2 * depth + 9;
    char *json = mem_alloc(len);
    memcpy(json, "{\"d\":", 5);
    memset(json + 5, '[', depth);
    memset(json + 5 + depth, ']', depth);
    memcpy(json + 5 + 2 * depth, ",\"\":", 4);
    assert_false(has(json, len, "/x"));
    assert_true(has(json, len, "/d"));
    mem_free(json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_find_values),
        cmocka_unit_test(test_json_find_broken),
        cmocka_unit_test(test_json_find_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
