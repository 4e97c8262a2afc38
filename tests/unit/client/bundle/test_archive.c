/* An archive of files of all kinds of lengths, unpacked again block by block. */
#include "client/bundle/archive.h"

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "tests/unit/unit.h"

enum { ROOM = 1 << 20, BLOCK = 512 };

static unsigned char packed[ROOM], plain[ROOM];
static size_t packed_len;
static bool full;

static bool take(void *arg, const void *data, size_t len) {
    assert_ptr_equal(arg, packed);
    if (full) return false;
    memcpy(packed + packed_len, data, len);
    packed_len += len;
    return true;
}

static size_t unpack(void) {
    z_stream gzip = {.next_in = packed, .avail_in = (unsigned)packed_len};
    assert_int_equal(inflateInit2(&gzip, 15 + 16), Z_OK);
    gzip.next_out = plain;
    gzip.avail_out = sizeof plain;
    assert_int_equal(inflate(&gzip, Z_FINISH), Z_STREAM_END);
    size_t len = gzip.total_out;
    inflateEnd(&gzip);
    return len;
}

/* Of a header, its own eight places counted as blanks. */
static unsigned long sum_of(const unsigned char *header) {
    unsigned long sum = 8 * ' ';
    for (int i = 0; i < BLOCK; i++)
        sum += i >= 148 && i < 156 ? 0 : header[i];
    return sum;
}

/* Each file begins at a block, with its name, length and sum; two empty blocks end it all. */
static void test_archive_files(void **state) {
    (void)state;
    static const size_t lengths[] = {0, 1, 511, 512, 513, 100000};
    static unsigned char data[100000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)rand();
    packed_len = 0;
    full = false;
    struct archive *archive = archive_new(take, packed);
    for (size_t i = 0; i < 6; i++)
        archive_add(archive, "folder/file.json", data, lengths[i], 1700000000);
    assert_true(archive_end(archive));
    size_t len = unpack(), at = 0;
    for (size_t i = 0; i < 6; i++) {
        const char *header = (const char *)plain + at;
        assert_string_equal(header, "folder/file.json");
        assert_string_equal(header + 257, "ustar");
        assert_int_equal(strtoul(header + 124, NULL, 8), lengths[i]);
        assert_int_equal(strtoul(header + 136, NULL, 8), 1700000000);
        assert_int_equal(strtoul(header + 148, NULL, 8), sum_of(plain + at));
        assert_memory_equal(plain + at + BLOCK, data, lengths[i]);
        at += BLOCK + (lengths[i] + BLOCK - 1) / BLOCK * BLOCK;
    }
    assert_int_equal(len, at + 2 * BLOCK);
    for (; at < len; at++)
        assert_int_equal(plain[at], 0);
}

/* What cannot be written is told at the end. */
static void test_archive_cannot_be_written(void **state) {
    (void)state;
    full = true;
    struct archive *archive = archive_new(take, packed);
    archive_add(archive, "a", "b", 1, 0);
    assert_false(archive_end(archive));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_archive_files),
        cmocka_unit_test(test_archive_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
