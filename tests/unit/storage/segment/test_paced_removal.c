/* Directories are removed in steps, and a stop leaves what is left. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "storage/segment/paced_removal.h"
#include "tests/unit/storage/fixture_folder.h"
#include "tests/unit/unit.h"

enum { MIB = 1 << 20, LARGE_MIB = 11, SMALL_FILES = 150 };

struct fixture {
    struct folder folder;
    struct paced_removal removals;
    struct env_timer *poll;
    char directory[96], large[128];
    uint64_t size;     /* of the large file, as last seen */
    unsigned sizes;    /* different ones */
    bool stop_midways; /* when it is half gone */
    unsigned idle;
};

static uint64_t size_of(struct fixture *f) {
    struct env_file *file;
    uint64_t size = 0;
    if (env_file_open(f->folder.env, f->large, ENV_READ, &file) != ERR_NONE) return 0;
    assert_int_equal(env_file_size(file, &size), ERR_NONE);
    env_file_close(file);
    return size;
}

static void look(void *arg) {
    struct fixture *f = arg;
    uint64_t size = size_of(f);
    assert_true(size <= f->size);
    f->sizes += size < f->size;
    f->size = size;
    if (f->stop_midways && size < LARGE_MIB * MIB) paced_removal_stop(&f->removals);
    bool over = f->removals.stopped ? !f->removals.busy : f->removals.first == NULL;
    if (over)
        folder_stop(&f->folder);
    else
        env_timer_start(f->poll, 500);
}

static void idle(void *arg) {
    ((struct fixture *)arg)->idle++;
}

static void set_up(struct fixture *f) {
    *f = (struct fixture){.size = LARGE_MIB * MIB};
    folder_open(&f->folder);
    snprintf(f->directory, sizeof f->directory, "%s/gone", f->folder.path);
    snprintf(f->large, sizeof f->large, "%s/large", f->directory);
    assert_int_equal(env_mkdir(f->folder.env, f->directory), ERR_NONE);
    file_put(f->large, "", 0);
    struct env_file *file;
    assert_int_equal(env_file_open(f->folder.env, f->large, ENV_WRITE, &file), ERR_NONE);
    assert_int_equal(env_file_truncate(file, LARGE_MIB * MIB), ERR_NONE);
    env_file_close(file);
    for (int i = 0; i < SMALL_FILES; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%d", f->directory, i);
        file_put(path, "x", 1);
    }
    paced_removal_init(&f->removals, f->folder.env, idle, f);
    f->poll = env_timer_new(f->folder.env, look, f);
    paced_removal_add(&f->removals, mem_strdup(f->directory));
    env_timer_start(f->poll, 0);
}

static void tear_down(struct fixture *f) {
    if (!f->removals.stopped) paced_removal_stop(&f->removals);
    paced_removal_close(&f->removals);
    env_timer_free(f->poll);
    folder_close(&f->folder);
}

static enum env_kind kind_of(struct fixture *f, const char *path) {
    enum env_kind kind;
    assert_int_equal(env_kind_of(f->folder.env, path, &kind), ERR_NONE);
    return kind;
}

/* The large file is cut down in steps before it goes, the small ones go many at a time, and at last
 * the directory. */
static void test_paced_removal_steps(void **state) {
    (void)state;
    struct fixture f;
    set_up(&f);
    folder_run(&f.folder);
    assert_true(f.sizes >= 3);
    assert_int_equal(kind_of(&f, f.directory), ENV_NOTHING);
    assert_int_equal(f.idle, 0);
    tear_down(&f);
}

/* Stopped midways: the step under way ends, nothing else begins, and the rest is there. */
static void test_paced_removal_stopped(void **state) {
    (void)state;
    struct fixture f;
    set_up(&f);
    f.stop_midways = true;
    folder_run(&f.folder);
    folder_run_out(&f.folder);
    assert_int_equal(kind_of(&f, f.directory), ENV_DIRECTORY);
    assert_true(size_of(&f) > 0);
    tear_down(&f);
}

/* Much that waits: the first step began before it came, and the next one takes all that is left. */
static void test_paced_removal_behind(void **state) {
    (void)state;
    struct fixture f;
    set_up(&f);
    char **paths = mem_alloc(sizeof *paths);
    paths[0] = mem_strdup("nothing here");
    paced_removal_add_files(&f.removals, mem_strdup(f.folder.path), paths, 1, 1 << 30);
    folder_run(&f.folder);
    assert_true(f.sizes <= 2);
    assert_int_equal(f.removals.bytes, 0);
    assert_int_equal(f.removals.count, 0);
    tear_down(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paced_removal_steps),
        cmocka_unit_test(test_paced_removal_stopped),
        cmocka_unit_test(test_paced_removal_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
