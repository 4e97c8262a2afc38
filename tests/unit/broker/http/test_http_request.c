/* Heads of requests: what is served, what is refused, and with which status. */

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/http/http_request.h"
#include "tests/unit/unit.h"

#define GOOD "GET /metrics?topic=a%20b HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n"

static int parse(const char *text, struct http_request *request) {
    size_t head = 0;
    return http_request_parse(text, strlen(text), request, &head);
}

/* A scraper's request is taken apart; what follows it is left alone. */
static void test_http_request_good(void **state) {
    (void)state;
    struct http_request request;
    size_t head = 0;
    const char *two = GOOD "GET / HTTP/1.1\r\n";
    assert_int_equal(http_request_parse(two, strlen(two), &request, &head), HTTP_PARSED);
    assert_int_equal(head, strlen(GOOD));
    assert_int_equal(request.path_len, 8);
    assert_memory_equal(request.path, "/metrics", 8);
    assert_int_equal(request.query_len, 11);
    assert_true(request.keep_alive);
    assert_false(request.head_only);
    char value[8];
    assert_true(http_query_value(request.query, request.query_len, "topic", value, sizeof value));
    assert_string_equal(value, "a b");
    assert_false(http_query_value(request.query, request.query_len, "top", value, sizeof value));
    assert_false(http_query_value(request.query, request.query_len, "topic", value, 3));
    assert_false(http_query_value("topic=%00", 9, "topic", value, sizeof value));
    assert_false(http_query_value("topic=%4", 8, "topic", value, sizeof value));
}

/* Its names, one after the other; "!" behind what is no pair. */
static const char *names_of(const char *query) {
    static char names[64];
    size_t len = 0;
    struct http_pair pair = {.next = query};
    enum http_paired paired;
    while ((paired = http_query_next(query, strlen(query), &pair)) == HTTP_PAIR)
        len += (size_t)snprintf(names + len, sizeof names - len, "%.*s ", (int)pair.name_len,
                                pair.name);
    snprintf(names + len, sizeof names - len, paired == HTTP_PAIR_BROKEN ? "!" : ".");
    return names;
}

/* Every pair is seen, and what would be taken for nothing is none. */
static void test_http_query_pairs(void **state) {
    (void)state;
    assert_string_equal(names_of(""), ".");
    assert_string_equal(names_of("&&"), ".");
    assert_string_equal(names_of("a=1&bc=&&d=%20x&"), "a bc d .");
    assert_string_equal(names_of("a=1&b"), "a !");
    assert_string_equal(names_of("a=1&b=100%"), "a !");
    assert_string_equal(names_of("b=%4"), "!");
    assert_string_equal(names_of("b=%g1"), "!");
    assert_string_equal(names_of("b=%00"), "!");
    assert_string_equal(names_of("b=%01"), "b .");
    assert_string_equal(names_of("b=%4&a=1"), "!"); /* not over the end of the pair */
    struct http_pair pair = {.next = "a=\0"};
    assert_int_equal(http_query_next(pair.next, 3, &pair), HTTP_PAIR_BROKEN);
}

static void test_http_request_connection(void **state) {
    (void)state;
    struct http_request request;
    assert_int_equal(parse("HEAD / HTTP/1.1\r\nhost:x\r\n\r\n", &request), HTTP_PARSED);
    assert_true(request.head_only && request.keep_alive);
    assert_int_equal(
        parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, close \r\n\r\n", &request),
        HTTP_PARSED);
    assert_false(request.keep_alive);
    assert_int_equal(parse("GET / HTTP/1.0\r\n\r\n", &request), HTTP_PARSED);
    assert_false(request.keep_alive);
}

/* Whatever is cut off, the rest is waited for. */
static void test_http_request_in_pieces(void **state) {
    (void)state;
    struct http_request request;
    for (size_t len = 0; len < strlen(GOOD); len++) {
        char *piece = mem_alloc(len); /* so that a sanitizer sees what is read beyond it */
        memcpy(piece, GOOD, len);
        size_t head;
        assert_int_equal(http_request_parse(piece, len, &request, &head), HTTP_MORE);
        mem_free(piece);
    }
}

/* A form: how long it is, and the lines that whoever lets it in looks at. */
static void test_http_request_post(void **state) {
    (void)state;
    struct http_request request;
    const char *value;
    size_t len;
    assert_int_equal(
        parse("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 003\r\nX-One:  a b \r\nx-two: 1\r\n"
              "X-TWO: 22\r\n\r\nabc",
              &request),
        HTTP_PARSED);
    assert_true(request.post && request.body_len == 3 && request.body == NULL);
    assert_int_equal(http_request_field(&request, "x-one", &value, &len), 1);
    assert_int_equal(len, 3);
    assert_memory_equal(value, "a b", 3);
    assert_int_equal(http_request_field(&request, "x-two", &value, &len), 2);
    assert_int_equal(len, 2);
    assert_int_equal(http_request_field(&request, "x-t", &value, &len), 0);
    assert_int_equal(http_request_field(&request, "host", &value, &len), 1);
}

/* One case for each way to be refused. */
static void test_http_request_refused(void **state) {
    (void)state;
    static const struct {
        int status;
        const char *text;
    } cases[] = {
        {405, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"},
        {411, "POST / HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc"},
        {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\nabc"},
        {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\nabc"},
        {400, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc"},
        {413, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"},
        {505, "GET / HTTP/2.0\r\nHost: x\r\n\r\n"},
        {400, "GET / HTTP/1.1\nHost: x\n\n"},
        {400, "GET  / HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, "GET /\r\n\r\n"},
        {400, "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost : x\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {413, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"},
        {413, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0, 5\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: x\x01\r\n\r\n"},
        {400, "GET /\x7f HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost\r\n\r\n"},
        {400, "\r\n\r\n"},
        {400, "\x16\x03\x01\x02\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_request request;
        assert_int_equal(parse(cases[i].text, &request), cases[i].status);
    }
}

/* Heads that never end are not gathered for ever. */
static void test_http_request_too_large(void **state) {
    (void)state;
    static char text[2 * HTTP_HEAD_MAX];
    struct http_request request;
    size_t head;
    memset(text, 'a', sizeof text);
    memcpy(text, "GET /", 5);
    assert_int_equal(http_request_parse(text, sizeof text, &request, &head), 414);
    memcpy(text, "GET / HTTP/1.1\r\nA: ", 19);
    assert_int_equal(http_request_parse(text, HTTP_HEAD_MAX - 1, &request, &head), HTTP_MORE);
    assert_int_equal(http_request_parse(text, HTTP_HEAD_MAX, &request, &head), 431);
    size_t at = 16;
    for (; at + 5 < HTTP_HEAD_MAX; at += 5)
        memcpy(text + at, "a:b\r\n", 5);
    assert_int_equal(http_request_parse(text, at, &request, &head), 431);
}

/* Any byte anywhere: an answer, and never a look beyond the end. */
static void test_http_request_mutated(void **state) {
    (void)state;
    size_t len = strlen(GOOD);
    for (size_t at = 0; at < len; at++) {
        for (int byte = 0; byte < 256; byte += 3) {
            char *text = mem_alloc(len);
            memcpy(text, GOOD, len);
            text[at] = (char)byte;
            struct http_request request;
            size_t head = 0;
            int parsed = http_request_parse(text, len, &request, &head);
            assert_true(parsed == HTTP_MORE || parsed == HTTP_PARSED || parsed >= 400);
            if (parsed == HTTP_PARSED) assert_true(head <= len);
            mem_free(text);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_request_good),
        cmocka_unit_test(test_http_query_pairs),
        cmocka_unit_test(test_http_request_connection),
        cmocka_unit_test(test_http_request_in_pieces),
        cmocka_unit_test(test_http_request_post),
        cmocka_unit_test(test_http_request_refused),
        cmocka_unit_test(test_http_request_too_large),
        cmocka_unit_test(test_http_request_mutated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
