/* Files, folders and locks of the libuv environment, on real files. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/unit/base/fixture_loop.h"
#include "tests/unit/unit.h"

static struct env_file *open_file(struct loop *loop, const char *name, int flags) {
    struct env_file *file;
    assert_int_equal(env_file_open(loop->env, loop_path(loop, name), flags, &file), ERR_NONE);
    return file;
}

/* Many pieces, more than one system call takes, are written in order at their place and read back.
 */
static void test_file_write_many_pieces(void **state) {
    (void)state;
    enum { PIECES = 3000 };
    struct loop loop;
    loop_open(&loop);
    static char bytes[PIECES * 3], back[PIECES * 3 + 10];
    static struct env_iov pieces[PIECES];
    size_t total = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 31 + i / 7);
    for (unsigned i = 0; i < PIECES; i++) {
        pieces[i] = (struct env_iov){bytes + total, i % 4}; /* empty ones are allowed */
        total += i % 4;
    }
    for (int sync = 0; sync <= 1; sync++) {
        struct env_file *file = open_file(&loop, "f", ENV_READ | ENV_WRITE | ENV_CREATE);
        assert_int_equal(env_file_write(file, pieces, PIECES, 5, sync), ERR_NONE);
        assert_int_equal(env_file_write(file, pieces, 10, 5, sync), ERR_NONE);
        assert_int_equal(env_file_write(file, NULL, 0, 5, sync), ERR_NONE);
        uint64_t size;
        size_t got;
        assert_int_equal(env_file_size(file, &size), ERR_NONE);
        assert_int_equal(size, 5 + total);
        assert_int_equal(env_file_read(file, back, sizeof back, 5, &got), ERR_NONE);
        assert_int_equal(got, total);
        assert_memory_equal(back, bytes, total);
        assert_int_equal(env_file_read(file, back, 10, size, &got), ERR_NONE);
        assert_int_equal(got, 0);
        assert_int_equal(env_file_truncate(file, 7), ERR_NONE);
        assert_int_equal(env_file_sync(file), ERR_NONE);
        assert_int_equal(env_file_size(file, &size), ERR_NONE);
        assert_int_equal(size, 7);
        env_file_close(file);
    }
    env_file_close(NULL);
    loop_close(&loop);
}

/* Opening says exactly what is wrong. */
static void test_file_open_errors(void **state) {
    (void)state;
    struct loop loop;
    loop_open(&loop);
    struct env_file *file;
    struct env *env = loop.env;
    assert_int_equal(env_file_open(env, loop_path(&loop, "f"), ENV_READ, &file), ERR_NOT_FOUND);
    assert_int_equal(env_file_open(env, loop_path(&loop, "no/f"), ENV_WRITE | ENV_CREATE, &file),
                     ERR_NOT_FOUND);
    env_file_close(open_file(&loop, "f", ENV_WRITE | ENV_CREATE | ENV_EXCLUSIVE));
    for (int direct = 0; direct <= ENV_DIRECT; direct += ENV_DIRECT)
        assert_int_equal(env_file_open(env, loop_path(&loop, "f"),
                                       ENV_WRITE | ENV_CREATE | ENV_EXCLUSIVE | direct, &file),
                         ERR_EXISTS);
    assert_int_equal(env_file_open(env, loop.folder, ENV_WRITE, &file), ERR_DIRECTORY);
    loop_close(&loop);
}

/* A FIFO, to which nobody else has come, and a device: at once, whoever asks for whatever. */
static void test_file_open_no_file(void **state) {
    (void)state;
    static const int flags[] = {ENV_READ, ENV_WRITE, ENV_READ | ENV_WRITE,
                                ENV_WRITE | ENV_CREATE | ENV_DIRECT};
    struct loop loop;
    loop_open(&loop);
    struct env_file *file;
    int holder;
    assert_int_equal(mkfifo(loop_path(&loop, "fifo"), 0600), 0);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        assert_int_equal(env_file_open(loop.env, loop_path(&loop, "fifo"), flags[i], &file),
                         ERR_NO_FILE);
    assert_int_equal(env_file_open(loop.env, "/dev/zero", ENV_READ, &file), ERR_NO_FILE);
    assert_int_equal(env_lock_file(loop.env, loop_path(&loop, "fifo"), &file, &holder),
                     ERR_NO_FILE);
    loop_close(&loop);
}

/* Bytes that were just written are in memory; the end of the file is not "not in memory". */
static void test_file_read_cached(void **state) {
    (void)state;
    struct loop loop;
    loop_open(&loop);
    struct env_file *file = open_file(&loop, "f", ENV_READ | ENV_WRITE | ENV_CREATE);
    char back[100];
    size_t got;
    struct env_iov part = {"warm bytes", 10};
    assert_int_equal(env_file_write(file, &part, 1, 0, false), ERR_NONE);
    int error = env_file_read_cached(file, back, sizeof back, 2, &got);
    assert_true(error == ERR_NONE || error == ERR_AGAIN); /* some file systems never tell */
    if (error == ERR_NONE) {
        assert_int_equal(got, 8);
        assert_memory_equal(back, "rm bytes", 8);
    }
    env_file_close(file);
    loop_close(&loop);
}

static void direct_in(struct loop *loop, const char *path) {
    enum { LEN = 3 * 4096 };
    unsigned char *memory = mem_aligned(4096, LEN), *back = mem_aligned(4096, 2 * LEN);
    memset(memory, 0x5A, LEN);
    struct env_file *file;
    int flags = ENV_READ | ENV_WRITE | ENV_CREATE | ENV_EXCLUSIVE | ENV_DIRECT;
    assert_int_equal(env_file_open(loop->env, path, flags, &file), ERR_NONE);
    struct env_iov parts[2] = {{memory, 4096}, {memory + 4096, LEN - 4096}};
    size_t got;
    assert_int_equal(env_file_write(file, parts, 2, 4096, true), ERR_NONE);
    assert_int_equal(env_file_write(file, parts, 2, 4096, false), ERR_NONE);
    assert_int_equal(env_file_sync(file), ERR_NONE);
    assert_int_equal(env_file_read(file, back, LEN, 4096, &got), ERR_NONE);
    assert_int_equal(got, LEN);
    assert_memory_equal(back, memory, LEN);
    /* an end that is not at a multiple of 4096, read past */
    assert_int_equal(env_file_truncate(file, 4096 + 100), ERR_NONE);
    assert_int_equal(env_file_read(file, back, LEN, 4096, &got), ERR_NONE);
    assert_int_equal(got, 100);
    env_file_close(file);
    assert_int_equal(env_unlink(loop->env, path), ERR_NONE);
    mem_free(memory);
    mem_free(back);
}

static void bulk_in(struct loop *loop, const char *path) {
    enum { MOST = 3 << 20 };
    static const struct {
        uint64_t offset;
        size_t parts[3];
    } writes[] = {{0, {1 << 20, 0, 0}},
                  {1 << 20, {100, 300000, 7}},
                  {(1 << 20) + 300107, {5, 1, 200}},
                  {4096, {131072, 0, 4096}},
                  {100000, {3996, 4096, 1000003}},
                  {(1 << 20) + 300313, {999999, 0, 1}},
                  {8000, {200000, 1, 1 << 20}}};
    char *wanted = mem_zalloc(MOST), *back = mem_alloc(MOST), *bytes = mem_alloc(MOST);
    uint64_t size = 0, x = 1;
    size_t got;
    struct env_file *file;
    assert_int_equal(env_file_open(loop->env, path, ENV_READ | ENV_WRITE | ENV_CREATE, &file),
                     ERR_NONE);
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        struct env_iov parts[3];
        char *at = bytes;
        for (int k = 0; k < 3; k++) {
            parts[k] = (struct env_iov){at, writes[i].parts[k]};
            for (size_t m = 0; m < parts[k].len; m++)
                *at++ = (char)((x = x * 6364136223846793005U + 1442695040888963407U) >> 56);
        }
        size_t len = (size_t)(at - bytes);
        assert_int_equal(env_file_write_bulk(file, parts, 3, writes[i].offset), ERR_NONE);
        memcpy(wanted + writes[i].offset, bytes, len);
        size = writes[i].offset + len > size ? writes[i].offset + len : size;
        assert_int_equal(env_file_read(file, back, MOST, 0, &got), ERR_NONE);
        assert_int_equal(got, size);
        assert_memory_equal(back, wanted, size);
    }
    assert_int_equal(env_file_sync(file), ERR_NONE);
    env_file_close(file);
    assert_int_equal(env_unlink(loop->env, path), ERR_NONE);
    mem_free(wanted);
    mem_free(back);
    mem_free(bytes);
}

/* Bulk writes leave the bytes and the size that plain writes would, whatever their borders, also
 * over what was there before. */
static void test_file_bulk(void **state) {
    (void)state;
    struct loop loop;
    loop_open(&loop);
    bulk_in(&loop, loop_path(&loop, "bulk"));
    char path[64];
    snprintf(path, sizeof path, "/dev/shm/drave-unit-%d",
             (int)getpid()); /* another run may be doing the same */
    if (access("/dev/shm", W_OK) == 0) bulk_in(&loop, path);
    loop_close(&loop);
}

/* Direct files hold what was written, on a file system that may have O_DIRECT, and on one that long
 * had not (tmpfs). */
static void test_file_direct(void **state) {
    (void)state;
    struct loop loop;
    loop_open(&loop);
    direct_in(&loop, loop_path(&loop, "direct"));
    char path[64];
    snprintf(path, sizeof path, "/dev/shm/drave-unit-%d", (int)getpid());
    struct stat status;
    if (stat("/dev/shm", &status) == 0) direct_in(&loop, path);
    loop_close(&loop);
}

/* A file that may not grow says so, and the process lives on. */
static void test_file_no_space(void **state) {
    (void)state;
    struct loop loop;
    loop_open(&loop);
    struct env_file *file = open_file(&loop, "f", ENV_WRITE | ENV_CREATE);
    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 1000;
    setrlimit(RLIMIT_FSIZE, &small);
    static char bytes[4000];
    struct env_iov part = {bytes, sizeof bytes};
    int error = env_file_write(file, &part, 1, 0, false);
    int error_sync = env_file_write(file, &part, 1, 0, true);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(error, ERR_FILE_SIZE);
    assert_int_equal(error_sync, ERR_FILE_SIZE);
    env_file_close(file);
    loop_close(&loop);
}

static void note_name(void *arg, const char *name) {
    char *names = arg;
    strncat(names, name, 90);
}

/* Folders: made, listed without dot and dot-dot, renamed over each other, synced, removed; each
 * refusal has its code. */
static void test_folders(void **state) {
    (void)state;
    struct loop loop;
    loop_open(&loop);
    struct env *env = loop.env;
    char a[128], b[128], names[100] = "";
    snprintf(a, sizeof a, "%s/a", loop.folder);
    snprintf(b, sizeof b, "%s/b", loop.folder);
    enum env_kind kind;
    assert_int_equal(env_mkdir(env, a), ERR_NONE);
    assert_int_equal(env_mkdir(env, a), ERR_EXISTS);
    assert_int_equal(env_mkdir(env, "/nowhere/at/all"), ERR_NOT_FOUND);
    assert_int_equal(env_list_dir(env, loop.folder, note_name, names), ERR_NONE);
    assert_string_equal(names, "a");
    assert_int_equal(env_list_dir(env, b, note_name, names), ERR_NOT_FOUND);
    assert_int_equal(env_kind_of(env, a, &kind), ERR_NONE);
    assert_int_equal(kind, ENV_DIRECTORY);
    assert_int_equal(env_rename(env, a, b), ERR_NONE);
    assert_int_equal(env_kind_of(env, a, &kind), ERR_NONE);
    assert_int_equal(kind, ENV_NOTHING);
    assert_int_equal(env_rename(env, a, b), ERR_NOT_FOUND);
    assert_int_equal(env_sync_dir(env, loop.folder), ERR_NONE);
    assert_int_equal(env_sync_dir(env, a), ERR_NOT_FOUND);
    env_file_close(open_file(&loop, "a", ENV_WRITE | ENV_CREATE));
    assert_int_equal(env_kind_of(env, a, &kind), ERR_NONE);
    assert_int_equal(kind, ENV_FILE);
    assert_int_equal(env_kind_of(env, "/dev/null", &kind), ERR_NONE);
    assert_int_equal(kind, ENV_OTHER);
    env_file_close(open_file(&loop, "b/inside", ENV_WRITE | ENV_CREATE));
    assert_int_equal(env_rmdir(env, b), ERR_EXISTS);
    assert_int_equal(env_unlink(env, loop_path(&loop, "b/inside")), ERR_NONE);
    assert_int_equal(env_unlink(env, loop_path(&loop, "b/inside")), ERR_NOT_FOUND);
    assert_int_equal(env_rmdir(env, b), ERR_NONE);
    struct env_disk_room room = {0};
    assert_int_equal(env_disk_free(env, loop.folder, &room), ERR_NONE);
    assert_true(room.free_bytes > 0 && room.free_files > 0);
    assert_int_equal(env_disk_free(env, b, &room), ERR_NOT_FOUND);
    loop_close(&loop);
}

/* One holder at a time; the second learns the pid of the first, and gets the lock when the first
 * has died. */
static void test_lock_file(void **state) {
    (void)state;
    struct loop loop;
    loop_open(&loop);
    const char *path = loop_path(&loop, "lock");
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct env_file *lock;
        int pid;
        char got = env_lock_file(loop.env, path, &lock, &pid) == ERR_NONE ? 'y' : 'n';
        if (write(ready[1], &got, 1) != 1) _exit(1);
        for (;;)
            pause(); /* killed without any clean-up */
    }
    char got = 0;
    assert_int_equal(read(ready[0], &got, 1), 1);
    assert_int_equal(got, 'y');
    struct env_file *lock;
    int pid = 0;
    assert_int_equal(env_lock_file(loop.env, path, &lock, &pid), ERR_BUSY);
    assert_int_equal(pid, child);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(env_lock_file(loop.env, path, &lock, &pid), ERR_NONE);
    char text[20] = "";
    size_t len;
    assert_int_equal(env_file_read(lock, text, sizeof text - 1, 0, &len), ERR_NONE);
    assert_int_equal(strtol(text, NULL, 10), getpid());
    env_file_close(lock);
    assert_int_equal(env_lock_file(loop.env, "/nowhere/lock", &lock, &pid), ERR_NOT_FOUND);
    close(ready[0]);
    close(ready[1]);
    loop_close(&loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_write_many_pieces),
        cmocka_unit_test(test_file_open_errors),
        cmocka_unit_test(test_file_open_no_file),
        cmocka_unit_test(test_file_read_cached),
        cmocka_unit_test(test_file_direct),
        cmocka_unit_test(test_file_bulk),
        cmocka_unit_test(test_file_no_space),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_lock_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
