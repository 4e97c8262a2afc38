/*
 * Records of __consumer_offsets: one byte (odd: a value, whose type the next byte says; even: a
 * key), then the bytes.
 *
 * What is accepted is written again, and means the same when it is read once more.
 */
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "base/mem.h"
#include "protocol/coordinator_records/coordinator_record.h"

enum { ARENA_LIMIT = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct decoded {
    struct kp_arena arena;
    void *object;
    int version;
    int error;
};

static struct decoded decode(const struct kp_record_type *type, bool key, const uint8_t *bytes,
                             size_t len) {
    struct decoded decoded = {.object = mem_zalloc(key ? type->key->size : type->value->size)};
    kp_arena_init(&decoded.arena, ARENA_LIMIT);
    decoded.error = key ? kp_record_key_decode(type, bytes, len, decoded.object)
                        : kp_record_value_decode(type, bytes, len, &decoded.arena, decoded.object,
                                                 &decoded.version);
    return decoded;
}

static void decoded_close(struct decoded *decoded) {
    kp_arena_close(&decoded->arena);
    mem_free(decoded->object);
}

static void encode(const struct kp_record_type *type, bool key, const struct decoded *decoded,
                   uint8_t **bytes, size_t *len) {
    struct kp_writer writer;
    kp_writer_init(&writer, INT32_MAX);
    if (key)
        kp_record_key_encode(type, decoded->object, &writer);
    else
        kp_record_value_encode(type, decoded->version, decoded->object, &writer);
    CHECK(kp_writer_take(&writer, bytes, len) == ERR_NONE);
}

static void use(const struct kp_record_type *type, bool key, const uint8_t *bytes, size_t len) {
    struct decoded first = decode(type, key, bytes, len);
    if (first.error == ERR_NONE) {
        uint8_t *once, *twice;
        size_t once_len, twice_len;
        encode(type, key, &first, &once, &once_len);
        struct decoded second = decode(type, key, once, once_len);
        CHECK(second.error == ERR_NONE && second.version == first.version);
        encode(type, key, &second, &twice, &twice_len);
        CHECK(once_len == twice_len && memcmp(once, twice, once_len) == 0);
        mem_free(once);
        mem_free(twice);
        decoded_close(&second);
    }
    decoded_close(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    if (len < 2) return 0;
    bool key = (data[0] & 1) == 0;
    size_t skipped = key ? 1 : 2;
    uint8_t *bytes = mem_alloc(len - skipped); /* exactly as long, for the sanitizer */
    memcpy(bytes, data + skipped, len - skipped);
    const struct kp_record_type *type = key ? kp_record_type_of(bytes, len - skipped)
                                            : kp_record_type_numbered(data[1]);
    if (type != NULL) use(type, key, bytes, len - skipped);
    mem_free(bytes);
    return 0;
}
