/* Codecs: there and back, damage, and bombs. Bytes of other implementations are in
 * test_golden_batches.c. */
#include <string.h>

#include <lz4frame.h>
#include <snappy-c.h>

#include "base/mem.h"
#include "protocol/record/codec.h"
#include "tests/unit/unit.h"

enum { LARGE = 300000 };

/* Text that repeats, with noise between: every format gets several blocks of both kinds. */
static uint8_t *sample(size_t len) {
    uint8_t *data = mem_alloc(len);
    uint32_t seed = 7;
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525 + 1013904223;
        data[i] = i / 1000 % 2 == 0 ? (uint8_t)(seed >> 24) : (uint8_t)("drave "[i % 6]);
    }
    return data;
}

static void assert_round_trip(enum record_codec codec, const uint8_t *data, size_t len) {
    uint8_t *packed, *again;
    size_t packed_len, again_len;
    assert_int_equal(codec_compress(codec, data, len, &packed, &packed_len), ERR_NONE);
    assert_int_equal(codec_decompress(codec, packed, packed_len, len, &again, &again_len),
                     ERR_NONE);
    assert_int_equal(again_len, len);
    assert_memory_equal(again, data, len);
    mem_free(again);
    if (len > 0) { /* one byte less is not enough */
        assert_int_equal(codec_decompress(codec, packed, packed_len, len - 1, &again, &again_len),
                         ERR_TOO_LARGE);
        assert_null(again);
    }
    mem_free(packed);
}

/* What goes in comes out, at every size around the blocks, and the limit holds to the byte. */
static void test_codec_round_trip(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 100, 32767, 32768, 32769, 65536, 65537, LARGE};
    uint8_t *data = sample(LARGE);
    for (int codec = RECORD_CODEC_NONE; codec <= RECORD_CODEC_ZSTD; codec++)
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
            assert_round_trip((enum record_codec)codec, data, sizes[i]);
    mem_free(data);
}

/* Cut off anywhere (and for gzip and zstd also flipped anywhere) it is damage, never a wrong
 * content. */
static void test_codec_damage(void **state) {
    (void)state;
    uint8_t *data = sample(3000), *packed, *out;
    size_t packed_len, out_len;
    for (int codec = RECORD_CODEC_GZIP; codec <= RECORD_CODEC_ZSTD; codec++) {
        assert_int_equal(codec_compress((enum record_codec)codec, data, 3000, &packed, &packed_len),
                         ERR_NONE);
        for (size_t len = 0; len < packed_len; len++) {
            uint8_t *cut = mem_alloc(len); /* exactly as long, for the sanitizer */
            memcpy(cut, packed, len);
            int error = codec_decompress((enum record_codec)codec, cut, len, 1 << 20, &out,
                                         &out_len);
            bool header_only = codec == RECORD_CODEC_SNAPPY && len == 16; /* an empty stream */
            assert_int_equal(error, header_only ? ERR_NONE : ERR_CORRUPT);
            mem_free(out);
            mem_free(cut);
        }
        for (size_t at = 0; at < packed_len; at++) {
            packed[at] ^= 0x55;
            if (codec_decompress((enum record_codec)codec, packed, packed_len, 1 << 20, &out,
                                 &out_len) == ERR_NONE)
                mem_free(out);
            packed[at] ^= 0x55;
        }
        mem_free(packed);
    }
    mem_free(data);
}

/* A megabyte in a few hundred bytes is cut off at the limit, whatever its format claims. */
static void test_codec_bomb(void **state) {
    (void)state;
    size_t len = 32 << 20;
    uint8_t *zeros = mem_zalloc(len), *packed, *out;
    for (int codec = RECORD_CODEC_GZIP; codec <= RECORD_CODEC_ZSTD; codec++) {
        size_t packed_len, out_len;
        assert_int_equal(codec_compress((enum record_codec)codec, zeros, len, &packed, &packed_len),
                         ERR_NONE);
        assert_int_equal(
            codec_decompress((enum record_codec)codec, packed, packed_len, 1 << 20, &out, &out_len),
            ERR_TOO_LARGE);
        assert_null(out);
        assert_int_equal(out_len, 0);
        mem_free(packed);
    }
    mem_free(zeros);
}

/* Blocks and frames that claim a huge content are refused before any memory is taken for it. */
static void test_codec_claims(void **state) {
    (void)state;
    uint8_t *out;
    size_t out_len;
    static const char raw[] = "\xff\xff\xff\x7f"
                              "abc"; /* snappy: 256 MiB in three bytes */
    assert_int_equal(
        codec_decompress(RECORD_CODEC_SNAPPY, raw, sizeof(raw) - 1, 1 << 20, &out, &out_len),
        ERR_CORRUPT);
    static const char stream[] = "\x82SNAPPY\0\0\0\0\1\0\0\0\1\x7f\xff\xff\xff"
                                 "abc";
    assert_int_equal(
        codec_decompress(RECORD_CODEC_SNAPPY, stream, sizeof(stream) - 1, 1 << 20, &out, &out_len),
        ERR_CORRUPT);
    /* A content size near 2^63: with a window of 2 MiB the window counts, as a single segment it is
     * too much. */
    static const char zstd[] = "\x28\xb5\x2f\xfd\xc0\x58\xff\xff\xff\xff\xff\xff\xff\x7f\1\0\0";
    static const char single[] = "\x28\xb5\x2f\xfd\xe0\xff\xff\xff\xff\xff\xff\xff\x7f\1\0\0";
    assert_in_range(codec_reader_memory(RECORD_CODEC_ZSTD, zstd, sizeof(zstd) - 1, 1 << 20),
                    2 << 20, 3 << 20);
    assert_true(codec_reader_memory(RECORD_CODEC_ZSTD, single, sizeof(single) - 1, 1 << 20) <
                1 << 20);
    assert_int_equal(
        codec_decompress(RECORD_CODEC_ZSTD, single, sizeof(single) - 1, 1 << 20, &out, &out_len),
        ERR_CORRUPT);
    assert_int_equal(codec_decompress((enum record_codec)5, "x", 1, 100, &out, &out_len),
                     ERR_VERSION);
}

/* What a reader will take is known before: the largest block or window that the bytes claim. */
static void test_codec_memory(void **state) {
    (void)state;
    uint8_t *data = sample(300000), *packed;
    size_t packed_len, memory;
    for (int codec = RECORD_CODEC_NONE; codec <= RECORD_CODEC_ZSTD; codec++) {
        assert_int_equal(
            codec_compress((enum record_codec)codec, data, 300000, &packed, &packed_len), ERR_NONE);
        memory = codec_reader_memory((enum record_codec)codec, packed, packed_len, 1 << 20);
        assert_true(memory < 4 << 20);
        assert_true(codec == RECORD_CODEC_NONE ? memory == 0 : memory >= 64 << 10);
        mem_free(packed);
    }
    packed_len = snappy_max_compressed_length(300000);
    packed = mem_alloc(packed_len);
    assert_int_equal(snappy_compress((const char *)data, 300000, (char *)packed, &packed_len),
                     SNAPPY_OK);
    assert_true(codec_reader_memory(RECORD_CODEC_SNAPPY, packed, packed_len, 300000) >= 300000);
    assert_true(codec_reader_memory(RECORD_CODEC_SNAPPY, packed, packed_len, 299999) < 300000);
    mem_free(packed);
    mem_free(data);
}

/* What is compressed stops at its limit, wherever the pieces end, and has room for a header before
 * it. */
static void test_codec_writer_limit(void **state) {
    (void)state;
    uint8_t *data = sample(300000), *out;
    size_t whole, len;
    for (int codec = RECORD_CODEC_NONE; codec <= RECORD_CODEC_ZSTD; codec++) {
        assert_int_equal(codec_compress((enum record_codec)codec, data, 300000, &out, &whole),
                         ERR_NONE);
        mem_free(out);
        for (size_t limit = whole - 1; limit <= whole; limit++) {
            struct codec_writer *writer = codec_writer_new((enum record_codec)codec, 61, limit);
            int error = ERR_NONE;
            for (size_t at = 0; at < 300000 && error == ERR_NONE; at += 10000)
                error = codec_writer_add(writer, data + at, 10000);
            if (error == ERR_NONE) error = codec_writer_finish(writer, &out, &len);
            codec_writer_free(writer);
            if (error != ERR_NONE) {
                assert_int_equal(error, ERR_TOO_LARGE);
                continue;
            }
            assert_true(len <= limit);
            uint8_t *again;
            size_t again_len;
            assert_int_equal(codec_decompress((enum record_codec)codec, out + 61, len, 300000,
                                              &again, &again_len),
                             ERR_NONE);
            assert_int_equal(again_len, 300000);
            assert_memory_equal(again, data, 300000);
            mem_free(again);
            mem_free(out);
        }
    }
    mem_free(data);
}

/* Snappy without a stream around it, as some clients send it, and two streams one after the other.
 */
static void test_codec_snappy_raw_and_concatenated(void **state) {
    (void)state;
    uint8_t *data = sample(5000), *out;
    size_t out_len, packed_len = snappy_max_compressed_length(5000);
    char *packed = mem_alloc(packed_len);
    assert_int_equal(snappy_compress((const char *)data, 5000, packed, &packed_len), SNAPPY_OK);
    assert_int_equal(
        codec_decompress(RECORD_CODEC_SNAPPY, packed, packed_len, 5000, &out, &out_len), ERR_NONE);
    assert_int_equal(out_len, 5000);
    assert_memory_equal(out, data, 5000);
    mem_free(out);
    mem_free(packed);

    uint8_t *stream;
    size_t len;
    assert_int_equal(codec_compress(RECORD_CODEC_SNAPPY, data, 5000, &stream, &len), ERR_NONE);
    assert_memory_equal(stream, "\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16);
    stream = mem_realloc(stream, 2 * len);
    memcpy(stream + len, stream, len);
    assert_int_equal(codec_decompress(RECORD_CODEC_SNAPPY, stream, 2 * len, 10000, &out, &out_len),
                     ERR_NONE);
    assert_int_equal(out_len, 10000);
    assert_memory_equal(out + 5000, data, 5000);
    mem_free(out);
    mem_free(stream);
    mem_free(data);
}

/* gzip members that follow one another are one content; rubbish after them is damage. */
static void test_codec_gzip_members(void **state) {
    (void)state;
    uint8_t *data = sample(1000), *packed, *out;
    size_t len, out_len;
    assert_int_equal(codec_compress(RECORD_CODEC_GZIP, data, 1000, &packed, &len), ERR_NONE);
    packed = mem_realloc(packed, 2 * len);
    memcpy(packed + len, packed, len);
    assert_int_equal(codec_decompress(RECORD_CODEC_GZIP, packed, 2 * len, 2000, &out, &out_len),
                     ERR_NONE);
    assert_int_equal(out_len, 2000);
    assert_memory_equal(out + 1000, data, 1000);
    mem_free(out);
    assert_int_equal(codec_decompress(RECORD_CODEC_GZIP, packed, len + 1, 2000, &out, &out_len),
                     ERR_CORRUPT);
    mem_free(packed);
    mem_free(data);
}

/* LZ4 frames as the Java reader demands them: independent blocks, no content checksum, no content
 * size. */
static void test_codec_lz4_frame_flags(void **state) {
    (void)state;
    uint8_t *data = sample(LARGE), *packed, *out;
    size_t len, out_len;
    assert_int_equal(codec_compress(RECORD_CODEC_LZ4, data, LARGE, &packed, &len), ERR_NONE);
    assert_int_equal(packed[4], 0x60); /* version 1, independent, nothing else */
    assert_int_equal(packed[5], 0x40); /* 64 KiB */
    mem_free(packed);

    LZ4F_preferences_t linked = {.frameInfo = {.blockMode = LZ4F_blockLinked,
                                               .contentChecksumFlag = LZ4F_contentChecksumEnabled}};
    size_t room = LZ4F_compressFrameBound(LARGE, &linked);
    packed = mem_alloc(room);
    len = LZ4F_compressFrame(packed, room, data, LARGE, &linked);
    assert_false(LZ4F_isError(len));
    assert_int_equal(codec_decompress(RECORD_CODEC_LZ4, packed, len, LARGE, &out, &out_len),
                     ERR_NONE);
    assert_int_equal(out_len, LARGE);
    assert_memory_equal(out, data, LARGE);
    mem_free(out);
    mem_free(packed);
    mem_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec_round_trip),
        cmocka_unit_test(test_codec_damage),
        cmocka_unit_test(test_codec_bomb),
        cmocka_unit_test(test_codec_claims),
        cmocka_unit_test(test_codec_memory),
        cmocka_unit_test(test_codec_writer_limit),
        cmocka_unit_test(test_codec_snappy_raw_and_concatenated),
        cmocka_unit_test(test_codec_gzip_members),
        cmocka_unit_test(test_codec_lz4_frame_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
