/* The primitives: known bytes, limits of each form, and claims that the bytes do not hold. */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "protocol/wire.h"
#include "tests/unit/unit.h"

static struct kp_reader reader_of(const void *data, size_t len) {
    struct kp_reader reader;
    kp_reader_init(&reader, data, len);
    return reader;
}
#define READER(text) reader_of(text, sizeof(text) - 1)

/* What a writer wrote, compared with literal bytes; closes the writer. */
static void assert_written(struct kp_writer *writer, const void *expected, size_t len) {
    uint8_t *bytes;
    size_t written;
    assert_int_equal(kp_writer_take(writer, &bytes, &written), ERR_NONE);
    assert_int_equal(written, len);
    assert_memory_equal(bytes, expected, len);
    mem_free(bytes);
}
#define ASSERT_WRITTEN(writer, text) assert_written(writer, text, sizeof(text) - 1)

/* Numbers are big-endian, and signed where the protocol says so. */
static void test_wire_numbers(void **state) {
    (void)state;
    struct kp_writer writer;
    kp_writer_init(&writer, 1000);
    kp_write_bool(&writer, true);
    kp_write_int8(&writer, -2);
    kp_write_int16(&writer, -3);
    kp_write_int32(&writer, 0x01020304);
    kp_write_int64(&writer, INT64_MIN);
    static const char bytes[] = "\x01\xfe\xff\xfd\x01\x02\x03\x04\x80\0\0\0\0\0\0\0";
    assert_int_equal(kp_writer_size(&writer), sizeof(bytes) - 1);
    ASSERT_WRITTEN(&writer, "\x01\xfe\xff\xfd\x01\x02\x03\x04\x80\0\0\0\0\0\0\0");
    struct kp_reader reader = READER(bytes);
    assert_true(kp_read_bool(&reader));
    assert_int_equal(kp_read_int8(&reader), -2);
    assert_int_equal(kp_read_int16(&reader), -3);
    assert_int_equal(kp_read_int32(&reader), 0x01020304);
    assert_true(kp_read_int64(&reader) == INT64_MIN);
    assert_int_equal(kp_reader_left(&reader), 0);
    assert_int_equal(reader.error, ERR_NONE);
}

/* Variable-length numbers at the edges of each length, there and back. */
static void test_wire_variable_length_numbers(void **state) {
    (void)state;
    static const int64_t values[] = {0,         1,         -1,        63,
                                     64,        -64,       -65,       8191,
                                     8192,      INT32_MAX, INT32_MIN, (int64_t)INT32_MAX + 1,
                                     INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct kp_writer writer;
        kp_writer_init(&writer, 100);
        kp_write_varlong(&writer, values[i]);
        kp_write_varint(&writer, (int32_t)values[i]);
        kp_write_uvarint(&writer, (uint32_t)values[i]);
        uint8_t *bytes;
        size_t len;
        assert_int_equal(kp_writer_take(&writer, &bytes, &len), ERR_NONE);
        struct kp_reader reader = reader_of(bytes, len);
        assert_true(kp_read_varlong(&reader) == values[i]);
        assert_int_equal(kp_read_varint(&reader), (int32_t)values[i]);
        assert_int_equal(kp_read_uvarint(&reader), (uint32_t)values[i]);
        assert_int_equal(reader.error, ERR_NONE);
        assert_int_equal(kp_reader_left(&reader), 0);
        mem_free(bytes);
    }
}

/* The bytes of protobuf's documentation: 300 is ac 02; zigzag -2 is 03. */
static void test_wire_variable_length_known_bytes(void **state) {
    (void)state;
    struct kp_writer writer;
    kp_writer_init(&writer, 100);
    kp_write_uvarint(&writer, 300);
    kp_write_varint(&writer, -2);
    kp_write_varlong(&writer, INT64_MIN);
    ASSERT_WRITTEN(&writer, "\xac\x02\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
}

/* More bits than the type has, or a number that never ends. */
static void test_wire_variable_length_too_long(void **state) {
    (void)state;
    struct kp_reader reader = READER("\xff\xff\xff\xff\x0f");
    assert_int_equal(kp_read_uvarint(&reader), UINT32_MAX);
    assert_int_equal(reader.error, ERR_NONE);
    reader = READER("\xff\xff\xff\xff\x1f"); /* bit 33 */
    assert_int_equal(kp_read_uvarint(&reader), 0);
    assert_int_equal(reader.error, ERR_MALFORMED);
    reader = READER("\x80\x80\x80\x80\x80\x00");
    kp_read_varint(&reader);
    assert_int_equal(reader.error, ERR_MALFORMED);
    reader = READER("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"); /* bit 65 */
    kp_read_varlong(&reader);
    assert_int_equal(reader.error, ERR_MALFORMED);
    reader = READER("\x80\x80");
    kp_read_uvarint(&reader);
    assert_int_equal(reader.error, ERR_MALFORMED);
}

/* Each form of string and bytes, null and empty told apart. */
static void test_wire_strings_and_bytes(void **state) {
    (void)state;
    struct kp_writer writer;
    kp_writer_init(&writer, 1000);
    for (int compact = 0; compact < 2; compact++) {
        kp_write_string(&writer, kp_string_of("ab"), compact, false);
        kp_write_string(&writer, kp_string_of(""), compact, true);
        kp_write_string(&writer, KP_NULL_STRING, compact, true);
        kp_write_bytes(&writer, (struct kp_bytes){(const uint8_t *)"xyz", 3}, compact, false);
        kp_write_bytes(&writer, (struct kp_bytes){NULL, -1}, compact, true);
    }
    uint8_t *bytes;
    size_t len;
    assert_int_equal(kp_writer_take(&writer, &bytes, &len), ERR_NONE);
    assert_int_equal(len, 4 + 2 + 2 + 7 + 4 + 3 + 1 + 1 + 4 + 1);
    assert_memory_equal(bytes, "\0\2ab\0\0\xff\xff\0\0\0\3xyz\xff\xff\xff\xff\3ab\1\0\4xyz\0", len);
    struct kp_reader reader = reader_of(bytes, len);
    for (int compact = 0; compact < 2; compact++) {
        struct kp_string text = kp_read_string(&reader, compact, false);
        assert_true(kp_string_is(text, "ab"));
        assert_int_equal(kp_read_string(&reader, compact, true).len, 0);
        assert_int_equal(kp_read_string(&reader, compact, true).len, -1);
        struct kp_bytes read = kp_read_bytes(&reader, compact, false);
        assert_int_equal(read.len, 3);
        assert_memory_equal(read.data, "xyz", 3);
        assert_int_equal(kp_read_bytes(&reader, compact, true).len, -1);
    }
    assert_int_equal(reader.error, ERR_NONE);
    assert_int_equal(kp_reader_left(&reader), 0);
    mem_free(bytes);
}

/* A length beyond the bytes, a negative one, or null where none may be, is malformed and reads as
 * empty. */
static void test_wire_hostile_lengths(void **state) {
    (void)state;
    struct kp_reader reader = READER("\x7f\xff"
                                     "abc");
    assert_int_equal(kp_read_string(&reader, false, true).len, 0);
    assert_int_equal(reader.error, ERR_MALFORMED);
    reader = READER("\xff\xfe"
                    "abc"); /* -2 */
    kp_read_string(&reader, false, true);
    assert_int_equal(reader.error, ERR_MALFORMED);
    reader = READER("\xff\xff"
                    "abc"); /* null */
    assert_int_equal(kp_read_string(&reader, false, false).len, 0);
    assert_int_equal(reader.error, ERR_MALFORMED);
    reader = READER("\0abc"); /* compact null */
    assert_int_equal(kp_read_bytes(&reader, true, false).len, 0);
    assert_int_equal(reader.error, ERR_MALFORMED);
    reader = READER("\xff\xff\xff\xff\x0f"
                    "abc"); /* compact, 2^32 - 2 */
    kp_read_bytes(&reader, true, true);
    assert_int_equal(reader.error, ERR_MALFORMED);
    reader = READER("\x80\0\0\0"
                    "abc"); /* INT32_MIN */
    kp_read_bytes(&reader, false, true);
    assert_int_equal(reader.error, ERR_MALFORMED);
}

/* A count is believed only up to what the bytes can hold. */
static void test_wire_hostile_counts(void **state) {
    (void)state;
    struct kp_reader reader = READER("\0\0\0\2"
                                     "abcdef");
    assert_int_equal(kp_read_count(&reader, false, false, 3), 2);
    reader = READER("\0\0\0\3"
                    "abcdef");
    assert_int_equal(kp_read_count(&reader, false, false, 3), 0);
    assert_int_equal(reader.error, ERR_MALFORMED);
    reader = READER("\x7f\xff\xff\xff"
                    "abcdef");
    assert_int_equal(kp_read_count(&reader, false, false, SIZE_MAX), 0);
    assert_int_equal(reader.error, ERR_MALFORMED);
    reader = READER("\xff\xff\xff\xff");
    assert_int_equal(kp_read_count(&reader, false, true, 1), -1);
    assert_int_equal(reader.error, ERR_NONE);
    reader = READER("\0");
    assert_int_equal(kp_read_count(&reader, true, true, 1), -1);
}

/* The first error stays; afterwards everything reads as nothing, and nothing is read. */
static void test_wire_reader_error_is_sticky(void **state) {
    (void)state;
    struct kp_reader reader = READER("abc");
    kp_reader_fail(&reader, ERR_TOO_LARGE);
    assert_int_equal(kp_read_int8(&reader), 0);
    assert_null(kp_read_raw(&reader, 0));
    assert_int_equal(kp_read_string(&reader, true, true).len, -1);
    assert_true(kp_uuid_is_zero(kp_read_uuid(&reader)));
    assert_int_equal(kp_reader_left(&reader), 0);
    assert_int_equal(reader.error, ERR_TOO_LARGE);
}

/* A tag is a number and a reader over exactly its bytes; sections of tags can be skipped, but not
 * beyond the end. */
static void test_wire_tags(void **state) {
    (void)state;
    struct kp_reader reader = READER("\2\5\1x\7\2yz!"), field;
    kp_skip_tags(&reader);
    assert_int_equal(reader.error, ERR_NONE);
    assert_int_equal(kp_reader_left(&reader), 1);
    reader = READER("\5\2xy!");
    assert_int_equal(kp_read_tag(&reader, &field), 5);
    assert_int_equal(kp_reader_left(&field), 2);
    assert_int_equal(kp_read_int8(&field), 'x');
    reader = READER("\5\7xy!");
    kp_read_tag(&reader, &field);
    assert_int_equal(reader.error, ERR_MALFORMED);
    assert_int_equal(field.error, ERR_MALFORMED);
    reader = READER("\xff\xff\xff\xff\x0f\1\1x"); /* 2^32 - 1 tags */
    kp_skip_tags(&reader);
    assert_int_equal(reader.error, ERR_MALFORMED);
}

/* The limit holds to the byte, and the error stays. */
static void test_wire_writer_limit(void **state) {
    (void)state;
    struct kp_writer writer;
    kp_writer_init(&writer, 5);
    kp_write_int32(&writer, 1);
    kp_write_int8(&writer, 1);
    assert_int_equal(writer.error, ERR_NONE);
    kp_write_int8(&writer, 1);
    assert_int_equal(writer.error, ERR_TOO_LARGE);
    assert_int_equal(kp_writer_size(&writer), 5);
    uint8_t *bytes;
    size_t len;
    assert_int_equal(kp_writer_take(&writer, &bytes, &len), ERR_TOO_LARGE);
    assert_null(bytes);
}

/* Null, or more text than a length can tell, cannot be written where the format has no room for it.
 */
static void test_wire_writer_refuses_what_has_no_form(void **state) {
    (void)state;
    struct kp_writer writer;
    kp_writer_init(&writer, INT32_MAX);
    kp_write_string(&writer, KP_NULL_STRING, true, false);
    assert_int_equal(writer.error, ERR_INVALID);
    kp_writer_close(&writer);
    char *longest = mem_zalloc(INT16_MAX + 1);
    kp_writer_init(&writer, INT32_MAX);
    kp_write_string(&writer, (struct kp_string){longest, INT16_MAX}, false, false);
    assert_int_equal(writer.error, ERR_NONE);
    kp_write_string(&writer, (struct kp_string){longest, INT16_MAX + 1}, true, false);
    assert_int_equal(writer.error, ERR_NONE);
    kp_write_string(&writer, (struct kp_string){longest, INT16_MAX + 1}, false, false);
    assert_int_equal(writer.error, ERR_INVALID);
    kp_writer_close(&writer);
    mem_free(longest);
}

struct pieces {
    struct slice slices[8];
    int count;
};

static void collect(void *arg, struct slice slice) {
    struct pieces *pieces = arg;
    assert_in_range(pieces->count, 0, 7);
    pieces->slices[pieces->count++] = slice;
}

/* Large slices go out as they are, between the writer's own bytes; small ones are copied; the
 * budget pays until all is sent. */
static void test_wire_writer_emits_large_slices_without_copy(void **state) {
    (void)state;
    struct budget budget;
    budget_init(&budget, 1 << 20);
    struct buffer *buffer = buffer_new(NULL, 10000);
    memset(buffer->data, 'L', buffer->size);
    struct slice large = slice_of(buffer, 0, 10000), small = slice_of(buffer, 0, 10);
    struct kp_writer writer;
    kp_writer_init(&writer, 1 << 20);
    kp_write_int32(&writer, 0);
    kp_write_slice(&writer, small);
    kp_write_slice(&writer, large);
    kp_write_slice(&writer, large);
    kp_write_int8(&writer, 'e');
    assert_int_equal(kp_writer_size(&writer), 4 + 10 + 20000 + 1);
    kp_patch_int32(&writer, 0, 0x61626364);
    struct pieces pieces = {.count = 0};
    assert_int_equal(kp_writer_emit(&writer, &budget, collect, &pieces), ERR_NONE);
    assert_int_equal(pieces.count, 4);
    assert_int_equal(pieces.slices[0].len, 14);
    assert_memory_equal(pieces.slices[0].data, "abcdLLLLLLLLLL", 14);
    assert_ptr_equal(pieces.slices[1].data, buffer->data);
    assert_int_equal(pieces.slices[2].len, 10000);
    assert_int_equal(pieces.slices[3].data[0], 'e');
    assert_in_range(budget.used, 15, 4096);
    for (int i = 0; i < pieces.count; i++)
        slice_unref(&pieces.slices[i]);
    assert_int_equal(budget.used, 0);
    slice_unref(&large);
    slice_unref(&small);
    assert_int_equal(buffer->references, 1);
    buffer_unref(buffer);
}

/* Closing, or failing, gives the references back. */
static void test_wire_writer_releases_slices(void **state) {
    (void)state;
    struct buffer *buffer = buffer_new(NULL, 1000);
    memset(buffer->data, 1, buffer->size);
    struct slice large = slice_of(buffer, 0, 1000);
    struct kp_writer writer;
    kp_writer_init(&writer, 1500);
    kp_write_slice(&writer, large);
    assert_int_equal(buffer->references, 3);
    kp_write_slice(&writer, large); /* over the limit */
    struct pieces pieces = {.count = 0};
    assert_int_equal(kp_writer_emit(&writer, NULL, collect, &pieces), ERR_TOO_LARGE);
    assert_int_equal(pieces.count, 0);
    assert_int_equal(buffer->references, 2);
    slice_unref(&large);
    buffer_unref(buffer);
}

/* One that measures counts what another writes, and takes no memory and no reference. */
static void test_wire_writer_measures(void **state) {
    (void)state;
    struct buffer *buffer = buffer_new(NULL, 1000);
    memset(buffer->data, 1, buffer->size);
    struct slice large = slice_of(buffer, 0, 1000);
    struct kp_writer writers[2];
    for (int i = 0; i < 2; i++) {
        kp_writer_init(&writers[i], 1 << 20);
        if (i == 0) kp_writer_measure(&writers[i]);
        if (i == 1) kp_writer_reserve(&writers[i], writers[0].len);
        kp_write_int32(&writers[i], 0);
        kp_write_string(&writers[i], kp_string_of("orders"), true, false);
        kp_write_varlong(&writers[i], -7);
        kp_write_slice(&writers[i], large);
        kp_write_bool(&writers[i], true);
        kp_patch_int32(&writers[i], 0, 5);
    }
    assert_int_equal(writers[0].error, ERR_NONE);
    assert_null(writers[0].data);
    assert_int_equal(buffer->references, 3);
    assert_int_equal(writers[0].len, writers[1].len);
    assert_int_equal(kp_writer_size(&writers[0]), kp_writer_size(&writers[1]));
    assert_int_equal(writers[1].capacity, writers[1].len);
    for (int i = 0; i < 2; i++)
        kp_writer_close(&writers[i]);
    slice_unref(&large);
    buffer_unref(buffer);
}

/* Ids look as in Kafka's tools. */
static void test_wire_uuid_text(void **state) {
    (void)state;
    struct kp_uuid uuid = {{0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc,
                            0xdd, 0xee, 0xff, 0x00}};
    char text[23];
    kp_uuid_text(uuid, text);
    assert_string_equal(text, "ESIzRFVmd4iZqrvM3e7_AA");
    assert_true(kp_uuid_is_zero((struct kp_uuid){{0}}));
    assert_false(kp_uuid_is_zero(uuid));
}

/* Null equals nothing, not even null. */
static void test_wire_string_equality(void **state) {
    (void)state;
    assert_true(kp_string_equal(kp_string_of("a"), kp_string_of("a")));
    assert_false(kp_string_equal(kp_string_of("a"), kp_string_of("b")));
    assert_false(kp_string_equal(kp_string_of("a"), kp_string_of("ab")));
    assert_false(kp_string_equal(KP_NULL_STRING, KP_NULL_STRING));
    assert_false(kp_string_is(KP_NULL_STRING, ""));
    assert_true(kp_string_is(kp_string_of(""), ""));
    assert_int_equal(kp_string_of(NULL).len, -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire_numbers),
        cmocka_unit_test(test_wire_variable_length_numbers),
        cmocka_unit_test(test_wire_variable_length_known_bytes),
        cmocka_unit_test(test_wire_variable_length_too_long),
        cmocka_unit_test(test_wire_strings_and_bytes),
        cmocka_unit_test(test_wire_hostile_lengths),
        cmocka_unit_test(test_wire_hostile_counts),
        cmocka_unit_test(test_wire_reader_error_is_sticky),
        cmocka_unit_test(test_wire_tags),
        cmocka_unit_test(test_wire_writer_limit),
        cmocka_unit_test(test_wire_writer_refuses_what_has_no_form),
        cmocka_unit_test(test_wire_writer_emits_large_slices_without_copy),
        cmocka_unit_test(test_wire_writer_releases_slices),
        cmocka_unit_test(test_wire_writer_measures),
        cmocka_unit_test(test_wire_uuid_text),
        cmocka_unit_test(test_wire_string_equality),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
