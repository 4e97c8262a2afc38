/* The sparse index: lookups against brute force, blocks on disk, and what damage to the file
 * leaves. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "storage/segment/segment_index.h"
#include "tests/unit/storage/fixture_folder.h"
#include "tests/unit/unit.h"

enum { ENTRIES = 300, INTERVAL = 500 };

struct fixture {
    struct folder folder;
    struct dice dice;
    struct segment_header header;
    struct segment_index index;
    struct entry entries[ENTRIES];
    uint64_t positions[ENTRIES + 1];
    char path[96];
};

static struct fixture *set_up(uint64_t seed) {
    struct fixture *f = mem_zalloc(sizeof *f);
    folder_open(&f->folder);
    f->dice.state = seed;
    f->header = (struct segment_header){.group = 9, .base_offset = 1000, .first_index = 50};
    segment_index_init(&f->index, &f->header, INTERVAL);
    snprintf(f->path, sizeof f->path, "%s/x.index", f->folder.path);
    uint64_t position = SEGMENT_HEADER_SIZE;
    int64_t offset = 1000;
    for (int i = 0; i < ENTRIES; i++) {
        struct entry *entry = &f->entries[i];
        bool internal = dice_below(&f->dice, 5) == 0;
        uint64_t change = dice_below(&f->dice, 3);
        *entry = (struct entry){
            .group = 9,
            .index = 50 + (uint64_t)i,
            .term = 3 + (uint32_t)i / 40,
            .type = !internal ? ENTRY_BATCHES
                    : change  ? ENTRY_BARRIER
                              : ENTRY_CHANGE,
            .base_offset = offset,
            .records = internal ? 0 : (uint32_t)dice_below(&f->dice, 9) + 1,
            .max_timestamp = internal ? -1 : 5000 + i * 10 + (int64_t)dice_below(&f->dice, 400)};
        offset += entry->records;
        f->positions[i] = position;
        position += ENTRY_HEADER_SIZE + dice_below(&f->dice, 300);
    }
    f->positions[ENTRIES] = position;
    return f;
}

static void tear_down(struct fixture *f) {
    segment_index_close(&f->index);
    folder_close(&f->folder);
    mem_free(f);
}

static void add(struct fixture *f, int from, int to) {
    for (int i = from; i < to; i++)
        segment_index_add(&f->index, &f->entries[i], f->positions[i + 1] - f->positions[i]);
}

/* Writes what the index file lacks, as write-behind does. */
static void save(struct fixture *f) {
    uint64_t position;
    size_t len;
    uint8_t *block = segment_index_take_block(&f->index, &position, &len);
    if (!block) return;
    FILE *file = fopen(f->path, position ? "r+" : "w");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)position, SEEK_SET), 0);
    assert_int_equal(fwrite(block, 1, len, file), len);
    fclose(file);
    mem_free(block);
}

static int entry_at(const struct fixture *f, uint64_t position) {
    for (int i = 0; i < ENTRIES; i++)
        if (f->positions[i] == position) return i;
    fail_msg("no entry begins at %llu", (unsigned long long)position);
    return -1;
}

/* Every lookup leads to a place at or before the right entry, and not more than an interval and an
 * entry before it. */
static void assert_lookups(const struct fixture *f, const struct segment_index *index, int count) {
    int64_t max_so_far = -1;
    for (int i = 0; i < count; i++) {
        const struct entry *entry = &f->entries[i];
        uint64_t by_index = segment_index_seek_index(index, entry->index);
        assert_in_range(entry_at(f, by_index), 0, i);
        assert_true(f->positions[i] - by_index < INTERVAL + 400);
        for (uint32_t r = 0; r < entry->records; r++)
            assert_in_range(entry_at(f, segment_index_seek_offset(index, entry->base_offset + r)),
                            0, i);
        if (entry->type != ENTRY_BATCHES || entry->max_timestamp <= max_so_far) continue;
        /* The first entry with a timestamp above all before it. */
        assert_in_range(entry_at(f, segment_index_seek_timestamp(index, entry->max_timestamp)), 0,
                        i);
        assert_in_range(entry_at(f, segment_index_seek_timestamp(index, max_so_far + 1)), 0, i);
        max_so_far = entry->max_timestamp;
    }
}

static void assert_terms(const struct fixture *f, const struct segment_index *index, int count) {
    size_t terms = 0, changes = 0;
    for (int i = 0; i < count; i++) {
        const struct entry *entry = &f->entries[i];
        if (i == 0 || entry->term != f->entries[i - 1].term) {
            assert_int_equal(index->terms[terms].first_index, entry->index);
            assert_int_equal(index->terms[terms].start_offset, entry->base_offset);
            assert_int_equal(index->terms[terms++].term, entry->term);
        }
        if (entry->type == ENTRY_CHANGE) assert_int_equal(index->changes[changes++], entry->index);
    }
    assert_int_equal(index->term_count, terms);
    assert_int_equal(index->change_count, changes);
}

/* Seeks lead to the right place or shortly before, for every offset, index and timestamp. */
static void test_segment_index_seeks(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++) {
        struct fixture *f = set_up(seed);
        assert_int_equal(segment_index_seek_offset(&f->index, 1000), SEGMENT_HEADER_SIZE);
        add(f, 0, ENTRIES);
        assert_lookups(f, &f->index, ENTRIES);
        assert_terms(f, &f->index, ENTRIES);
        tear_down(f);
    }
}

/* What was saved in several blocks is loaded, with points or without, and goes on where it was. */
static void test_segment_index_blocks(void **state) {
    (void)state;
    struct fixture *f = set_up(77);
    for (int i = 0; i < ENTRIES; i += 60) {
        add(f, i, i + 60);
        save(f);
        save(f); /* nothing is new: nothing happens */
    }
    for (int with_points = 0; with_points < 2; with_points++) {
        struct segment_index loaded;
        segment_index_init(&loaded, &f->header, INTERVAL);
        assert_int_equal(
            segment_index_load(f->folder.env, f->path, f->positions[ENTRIES], with_points, &loaded),
            0);
        assert_memory_equal(&loaded.end, &f->index.end, sizeof loaded.end);
        assert_int_equal(loaded.file_size, f->index.file_size);
        assert_terms(f, &loaded, ENTRIES);
        if (with_points) assert_lookups(f, &loaded, ENTRIES);
        segment_index_close(&loaded);
    }
    /* Up to a limit: blocks that go beyond do not count. */
    struct segment_index loaded;
    segment_index_init(&loaded, &f->header, INTERVAL);
    assert_int_equal(segment_index_load(f->folder.env, f->path, f->positions[130], true, &loaded),
                     0);
    assert_int_equal(loaded.end.position, f->positions[120]);
    for (int i = 120; i < ENTRIES; i++)
        segment_index_add(&loaded, &f->entries[i], f->positions[i + 1] - f->positions[i]);
    assert_lookups(f, &loaded, ENTRIES);
    segment_index_close(&loaded);
    tear_down(f);
}

/* A file of another segment, or none, leaves the index empty. */
static void test_segment_index_not_ours(void **state) {
    (void)state;
    struct fixture *f = set_up(5);
    struct segment_index loaded;
    segment_index_init(&loaded, &f->header, INTERVAL);
    assert_int_equal(segment_index_load(f->folder.env, f->path, UINT64_MAX, true, &loaded), 0);
    assert_int_equal(loaded.end.position, SEGMENT_HEADER_SIZE);
    add(f, 0, 100);
    save(f);
    struct segment_header other = f->header;
    other.first_index++;
    segment_index_init(&loaded, &other, INTERVAL);
    assert_int_equal(segment_index_load(f->folder.env, f->path, UINT64_MAX, true, &loaded), 0);
    assert_int_equal(loaded.end.position, SEGMENT_HEADER_SIZE);
    assert_int_equal(loaded.file_size, 0);
    segment_index_close(&loaded);
    tear_down(f);
}

/* Any damaged byte and any cut leaves a sound beginning: whole blocks, or nothing. */
static void test_segment_index_damage(void **state) {
    (void)state;
    struct fixture *f = set_up(3);
    for (int i = 0; i < 45; i += 15) {
        add(f, i, i + 15);
        save(f);
    }
    size_t len;
    uint8_t *bytes = file_bytes(f->path, &len);
    for (size_t at = 0; at < 2 * len; at++) {
        if (at < len) {
            bytes[at] ^= 0x10;
            file_put(f->path, bytes, len);
            bytes[at] ^= 0x10;
        } else {
            file_put(f->path, bytes, at - len);
        }
        struct segment_index loaded;
        segment_index_init(&loaded, &f->header, INTERVAL);
        assert_int_equal(
            segment_index_load(f->folder.env, f->path, f->positions[45], true, &loaded), 0);
        int count = entry_at(f, loaded.end.position);
        assert_true(count == 0 || count == 15 || count == 30 || count == 45);
        assert_true(count < 45);
        assert_terms(f, &loaded, count);
        assert_lookups(f, &loaded, count);
        segment_index_close(&loaded);
    }
    mem_free(bytes);
    tear_down(f);
}

static int cut(struct fixture *f, uint64_t to) {
    struct env_file *file;
    bool sync_failed = false;
    assert_int_equal(env_file_open(f->folder.env, f->path, ENV_READ | ENV_WRITE, &file), 0);
    int error = segment_index_cut(file, to, &sync_failed);
    assert_false(sync_failed);
    env_file_close(file);
    return error;
}

static void limit_file_size(rlim_t bytes) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Blocks that are cut off are blotted out before the size says that they are gone: a cut that comes
 * no further leaves the size, so the next start makes it again, and one that is lost brings no
 * block back. */
static void test_segment_index_cut(void **state) {
    (void)state;
    struct fixture *f = set_up(6);
    uint64_t sizes[4] = {0};
    for (int i = 1; i < 4; i++) {
        add(f, i * 15 - 15, i * 15);
        save(f);
        sizes[i] = f->index.file_size;
    }
    size_t len;
    uint8_t *before = file_bytes(f->path, &len);
    assert_int_equal(len, sizes[3]);
    assert_int_equal(cut(f, len), 0); /* nothing to cut: nothing is written */
    signal(SIGXFSZ, SIG_IGN);
    limit_file_size(sizes[1]);
    int error = cut(f, sizes[1]); /* no byte may be written there */
    limit_file_size(RLIM_INFINITY);
    assert_int_not_equal(error, 0);
    uint8_t *after = file_bytes(f->path, &len);
    assert_int_equal(len, sizes[3]);
    assert_memory_equal(before, after, len);
    mem_free(after);
    for (int kept = 2; kept >= 0; kept--) {
        assert_int_equal(cut(f, sizes[kept]), 0);
        after = file_bytes(f->path, &len);
        assert_int_equal(len, sizes[kept]);
        if (len > 0) assert_memory_equal(before, after, len);
        mem_free(after);
    }
    mem_free(before);
    tear_down(f);
}

/* Where no record has a timestamp the file keeps when the segment was sealed; that is no timestamp,
 * and what comes behind it is not hidden by it. */
static void test_segment_index_sealed_without_timestamps(void **state) {
    (void)state;
    struct fixture *f = set_up(29);
    for (int i = 0; i < ENTRIES; i++)
        f->entries[i].max_timestamp = i < ENTRIES / 2 ? -1 : f->entries[i].max_timestamp;
    for (int half = 1; half <= 2; half++) {
        struct segment_index loaded;
        add(f, (half - 1) * ENTRIES / 2, half * ENTRIES / 2);
        f->index.sealed_ms = 1234567;
        save(f);
        segment_index_init(&loaded, &f->header, INTERVAL);
        assert_int_equal(segment_index_load(f->folder.env, f->path, UINT64_MAX, true, &loaded), 0);
        assert_int_equal(loaded.end.last_index, f->index.end.last_index);
        assert_int_equal(loaded.end.max_timestamp, f->index.end.max_timestamp);
        assert_true((loaded.end.max_timestamp == -1) == (half == 1));
        assert_int_equal(loaded.sealed_ms, half == 1 ? 1234567 : 0);
        segment_index_close(&loaded);
    }
    tear_down(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segment_index_seeks),
        cmocka_unit_test(test_segment_index_blocks),
        cmocka_unit_test(test_segment_index_not_ours),
        cmocka_unit_test(test_segment_index_damage),
        cmocka_unit_test(test_segment_index_cut),
        cmocka_unit_test(test_segment_index_sealed_without_timestamps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
