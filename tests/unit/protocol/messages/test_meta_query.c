/* Our own message, which no other implementation can vouch for: bytes written down by hand. */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "protocol/messages/frame.h"
#include "protocol/messages/meta_query.h"
#include "tests/unit/unit.h"

/* The request as it is on the wire, and back. */
static void test_meta_query_request(void **state) {
    (void)state;
    static const char expected[] = "\0\0\0\24\x27\x10\0\0\0\0\0\7\0\1d\0\7/topic\0";
    struct kp_meta_query_request request;
    kp_set_fallbacks(&kp_meta_query_request_schema, &request);
    request.path = kp_string_of("/topic");
    struct kp_writer writer;
    kp_writer_init(&writer, 1000);
    kp_request_encode(kp_api_find(KP_META_QUERY), 0, 7, kp_string_of("d"), &request, &writer);
    uint8_t *bytes;
    size_t len;
    assert_int_equal(kp_writer_take(&writer, &bytes, &len), ERR_NONE);
    assert_int_equal(len, sizeof(expected) - 1);
    assert_memory_equal(bytes, expected, len);

    struct kp_reader reader;
    struct kp_request_header header;
    struct kp_arena arena;
    kp_arena_init(&arena, 1000);
    kp_reader_init(&reader, bytes + 4, len - 4);
    assert_int_equal(kp_request_header_decode(&reader, &header), ERR_NONE);
    assert_int_equal(kp_decode(header.api->request, header.api_version, &reader, &arena, &request),
                     ERR_NONE);
    assert_true(kp_string_is(request.path, "/topic"));
    kp_arena_close(&arena);
    mem_free(bytes);
}

/* The response: an error with its message, or a value and children with and without values. */
static void test_meta_query_response(void **state) {
    (void)state;
    static const char expected[] = "\0\0\0\24\0\0\0\7\0\0\0\0\0\3\2a\2x\0\2b\0\0\0";
    struct kp_arena arena;
    kp_arena_init(&arena, 1000);
    struct kp_meta_query_response response;
    kp_set_fallbacks(&kp_meta_query_response_schema, &response);
    kp_new_items(&arena, &kp_meta_query_response_entry_schema, &response.entries, 2);
    response.entries.items[0].name = kp_string_of("a");
    response.entries.items[0].value = kp_string_of("x");
    response.entries.items[1].name = kp_string_of("b");
    struct kp_writer writer;
    kp_writer_init(&writer, 1000);
    kp_response_encode(kp_api_find(KP_META_QUERY), 0, 7, &response, &writer);
    uint8_t *bytes;
    size_t len;
    assert_int_equal(kp_writer_take(&writer, &bytes, &len), ERR_NONE);
    assert_int_equal(len, sizeof(expected) - 1);
    assert_memory_equal(bytes, expected, len);
    assert_int_equal(
        kp_response_decode(kp_api_find(KP_META_QUERY), 0, 7, bytes + 4, len - 4, &arena, &response),
        ERR_NONE);
    assert_int_equal(response.error_message.len, -1);
    assert_int_equal(response.entries.count, 2);
    assert_true(kp_string_is(response.entries.items[0].value, "x"));
    assert_int_equal(response.entries.items[1].value.len, -1);
    kp_arena_close(&arena);
    mem_free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_meta_query_request),
        cmocka_unit_test(test_meta_query_response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
