/* Headers: which form each has, what is left when the request is not served, and whose answer is
 * read. */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/frame.h"
#include "protocol/messages/metadata.h"
#include "tests/unit/unit.h"

static int decode_header(const void *frame, size_t len, struct kp_request_header *header,
                         struct kp_reader *reader) {
    kp_reader_init(reader, frame, len);
    return kp_request_header_decode(reader, header);
}
#define HEADER(text, header, reader) decode_header(text, sizeof(text) - 1, header, reader)

/* Version 1 has a client id; version 2 tags behind it, which are skipped; the reader then stands at
 * the message. */
static void test_frame_request_header_forms(void **state) {
    (void)state;
    struct kp_request_header header;
    struct kp_reader reader;
    assert_int_equal(HEADER("\0\3\0\1\0\0\0\7\0\2me!", &header, &reader), ERR_NONE);
    assert_int_equal(header.api->key, KP_METADATA);
    assert_int_equal(header.api_version, 1);
    assert_int_equal(header.correlation_id, 7);
    assert_true(kp_string_is(header.client_id, "me"));
    assert_int_equal(kp_reader_left(&reader), 1);
    assert_int_equal(HEADER("\0\3\0\11\0\0\0\7\xff\xff\1\5\1x!", &header, &reader), ERR_NONE);
    assert_int_equal(header.client_id.len, -1);
    assert_int_equal(kp_reader_left(&reader), 1);
}

/* Of a request that is not served, key, version and correlation id are known, so that it can be
 * answered or told. */
static void test_frame_request_not_served(void **state) {
    (void)state;
    struct kp_request_header header;
    struct kp_reader reader;
    assert_int_equal(HEADER("\0\x12\0\x63\0\0\0\7\xff", &header, &reader),
                     ERR_VERSION); /* ApiVersions 99 */
    assert_int_equal(header.api->key, KP_API_VERSIONS);
    assert_int_equal(header.api_version, 99);
    assert_int_equal(header.correlation_id, 7);
    assert_int_equal(HEADER("\0\4\0\0\0\0\0\7\xff\xff", &header, &reader),
                     ERR_VERSION); /* LeaderAndIsr */
    assert_null(header.api);
    assert_int_equal(header.api_key, 4);
    assert_int_equal(HEADER("\0\0\0\2\0\0\0\7\xff\xff", &header, &reader),
                     ERR_VERSION); /* Produce 2: advertised, not decoded */
    assert_int_equal(HEADER("\0\3\xff\xff\0\0\0\7\xff\xff", &header, &reader),
                     ERR_VERSION); /* version -1 */
}

/* Cut off anywhere: malformed. */
static void test_frame_request_header_cut_off(void **state) {
    (void)state;
    static const char whole[] = "\0\3\0\11\0\0\0\7\0\2me\1\5\1x";
    struct kp_request_header header;
    struct kp_reader reader;
    for (size_t len = 0; len < sizeof(whole) - 1; len++)
        assert_int_equal(decode_header(whole, len, &header, &reader), ERR_MALFORMED);
}

/* The answer to ApiVersions has the old header in every version: its receiver may not know more. */
static void test_frame_api_versions_response_header(void **state) {
    (void)state;
    const struct kp_api *api = kp_api_find(KP_API_VERSIONS);
    struct kp_api_versions_response response;
    kp_set_fallbacks(&kp_api_versions_response_schema, &response);
    struct kp_writer writer;
    kp_writer_init(&writer, 1000);
    assert_int_equal(kp_response_encode(api, 3, 7, &response, &writer), ERR_NONE);
    uint8_t *bytes;
    size_t len;
    assert_int_equal(kp_writer_take(&writer, &bytes, &len), ERR_NONE);
    static const char expected[] = "\0\0\0\14\0\0\0\7\0\0\1\0\0\0\0\0";
    assert_int_equal(len, sizeof(expected) - 1);
    assert_memory_equal(bytes, expected, len);
    mem_free(bytes);
}

/* An answer to another request, or one that is cut off, is not taken. */
static void test_frame_response_of_another_request(void **state) {
    (void)state;
    const struct kp_api *api = kp_api_find(KP_METADATA);
    struct kp_metadata_response response;
    kp_set_fallbacks(&kp_metadata_response_schema, &response);
    struct kp_writer writer;
    kp_writer_init(&writer, 1000);
    assert_int_equal(kp_response_encode(api, 12, 7, &response, &writer), ERR_NONE);
    uint8_t *bytes;
    size_t len;
    assert_int_equal(kp_writer_take(&writer, &bytes, &len), ERR_NONE);
    struct kp_arena arena;
    kp_arena_init(&arena, 1000);
    assert_int_equal(kp_response_decode(api, 12, 7, bytes + 4, len - 4, &arena, &response),
                     ERR_NONE);
    assert_int_equal(kp_response_decode(api, 12, 8, bytes + 4, len - 4, &arena, &response),
                     ERR_MALFORMED);
    assert_int_equal(kp_response_decode(api, 12, 7, bytes + 4, len - 5, &arena, &response),
                     ERR_MALFORMED);
    assert_int_equal(kp_response_decode(api, 12, 7, bytes + 4, 0, &arena, &response),
                     ERR_MALFORMED);
    mem_free(bytes);
    kp_arena_close(&arena);
}

/* A message that passes the writer's limit gives the error, and nothing goes out. */
static void test_frame_over_the_limit(void **state) {
    (void)state;
    struct kp_metadata_request request;
    kp_set_fallbacks(&kp_metadata_request_schema, &request);
    struct kp_writer writer;
    for (size_t limit = 0; limit < 16; limit++) {
        kp_writer_init(&writer, limit);
        assert_int_equal(kp_request_encode(kp_api_find(KP_METADATA), 1, 7, kp_string_of("me"),
                                           &request, &writer),
                         ERR_TOO_LARGE);
        kp_writer_close(&writer);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame_request_header_forms),
        cmocka_unit_test(test_frame_request_not_served),
        cmocka_unit_test(test_frame_request_header_cut_off),
        cmocka_unit_test(test_frame_api_versions_response_header),
        cmocka_unit_test(test_frame_response_of_another_request),
        cmocka_unit_test(test_frame_over_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
