/* Which file system holds a path, by the longest mount point. */
#include "broker/observe/host_facts.h"

#include "tests/unit/unit.h"

static const char MOUNTS[] = "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
                             "30 21 0:30 / /srv rw - btrfs /dev/sdb rw\n"
                             "31 30 0:31 /sub /srv/data rw master:1 - nfs4 host:/x rw\n"
                             "32 21 0:32 / /srv/database rw - xfs /dev/sdc rw\n"
                             "a line that is none\n"
                             "33 21 0:33 / /tmp rw - tmpfs tmpfs rw";

static void expect(const char *path, const char *wanted) {
    char type[HOST_FILE_SYSTEM];
    host_file_system(MOUNTS, path, type);
    assert_string_equal(type, wanted);
}

static void test_host_file_system(void **state) {
    (void)state;
    expect("/var/lib/drave", "ext4");
    expect("/srv", "btrfs");
    expect("/srv/data/1", "nfs4");
    expect("/srv/database", "xfs");
    expect("/srv/databases", "btrfs");
    expect("/tmp/x", "tmpfs");
    char none[HOST_FILE_SYSTEM];
    host_file_system("", "/x", none);
    assert_string_equal(none, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_host_file_system)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
