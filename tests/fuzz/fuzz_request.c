/*
 * Requests and answers of every API and version: one byte (odd: an answer), then a frame without
 * its length.
 *
 * What is accepted is written and read again: then bytes and bytes are equal. (The first bytes may
 * differ from them: tagged fields that nobody knows are skipped, a bool may be any byte, and what
 * follows a message is nobody's business.)
 */
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "protocol/messages/frame.h"

enum { ARENA_MAX = 64 << 20, HEAD = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t *encode(const struct kp_schema *schema, int version, const void *message,
                       size_t *len) {
    struct kp_writer writer;
    kp_writer_init(&writer, INT32_MAX);
    CHECK(kp_encode(schema, version, message, &writer) == ERR_NONE);
    *len = writer.len;
    uint8_t *bytes = mem_alloc(writer.len);
    if (writer.len > 0) memcpy(bytes, writer.data, writer.len);
    kp_writer_close(&writer);
    return bytes;
}

static void check_again(const struct kp_schema *schema, int version, const void *message) {
    size_t len, len_again;
    uint8_t *bytes = encode(schema, version, message, &len);
    struct kp_reader reader;
    struct kp_arena arena;
    kp_reader_init(&reader, bytes, len);
    kp_arena_init(&arena, ARENA_MAX);
    void *again = kp_arena_alloc(&arena, schema->size);
    int error = kp_decode(schema, version, &reader, &arena, again);
    CHECK(error == ERR_NONE);
    CHECK(kp_reader_left(&reader) == 0);
    uint8_t *bytes_again = encode(schema, version, again, &len_again);
    CHECK(len == len_again && memcmp(bytes, bytes_again, len) == 0);
    mem_free(bytes);
    mem_free(bytes_again);
    kp_arena_close(&arena);
}

static void request(struct kp_reader *reader, struct kp_arena *arena) {
    struct kp_request_header header;
    if (kp_request_header_decode(reader, &header) != ERR_NONE) return;
    const struct kp_schema *schema = header.api->request;
    void *message = kp_arena_alloc(arena, schema->size);
    if (kp_decode(schema, header.api_version, reader, arena, message) == ERR_NONE)
        check_again(schema, header.api_version, message);
}

/* Key and version stand before the answer, which does not say them. */
static void answer(struct kp_reader *reader, struct kp_arena *arena) {
    const struct kp_api *api = kp_api_find(kp_read_int16(reader));
    int16_t version = kp_read_int16(reader);
    if (api == NULL || !kp_api_serves(api, version) || kp_reader_left(reader) < HEAD) return;
    void *message = kp_arena_alloc(arena, api->response->size);
    struct kp_reader id = *reader;
    int32_t correlation_id = kp_read_int32(&id);
    int error = kp_response_decode(api, version, correlation_id, reader->data + reader->at,
                                   kp_reader_left(reader), arena, message);
    if (error == ERR_NONE) check_again(api->response, version, message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    if (len == 0) return 0;
    struct kp_reader reader;
    struct kp_arena arena;
    kp_reader_init(&reader, data + 1, len - 1);
    kp_arena_init(&arena, ARENA_MAX);
    if (data[0] & 1)
        answer(&reader, &arena);
    else
        request(&reader, &arena);
    kp_arena_close(&arena);
    return 0;
}
