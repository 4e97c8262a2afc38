/* The data directory: what is made, what is refused, and with which sentence. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "storage/data_dir.h"
#include "tests/unit/storage/fixture_folder.h"
#include "tests/unit/unit.h"

struct fixture {
    struct folder folder;
    char path[96];
    struct data_dir *dir;
    bool made;
    struct error_text why;
};

static int setup(void **state) {
    struct fixture *fixture = mem_zalloc(sizeof *fixture);
    folder_open(&fixture->folder);
    snprintf(fixture->path, sizeof fixture->path, "%s/data", fixture->folder.path);
    *state = fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    if (fixture->dir != NULL) data_dir_close(fixture->dir);
    folder_close(&fixture->folder);
    mem_free(fixture);
    return 0;
}

static int try_open(struct fixture *fixture, int32_t node_id) {
    fixture->why.text[0] = '\0';
    struct env *env = fixture->folder.env;
    int error = data_dir_open(env, fixture->path, node_id, &fixture->dir, &fixture->made,
                              &fixture->why);
    if (error != ERR_NONE) fixture->dir = NULL;
    return error;
}

static void open_dir(struct fixture *fixture, int32_t node_id) {
    if (try_open(fixture, node_id) != ERR_NONE) fail_msg("%s", fixture->why.text);
}

static void close_dir(struct fixture *fixture) {
    data_dir_close(fixture->dir);
    fixture->dir = NULL;
}

static void put(struct fixture *fixture, const char *name, const char *text) {
    char path[160];
    snprintf(path, sizeof path, "%s/%s", fixture->path, name);
    file_put(path, text, strlen(text));
}

/* Refused with this error, and with the sentence that begins with the path and goes on with `text`.
 */
static void assert_refused(struct fixture *fixture, int32_t node_id, int error, const char *text) {
    char expected[600];
    snprintf(expected, sizeof expected, "%s%s", fixture->path, text);
    assert_int_equal(try_open(fixture, node_id), error);
    assert_string_equal(fixture->why.text, expected);
}

/* A missing directory is made and gets a UUID of version 4, which stays. */
static void test_data_dir_is_made_once(void **state) {
    struct fixture *fixture = *state;
    uint8_t uuid[UUID_SIZE];
    size_t len;
    open_dir(fixture, 3);
    assert_true(fixture->made);
    memcpy(uuid, data_dir_uuid(fixture->dir), UUID_SIZE);
    assert_int_equal(uuid[6] >> 4, 4);
    assert_int_equal(uuid[8] >> 6, 2);
    assert_string_equal(data_dir_cluster_id(fixture->dir), "");
    data_dir_cluster_record(fixture->dir, &len);
    assert_int_equal(len, 0);
    close_dir(fixture);
    open_dir(fixture, 3);
    assert_false(fixture->made);
    assert_memory_equal(uuid, data_dir_uuid(fixture->dir), UUID_SIZE);
}

/* A mounted file system is empty but for lost+found; what a crash left of the first start does not
 * matter either. */
static void test_data_dir_as_good_as_empty(void **state) {
    struct fixture *fixture = *state;
    char lost[160];
    assert_int_equal(mkdir(fixture->path, 0755), 0);
    snprintf(lost, sizeof lost, "%s/lost+found", fixture->path);
    assert_int_equal(mkdir(lost, 0755), 0);
    put(fixture, "lock", "");
    put(fixture, "drave.meta.new", "drave data dir");
    open_dir(fixture, 1);
    assert_true(fixture->made);
}

/* The cluster record is set once, stays, and binds the directory to the node. */
static void test_data_dir_cluster_record(void **state) {
    struct fixture *fixture = *state;
    static const uint8_t record[] = {0, 1, 2, 0xff, 0x80, 10};
    size_t len;
    open_dir(fixture, 2);
    assert_int_equal(
        data_dir_set_cluster_record(fixture->dir, "c1", record, sizeof record, &fixture->why),
        ERR_NONE);
    close_dir(fixture);
    open_dir(fixture, 2);
    assert_string_equal(data_dir_cluster_id(fixture->dir), "c1");
    const void *stored = data_dir_cluster_record(fixture->dir, &len);
    assert_int_equal(len, sizeof record);
    assert_memory_equal(stored, record, len);
    assert_int_equal(
        data_dir_set_cluster_record(fixture->dir, "c1", record, sizeof record, &fixture->why),
        ERR_NONE);
    assert_int_equal(data_dir_set_cluster_record(fixture->dir, "c2", record, 2, &fixture->why),
                     ERR_EXISTS);
    assert_non_null(
        strstr(fixture->why.text, "belongs to cluster c1 already, and cannot join cluster c2"));
    close_dir(fixture);
    assert_refused(
        fixture, 5, ERR_INVALID,
        " belongs to node 2 of cluster c1, and this is node 5; use --set node.id=2 or --set data.dir=DIR");
}

/* In use: the sentence names the process. Free again after close. */
static void test_data_dir_in_use(void **state) {
    struct fixture *fixture = *state;
    char text[160];
    open_dir(fixture, 1);
    struct data_dir *first = fixture->dir;
    snprintf(text, sizeof text, " is in use by pid %d; stop it or use --set data.dir=DIR",
             (int)getpid());
    assert_refused(fixture, 1, ERR_BUSY, text);
    data_dir_close(first);
    open_dir(fixture, 1);
}

/* A directory with other files is left alone: no lock file appears in it. */
static void test_data_dir_not_ours(void **state) {
    struct fixture *fixture = *state;
    char lock[160];
    assert_int_equal(mkdir(fixture->path, 0755), 0);
    put(fixture, "thesis.tex", "words");
    assert_refused(
        fixture, 1, ERR_INVALID,
        " holds files that are not drave's (thesis.tex); use an empty directory: --set data.dir=DIR");
    snprintf(lock, sizeof lock, "%s/lock", fixture->path);
    assert_int_not_equal(access(lock, F_OK), 0);
}

/* Something else than a directory, or nothing that could hold it. */
static void test_data_dir_bad_places(void **state) {
    struct fixture *fixture = *state;
    file_put(fixture->path, "x", 1);
    assert_refused(fixture, 1, ERR_INVALID, " is not a directory; use --set data.dir=DIR");
    snprintf(fixture->path, sizeof fixture->path, "%s/no/data", fixture->folder.path);
    assert_int_equal(try_open(fixture, 1), ERR_INVALID);
    assert_non_null(strstr(fixture->why.text, "the directory that should hold it does not exist"));
}

/* Not writable: nobody's rights are enough for root's directory. */
static void test_data_dir_not_writable(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(mkdir(fixture->path, 0555), 0);
    assert_int_equal(chmod(fixture->folder.path, 0755), 0);
    bool root = geteuid() == 0;
    if (root) assert_int_equal(seteuid(65534), 0);
    int error = try_open(fixture, 1);
    if (root) assert_int_equal(seteuid(0), 0);
    assert_int_equal(error, ERR_DENIED);
    assert_non_null(
        strstr(fixture->why.text,
               "(permission denied); give this user the right to, or use --set data.dir=DIR"));
}

/* Data without drave.meta, and drave.meta of a newer format, damaged anywhere, or not ours. */
static void test_data_dir_bad_meta(void **state) {
    struct fixture *fixture = *state;
    char path[160];
    size_t len;
    open_dir(fixture, 1);
    assert_int_equal(data_dir_set_cluster_record(fixture->dir, "c1", "abc", 3, &fixture->why),
                     ERR_NONE);
    close_dir(fixture);
    snprintf(path, sizeof path, "%s/drave.meta", fixture->path);
    char *meta = (char *)file_bytes(path, &len);
    for (size_t i = 0; i < len; i++) {
        char changed = (char)(meta[i] ^ 1), original = meta[i];
        meta[i] = changed;
        file_put(path, meta, len);
        meta[i] = original;
        int error = try_open(fixture, 1);
        assert_true(error == ERR_CORRUPT || error == ERR_INVALID || error == ERR_VERSION);
        file_put(path, meta, i);
        error = try_open(fixture, 1);
        assert_true(error == ERR_CORRUPT || error == ERR_INVALID);
    }
    mem_free(meta);
    put(fixture, "drave.meta", "drave data directory\nformat=2\nwhatever=1\n");
    assert_refused(
        fixture, 1, ERR_VERSION,
        " is of format 2, and this draved knows formats up to 1; start a newer draved, or use --set data.dir=DIR");
    put(fixture, "drave.meta", "#include <stdio.h>\n");
    assert_refused(
        fixture, 1, ERR_CORRUPT,
        "/drave.meta is damaged, or not drave's: it does not begin as it should; put it back as it was; a broker "
        "that never was in a cluster may use an empty directory: --set data.dir=DIR");
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/shard-0", fixture->path);
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(try_open(fixture, 1), ERR_INVALID);
    assert_non_null(strstr(fixture->why.text, "holds data, but its drave.meta is missing"));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_data_dir_is_made_once),   TEST(test_data_dir_as_good_as_empty),
        TEST(test_data_dir_cluster_record), TEST(test_data_dir_in_use),
        TEST(test_data_dir_not_ours),       TEST(test_data_dir_bad_places),
        TEST(test_data_dir_not_writable),   TEST(test_data_dir_bad_meta),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
