/* The files that may be open are shared out: whatever the limit, nobody's share is empty and the
 * sum stays below it. */

#include "broker/server/file_shares.h"
#include "tests/unit/unit.h"

static struct broker_settings settings_of(uint64_t journal_files, uint32_t connections,
                                          size_t nodes) {
    return (struct broker_settings){.journal_file_bytes = 16 << 20,
                                    .journal_max_bytes = journal_files * (16 << 20),
                                    .max_connections = connections,
                                    .node_count = nodes};
}

/* With the default settings 256 files are enough for all; clients get half of what is left at most.
 */
static void test_file_shares_fit(void **state) {
    (void)state;
    struct broker_settings settings = settings_of(64, 10000, 3);
    for (uint64_t files = 256; files < 300000; files += 177) {
        struct file_shares shares = file_shares_of(files, &settings);
        assert_false(shares.too_few);
        assert_true(shares.connections >= 32 && shares.segments >= 32);
        assert_true(shares.connections + shares.segments + 64 + 48 + 12 <= files);
        assert_true(shares.connections <= 10000 && shares.segments <= FILE_SHARE_SEGMENTS);
    }
    assert_int_equal(file_shares_of(1 << 20, &settings).connections, 10000);
}

/* What clients do not need is for segments. */
static void test_file_shares_few_clients(void **state) {
    (void)state;
    struct broker_settings settings = settings_of(64, 20, 1);
    struct file_shares shares = file_shares_of(1024, &settings);
    assert_int_equal(shares.connections, 20);
    assert_true(shares.segments > 800);
}

/* Fewer than the broker needs: it is said, and a little is left for each. */
static void test_file_shares_too_few(void **state) {
    (void)state;
    struct broker_settings settings = settings_of(64, 10000, 3);
    for (uint64_t files = 0; files < 140; files++) {
        struct file_shares shares = file_shares_of(files, &settings);
        assert_true(shares.too_few);
        assert_int_equal(shares.connections, FILE_SHARE_LEAST);
        assert_int_equal(shares.segments, FILE_SHARE_LEAST);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_shares_fit),
        cmocka_unit_test(test_file_shares_few_clients),
        cmocka_unit_test(test_file_shares_too_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
