/* Of which replica a directory is, in a file of its own: each bit of it counts, also those of its
 * format. And the list of a staged beginning, of which that is true, too. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crc32c.h"
#include "storage/little_endian.h"
#include "storage/segment/replica_file.h"
#include "storage/segment/staged_directory.h"
#include "tests/unit/storage/fixture_folder.h"
#include "tests/unit/unit.h"

enum { GROUP = 7, REPLICA = 3, BYTES_MOST = 512 };

struct file {
    char path[200];
    uint8_t bytes[BYTES_MOST];
    size_t len;
};

static void take(struct file *file) {
    FILE *stream = fopen(file->path, "rb");
    assert_non_null(stream);
    file->len = fread(file->bytes, 1, sizeof file->bytes, stream);
    fclose(stream);
}

static void put(const struct file *file) {
    FILE *stream = fopen(file->path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(file->bytes, 1, file->len, stream), file->len);
    fclose(stream);
}

static void test_each_bit_of_a_replica_file(void **state) {
    struct folder folder;
    struct file file;
    replica_id found;
    (void)state;
    folder_open(&folder);
    assert_int_equal(replica_file_write(folder.env, folder.path, GROUP, REPLICA), 0);
    snprintf(file.path, sizeof file.path, "%s/%016x.replica", folder.path, GROUP);
    take(&file);
    for (size_t bit = 0; bit < file.len * 8; bit++) {
        file.bytes[bit / 8] ^= 1u << (bit % 8);
        put(&file);
        assert_int_equal(replica_file_read(folder.env, folder.path, GROUP, &found), ERR_CORRUPT);
        file.bytes[bit / 8] ^= 1u << (bit % 8);
    }
    put(&file);
    assert_int_equal(replica_file_read(folder.env, folder.path, GROUP, &found), ERR_NONE);
    assert_int_equal(found, REPLICA);
    le_put_u32(file.bytes + 4, 2); /* a later one, and whole */
    le_put_u32(file.bytes + file.len - 4, crc32c(0, file.bytes, file.len - 4));
    put(&file);
    assert_int_equal(replica_file_read(folder.env, folder.path, GROUP, &found), ERR_VERSION);
    folder_close(&folder);
}

/* What is not whole was never to be put in place, whichever bit it is. */
static void test_each_bit_of_a_staged_list(void **state) {
    struct folder folder;
    struct file file;
    struct staged_place place = {0};
    struct prefix_files files = {.begins = {.index = 4, .term = 1},
                                 .ends = {.index = 4, .term = 1}};
    bool ends_there;
    (void)state;
    folder_open(&folder);
    assert_int_equal(staged_directory_seal(folder.env, folder.path, GROUP, &files), 0);
    snprintf(file.path, sizeof file.path, "%s/offer", folder.path);
    take(&file);
    for (size_t bit = 0; bit < file.len * 8; bit++) {
        file.bytes[bit / 8] ^= 1u << (bit % 8);
        put(&file);
        assert_int_equal(
            staged_directory_ends_at(folder.env, folder.path, GROUP, &place, &ends_there), 0);
        assert_false(ends_there);
        file.bytes[bit / 8] ^= 1u << (bit % 8);
    }
    folder_close(&folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_bit_of_a_replica_file),
                                       cmocka_unit_test(test_each_bit_of_a_staged_list)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
