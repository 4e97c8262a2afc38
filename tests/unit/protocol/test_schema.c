/* The engine of schemas on tables of its own, and the tables of all messages for what the compiler
 * cannot see. */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "protocol/messages/api_table.h"
#include "protocol/messages/metadata.h"
#include "protocol/schema_values.h"
#include "tests/unit/unit.h"

/* A message that has every kind of field. Version 0 is plain, 1 adds fields, 2 is flexible with
 * tags, 3 adds bytes and a struct that may be null. */
struct kp_inner {
    int32_t number;
    struct kp_string note;
};
struct kp_outer {
    bool flag;
    int8_t small;
    int16_t medium;
    int64_t large;
    struct kp_uuid id;
    struct kp_string text;
    KP_ARRAY_OF(struct kp_inner) inners;
    KP_ARRAY_OF(int16_t) numbers;
    struct kp_records records;
    struct kp_bytes bytes;
    struct kp_inner *optional;
    int32_t tagged_number;
    struct kp_inner tagged_struct;
};

static const struct kp_field inner_fields[] = {
    {"number", KP_INT32, .versions = KP_SINCE(0), .fallback = 5, KP_AT(kp_inner, number)},
    {"note", KP_STRING, .versions = KP_SINCE(1), .nullable = KP_SINCE(1), .null_fallback = true,
     KP_AT(kp_inner, note)},
};
static const struct kp_schema inner_schema = {KP_SCHEMA("inner", kp_inner, inner_fields)};
static const struct kp_field outer_fields[] = {
    {"flag", KP_BOOL, .versions = KP_SINCE(1), .fallback = true, KP_AT(kp_outer, flag)},
    {"small", KP_INT8, .versions = KP_RANGE(0, 1), .fallback = -1, KP_AT(kp_outer, small)},
    {"medium", KP_INT16, .versions = KP_SINCE(0), KP_AT(kp_outer, medium)},
    {"large", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_outer, large)},
    {"id", KP_UUID, .versions = KP_SINCE(1), KP_AT(kp_outer, id)},
    {"text", KP_STRING, .versions = KP_SINCE(0), .nullable = KP_SINCE(1), KP_AT(kp_outer, text)},
    {"inners", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0), .item = &inner_schema,
     KP_AT(kp_outer, inners)},
    {"numbers", KP_ARRAY, .element = KP_INT16, .versions = KP_SINCE(0), .nullable = KP_SINCE(2),
     KP_AT(kp_outer, numbers)},
    {"records", KP_RECORDS, .versions = KP_SINCE(0), .nullable = KP_SINCE(0),
     KP_AT(kp_outer, records)},
    {"bytes", KP_BYTES, .versions = KP_SINCE(3), KP_AT(kp_outer, bytes)},
    {"optional", KP_OPTIONAL, .versions = KP_SINCE(3), .nullable = KP_SINCE(3),
     .item = &inner_schema, KP_AT(kp_outer, optional)},
    {"taggedNumber", KP_INT32, .versions = KP_SINCE(2), .tagged = KP_SINCE(2), .tag = 0,
     .fallback = -1, KP_AT(kp_outer, tagged_number)},
    {"taggedStruct", KP_STRUCT, .versions = KP_SINCE(2), .tagged = KP_SINCE(2), .tag = 3,
     .item = &inner_schema, KP_AT(kp_outer, tagged_struct)},
};
static const struct kp_schema outer_schema = {KP_SCHEMA("Outer", kp_outer, outer_fields),
                                              .flexible_from = 2};

static int decode(int version, const void *bytes, size_t len, struct kp_arena *arena,
                  struct kp_outer *outer) {
    struct kp_reader reader;
    kp_reader_init(&reader, bytes, len);
    kp_arena_init(arena, arena->limit == 0 ? 10000 : arena->limit);
    return kp_decode(&outer_schema, version, &reader, arena, outer);
}

static int encode(int version, const struct kp_outer *outer, uint8_t **bytes, size_t *len) {
    struct kp_writer writer;
    kp_writer_init(&writer, 1 << 20);
    kp_encode(&outer_schema, version, outer, &writer);
    return kp_writer_take(&writer, bytes, len);
}

/* Small numbers of two bytes each: medium 7, large 8, text "hi", one inner of 9, numbers 1 and 2,
 * no records. */
#define VERSION_0 "\xfd\0\7\0\0\0\0\0\0\0\10\0\2hi\0\0\0\1\0\0\0\11\0\0\0\2\0\1\0\2\xff\xff\xff\xff"

/* Fields that a version lacks have their fallback, those that it has come from the bytes. */
static void test_schema_decodes_and_falls_back(void **state) {
    (void)state;
    struct kp_arena arena = {0};
    struct kp_outer outer;
    assert_int_equal(decode(0, VERSION_0, sizeof(VERSION_0) - 1, &arena, &outer), ERR_NONE);
    assert_true(outer.flag);
    assert_int_equal(outer.small, -3);
    assert_int_equal(outer.medium, 7);
    assert_int_equal(outer.large, 8);
    assert_true(kp_uuid_is_zero(outer.id));
    assert_true(kp_string_is(outer.text, "hi"));
    assert_int_equal(outer.inners.count, 1);
    assert_int_equal(outer.inners.items[0].number, 9);
    assert_int_equal(outer.inners.items[0].note.len, -1);
    assert_int_equal(outer.numbers.count, 2);
    assert_int_equal(outer.numbers.items[1], 2);
    assert_int_equal(outer.records.len, -1);
    assert_int_equal(outer.tagged_number, -1);
    assert_int_equal(outer.tagged_struct.number, 5);
    uint8_t *bytes;
    size_t len;
    assert_int_equal(encode(0, &outer, &bytes, &len), ERR_NONE);
    assert_int_equal(len, sizeof(VERSION_0) - 1);
    assert_memory_equal(bytes, VERSION_0, len);
    mem_free(bytes);
    kp_arena_close(&arena);
}

/* Tagged fields are left out at their fallback, written in order otherwise, and found among tags
 * that are unknown. */
static void test_schema_tagged_fields(void **state) {
    (void)state;
    struct kp_outer outer, again;
    kp_set_fallbacks(&outer_schema, &outer);
    uint8_t *bytes;
    size_t len, shortest;
    assert_int_equal(encode(2, &outer, &bytes, &shortest), ERR_NONE);
    assert_int_equal(bytes[shortest - 1], 0);
    mem_free(bytes);
    outer.tagged_number = 258;
    outer.tagged_struct.note = kp_string_of("n");
    assert_int_equal(encode(2, &outer, &bytes, &len), ERR_NONE);
    static const char tags[] = "\2\0\4\0\0\1\2\3\7\0\0\0\5\2n";
    assert_int_equal(len,
                     shortest - 1 +
                         sizeof(tags)); /* its terminator is the empty tag section of the struct */
    assert_memory_equal(bytes + shortest - 1, tags, sizeof(tags));
    mem_free(bytes);

    static const char mixed[] = "\0\0\0\0\0\0\0\0\0\0\0"
                                "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                "\1\1\1\0"
                                "\3\1\2zz\3\7\0\0\0\6\2m\0\x64\1z";
    struct kp_arena arena = {0};
    assert_int_equal(decode(2, mixed, sizeof(mixed) - 1, &arena, &again), ERR_NONE);
    assert_int_equal(again.tagged_number, -1);
    assert_int_equal(again.tagged_struct.number, 6);
    assert_true(kp_string_is(again.tagged_struct.note, "m"));
    kp_arena_close(&arena);
}

/* Bytes are bytes; a struct that may be null is there or not, and counts against the arena. */
static void test_schema_bytes_and_optional_structs(void **state) {
    (void)state;
    static const char head[] =
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\1\1\0\4abc";
    static const char *const tails[] = {"\xff", "\1\0\0\0\7\2n\0"};
    static const size_t lens[] = {1, 8};
    for (size_t i = 0; i < 2; i++) {
        char whole[64];
        size_t whole_len = sizeof head - 1 + lens[i] + 1, len;
        memcpy(whole, head, sizeof head - 1);
        memcpy(whole + sizeof head - 1, tails[i], lens[i]);
        whole[whole_len - 1] = 0; /* no tags */
        struct kp_arena arena = {0};
        struct kp_outer outer;
        uint8_t *bytes;
        assert_int_equal(decode(3, whole, whole_len, &arena, &outer), ERR_NONE);
        assert_int_equal(outer.bytes.len, 3);
        assert_memory_equal(outer.bytes.data, "abc", 3);
        assert_int_equal(outer.optional != NULL, i == 1);
        if (i == 1) assert_int_equal(outer.optional->number, 7);
        assert_int_equal(encode(3, &outer, &bytes, &len), ERR_NONE);
        assert_int_equal(len, whole_len);
        assert_memory_equal(bytes, whole, len);
        mem_free(bytes);
        kp_arena_close(&arena);
        arena = (struct kp_arena){.limit = 1};
        assert_int_equal(decode(3, whole, whole_len, &arena, &outer),
                         i == 0 ? ERR_NONE : ERR_TOO_LARGE);
        kp_arena_close(&arena);
    }
}

/* A tag that says more or less bytes than its field has is malformed. */
static void test_schema_tagged_field_of_wrong_size(void **state) {
    (void)state;
    static const char longer[] = "\0\0\0\0\0\0\0\0\0\0\0"
                                 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                 "\1\1\1\0"
                                 "\1\0\5\0\0\0\1\0";
    static const char shorter[] = "\0\0\0\0\0\0\0\0\0\0\0"
                                  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                  "\1\1\1\0"
                                  "\1\0\3\0\0\1";
    struct kp_arena arena = {0};
    struct kp_outer outer;
    assert_int_equal(decode(2, longer, sizeof(longer) - 1, &arena, &outer), ERR_MALFORMED);
    assert_int_equal(decode(2, shorter, sizeof(shorter) - 1, &arena, &outer), ERR_MALFORMED);
    kp_arena_close(&arena);
}

/* Null where a version has none is refused in both directions. */
static void test_schema_null_only_where_allowed(void **state) {
    (void)state;
    struct kp_outer outer;
    struct kp_arena arena = {0};
    kp_set_fallbacks(&outer_schema, &outer);
    outer.text = KP_NULL_STRING;
    uint8_t *bytes;
    size_t len;
    assert_int_equal(encode(0, &outer, &bytes, &len), ERR_INVALID);
    assert_int_equal(encode(1, &outer, &bytes, &len), ERR_NONE);
    mem_free(bytes);
    outer.text = kp_string_of("");
    outer.numbers.count = -1;
    assert_int_equal(encode(1, &outer, &bytes, &len), ERR_INVALID);
    assert_int_equal(encode(2, &outer, &bytes, &len), ERR_NONE);
    assert_int_equal(decode(2, bytes, len, &arena, &outer), ERR_NONE);
    assert_int_equal(outer.numbers.count, -1);
    mem_free(bytes);
    static const char null_text[] =
        "\0\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0\0\0\0\0\0\0\xff\xff\xff\xff";
    assert_int_equal(decode(0, null_text, sizeof(null_text) - 1, &arena, &outer), ERR_MALFORMED);
    kp_arena_close(&arena);
}

/* A count that the bytes cannot hold takes no memory at all; one that they hold, but the arena does
 * not, is too large. */
static void test_schema_hostile_count_allocates_nothing(void **state) {
    (void)state;
    static const char million[] = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0f\x42\x40\0\0\0\1\0\0\0\2";
    struct kp_arena arena = {0};
    struct kp_outer outer;
    assert_int_equal(decode(0, million, sizeof(million) - 1, &arena, &outer), ERR_MALFORMED);
    assert_int_equal(arena.used, 0);
    assert_null(arena.blocks);
    arena.limit = sizeof(struct kp_inner) - 1;
    assert_int_equal(decode(0, VERSION_0, sizeof(VERSION_0) - 1, &arena, &outer), ERR_TOO_LARGE);
    kp_arena_close(&arena);
}

/* Records go out of slices as if they were one piece. */
static void test_schema_records_from_slices(void **state) {
    (void)state;
    struct buffer *buffer = buffer_new(NULL, 2000);
    for (size_t i = 0; i < buffer->size; i++)
        buffer->data[i] = (uint8_t)i;
    struct slice slices[2] = {slice_of(buffer, 0, 100), slice_of(buffer, 100, 1900)};
    for (int version = 0; version <= 2; version += 2) {
        struct kp_outer outer;
        kp_set_fallbacks(&outer_schema, &outer);
        outer.records = (struct kp_records){.data = buffer->data, .len = 2000};
        uint8_t *whole, *pieces;
        size_t whole_len, pieces_len;
        assert_int_equal(encode(version, &outer, &whole, &whole_len), ERR_NONE);
        outer.records = (struct kp_records){.len = -1, .slices = slices, .slice_count = 2};
        assert_int_equal(encode(version, &outer, &pieces, &pieces_len), ERR_NONE);
        assert_int_equal(whole_len, pieces_len);
        assert_memory_equal(whole, pieces, whole_len);
        mem_free(whole);
        mem_free(pieces);
    }
    slice_unref(&slices[0]);
    slice_unref(&slices[1]);
    assert_int_equal(buffer->references, 1);
    buffer_unref(buffer);
}

/* New items have their fallbacks; at the limit there are none, and the array is empty. */
static void test_schema_new_items(void **state) {
    (void)state;
    struct kp_arena arena;
    kp_arena_init(&arena, 100 * sizeof(struct kp_metadata_response_partition));
    struct kp_metadata_response_topic topic;
    kp_set_fallbacks(&kp_metadata_response_topic_schema, &topic);
    assert_int_equal(topic.topic_authorized_operations, INT32_MIN);
    assert_non_null(
        kp_new_items(&arena, &kp_metadata_response_partition_schema, &topic.partitions, 3));
    assert_int_equal(topic.partitions.count, 3);
    assert_int_equal(topic.partitions.items[2].leader_epoch, -1);
    assert_null(
        kp_new_items(&arena, &kp_metadata_response_partition_schema, &topic.partitions, 98));
    assert_int_equal(topic.partitions.count, 0);
    kp_arena_close(&arena);
}

static bool versions_inside(struct kp_versions inner, struct kp_versions outer) {
    return inner.below == 0 || (inner.from >= outer.from && inner.below <= outer.below);
}

/* Walks a table: sizes in memory fit the kinds, tags rise, ranges lie in one another, structs have
 * a schema of the right size. */
static void check_table(const struct kp_schema *schema) {
    int64_t last_tag = -1;
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const struct kp_field *field = &schema->fields[i];
        if (field->size != kp_value_size(field->kind, field->item))
            print_error("%s.%s\n", schema->name, field->name);
        assert_int_equal(field->size, kp_value_size(field->kind, field->item));
        assert_true(field->offset + field->size <= schema->size);
        assert_true(field->versions.below > field->versions.from);
        assert_true(versions_inside(field->nullable, field->versions));
        assert_true(versions_inside(field->tagged, field->versions));
        if (field->tagged.below != 0) {
            assert_true(field->tag > last_tag);
            last_tag = field->tag;
        }
        bool has_item = field->kind == KP_STRUCT || field->kind == KP_OPTIONAL ||
                        (field->kind == KP_ARRAY && field->element == KP_STRUCT);
        assert_int_equal(has_item, field->item != NULL);
        if (has_item) check_table(field->item);
    }
}

/* Every table of every message is sound. */
static void test_schema_tables_are_sound(void **state) {
    (void)state;
    size_t count;
    const struct kp_api *table = kp_api_table(&count);
    check_table(&outer_schema);
    for (size_t i = 0; i < count; i++) {
        check_table(table[i].request);
        check_table(table[i].response);
        assert_int_equal(table[i].request->flexible_from, table[i].response->flexible_from);
    }
}

/* librdkafka 2.8 asks for all topics with three bytes too many (kcat -L of Debian 13). */
static void test_schema_bytes_behind_the_message(void **state) {
    (void)state;
    static const uint8_t bytes[] = {0, 0, 0, 0, 1, 0, 0};
    struct kp_metadata_request request;
    struct kp_arena arena;
    struct kp_reader reader;
    kp_reader_init(&reader, bytes, sizeof bytes);
    kp_arena_init(&arena, 1000);
    assert_int_equal(kp_decode(&kp_metadata_request_schema, 12, &reader, &arena, &request),
                     ERR_NONE);
    assert_int_equal(request.topics.count, -1);
    kp_arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema_decodes_and_falls_back),
        cmocka_unit_test(test_schema_tagged_fields),
        cmocka_unit_test(test_schema_bytes_behind_the_message),
        cmocka_unit_test(test_schema_tagged_field_of_wrong_size),
        cmocka_unit_test(test_schema_bytes_and_optional_structs),
        cmocka_unit_test(test_schema_null_only_where_allowed),
        cmocka_unit_test(test_schema_hostile_count_allocates_nothing),
        cmocka_unit_test(test_schema_records_from_slices),
        cmocka_unit_test(test_schema_new_items),
        cmocka_unit_test(test_schema_tables_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
