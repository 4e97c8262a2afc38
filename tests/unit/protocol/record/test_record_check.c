/* What a leader demands of a batch: every rule, in every codec, in pieces that end anywhere, within
 * its limits. */
#include <string.h>

#include <lz4frame.h>

#include "base/mem.h"
#include "protocol/record/codec.h"
#include "protocol/record/record_batch_builder.h"
#include "protocol/record/record_batch_layout.h"
#include "protocol/record/record_check.h"
#include "protocol/record/record_walk.h"
#include "tests/batches/record_batch_check.h"
#include "tests/unit/unit.h"

enum { TIME = 1000000, RECORDS = 50, CODECS = RECORD_CODEC_ZSTD + 1 };

static const struct record_check_options plain = {.unfolded_max = 1 << 30, .recompress = -1};

/* RECORDS records of `value_len` bytes; timestamps rise to the middle one, then fall. */
static struct record_batch build(enum record_codec codec, size_t value_len, uint8_t **bytes) {
    struct record_batch_options options = record_batch_plain();
    options.codec = codec;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    uint8_t *value = mem_zalloc(value_len);
    for (int i = 0; i < RECORDS; i++) {
        struct record_header header = {"h", 1, (const uint8_t *)"x", i % 3 - 1};
        value[0] = (uint8_t)i;
        record_batch_builder_append(builder, TIME + (i < 25 ? i : 50 - i),
                                    i % 2 == 0 ? NULL : "key", i % 2 == 0 ? -1 : 3, value,
                                    (int32_t)value_len, &header, i % 5 == 0);
    }
    mem_free(value);
    size_t len;
    assert_int_equal(record_batch_builder_finish(builder, bytes, &len), ERR_NONE);
    struct record_batch batch;
    assert_int_equal(record_batch_parse(*bytes, len, &batch, NULL), ERR_NONE);
    return batch;
}

/* The same header over other records, with a right checksum. */
static struct record_batch with_records(const struct record_batch *batch, const void *records,
                                        size_t len, uint8_t **bytes) {
    *bytes = mem_alloc(RECORD_BATCH_HEADER + len);
    memcpy(*bytes, batch->data, RECORD_BATCH_HEADER);
    memcpy(*bytes + RECORD_BATCH_HEADER, records, len);
    store_big_endian(*bytes + AT_LENGTH, RECORD_BATCH_HEADER + len - RECORD_BATCH_LENGTH_PREFIX, 4);
    record_batch_seal(*bytes, RECORD_BATCH_HEADER + len);
    struct record_batch other;
    assert_int_equal(record_batch_parse(*bytes, RECORD_BATCH_HEADER + len, &other, NULL), ERR_NONE);
    return other;
}

static void set_count(struct record_batch *batch, uint8_t *bytes, int32_t count) {
    store_big_endian(bytes + AT_RECORD_COUNT, (uint64_t)count, 4);
    store_big_endian(bytes + AT_LAST_OFFSET_DELTA, (uint64_t)count - 1, 4);
    record_batch_seal(bytes, batch->size);
    assert_int_equal(record_batch_parse(bytes, batch->size, batch, NULL), ERR_NONE);
}

/* What is sound is found sound, with the largest timestamp of its records, whatever its header
 * says. */
static void test_record_check_sound(void **state) {
    (void)state;
    for (int codec = 0; codec < CODECS; codec++) {
        uint8_t *bytes;
        struct record_batch batch = build((enum record_codec)codec, 200, &bytes);
        record_batch_set_max_timestamp(bytes, batch.size, -1, false);
        assert_int_equal(record_batch_parse(bytes, batch.size, &batch, NULL), ERR_NONE);
        struct record_check *check = record_check_new(&batch, &plain);
        assert_int_equal(record_check_step(check, SIZE_MAX), ERR_NONE);
        assert_int_equal(record_check_max_timestamp(check), TIME + 25);
        size_t size;
        assert_null(record_check_take_result(check, &size));
        assert_string_equal(record_check_why(check)->text, "");
        record_check_free(check);
        mem_free(bytes);
    }
}

/* The walk comes to the same, wherever a piece ends; cut off anywhere, it is not whole. */
static void test_record_check_pieces(void **state) {
    (void)state;
    uint8_t *bytes;
    struct record_batch batch = build(RECORD_CODEC_NONE, 70, &bytes);
    const uint8_t *records = bytes + RECORD_BATCH_HEADER;
    size_t len = batch.size - RECORD_BATCH_HEADER;
    for (size_t cut = 0; cut <= len; cut++) {
        struct record_walk walk;
        record_walk_begin(&walk, &batch, NULL, NULL);
        assert_int_equal(record_walk_piece(&walk, records, cut), ERR_NONE);
        if (cut < len) assert_int_equal(record_walk_end(&walk), ERR_MALFORMED);
        assert_int_equal(record_walk_piece(&walk, records + cut, len - cut), ERR_NONE);
        assert_int_equal(record_walk_end(&walk), ERR_NONE);
        assert_int_equal(walk.seen, RECORDS);
        assert_int_equal(walk.max_timestamp, TIME + 25);
    }
    struct record_walk walk;
    record_walk_begin(&walk, &batch, NULL, NULL);
    for (size_t at = 0; at < len; at++)
        assert_int_equal(record_walk_piece(&walk, records + at, 1), ERR_NONE);
    assert_int_equal(record_walk_end(&walk), ERR_NONE);
    mem_free(bytes);
}

/* Counts that are not those of the records are refused in every codec; a count of 2^31 - 1 takes no
 * time and no memory. */
static void test_record_check_counts(void **state) {
    (void)state;
    static const int32_t counts[] = {RECORDS - 1, RECORDS + 1, INT32_MAX};
    for (int codec = RECORD_CODEC_GZIP; codec < CODECS; codec++) {
        for (size_t i = 0; i < 3; i++) {
            uint8_t *bytes;
            struct record_batch batch = build((enum record_codec)codec, 20, &bytes);
            struct error_text why;
            set_count(&batch, bytes, counts[i]);
            assert_int_equal(record_batch_check(&batch, &why), ERR_MALFORMED);
            assert_non_null(strstr(why.text, "Record "));
            mem_free(bytes);
        }
    }
}

/* Garbage, nothing at all, a stream that is cut off, bytes behind it: refused in every codec,
 * whatever the checksum. */
static void test_record_check_garbage(void **state) {
    (void)state;
    for (int codec = RECORD_CODEC_GZIP; codec < CODECS; codec++) {
        uint8_t *bytes, *other;
        struct record_batch batch = build((enum record_codec)codec, 20, &bytes), wrong;
        const uint8_t *records = bytes + RECORD_BATCH_HEADER;
        size_t len = batch.size - RECORD_BATCH_HEADER;
        uint8_t *longer = mem_zalloc(len + 5);
        memcpy(longer, records, len);
        const struct {
            const void *data;
            size_t len;
        } cases[] = {{"this is not compressed at all", 29},
                     {"", 0},
                     {records, len - 1},
                     {records, len / 2},
                     {longer, len + 5}};
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            struct error_text why;
            wrong = with_records(&batch, cases[i].data, cases[i].len, &other);
            assert_int_equal(record_batch_check(&wrong, &why), ERR_MALFORMED);
            assert_true(why.text[0] != '\0');
            mem_free(other);
        }
        mem_free(longer);
        mem_free(bytes);
    }
}

/* Damage anywhere in a compressed batch is told as damage, which clients repeat, and never as a
 * batch that makes no sense. */
static void test_record_check_damage(void **state) {
    (void)state;
    for (int codec = 0; codec < CODECS; codec++) {
        uint8_t *bytes;
        struct record_batch batch = build((enum record_codec)codec, 20, &bytes);
        for (size_t at = RECORD_BATCH_HEADER; at < batch.size; at++) {
            bytes[at] ^= 0x80;
            assert_int_equal(record_batch_check(&batch, NULL), ERR_CORRUPT);
            bytes[at] ^= 0x80;
        }
        mem_free(bytes);
    }
}

/* Frames with nothing in them are work that counts: a step through millions of them ends, and what
 * they may claim is known at once. */
static void test_record_check_empty_frames(void **state) {
    (void)state;
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20,
                                    0x00, 0x01, 0x00, 0x00}; /* zstd, no content */
    static const uint8_t head[] = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1};
    const struct {
        enum record_codec codec;
        const uint8_t *bytes;
        size_t len;
    } cases[] = {{RECORD_CODEC_ZSTD, frame, sizeof frame},
                 {RECORD_CODEC_SNAPPY, head, sizeof head}};
    for (size_t i = 0; i < 2; i++) {
        enum { TIMES = 400000 };
        uint8_t *bytes, *other, *many = mem_alloc(TIMES * cases[i].len);
        struct record_batch batch = build(cases[i].codec, 20, &bytes);
        for (size_t at = 0; at < TIMES * cases[i].len; at += cases[i].len)
            memcpy(many + at, cases[i].bytes, cases[i].len);
        struct record_batch wrong = with_records(&batch, many, TIMES * cases[i].len, &other);
        struct record_check *check = record_check_new(&wrong, &plain);
        assert_true(record_check_memory(check, SIZE_MAX) >=
                    (cases[i].codec == RECORD_CODEC_ZSTD ? 128u << 20 : 1u << 30));
        int error, steps = 0;
        while ((error = record_check_step(check, 1 << 20)) == ERR_AGAIN)
            steps++;
        assert_int_equal(error, ERR_MALFORMED);
        assert_int_equal(steps, TIMES * cases[i].len / (1 << 20));
        record_check_free(check);
        mem_free(other);
        mem_free(many);
        mem_free(bytes);
    }
}

/* Every record of a compressed batch is walked: a wrong byte in any of them is found. */
static void test_record_check_compressed_records(void **state) {
    (void)state;
    uint8_t *bytes, *packed, *other;
    struct record_batch batch = build(RECORD_CODEC_NONE, 20, &bytes);
    size_t len = batch.size - RECORD_BATCH_HEADER, packed_len;
    for (int codec = RECORD_CODEC_GZIP; codec < CODECS; codec++) {
        struct record_batch head = batch;
        bytes[AT_ATTRIBUTES + 1] = (uint8_t)codec;
        bytes[RECORD_BATCH_HEADER + len - 21 - 1] ^= 0x10; /* the length of the last value */
        assert_int_equal(codec_compress((enum record_codec)codec, bytes + RECORD_BATCH_HEADER, len,
                                        &packed, &packed_len),
                         ERR_NONE);
        bytes[RECORD_BATCH_HEADER + len - 21 - 1] ^= 0x10;
        struct record_batch wrong = with_records(&head, packed, packed_len, &other);
        assert_int_equal(record_batch_check(&wrong, NULL), ERR_MALFORMED);
        mem_free(other);
        mem_free(packed);
    }
    mem_free(bytes);
}

/* Frames of LZ4 that Java's consumers would stop at: linked blocks, a dictionary. One block needs
 * no other, and others read it. */
static void test_record_check_lz4_for_java(void **state) {
    (void)state;
    static const struct {
        LZ4F_blockMode_t mode;
        unsigned dictionary;
        int error;
    } cases[] = {{LZ4F_blockIndependent, 0, ERR_NONE},
                 {LZ4F_blockLinked, 0, ERR_MALFORMED},
                 {LZ4F_blockIndependent, 5, ERR_MALFORMED}};
    uint8_t *bytes, *other;
    struct record_batch batch = build(RECORD_CODEC_NONE, 3000, &bytes);
    bytes[AT_ATTRIBUTES + 1] = RECORD_CODEC_LZ4;
    size_t len = batch.size - RECORD_BATCH_HEADER;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        LZ4F_preferences_t preferences = {
            .frameInfo = {.blockMode = cases[i].mode, .dictID = cases[i].dictionary}};
        size_t room = LZ4F_compressFrameBound(len, &preferences);
        uint8_t *packed = mem_alloc(room);
        size_t packed_len = LZ4F_compressFrame(packed, room, bytes + RECORD_BATCH_HEADER, len,
                                               &preferences);
        assert_false(LZ4F_isError(packed_len));
        struct record_batch linked = with_records(&batch, packed, packed_len, &other);
        struct error_text why = {""};
        assert_int_equal(record_batch_check(&linked, &why), cases[i].error);
        assert_int_equal(strstr(why.text, "independent blocks") != NULL,
                         cases[i].error != ERR_NONE);
        mem_free(other);
        mem_free(packed);
    }
    mem_free(bytes);
}

/* What is decompressed is bounded while it comes, step by step, and what it takes is known before.
 */
static void test_record_check_bomb(void **state) {
    (void)state;
    struct record_check_options options = plain;
    options.unfolded_max = 4 << 20;
    for (int codec = RECORD_CODEC_GZIP; codec < CODECS; codec++) {
        uint8_t *bytes;
        struct record_batch batch = build((enum record_codec)codec, 200000, &bytes); /* 10 MB */
        struct record_check *check = record_check_new(&batch, &options);
        int error, steps = 0;
        assert_true(record_check_memory(check, SIZE_MAX) < 5 << 20);
        while ((error = record_check_step(check, 1 << 20)) == ERR_AGAIN)
            steps++;
        assert_int_equal(error, ERR_TOO_LARGE);
        assert_int_equal(steps, 4);
        assert_non_null(strstr(record_check_why(check)->text, "message.unfolded.max.bytes"));
        record_check_free(check);
        mem_free(bytes);
    }
}

/* From every codec to every other, and back to the very bytes; not beyond the limit. */
static void test_record_check_recompress(void **state) {
    (void)state;
    uint8_t *bytes;
    struct record_batch original = build(RECORD_CODEC_NONE, 3000, &bytes);
    for (int from = 0; from < CODECS; from++) {
        for (int into = 0; into < CODECS; into++) {
            uint8_t *source, *result;
            struct record_batch batch = build((enum record_codec)from, 3000, &source);
            struct record_check_options options = plain;
            options.recompress = into;
            options.result_max = 1 << 20;
            size_t size;
            struct record_check *check = record_check_new(&batch, &options);
            int error;
            while ((error = record_check_step(check, 1000)) == ERR_AGAIN)
                ;
            assert_int_equal(error, ERR_NONE);
            result = record_check_take_result(check, &size);
            record_check_free(check);
            assert_int_equal(result == NULL, from == into);
            if (result != NULL) {
                assert_int_equal(record_batch_parse(result, size, &batch, NULL), ERR_NONE);
                assert_int_equal(record_batch_codec(&batch), into);
                assert_int_equal(record_batch_check(&batch, NULL), ERR_NONE);
                if (into == RECORD_CODEC_NONE) {
                    assert_int_equal(size, original.size);
                    assert_memory_equal(result, bytes, size);
                }
                mem_free(result);
            }
            options.result_max = 100;
            struct record_batch again;
            assert_int_equal(record_batch_parse(source, load_big_endian(source + AT_LENGTH, 4) + 12,
                                                &again, NULL),
                             ERR_NONE);
            check = record_check_new(&again, &options);
            assert_int_equal(record_check_step(check, SIZE_MAX),
                             from == into ? ERR_NONE : ERR_TOO_LARGE);
            record_check_free(check);
            mem_free(source);
        }
    }
    mem_free(bytes);
}

/* Timestamps out of range: the records are named, the others are not; -1 is none, and always in
 * range. */
static void test_record_check_timestamps(void **state) {
    (void)state;
    for (int codec = 0; codec < CODECS; codec++) {
        uint8_t *bytes;
        struct record_batch batch = build((enum record_codec)codec, 20, &bytes);
        struct record_check_options options = plain;
        options.check_timestamps = true;
        options.earliest_ms = TIME;
        options.latest_ms = TIME + 25;
        struct record_check *check = record_check_new(&batch, &options);
        assert_int_equal(record_check_step(check, SIZE_MAX), ERR_NONE);
        record_check_free(check);
        options.latest_ms = TIME + 23;
        check = record_check_new(&batch, &options);
        size_t count;
        assert_int_equal(record_check_step(check, SIZE_MAX), ERR_INVALID);
        const struct record_reject *rejects = record_check_rejects(check, &count);
        assert_int_equal(count, 3);
        assert_int_equal(rejects[0].place, 24);
        assert_int_equal(rejects[0].timestamp_ms, TIME + 24);
        assert_int_equal(rejects[2].place, 26);
        record_check_free(check);
        options.latest_ms = 0;
        options.earliest_ms = 0;
        check = record_check_new(&batch, &options);
        assert_int_equal(record_check_step(check, SIZE_MAX), ERR_INVALID);
        record_check_rejects(check, &count);
        assert_int_equal(count, RECORD_REJECTS_MAX);
        record_check_free(check);
        mem_free(bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_check_sound),
        cmocka_unit_test(test_record_check_pieces),
        cmocka_unit_test(test_record_check_counts),
        cmocka_unit_test(test_record_check_garbage),
        cmocka_unit_test(test_record_check_bomb),
        cmocka_unit_test(test_record_check_compressed_records),
        cmocka_unit_test(test_record_check_recompress),
        cmocka_unit_test(test_record_check_timestamps),
        cmocka_unit_test(test_record_check_damage),
        cmocka_unit_test(test_record_check_empty_frames),
        cmocka_unit_test(test_record_check_lz4_for_java),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
