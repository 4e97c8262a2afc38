/* Records that are read at once come to what they come to byte by byte, sound or not. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "protocol/record/record_batch_builder.h"
#include "protocol/record/record_walk.h"
#include "tests/unit/unit.h"

enum { RECORDS = 6, ROUNDS = 40000 };

/* What a walk tells of: a sum over what it said of each record. */
struct told {
    struct record_walk walk;
    int error;
    uint64_t sum;
};

static void on_record(void *arg, int32_t offset_delta, int64_t timestamp_ms) {
    struct told *told = arg;
    told->sum = told->sum * 31 + (uint64_t)offset_delta * 7 + (uint64_t)timestamp_ms * 3 +
                (told->walk.keyless ? 1 : 0);
}

/* In pieces of so many bytes. */
static void walk(const struct record_batch *batch, size_t piece, struct told *told) {
    const uint8_t *data = batch->data + RECORD_BATCH_HEADER;
    size_t len = batch->size - RECORD_BATCH_HEADER;
    *told = (struct told){.error = ERR_NONE};
    record_walk_begin(&told->walk, batch, on_record, told);
    for (size_t at = 0; at < len && told->error == ERR_NONE; at += piece)
        told->error = record_walk_piece(&told->walk, data + at,
                                        piece < len - at ? piece : len - at);
    if (told->error == ERR_NONE) told->error = record_walk_end(&told->walk);
}

/* Records with and without keys and headers, some with long numbers. */
static uint8_t *sound_batch(size_t *len) {
    static const int32_t sizes[RECORDS] = {-1, 0, 5, 63, 64, 9000};
    static const int64_t times[RECORDS] = {1000, 999, 1064, 20000, INT64_C(1) << 40, 1000};
    static const struct record_header headers[2] = {{"a", 1, NULL, -1},
                                                    {"bc", 2, (const uint8_t *)"def", 3}};
    static char bytes[9000];
    struct record_batch_options options = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    for (int32_t i = 0; i < RECORDS; i++)
        record_batch_builder_append(builder, times[i], i % 2 == 0 ? NULL : "key",
                                    i % 2 == 0 ? -1 : 3, bytes, sizes[i], headers, i % 3);
    uint8_t *batch;
    assert_int_equal(record_batch_builder_finish(builder, &batch, len), ERR_NONE);
    return batch;
}

static void assert_same(const struct record_batch *batch) {
    struct told whole, bytes;
    walk(batch, SIZE_MAX, &whole);
    for (size_t piece = 1; piece <= 64; piece *= 4) {
        walk(batch, piece, &bytes);
        assert_int_equal(whole.error, bytes.error);
        assert_int_equal(whole.walk.seen, bytes.walk.seen);
        assert_int_equal(whole.walk.max_timestamp, bytes.walk.max_timestamp);
        assert_true(whole.sum == bytes.sum);
        if (whole.error != ERR_NONE) assert_string_equal(whole.walk.wrong, bytes.walk.wrong);
    }
}

static void test_record_walk_of_sound_records(void **state) {
    (void)state;
    size_t len;
    uint8_t *bytes = sound_batch(&len);
    struct record_batch batch;
    struct told told;
    assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_NONE);
    walk(&batch, SIZE_MAX, &told);
    assert_int_equal(told.error, ERR_NONE);
    assert_int_equal(told.walk.seen, RECORDS);
    assert_int_equal(told.walk.max_timestamp, INT64_C(1) << 40);
    assert_same(&batch);
    /* one that was compacted: fewer records than offsets */
    batch.last_offset_delta = RECORDS + 10;
    assert_same(&batch);
    /* a timestamp that passes the largest number */
    batch.base_timestamp = INT64_MAX - 30;
    assert_same(&batch);
    mem_free(bytes);
}

static void test_record_walk_of_header_without_key(void **state) {
    (void)state;
    static const struct record_header header = {NULL, -1, NULL, -1};
    struct record_batch_options options = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    record_batch_builder_append(builder, 1, NULL, -1, "value", 5, &header, 1);
    uint8_t *bytes;
    size_t len;
    struct record_batch batch;
    struct told told;
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_NONE);
    walk(&batch, SIZE_MAX, &told);
    assert_int_equal(told.error, ERR_MALFORMED);
    assert_string_equal(told.walk.wrong, "a header has no key");
    mem_free(bytes);
}

/* A byte or two are other ones, or the end is missing. */
static void test_record_walk_of_any_bytes(void **state) {
    (void)state;
    static const uint8_t borders[] = {0, 1, 2, 0x3F, 0x40, 0x7F, 0x80, 0x81, 0xFE, 0xFF};
    size_t len, refused = 0;
    uint8_t *sound = sound_batch(&len), *bytes = mem_alloc(len);
    size_t heads = len - 9000; /* the long value is the last thing but its headers */
    srand(7);
    for (int round = 0; round < ROUNDS; round++) {
        memcpy(bytes, sound, len);
        struct record_batch batch;
        assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_NONE);
        for (int changes = 1 + rand() % 2; changes > 0; changes--) {
            size_t at = RECORD_BATCH_HEADER + (size_t)rand() % (heads - RECORD_BATCH_HEADER);
            bytes[at] = rand() % 2 == 0 ? borders[(size_t)rand() % sizeof borders]
                                        : (uint8_t)rand();
        }
        batch.size = rand() % 4 == 0 ? RECORD_BATCH_HEADER + (size_t)rand() % heads : len;
        if (rand() % 8 == 0) batch.last_offset_delta += rand() % 3;
        if (rand() % 8 == 0) batch.record_count += rand() % 3 - 1;
        struct told told;
        walk(&batch, SIZE_MAX, &told);
        refused += told.error != ERR_NONE ? 1 : 0;
        assert_same(&batch);
    }
    assert_true(refused > ROUNDS / 10 && refused < ROUNDS);
    mem_free(bytes);
    mem_free(sound);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_walk_of_sound_records),
        cmocka_unit_test(test_record_walk_of_header_without_key),
        cmocka_unit_test(test_record_walk_of_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
