/* The simulated disk: what is durable, what a power cut may do, and what it must not. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/env/disk.h"
#include "tests/unit/unit.h"

static struct inode *make_file(struct disk *disk, const char *path) {
    struct inode *inode;
    assert_int_equal(disk_open(disk, path, ENV_READ | ENV_WRITE | ENV_CREATE, &inode), ERR_NONE);
    return inode;
}

static void fill(struct inode *inode, uint8_t byte, size_t len, uint64_t offset) {
    uint8_t *data = malloc(len);
    memset(data, byte, len);
    assert_int_equal(inode_write(inode, data, len, offset), ERR_NONE);
    free(data);
}

/* What was synced (data and name) survives every power cut, byte for byte. */
static void test_disk_synced_survives(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct world *world = world_new(seed, false);
        struct disk *disk = disk_new(world, 1, 1 << 20);
        assert_int_equal(disk_mkdir(disk, "/d"), ERR_NONE);
        assert_int_equal(disk_sync_dir(disk, "/"), ERR_NONE);
        struct inode *inode = make_file(disk, "/d/a");
        fill(inode, 7, 12288, 0); /* whole blocks */
        inode_sync(inode);
        assert_int_equal(disk_sync_dir(disk, "/d"), ERR_NONE);
        fill(inode, 9, 3000, 20480);
        disk_power_cut(disk);
        uint8_t read[12288];
        assert_int_equal(disk_open(disk, "d//a", ENV_READ, &inode), ERR_NONE);
        assert_int_equal(inode_read(inode, read, sizeof read, 0), sizeof read);
        for (size_t i = 0; i < sizeof read; i++)
            assert_int_equal(read[i], 7);
        disk_free(disk);
        world_free(world);
    }
}

/* An unsynced overwrite is kept, lost and torn, each of them some time, and the torn one has old,
 * new and garbage bytes. */
static void test_disk_unsynced_has_every_fate(void **state) {
    (void)state;
    int kept = 0, lost = 0, torn = 0, garbage = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct world *world = world_new(seed, false);
        struct disk *disk = disk_new(world, 1, 1 << 20);
        struct inode *inode = make_file(disk, "/a");
        fill(inode, 1, 16384, 0);
        inode_sync(inode);
        disk_sync_dir(disk, "/");
        fill(inode, 2, 12288, 4096);
        disk_power_cut(disk);
        uint8_t read[16384];
        assert_int_equal(inode_read(inode, read, sizeof read, 0), sizeof read);
        int old = 0, new = 0, other = 0;
        for (size_t i = 0; i < sizeof read; i++) {
            assert_true(i >= 4096 || read[i] == 1);
            if (i < 4096) continue;
            old += read[i] == 1;
            new += read[i] == 2;
            other += read[i] != 1 && read[i] != 2;
        }
        kept += new == 12288;
        lost += old == 12288;
        torn += old > 0 && new > 0;
        garbage += other > 0;
        disk_free(disk);
        world_free(world);
    }
    assert_true(kept > 20 && lost > 20 && torn > 20 && garbage > 20);
}

/* A torn write may take what was synced in the block that it touches, and nothing before that
 * block: an append there, a write further behind the end, a cut in the middle of the block. */
static void test_disk_torn_write_destroys_its_block(void **state) {
    (void)state;
    int destroyed[2] = {0, 0};
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct world *world = world_new(seed, false);
        struct disk *disk = disk_new(world, 1, 1 << 20);
        struct inode *inode = make_file(disk, "/a");
        fill(inode, 7, 10000, 0);
        inode_sync(inode);
        assert_int_equal(disk_sync_dir(disk, "/"), ERR_NONE);
        if (seed % 3 == 0)
            fill(inode, 9, 100, 10000);
        else if (seed % 3 == 1)
            fill(inode, 9, 100, 16384);
        else
            inode_truncate(inode, 9990);
        disk_power_cut(disk);
        uint8_t read[10000];
        size_t len = inode_read(inode, read, sizeof read, 0), first = 0;
        assert_true(len >= 9990);
        while (first < len && read[first] == 7)
            first++;
        assert_true(first >= 8192);
        if (first < 9990) destroyed[first >= 9728]++;
        assert_int_equal(first < 9990, disk_tears(disk)->synced_blocks > 0);
        disk_free(disk);
        world_free(world);
    }
    assert_true(destroyed[0] > 5 && destroyed[1] > 5);
}

/* Size and data of an append have their own fates: the new size may come without the data. */
static void test_disk_size_and_data_are_independent(void **state) {
    (void)state;
    int grown_without_data = 0, shorter = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct world *world = world_new(seed, false);
        struct disk *disk = disk_new(world, 1, 1 << 20);
        struct inode *inode = make_file(disk, "/a");
        fill(inode, 1, 4096, 0);
        inode_sync(inode);
        disk_sync_dir(disk, "/");
        fill(inode, 2, 4096, 4096);
        disk_power_cut(disk);
        uint8_t read[8192] = {0};
        size_t len = inode_read(inode, read, sizeof read, 0);
        shorter += len == 4096;
        grown_without_data += len == 8192 && read[8191] == 0;
        disk_free(disk);
        world_free(world);
    }
    assert_true(shorter > 20 && grown_without_data > 20);
}

/* Create, rename and unlink without a sync of their directory may be lost or not; a replaced file
 * is the old or the new, whole. */
static void test_disk_unsynced_names(void **state) {
    (void)state;
    int created = 0, renamed = 0, unlinked = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct world *world = world_new(seed, false);
        struct disk *disk = disk_new(world, 1, 1 << 20);
        struct inode *inode = make_file(disk, "/meta");
        fill(inode, 1, 100, 0);
        inode_sync(inode);
        inode_sync(make_file(disk, "/doomed"));
        disk_sync_dir(disk, "/");
        inode = make_file(disk, "/meta.new");
        fill(inode, 2, 100, 0);
        inode_sync(inode);
        assert_int_equal(disk_rename(disk, "/meta.new", "/meta"), ERR_NONE);
        assert_int_equal(disk_unlink(disk, "/doomed"), ERR_NONE);
        make_file(disk, "/fresh");
        disk_power_cut(disk);
        uint8_t byte;
        assert_int_equal(disk_open(disk, "/meta", ENV_READ, &inode), ERR_NONE);
        assert_int_equal(inode_size(inode), 100);
        assert_int_equal(inode_read(inode, &byte, 1, 99), 1);
        renamed += byte == 2;
        unlinked += disk_kind_of(disk, "/doomed") == ENV_NOTHING;
        created += disk_kind_of(disk, "/fresh") == ENV_FILE;
        disk_free(disk);
        world_free(world);
    }
    assert_in_range(renamed, 20, 280);
    assert_in_range(unlinked, 20, 280);
    assert_in_range(created, 20, 280);
}

/* After a sync that failed, reads still see the data, a second sync finds nothing to do, and a
 * power cut takes it all. */
static void test_disk_failed_sync_leaves_data_clean_and_not_durable(void **state) {
    (void)state;
    struct world *world = world_new(3, false);
    struct disk *disk = disk_new(world, 1, 1 << 20);
    struct inode *inode = make_file(disk, "/a");
    fill(inode, 1, 4096, 0);
    inode_sync(inode);
    disk_sync_dir(disk, "/");
    fill(inode, 2, 4096, 0);
    inode_sync_failed(inode);
    uint8_t byte;
    inode_read(inode, &byte, 1, 0);
    assert_int_equal(byte, 2);
    assert_false(inode_has_pending(inode));
    inode_sync(inode);
    disk_power_cut(disk);
    inode_read(inode, &byte, 1, 0);
    assert_int_equal(byte, 1);
    disk_free(disk);
    world_free(world);
}

/* A full disk refuses growth, not overwriting; the clone has what is durable and nothing else. */
static void test_disk_capacity_and_clone(void **state) {
    (void)state;
    struct world *world = world_new(3, false);
    struct disk *disk = disk_new(world, 1, 8192);
    struct inode *inode = make_file(disk, "/a");
    uint8_t byte = 5;
    fill(inode, 1, 8192, 0);
    assert_int_equal(inode_write(inode, &byte, 1, 8192), ERR_NO_SPACE);
    inode_sync(inode);
    disk_sync_dir(disk, "/");
    fill(inode, 2, 4096, 0);
    make_file(disk, "/b");
    struct disk *clone = disk_clone_durable(disk);
    struct inode *copy;
    assert_int_equal(disk_open(clone, "/a", ENV_READ, &copy), ERR_NONE);
    assert_int_equal(inode_size(copy), 8192);
    inode_read(copy, &byte, 1, 0);
    assert_int_equal(byte, 1);
    assert_int_equal(disk_kind_of(clone, "/b"), ENV_NOTHING);
    disk_free(clone);
    disk_free(disk);
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_disk_synced_survives),
        cmocka_unit_test(test_disk_unsynced_has_every_fate),
        cmocka_unit_test(test_disk_torn_write_destroys_its_block),
        cmocka_unit_test(test_disk_size_and_data_are_independent),
        cmocka_unit_test(test_disk_unsynced_names),
        cmocka_unit_test(test_disk_failed_sync_leaves_data_clean_and_not_durable),
        cmocka_unit_test(test_disk_capacity_and_clone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
