/* LZ4 blocks: round trips, and damage that never gets outside. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/lz4_block.h"
#include "base/mem.h"
#include "tests/unit/unit.h"

enum { RAW = 5000 };

static size_t compressed_text(uint8_t *raw, uint8_t **packed) {
    for (int i = 0; i < RAW; i++)
        raw[i] = (uint8_t)"the same line "[i % 14];
    *packed = mem_alloc(RAW);
    return lz4_block_compress(raw, RAW, *packed, RAW);
}

/* What was compressed comes back, and a repeated text becomes much smaller. */
static void test_lz4_block_round_trip(void **state) {
    (void)state;
    uint8_t raw[RAW], back[RAW], *packed;
    size_t len = compressed_text(raw, &packed);
    assert_true(len > 0 && len < RAW / 10);
    assert_int_equal(lz4_block_decompress(packed, len, back, RAW), ERR_NONE);
    assert_memory_equal(raw, back, RAW);
    mem_free(packed);
}

/* No room: no bytes. The caller then stores it plain. */
static void test_lz4_block_no_room(void **state) {
    (void)state;
    uint8_t raw[RAW], into[RAW], *packed;
    size_t len = compressed_text(raw, &packed);
    mem_free(packed);
    assert_int_equal(lz4_block_compress(raw, RAW, into, len - 1), 0);
    assert_int_equal(lz4_block_compress(raw, RAW, into, 0), 0);
    assert_int_equal(lz4_block_compress(raw, (size_t)1 << 40, into, sizeof into), 0);
}

/* A wrong raw length in either direction, a cut and every flipped byte: an error or other bytes,
 * never more than asked. */
static void test_lz4_block_damage(void **state) {
    (void)state;
    uint8_t raw[RAW], *packed;
    size_t len = compressed_text(raw, &packed);
    uint8_t *back = mem_alloc(RAW); /* of the heap, where a sanitizer sees each byte too many */
    assert_int_equal(lz4_block_decompress(packed, len, back, RAW - 1), ERR_CORRUPT);
    uint8_t *large = mem_alloc(RAW + 1);
    assert_int_equal(lz4_block_decompress(packed, len, large, RAW + 1), ERR_CORRUPT);
    assert_int_equal(lz4_block_decompress(packed, (size_t)1 << 40, back, RAW), ERR_CORRUPT);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *part = mem_alloc(cut);
        memcpy(part, packed, cut);
        assert_int_equal(lz4_block_decompress(part, cut, back, RAW), ERR_CORRUPT);
        mem_free(part);
    }
    for (size_t i = 0; i < len; i++) {
        packed[i] ^= 0x55;
        int error = lz4_block_decompress(packed, len, back, RAW);
        assert_true(error == ERR_NONE || error == ERR_CORRUPT);
        packed[i] ^= 0x55;
    }
    mem_free(large);
    mem_free(back);
    mem_free(packed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lz4_block_round_trip),
        cmocka_unit_test(test_lz4_block_no_room),
        cmocka_unit_test(test_lz4_block_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
