/*
 * The records of __consumer_offsets and __transaction_state against those that Kafka's own classes
 * make (tests/golden/generate): decoded fields equal Kafka's JSON, encoding again gives the same
 * bytes, and hostile bytes harm nothing.
 */
#include "protocol/coordinator_records/coordinator_record.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "protocol/coordinator_records/classic_group_record.h"
#include "protocol/coordinator_records/offset_record.h"
#include "protocol/coordinator_records/transaction_record.h"
#include "tests/unit/protocol/fixture_dump.h"
#include "tests/unit/protocol/fixture_golden.h"
#include "tests/unit/unit.h"

enum { ARENA_LIMIT = 1 << 20, MUTATIONS = 200, VERSIONS = 8, TYPES = 32 };
enum {
    FIELD_NUMBER,
    FIELD_NAME,
    FIELD_PART,
    FIELD_VERSION,
    FIELD_VARIANT,
    FIELD_BYTES,
    FIELD_JSON,
    FIELDS
};

struct part {
    const struct kp_record_type *type;
    bool key;
    int version;
    const char *variant;
    uint8_t *bytes;
    size_t len;
    const char *json;
};

static const struct kp_schema *schema_of(const struct part *part) {
    return part->key ? part->type->key : part->type->value;
}

static int decode(const struct part *part, const uint8_t *bytes, size_t len, struct kp_arena *arena,
                  void *object, int *version) {
    *version = 0;
    return part->key ? kp_record_key_decode(part->type, bytes, len, object)
                     : kp_record_value_decode(part->type, bytes, len, arena, object, version);
}

static int encode(const struct part *part, int version, const void *object, uint8_t **bytes,
                  size_t *len) {
    struct kp_writer writer;
    kp_writer_init(&writer, INT32_MAX);
    if (part->key)
        kp_record_key_encode(part->type, object, &writer);
    else
        kp_record_value_encode(part->type, version, object, &writer);
    return kp_writer_take(&writer, bytes, len);
}

static const struct kp_record_type *transaction_type(int number) {
    return number == kp_transaction_record_type.number ? &kp_transaction_record_type : NULL;
}

/* Calls `visit` for each golden key and value of the file whose type we know. */
static void visit_file(const char *name, const struct kp_record_type *(*type_numbered)(int number),
                       void (*visit)(const struct part *part, void *arg), void *arg) {
    struct golden_file *file = golden_open(name, FIELDS);
    struct golden_line line;
    while (golden_next(file, &line)) {
        struct part part = {
            .type = type_numbered((int)strtol(line.fields[FIELD_NUMBER], NULL, 10)),
            .key = strcmp(line.fields[FIELD_PART], "key") == 0,
            .version = (int)strtol(line.fields[FIELD_VERSION], NULL, 10),
            .variant = line.fields[FIELD_VARIANT],
            .json = line.fields[FIELD_JSON],
        };
        if (part.type == NULL) continue;
        part.bytes = golden_bytes(line.fields[FIELD_BYTES], &part.len);
        size_t named = strlen(part.type->name);
        assert_memory_equal(line.fields[FIELD_NAME], part.type->name, named);
        assert_string_equal(line.fields[FIELD_NAME] + named, part.key ? "Key" : "Value");
        visit(&part, arg);
        mem_free(part.bytes);
    }
    golden_close(file);
}

static void for_each_part(void (*visit)(const struct part *part, void *arg), void *arg) {
    visit_file("coordinator_records.txt", kp_record_type_numbered, visit, arg);
    visit_file("transaction_records.txt", transaction_type, visit, arg);
}

static bool is_key_of(const struct kp_record_type *type, const uint8_t *bytes, size_t len) {
    return type == &kp_transaction_record_type ? kp_is_transaction_key(bytes, len)
                                               : kp_record_type_of(bytes, len) == type;
}

struct round_trip {
    uint8_t *full; /* what a value with unknown tags must become */
    size_t full_len;
    bool seen[TYPES][VERSIONS][2];
    bool transactions[VERSIONS][2];
};

static void check_round_trip(const struct part *part, void *arg) {
    struct round_trip *state = arg;
    struct kp_arena arena;
    kp_arena_init(&arena, ARENA_LIMIT);
    void *object = mem_zalloc(schema_of(part)->size);
    if (part->key) assert_true(is_key_of(part->type, part->bytes, part->len));
    int version;
    assert_int_equal(decode(part, part->bytes, part->len, &arena, object, &version), ERR_NONE);
    assert_int_equal(version, part->version);
    struct text text = {0};
    dump_message(&text, schema_of(part), version, object);
    assert_string_equal(text.data, part->json);
    mem_free(text.data);
    uint8_t *bytes;
    size_t len;
    assert_int_equal(encode(part, version, object, &bytes, &len), ERR_NONE);
    bool tags = strcmp(part->variant, "tags") == 0;
    assert_int_equal(len, tags ? state->full_len : part->len);
    assert_memory_equal(bytes, tags ? state->full : part->bytes, len);
    if (strcmp(part->variant, "full") == 0) {
        mem_free(state->full);
        state->full = bytes;
        state->full_len = len;
    } else {
        mem_free(bytes);
    }
    if (part->type == &kp_transaction_record_type)
        state->transactions[version][part->key] = true;
    else
        state->seen[part->type->number][version][part->key] = true;
    mem_free(object);
    kp_arena_close(&arena);
}

/* Each key and value means what Kafka's classes say, and is written as they write it; there is one
 * for each type and version that is read. */
static void test_records_round_trip(void **state) {
    (void)state;
    struct round_trip *trip = mem_zalloc(sizeof *trip);
    for_each_part(check_round_trip, trip);
    size_t count;
    const struct kp_record_type *types = kp_record_types(&count);
    for (size_t i = 0; i < count; i++) {
        assert_true(trip->seen[types[i].number][0][true]);
        for (int version = types[i].from; version <= types[i].to; version++)
            assert_true(trip->seen[types[i].number][version][false]);
    }
    assert_true(trip->transactions[0][true]);
    for (int version = kp_transaction_record_type.from; version <= kp_transaction_record_type.to;
         version++)
        assert_true(trip->transactions[version][false]);
    mem_free(trip->full);
    mem_free(trip);
}

static void check_truncation(const struct part *part, void *arg) {
    (void)arg;
    for (size_t len = part->key ? 2 : 0; len < part->len; len++) {
        uint8_t *cut = mem_alloc(len); /* exactly as long, for the sanitizer */
        memcpy(cut, part->bytes, len);
        struct kp_arena arena;
        kp_arena_init(&arena, ARENA_LIMIT);
        void *object = mem_zalloc(schema_of(part)->size);
        int version;
        assert_int_equal(decode(part, cut, len, &arena, object, &version), ERR_MALFORMED);
        mem_free(object);
        kp_arena_close(&arena);
        mem_free(cut);
    }
}

/* A record that is cut off is an error, wherever that is. */
static void test_records_truncated_at_every_byte(void **state) {
    (void)state;
    for_each_part(check_truncation, NULL);
}

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void check_flipped(const struct part *part, void *arg) {
    uint32_t *seed = arg;
    uint8_t *bytes = mem_alloc(part->len);
    for (int i = 0; i < MUTATIONS; i++) {
        memcpy(bytes, part->bytes, part->len);
        for (uint32_t flips = 1 + next_random(seed) % 3; flips > 0; flips--)
            bytes[next_random(seed) % part->len] = (uint8_t)next_random(seed);
        if (part->key && !is_key_of(part->type, bytes, part->len)) continue;
        struct kp_arena arena;
        kp_arena_init(&arena, ARENA_LIMIT);
        void *object = mem_zalloc(schema_of(part)->size);
        int version;
        if (decode(part, bytes, part->len, &arena, object, &version) == ERR_NONE) {
            uint8_t *again;
            size_t len;
            assert_int_equal(encode(part, version, object, &again, &len), ERR_NONE);
            mem_free(again);
        }
        mem_free(object);
        kp_arena_close(&arena);
    }
    mem_free(bytes);
}

/* Whatever bytes a record has: it is refused, or means something that can be written again. */
static void test_records_with_flipped_bytes(void **state) {
    (void)state;
    uint32_t seed = 20261128;
    for_each_part(check_flipped, &seed);
}

/* A type or a version of another program is told apart from damage. */
static void test_records_of_another_program(void **state) {
    (void)state;
    assert_null(kp_record_type_of("\0", 1));
    assert_null(kp_record_type_of("\0\x63", 2));
    assert_null(kp_record_type_of("\xff\xff", 2));
    const struct kp_record_type *type = kp_record_type_numbered(KP_RECORD_OFFSET);
    struct kp_offset_value value;
    static const uint8_t newer[40] = {0, 5};
    assert_int_equal(kp_record_value_decode(type, newer, sizeof newer, NULL, &value, NULL),
                     ERR_VERSION);
    static const uint8_t negative[40] = {0xff, 0xff};
    assert_int_equal(kp_record_value_decode(type, negative, sizeof negative, NULL, &value, NULL),
                     ERR_VERSION);
}

/* A count that was only claimed takes no memory, and one that is there is bounded by the arena. */
static void test_records_of_many_members(void **state) {
    (void)state;
    const struct kp_record_type *type = kp_record_type_numbered(KP_RECORD_CLASSIC_GROUP);
    struct kp_classic_group_value value;
    struct kp_arena arena;
    static uint8_t bytes[50000] = {0, 3, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff};
    bytes[20] = 0x7f; /* members, behind the time */
    kp_arena_init(&arena, ARENA_LIMIT);
    assert_int_equal(kp_record_value_decode(type, bytes, sizeof bytes, &arena, &value, NULL),
                     ERR_MALFORMED);
    assert_int_equal(arena.used, 0);
    bytes[20] = 0;
    bytes[22] = 4; /* 1024, each of 24 zeros at least */
    kp_arena_close(&arena);
    kp_arena_init(&arena, 1000);
    assert_int_equal(kp_record_value_decode(type, bytes, sizeof bytes, &arena, &value, NULL),
                     ERR_TOO_LARGE);
    kp_arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_round_trip),
        cmocka_unit_test(test_records_truncated_at_every_byte),
        cmocka_unit_test(test_records_with_flipped_bytes),
        cmocka_unit_test(test_records_of_another_program),
        cmocka_unit_test(test_records_of_many_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
