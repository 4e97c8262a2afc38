/* A cleaned segment takes its place, or does not, and what is then on the disk. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "storage/clean/clean_swap.h"
#include "tests/unit/storage/fixture_folder.h"
#include "tests/unit/unit.h"

enum { INPUTS = 3 };

static const struct clean_input inputs[INPUTS] = {{.header = {.base_offset = 0}},
                                                  {.header = {.base_offset = 10}},
                                                  {.header = {.base_offset = 20}}};

static char *path_of(const struct folder *folder, kafka_offset base, enum segment_file_kind kind) {
    return path_of_segment(folder->path, base, kind);
}

static void put(const struct folder *folder, kafka_offset base, enum segment_file_kind kind,
                const char *text) {
    char *path = path_of(folder, base, kind);
    file_put(path, (const uint8_t *)text, strlen(text));
    mem_free(path);
}

/* "": there is none. */
static void assert_file(const struct folder *folder, kafka_offset base, enum segment_file_kind kind,
                        const char *text) {
    char *path = path_of(folder, base, kind);
    if (text[0] == '\0') {
        assert_int_not_equal(access(path, F_OK), 0);
    } else {
        size_t len;
        uint8_t *bytes = file_bytes(path, &len);
        assert_int_equal(len, strlen(text));
        assert_memory_equal(bytes, text, len);
        mem_free(bytes);
    }
    mem_free(path);
}

/* An entry, so that there is something to be in the index. */
static void add_entry(struct segment_index *index) {
    struct entry *entry = entry_internal(ENTRY_BARRIER, 1, 1, 1, 0, "");
    segment_index_add(index, entry, (size_t)entry_stored_size(entry));
    entry_unref(entry);
}

/* Three segments, and a cleaned one for all of them. */
static void set_up(struct folder *folder, struct clean_swap *swap) {
    struct clean_output output = {.first = 0, .count = INPUTS};
    struct segment_header header = {
        .group = 1, .first_index = 1, .generation = 1, .last_index = 1, .end_offset = 30};
    folder_open(folder);
    for (int i = 0; i < INPUTS; i++) {
        put(folder, inputs[i].header.base_offset, SEGMENT_FILE_LOG, "old");
        put(folder, inputs[i].header.base_offset, SEGMENT_FILE_INDEX, "old index");
    }
    put(folder, 0, SEGMENT_FILE_CLEAN, "new");
    segment_index_init(&output.index, &header, 100);
    add_entry(&output.index);
    clean_swap_open(swap, folder->env, folder->path, &output, inputs);
}

static void tear_down(struct folder *folder, struct clean_swap *swap) {
    clean_swap_close(swap);
    folder_close(folder);
}

static void assert_done(const struct folder *folder) {
    assert_file(folder, 0, SEGMENT_FILE_LOG, "new");
    assert_file(folder, 0, SEGMENT_FILE_CLEAN, "");
    for (int i = 1; i < INPUTS; i++) {
        assert_file(folder, inputs[i].header.base_offset, SEGMENT_FILE_LOG, "");
        assert_file(folder, inputs[i].header.base_offset, SEGMENT_FILE_INDEX, "");
    }
}

static void test_takes_its_place(void **state) {
    (void)state;
    struct folder folder;
    struct clean_swap swap;
    int error;
    set_up(&folder, &swap);
    assert_int_equal(clean_swap_put(&swap, &error), CLEAN_SWAP_DONE);
    assert_done(&folder);
    tear_down(&folder, &swap);
}

/* The index of before stays until there is another, whole: a reader that has it open goes on in it.
 */
static void test_index_is_put_aside(void **state) {
    (void)state;
    struct folder folder;
    struct clean_swap swap;
    struct segment_index index;
    uint8_t before[9];
    int error;
    set_up(&folder, &swap);
    char *path = path_of(&folder, 0, SEGMENT_FILE_INDEX);
    FILE *reader = fopen(path, "r");
    assert_non_null(reader);
    segment_index_init(&index, &swap.output.index.header, 100);
    assert_int_equal(clean_swap_put(&swap, &error), CLEAN_SWAP_DONE);
    assert_int_equal(fread(before, 1, sizeof before, reader), sizeof before);
    assert_memory_equal(before, "old index", sizeof before);
    fclose(reader);
    assert_int_equal(segment_index_load(folder.env, path, UINT64_MAX, true, &index), 0);
    assert_int_equal(index.end.last_index, 1);
    assert_file(&folder, 0, SEGMENT_FILE_CLEAN, "");
    segment_index_close(&index);
    mem_free(path);
    tear_down(&folder, &swap);
}

/* The name is taken, and no file is left for the sync of the directory: what it stands for stays
 * until that is done. */
static void test_no_files_for_the_directory(void **state) {
    (void)state;
    struct folder folder;
    struct clean_swap swap;
    struct rlimit before, few;
    int error;
    set_up(&folder, &swap);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int next = dup(0);
    assert_true(next > 0);
    close(next);
    few = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    enum clean_swap_outcome first = clean_swap_put(&swap, &error), again;
    int errors[] = {error, 0};
    again = clean_swap_put(&swap, &errors[1]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(first, CLEAN_SWAP_HALF);
    assert_int_equal(again, CLEAN_SWAP_HALF);
    assert_int_equal(errors[0], ERR_LIMIT);
    assert_int_equal(errors[1], ERR_LIMIT);
    assert_file(&folder, 0, SEGMENT_FILE_LOG, "new");
    for (int i = 1; i < INPUTS; i++)
        assert_file(&folder, inputs[i].header.base_offset, SEGMENT_FILE_LOG, "old");
    assert_int_equal(clean_swap_put(&swap, &error), CLEAN_SWAP_DONE);
    assert_done(&folder);
    tear_down(&folder, &swap);
}

/* Something else is wrong with the names: nobody knows what is there. */
static void test_unknown(void **state) {
    (void)state;
    struct folder folder;
    struct clean_swap swap;
    int error;
    set_up(&folder, &swap);
    char *path = path_of(&folder, 0, SEGMENT_FILE_CLEAN);
    assert_int_equal(unlink(path), 0);
    mem_free(path);
    assert_int_equal(clean_swap_put(&swap, &error), CLEAN_SWAP_UNKNOWN);
    assert_int_equal(error, ERR_NOT_FOUND);
    assert_file(&folder, 0, SEGMENT_FILE_LOG, "old");
    assert_file(&folder, 10, SEGMENT_FILE_LOG, "old");
    tear_down(&folder, &swap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_its_place),
        cmocka_unit_test(test_index_is_put_aside),
        cmocka_unit_test(test_no_files_for_the_directory),
        cmocka_unit_test(test_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
