/* What is said about a log's beginning that goes as files: what goes in comes out, and nothing
 * malformed gets through. */
#include <string.h>

#include "base/mem.h"
#include "raft-glue/peer/snapshot_frame.h"
#include "storage/little_endian.h"
#include "tests/unit/unit.h"

static const struct snapshot_head head = {.group = 1,
                                          .from = 2,
                                          .to = 3,
                                          .transfer = UINT64_C(1) << 63,
                                          .term = 5};

static struct slice view(const uint8_t *bytes, size_t len) {
    return (struct slice){.data = bytes, .len = len};
}

static void assert_head(struct slice payload) {
    struct snapshot_head found;
    assert_int_equal(snapshot_head_decode(payload, &found), ERR_NONE);
    assert_int_equal(found.group, head.group);
    assert_int_equal(found.from, head.from);
    assert_int_equal(found.to, head.to);
    assert_int_equal(found.transfer, head.transfer);
    assert_int_equal(found.term, head.term);
}

static void test_snapshot_head(void **state) {
    (void)state;
    struct snapshot_head found, none = {.group = 1};
    uint8_t bytes[SNAPSHOT_HEAD_SIZE];
    snapshot_head_encode(bytes, &head);
    assert_head(view(bytes, sizeof bytes));
    assert_int_equal(snapshot_head_decode(view(bytes, sizeof bytes - 1), &found), ERR_MALFORMED);
    bytes[SNAPSHOT_HEAD_SIZE - 1] = 1; /* no zero */
    assert_int_equal(snapshot_head_decode(view(bytes, sizeof bytes), &found), ERR_MALFORMED);
    snapshot_head_encode(bytes, &none);
    assert_int_equal(snapshot_head_decode(view(bytes, sizeof bytes), &found), ERR_MALFORMED);
}

/* A reason of a later version is one to ask again. */
static void test_snapshot_refusal(void **state) {
    (void)state;
    enum snapshot_refusal reason;
    uint8_t bytes[SNAPSHOT_REFUSAL_SIZE + 1] = {0};
    for (int i = SNAPSHOT_HAS_IT; i <= SNAPSHOT_AT_WORK; i++) {
        snapshot_refusal_encode(bytes, &head, (enum snapshot_refusal)i);
        assert_head(view(bytes, SNAPSHOT_REFUSAL_SIZE));
        assert_int_equal(snapshot_refusal_decode(view(bytes, SNAPSHOT_REFUSAL_SIZE), &reason),
                         ERR_NONE);
        assert_int_equal(reason, i);
    }
    bytes[SNAPSHOT_HEAD_SIZE] = 77;
    assert_int_equal(snapshot_refusal_decode(view(bytes, SNAPSHOT_REFUSAL_SIZE), &reason),
                     ERR_NONE);
    assert_int_equal(reason, SNAPSHOT_BUSY);
    for (int by = -1; by <= 1; by += 2)
        assert_int_equal(
            snapshot_refusal_decode(view(bytes, (size_t)(SNAPSHOT_REFUSAL_SIZE + by)), &reason),
            ERR_MALFORMED);
}

/* A part of one block, and not more than a piece may have. */
static void test_snapshot_want(void **state) {
    (void)state;
    static const struct {
        struct snapshot_want want;
        int error;
    } cases[] = {
        {{0, 1, 0}, ERR_NONE},
        {{7, SNAPSHOT_CHUNK_MOST, PREFIX_BLOCK - SNAPSHOT_CHUNK_MOST}, ERR_NONE},
        {{7, SNAPSHOT_CHUNK_MOST, PREFIX_BLOCK - SNAPSHOT_CHUNK_MOST + 1}, ERR_MALFORMED},
        {{0, 0, 0}, ERR_MALFORMED},
        {{0, SNAPSHOT_CHUNK_MOST + 1, 0}, ERR_MALFORMED},
        {{0, UINT32_MAX, UINT64_MAX}, ERR_MALFORMED},
        {{0, 1, UINT64_MAX}, ERR_MALFORMED},
        {{UINT32_MAX, 1, 0}, ERR_MALFORMED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[SNAPSHOT_WANT_SIZE + 1] = {0};
        struct snapshot_want found;
        snapshot_want_encode(bytes, &head, &cases[i].want);
        assert_head(view(bytes, SNAPSHOT_WANT_SIZE));
        assert_int_equal(snapshot_want_decode(view(bytes, SNAPSHOT_WANT_SIZE), &found),
                         cases[i].error);
        assert_int_equal(found.file, cases[i].want.file);
        assert_int_equal(found.length, cases[i].want.length);
        assert_int_equal(found.offset, cases[i].want.offset);
        assert_int_equal(snapshot_want_decode(view(bytes, SNAPSHOT_WANT_SIZE - 1), &found),
                         ERR_MALFORMED);
        assert_int_equal(snapshot_want_decode(view(bytes, SNAPSHOT_WANT_SIZE + 1), &found),
                         ERR_MALFORMED);
    }
}

static void test_snapshot_chunk(void **state) {
    (void)state;
    struct snapshot_want want = {.file = 3, .length = 4, .offset = 5 * (uint64_t)PREFIX_BLOCK},
                         found;
    const uint8_t *data;
    size_t most = SNAPSHOT_CHUNK_HEAD_SIZE + SNAPSHOT_CHUNK_MOST + 1;
    uint8_t *bytes = mem_zalloc(most);
    snapshot_chunk_encode(bytes, &head, &want);
    memcpy(bytes + SNAPSHOT_CHUNK_HEAD_SIZE, "wood", 4);
    assert_head(view(bytes, SNAPSHOT_CHUNK_HEAD_SIZE + 4));
    assert_int_equal(
        snapshot_chunk_decode(view(bytes, SNAPSHOT_CHUNK_HEAD_SIZE + 4), &found, &data), ERR_NONE);
    assert_int_equal(found.file, 3);
    assert_int_equal(found.length, 4);
    assert_int_equal(found.offset, want.offset);
    assert_memory_equal(data, "wood", 4);
    assert_int_equal(snapshot_chunk_decode(view(bytes, SNAPSHOT_CHUNK_HEAD_SIZE), &found, &data),
                     ERR_MALFORMED);
    assert_int_equal(snapshot_chunk_decode(view(bytes, most - 1), &found, &data), ERR_NONE);
    assert_int_equal(snapshot_chunk_decode(view(bytes, most), &found, &data), ERR_MALFORMED);
    bytes[SNAPSHOT_HEAD_SIZE + 4] = 1; /* no zero */
    assert_int_equal(
        snapshot_chunk_decode(view(bytes, SNAPSHOT_CHUNK_HEAD_SIZE + 4), &found, &data),
        ERR_MALFORMED);
    mem_free(bytes);
}

/* The list behind the head is prefix_files.h's. */
static void test_snapshot_offer(void **state) {
    (void)state;
    uint32_t crc = 9;
    struct prefix_file file = {
        .kind = PREFIX_STATE, .last_index = 12, .size_bytes = 10, .block_crcs = &crc};
    struct prefix_files list = {.begins = {.index = 10,
                                           .term = 2,
                                           .next_offset = 7,
                                           .file_index = 10,
                                           .file_offset = 7},
                                .ends = {.index = 10,
                                         .term = 2,
                                         .next_offset = 7,
                                         .file_index = 10,
                                         .file_offset = 7},
                                .state_index = 12,
                                .files = &file,
                                .count = 1},
                        found;
    struct slice encoded = prefix_files_encode(&list);
    struct peer_bytes bytes = {0};
    snapshot_head_encode(peer_bytes_extend(&bytes, SNAPSHOT_HEAD_SIZE), &head);
    peer_bytes_add(&bytes, encoded.data, encoded.len);
    assert_int_equal(snapshot_offer_decode(view(bytes.data, bytes.len), &found), ERR_NONE);
    assert_int_equal(found.ends.index, 10);
    assert_int_equal(found.files[0].block_crcs[0], 9);
    prefix_files_free(&found);
    assert_int_equal(snapshot_offer_decode(view(bytes.data, bytes.len - 1), &found), ERR_MALFORMED);
    assert_int_equal(snapshot_offer_decode(view(bytes.data, 3), &found), ERR_MALFORMED);
    slice_unref(&encoded);
    peer_bytes_free(&bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snapshot_head),  cmocka_unit_test(test_snapshot_refusal),
        cmocka_unit_test(test_snapshot_want),  cmocka_unit_test(test_snapshot_chunk),
        cmocka_unit_test(test_snapshot_offer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
