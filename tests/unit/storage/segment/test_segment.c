/* Segment files: the header, the cursor over entries, and what damage, limits and foreign files
 * give. */
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "storage/little_endian.h"
#include "storage/segment/segment.h"
#include "storage/segment/segment_cursor.h"
#include "tests/unit/storage/fixture_folder.h"
#include "tests/unit/unit.h"

enum { ENTRIES = 25, GROUP = 7 };

struct fixture {
    struct folder folder;
    struct dice dice;
    struct segment_header header;
    struct entry *entries[ENTRIES];
    uint64_t positions[ENTRIES + 1];
    uint8_t *bytes; /* of the whole file */
    char path[96], index_path[96];
    struct env_file *file;
};

static void put(struct fixture *f, const uint8_t *bytes, size_t len) {
    env_file_close(f->file);
    file_put(f->path, bytes, len);
    assert_int_equal(env_file_open(f->folder.env, f->path, ENV_READ, &f->file), 0);
}

/* The beginning of the file, in place. */
static void overwrite(const char *path, const uint8_t *bytes, size_t len) {
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static struct fixture *set_up(void) {
    struct fixture *f = mem_zalloc(sizeof *f);
    folder_open(&f->folder);
    f->dice.state = 6;
    f->header = (struct segment_header){.group = GROUP, .base_offset = 500, .first_index = 11};
    snprintf(f->path, sizeof f->path, "%s/x.log", f->folder.path);
    snprintf(f->index_path, sizeof f->index_path, "%s/x.index", f->folder.path);
    f->bytes = mem_alloc(1 << 20);
    segment_header_encode(&f->header, SEGMENT_FILE_LOG, f->bytes);
    uint64_t at = SEGMENT_HEADER_SIZE;
    int64_t offset = 500;
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct entry *entry = i % 5 == 1 ? entry_internal(ENTRY_BARRIER, GROUP, 11 + i, 1 + i / 9,
                                                          offset, "")
                                         : entry_of_batches(&f->dice, GROUP, 11 + i, 1 + i / 9,
                                                            offset, 2, 3, i == 20 ? 500 : 30, 5000);
        f->entries[i] = entry;
        f->positions[i] = at;
        memcpy(f->bytes + at, entry->header, ENTRY_HEADER_SIZE);
        if (entry->body.len > 0)
            memcpy(f->bytes + at + ENTRY_HEADER_SIZE, entry->body.data, entry->body.len);
        at += entry_stored_size(entry);
        offset += entry->records;
    }
    f->positions[ENTRIES] = at;
    put(f, f->bytes, at);
    return f;
}

static void tear_down(struct fixture *f) {
    for (int i = 0; i < ENTRIES; i++)
        entry_unref(f->entries[i]);
    env_file_close(f->file);
    mem_free(f->bytes);
    folder_close(&f->folder);
    mem_free(f);
}

/* Reads entries until an error, which it returns; *count: how many were sound. */
static int read_all(struct fixture *f, uint64_t limit, size_t chunk, bool cached, int *count) {
    struct segment_cursor cursor;
    segment_cursor_init(&cursor, f->file, GROUP, SEGMENT_HEADER_SIZE, limit, chunk);
    cursor.cached_only = cached;
    struct entry *entry;
    int error;
    for (*count = 0; (error = segment_cursor_next(&cursor, &entry)) == 0; ++*count) {
        assert_memory_equal(entry->header, f->entries[*count]->header, ENTRY_HEADER_SIZE);
        assert_int_equal(entry->body.len, f->entries[*count]->body.len);
        if (entry->body.len > 0)
            assert_memory_equal(entry->body.data, f->entries[*count]->body.data, entry->body.len);
        entry_unref(entry);
        assert_int_equal(cursor.position, f->positions[*count + 1]);
    }
    assert_int_equal(cursor.position, f->positions[*count]);
    segment_cursor_close(&cursor);
    return error;
}

/* Whatever the size of its reads, a cursor gives all entries; from the page cache alone, too. */
static void test_segment_cursor_reads_all(void **state) {
    (void)state;
    struct fixture *f = set_up();
    for (size_t chunk = 1; chunk < 5000; chunk += 97) {
        int count;
        assert_int_equal(read_all(f, f->positions[ENTRIES], chunk, chunk % 2, &count), ERR_EOF);
        assert_int_equal(count, ENTRIES);
    }
    tear_down(f);
}

/* What a read ended in the middle of is not read again: the entry is whole although its beginning
 * is gone from the file meanwhile. */
static void test_segment_cursor_keeps_beginnings(void **state) {
    (void)state;
    struct fixture *f = set_up();
    static const uint8_t zeros[64 << 10];
    for (uint64_t more = 1; more < f->positions[4] - f->positions[3]; more += 7) {
        size_t read = (size_t)(f->positions[3] + more);
        struct segment_cursor cursor;
        struct entry *entry;
        segment_cursor_init(&cursor, f->file, GROUP, SEGMENT_HEADER_SIZE, f->positions[ENTRIES],
                            read - SEGMENT_HEADER_SIZE);
        for (int i = 0; i <= 3; i++) {
            assert_int_equal(segment_cursor_next(&cursor, &entry), 0);
            assert_memory_equal(entry->header, f->entries[i]->header, ENTRY_HEADER_SIZE);
            entry_unref(entry);
            if (i == 2) overwrite(f->path, zeros, read);
        }
        segment_cursor_close(&cursor);
        put(f, f->bytes, f->positions[ENTRIES]);
    }
    tear_down(f);
}

/* A limit or an end of file in the middle of an entry is damage, at its beginning the end. */
static void test_segment_cursor_limits(void **state) {
    (void)state;
    struct fixture *f = set_up();
    uint64_t end = f->positions[3];
    for (uint64_t limit = SEGMENT_HEADER_SIZE; limit <= end; limit++) {
        int count, whole = 0;
        while (f->positions[whole + 1] <= limit)
            whole++;
        int expected = f->positions[whole] == limit ? ERR_EOF : ERR_CORRUPT;
        assert_int_equal(read_all(f, limit, 4096, false, &count), expected);
        assert_int_equal(count, whole);
        put(f, f->bytes, limit);
        assert_int_equal(read_all(f, f->positions[ENTRIES], 4096, false, &count), ERR_CORRUPT);
        assert_int_equal(count, whole);
        put(f, f->bytes, f->positions[ENTRIES]);
    }
    tear_down(f);
}

/* Every flipped bit of an entry is noticed, and nothing is read beyond the file. */
static void test_segment_cursor_damage(void **state) {
    (void)state;
    struct fixture *f = set_up();
    for (uint64_t at = f->positions[2]; at < f->positions[4]; at++) {
        f->bytes[at] ^= (uint8_t)(1 << at % 8);
        put(f, f->bytes, f->positions[ENTRIES]);
        f->bytes[at] ^= (uint8_t)(1 << at % 8);
        int count;
        assert_int_equal(read_all(f, f->positions[ENTRIES], 1000, false, &count), ERR_CORRUPT);
        assert_int_equal(count, at < f->positions[3] ? 2 : 3);
    }
    tear_down(f);
}

/* A sound entry that lies behind the segment's last one belongs to another segment: where entries
 * may be missing, nothing else tells. */
static void test_segment_cursor_foreign(void **state) {
    (void)state;
    struct fixture *f = set_up();
    for (int gaps = 0; gaps < 2; gaps++) {
        struct segment_cursor cursor;
        struct entry *entry;
        segment_cursor_init(&cursor, f->file, GROUP, SEGMENT_HEADER_SIZE, f->positions[ENTRIES],
                            4096);
        cursor.gaps = gaps;
        cursor.expected_index = f->header.first_index - (gaps ? 5 : 0);
        cursor.last_index = f->header.first_index + 1;
        for (int i = 0; i < 2; i++) {
            assert_int_equal(segment_cursor_next(&cursor, &entry), 0);
            entry_unref(entry);
        }
        assert_int_equal(segment_cursor_next(&cursor, &entry), ERR_CORRUPT);
        assert_int_equal(cursor.looked_at, f->positions[2]);
        segment_cursor_close(&cursor);
    }
    tear_down(f);
}

/* An entry that leaves `left` bytes of the first block, zeros in them, and another entry. Returns
 * where that one ends. */
static uint64_t put_padded(struct fixture *f, struct entry *entries[2], size_t left) {
    char body[SEGMENT_BLOCK] = {0};
    memset(body, 'x', SEGMENT_BLOCK - left - SEGMENT_HEADER_SIZE - ENTRY_HEADER_SIZE);
    entries[0] = entry_internal(ENTRY_COMMAND, GROUP, 11, 1, 500, body);
    entries[1] = entry_internal(ENTRY_COMMAND, GROUP, 12, 1, 500, "behind the padding");
    uint64_t at = SEGMENT_HEADER_SIZE;
    for (int i = 0; i < 2; i++) {
        memcpy(f->bytes + at, entries[i]->header, ENTRY_HEADER_SIZE);
        memcpy(f->bytes + at + ENTRY_HEADER_SIZE, entries[i]->body.data, entries[i]->body.len);
        at += entry_stored_size(entries[i]);
        memset(f->bytes + at, 0, left);
        if (i == 0) at += left;
    }
    assert_int_equal(at, SEGMENT_BLOCK + entry_stored_size(entries[1]));
    put(f, f->bytes, at);
    return at;
}

/* How many entries there are up to the limit, and what comes then; where the cursor stands at the
 * end. */
static int count_entries(struct fixture *f, uint64_t limit, size_t chunk, int *count,
                         uint64_t *position) {
    struct segment_cursor cursor;
    segment_cursor_init(&cursor, f->file, GROUP, SEGMENT_HEADER_SIZE, limit, chunk);
    cursor.expected_index = 11;
    struct entry header;
    int error;
    for (*count = 0; (error = segment_cursor_peek(&cursor, &header)) == 0; ++*count)
        segment_cursor_skip(&cursor, &header);
    *position = cursor.position;
    segment_cursor_close(&cursor);
    return error;
}

/* The zeros at the end of a block are passed over, however few they are, also where nothing
 * follows. Anything else there is damage. */
static void test_segment_padding(void **state) {
    (void)state;
    static const size_t lefts[] = {
        1, 2, 3, 63, 64, 65, 1000, SEGMENT_BLOCK - SEGMENT_HEADER_SIZE - ENTRY_HEADER_SIZE};
    struct fixture *f = set_up();
    for (size_t i = 0; i < sizeof lefts / sizeof lefts[0]; i++) {
        struct entry *entries[2];
        size_t left = lefts[i];
        uint64_t end = put_padded(f, entries, left), position;
        int count;
        for (size_t chunk = 1; chunk < 6000; chunk += 1499) {
            assert_int_equal(count_entries(f, end, chunk, &count, &position), ERR_EOF);
            assert_int_equal(count, 2);
            assert_int_equal(count_entries(f, SEGMENT_BLOCK, chunk, &count, &position), ERR_EOF);
            assert_true(count == 1 && position == SEGMENT_BLOCK);
            assert_int_equal(count_entries(f, SEGMENT_BLOCK - left, chunk, &count, &position),
                             ERR_EOF);
            assert_true(count == 1 && position == SEGMENT_BLOCK - left);
        }
        if (left > 1)
            assert_int_equal(count_entries(f, SEGMENT_BLOCK - 1, 4096, &count, &position),
                             ERR_CORRUPT);
        for (size_t at = SEGMENT_BLOCK - left; at < SEGMENT_BLOCK; at += left > 8 ? left / 8 : 1) {
            f->bytes[at] ^= 0x10;
            put(f, f->bytes, end);
            f->bytes[at] ^= 0x10;
            assert_int_equal(count_entries(f, end, 4096, &count, &position), ERR_CORRUPT);
            assert_true(count == 1 && position == SEGMENT_BLOCK - left);
        }
        put(f, f->bytes, end);
        struct segment_index *index;
        assert_int_equal(segment_index_read(f->folder.env, f->file, f->index_path, &f->header, end,
                                            1, true, &index, NULL),
                         0);
        assert_int_equal(index->end.position, end);
        assert_int_equal(segment_index_seek_index(index, 12), SEGMENT_BLOCK);
        segment_index_free(index);
        assert_int_equal(segment_index_read(f->folder.env, f->file, f->index_path, &f->header,
                                            SEGMENT_BLOCK, 1, true, &index, NULL),
                         0);
        assert_int_equal(index->end.position, SEGMENT_BLOCK);
        assert_int_equal(index->end.last_index, 11);
        segment_index_free(index);
        entry_unref(entries[0]);
        entry_unref(entries[1]);
    }
    tear_down(f);
}

/* An index that is missing, or behind, is completed by a scan; entries that do not fit are damage.
 */
static void test_segment_index_by_scan(void **state) {
    (void)state;
    struct fixture *f = set_up();
    for (int with_points = 0; with_points < 2; with_points++) {
        struct segment_index *index;
        assert_int_equal(segment_index_read(f->folder.env, f->file, f->index_path, &f->header,
                                            f->positions[ENTRIES], 200, with_points, &index, NULL),
                         0);
        assert_int_equal(index->end.position, f->positions[ENTRIES]);
        assert_int_equal(index->end.last_index, 11 + ENTRIES - 1);
        assert_int_equal(index->term_count, 3);
        for (int i = 0; i < ENTRIES; i++)
            assert_true(segment_index_seek_index(index, 11 + (uint64_t)i) <= f->positions[i]);
        segment_index_free(index);
    }
    struct segment_header other = f->header;
    other.base_offset++;
    struct segment_index *index;
    uint64_t damaged_at = 0;
    assert_int_equal(segment_index_read(f->folder.env, f->file, f->index_path, &other,
                                        f->positions[ENTRIES], 200, true, &index, &damaged_at),
                     ERR_CORRUPT);
    assert_int_equal(damaged_at, f->positions[0]);
    other = f->header;
    other.first_index++;
    assert_int_equal(segment_index_read(f->folder.env, f->file, f->index_path, &other,
                                        f->positions[ENTRIES], 200, true, &index, NULL),
                     ERR_CORRUPT);
    tear_down(f);
}

/* An index that ends within an entry, or names another one there, is not believed; what is wrong in
 * the segment itself is found all the same. */
static void test_segment_index_that_contradicts(void **state) {
    (void)state;
    struct fixture *f = set_up();
    for (int kind = 0; kind < 3; kind++) {
        struct segment_index index, *read = NULL;
        segment_index_init(&index, &f->header, 200);
        for (int i = 0; i < ENTRIES / 2; i++)
            segment_index_add(&index, f->entries[i], entry_stored_size(f->entries[i]));
        index.end.position += kind == 0;
        index.end.last_index += kind == 1;
        index.end.offset += kind == 2;
        assert_int_equal(segment_index_save(f->folder.env, f->index_path, &index), 0);
        segment_index_close(&index);
        uint64_t end = f->positions[ENTRIES], damaged_at = 0;
        assert_int_equal(segment_index_read(f->folder.env, f->file, f->index_path, &f->header, end,
                                            200, true, &read, NULL),
                         0);
        assert_int_equal(read->end.position, end);
        assert_int_equal(read->end.last_index, 11 + ENTRIES - 1);
        assert_int_equal(read->file_size, 0); /* it is to be written anew */
        segment_index_free(read);
        f->bytes[f->positions[ENTRIES - 1] + 8] ^= 1;
        put(f, f->bytes, end);
        assert_int_equal(segment_index_read(f->folder.env, f->file, f->index_path, &f->header, end,
                                            200, true, &read, &damaged_at),
                         ERR_CORRUPT);
        assert_int_equal(damaged_at, f->positions[ENTRIES - 1]);
        f->bytes[f->positions[ENTRIES - 1] + 8] ^= 1;
        put(f, f->bytes, end);
        assert_int_equal(env_unlink(f->folder.env, f->index_path), 0);
    }
    tear_down(f);
}

/* A header says what it is: other kinds, newer formats and flipped bits are told apart. */
static void test_segment_header(void **state) {
    (void)state;
    struct segment_header header = {.group = 0xabcdef, .base_offset = 77, .first_index = 5}, back;
    uint8_t bytes[SEGMENT_HEADER_SIZE];
    segment_header_encode(&header, SEGMENT_FILE_INDEX, bytes);
    assert_int_equal(segment_header_decode(bytes, SEGMENT_FILE_INDEX, &back), 0);
    assert_memory_equal(&header, &back, sizeof header);
    assert_int_equal(segment_header_decode(bytes, SEGMENT_FILE_LOG, &back), ERR_MALFORMED);
    for (unsigned at = 0; at < SEGMENT_HEADER_SIZE; at++) {
        bytes[at] ^= 4;
        assert_int_equal(segment_header_decode(bytes, SEGMENT_FILE_INDEX, &back),
                         at < 4 ? ERR_MALFORMED : ERR_CORRUPT);
        bytes[at] ^= 4;
    }
    for (uint32_t version = 0; version < SEGMENT_FORMAT_CLEANED + 2; version++) {
        le_put_u32(bytes + 4, version);
        le_put_u32(bytes + SEGMENT_HEADER_SIZE - 4, crc32c(0, bytes, SEGMENT_HEADER_SIZE - 4));
        bool known = version == 1 || version == 2;
        assert_int_equal(segment_header_decode(bytes, SEGMENT_FILE_INDEX, &back),
                         known                               ? 0
                         : version == SEGMENT_FORMAT_CLEANED ? ERR_MALFORMED /* says nothing */
                                                             : ERR_VERSION);
    }
}

/* That of a cleaned one has its own format, and says where it ends; what makes no sense is told. */
static void test_segment_header_cleaned(void **state) {
    (void)state;
    const struct segment_header header = {.group = 0xabcdef,
                                          .base_offset = 77,
                                          .first_index = 5,
                                          .generation = 3,
                                          .last_index = 9,
                                          .end_offset = 100,
                                          .unread = 4};
    struct segment_header back, bad[] = {header, header};
    uint8_t bytes[SEGMENT_HEADER_SIZE], again[SEGMENT_HEADER_SIZE];
    segment_header_encode(&header, SEGMENT_FILE_LOG, bytes);
    assert_int_equal(le_get_u32(bytes + 4), SEGMENT_FORMAT_CLEANED);
    assert_int_equal(segment_header_decode(bytes, SEGMENT_FILE_LOG, &back), 0);
    segment_header_encode(&back, SEGMENT_FILE_LOG, again);
    assert_memory_equal(bytes, again, sizeof bytes);
    assert_int_equal(back.end_offset, 100);
    assert_int_equal(back.unread, 4);
    bad[0].last_index = 4;
    bad[1].end_offset = 77;
    for (int i = 0; i < 2; i++) {
        segment_header_encode(&bad[i], SEGMENT_FILE_LOG, bytes);
        assert_int_equal(segment_header_decode(bytes, SEGMENT_FILE_LOG, &back), ERR_MALFORMED);
    }
}

/* Names of files are read back strictly. */
static void test_segment_paths(void **state) {
    (void)state;
    char *group = path_of_group("/g", 0x2a),
         *segment = path_of_segment(group, 42, SEGMENT_FILE_LOG);
    assert_string_equal(segment, "/g/000000000000002a/00000000000000000042.log");
    uint64_t number;
    assert_true(path_number("00000000000000000042.log", ".log", &number));
    assert_int_equal(number, 42);
    assert_true(path_number("18446744073709551615.snapshot", ".snapshot", &number));
    assert_false(path_number("18446744073709551616.snapshot", ".snapshot", &number));
    assert_false(path_number("99999999999999999999.log", ".log", &number));
    assert_false(path_number("0000000000000000004.log", ".log", &number));
    assert_false(path_number("00000000000000000042.logs", ".log", &number));
    assert_false(path_number("", ".log", &number));
    assert_true(path_group_id("000000000000002a", &number));
    assert_int_equal(number, 0x2a);
    assert_false(path_group_id("000000000000002A", &number));
    assert_false(path_group_id("000000000000002a.deleted", &number));
    assert_false(path_group_id("2a", &number));
    mem_free(segment);
    mem_free(group);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segment_cursor_reads_all),
        cmocka_unit_test(test_segment_cursor_keeps_beginnings),
        cmocka_unit_test(test_segment_cursor_limits),
        cmocka_unit_test(test_segment_cursor_damage),
        cmocka_unit_test(test_segment_cursor_foreign),
        cmocka_unit_test(test_segment_index_by_scan),
        cmocka_unit_test(test_segment_index_that_contradicts),
        cmocka_unit_test(test_segment_header),
        cmocka_unit_test(test_segment_header_cleaned),
        cmocka_unit_test(test_segment_paths),
        cmocka_unit_test(test_segment_padding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
