/* The list of files that make up the beginning of a log: what goes in comes out, and nothing that
 * cannot be gets through. */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "storage/little_endian.h"
#include "storage/segment/prefix_files.h"
#include "tests/unit/unit.h"

enum { AT_BEGINS = 0, PLACE = 48, CHANGE = 5, AT_ENDS = PLACE + CHANGE, AT_LIST = 2 * AT_ENDS };
enum { AT_STATE = AT_LIST + 16, FILE_HEAD = 48, AT_FIRST = AT_STATE + FILE_HEAD + 4 };

/* The state, and two segments from entry 11 to 40, of 1, 2 and 1 blocks. */
struct example {
    struct prefix_files files;
    struct prefix_file file[3];
    uint32_t crcs[4];
};

static void make(struct example *example) {
    struct slice change = {.data = (const uint8_t *)"peers", .len = CHANGE};
    *example = (struct example){.crcs = {11, 22, 33, 44}};
    example->file[0] = (struct prefix_file){
        .kind = PREFIX_STATE, .last_index = 45, .size_bytes = 100, .block_crcs = example->crcs};
    example->file[1] = (struct prefix_file){.kind = PREFIX_SEGMENT,
                                            .first_index = 11,
                                            .last_index = 30,
                                            .base_offset = 7,
                                            .end_offset = 20,
                                            .size_bytes = PREFIX_BLOCK + 1,
                                            .block_crcs = example->crcs + 1};
    example->file[2] = (struct prefix_file){.kind = PREFIX_SEGMENT,
                                            .first_index = 31,
                                            .last_index = 40,
                                            .base_offset = 20,
                                            .end_offset = 25,
                                            .size_bytes = PREFIX_BLOCK,
                                            .block_crcs = example->crcs + 3};
    example->files = (struct prefix_files){
        .begins = {.index = 10,
                   .term = 2,
                   .next_offset = 7,
                   .change_index = 1,
                   .change = change,
                   .file_index = 10,
                   .file_offset = 7},
        .ends = {.index = 40, .term = 3, .next_offset = 25, .change_index = 1, .change = change},
        .state_index = 45,
        .files = example->file,
        .count = 3};
}

static void assert_same_place(const struct start_file *a, const struct start_file *b) {
    assert_int_equal(a->index, b->index);
    assert_int_equal(a->term, b->term);
    assert_int_equal(a->next_offset, b->next_offset);
    assert_int_equal(a->change_index, b->change_index);
    assert_int_equal(a->change.len, b->change.len);
    assert_memory_equal(a->change.data, b->change.data, b->change.len);
}

static void assert_same(const struct prefix_files *a, const struct prefix_files *b) {
    assert_same_place(&a->begins, &b->begins);
    assert_same_place(&a->ends, &b->ends);
    assert_int_equal(a->state_index, b->state_index);
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->files[i].kind, b->files[i].kind);
        assert_int_equal(a->files[i].first_index, b->files[i].first_index);
        assert_int_equal(a->files[i].last_index, b->files[i].last_index);
        assert_int_equal(a->files[i].base_offset, b->files[i].base_offset);
        assert_int_equal(a->files[i].end_offset, b->files[i].end_offset);
        assert_int_equal(a->files[i].size_bytes, b->files[i].size_bytes);
        assert_memory_equal(a->files[i].block_crcs, b->files[i].block_crcs,
                            4 * prefix_file_blocks(b->files[i].size_bytes));
    }
}

/* With files and without; the last block of a file may be a whole one. */
static void test_prefix_files_round_trip(void **state) {
    (void)state;
    struct example example;
    struct prefix_files found;
    make(&example);
    assert_int_equal(prefix_file_blocks(PREFIX_BLOCK), 1);
    assert_int_equal(prefix_file_blocks(PREFIX_BLOCK + 1), 2);
    assert_int_equal(prefix_files_bytes(&example.files), 100 + 2 * PREFIX_BLOCK + 1);
    struct slice bytes = prefix_files_encode(&example.files);
    assert_int_equal(prefix_files_decode(bytes.data, bytes.len, &found), ERR_NONE);
    assert_same(&found, &example.files);
    prefix_files_free(&found);
    slice_unref(&bytes);

    example.files.count = 1;
    example.files.ends = example.files.begins;
    bytes = prefix_files_encode(&example.files);
    assert_int_equal(prefix_files_decode(bytes.data, bytes.len, &found), ERR_NONE);
    assert_same(&found, &example.files);
    prefix_files_free(&found);
    slice_unref(&bytes);

    make(&example);
    example.files.begins = (struct start_file){0};
    example.file[1].first_index = 1;
    example.file[1].base_offset = 0;
    bytes = prefix_files_encode(&example.files);
    assert_int_equal(prefix_files_decode(bytes.data, bytes.len, &found), ERR_NONE);
    prefix_files_free(&found);
    slice_unref(&bytes);
}

/* Wherever it is cut, and with a byte more. */
static void test_prefix_files_cut(void **state) {
    (void)state;
    struct example example;
    struct prefix_files found;
    make(&example);
    struct slice bytes = prefix_files_encode(&example.files);
    for (size_t len = 0; len < bytes.len; len++) {
        uint8_t *part = mem_alloc(len + 1); /* no more than that is there */
        memcpy(part, bytes.data, len);
        assert_int_equal(prefix_files_decode(part, len, &found), ERR_MALFORMED);
        mem_free(part);
    }
    uint8_t *longer = mem_zalloc(bytes.len + 1);
    memcpy(longer, bytes.data, bytes.len);
    assert_int_equal(prefix_files_decode(longer, bytes.len + 1, &found), ERR_MALFORMED);
    mem_free(longer);
    slice_unref(&bytes);
}

/* Each number, made one that cannot be. */
static void test_prefix_files_impossible(void **state) {
    (void)state;
    static const struct {
        size_t at, len;
        uint64_t value;
    } wrong[] = {
        {AT_BEGINS + 32, 8, 9},                   /* the first segment does not go on there */
        {AT_BEGINS, 8, 0},                        /* nothing is gone, but there is a term */
        {AT_BEGINS + 40, 8, 6},                   /* nor by offset */
        {AT_BEGINS + 32, 8, 11},                  /* files that begin behind what is gone */
        {AT_BEGINS + 8, 8, UINT64_MAX},           /* below 0 */
        {AT_BEGINS + 16, 4, 0},                   /* no term */
        {AT_BEGINS + 20, 4, UINT32_MAX},          /* a configuration beyond what is there */
        {AT_BEGINS + 24, 8, 0},                   /* a configuration without an index */
        {AT_BEGINS + 24, 8, 11},                  /* ... of a later entry */
        {AT_ENDS, 8, 41},                         /* the segments end before */
        {AT_ENDS + 8, 8, 26},                     /* by offset */
        {AT_LIST, 8, 39},                         /* the state does not reach as far */
        {AT_LIST + 8, 4, UINT32_MAX},             /* more files than there can be */
        {AT_LIST + 8, 4, 0},                      /* none */
        {AT_LIST + 12, 4, 1},                     /* no zero */
        {AT_STATE, 1, PREFIX_SEGMENT},            /* the first is no state */
        {AT_STATE + 1, 1, 1},                     /* no zero */
        {AT_STATE + 16, 8, 44},                   /* of another index */
        {AT_STATE + 40, 8, 0},                    /* an empty file */
        {AT_FIRST, 1, PREFIX_STATE},              /* a second state */
        {AT_FIRST + 8, 8, 12},                    /* a gap */
        {AT_FIRST + 16, 8, 10},                   /* ends before it begins */
        {AT_FIRST + 32, 8, 7},                    /* without a record */
        {AT_FIRST + 40, 8, UINT64_MAX},           /* more blocks than can be */
        {AT_FIRST + 40, 8, 2 * PREFIX_BLOCK + 1}, /* more than there are */
    };
    struct example example;
    struct prefix_files found;
    make(&example);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct slice bytes = prefix_files_encode(&example.files);
        uint8_t value[8];
        le_put_u64(value, wrong[i].value);
        memcpy((uint8_t *)bytes.data + wrong[i].at, value, wrong[i].len);
        if (prefix_files_decode(bytes.data, bytes.len, &found) != ERR_MALFORMED)
            fail_msg("number %zu of the list gets through", i);
        slice_unref(&bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefix_files_round_trip),
        cmocka_unit_test(test_prefix_files_cut),
        cmocka_unit_test(test_prefix_files_impossible),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
