/* Every write is checked: what arrives, and what the exit code says when it does not. */
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io/output.h"
#include "tests/unit/unit.h"

static struct output out;

static int open_pipe(void) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    output_open(&out, ends[1]);
    return ends[0];
}

/* Text arrives as it was, in order, however large the steps. */
static void test_output_arrives(void **state) {
    (void)state;
    char path[] = "/tmp/drave-output-XXXXXX", piece[1000], back[1000];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    output_open(&out, fd);
    assert_false(out.terminal);
    memset(piece, 'x', sizeof piece);
    for (int i = 0; i < 300; i++) {
        memcpy(piece, &i, sizeof i);
        output_bytes(&out, piece, sizeof piece);
    }
    output_print(&out, "%s-%d", "end", 7);
    assert_int_equal(output_end(&out, 3, "test: "), 3);
    lseek(fd, 0, SEEK_SET);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(read(fd, back, sizeof back), sizeof back);
        assert_memory_equal(back, &i, sizeof i);
    }
    assert_int_equal(read(fd, back, sizeof back), 5);
    assert_memory_equal(back, "end-7", 5);
    close(fd);
}

/* A full disk is the end with 1, also when the buffer was never full; the failure stays. */
static void test_output_full(void **state) {
    (void)state;
    output_open(&out, open("/dev/full", O_WRONLY));
    output_print(&out, "lost");
    assert_int_equal(out.failed, 0);
    assert_int_equal(output_end(&out, 0, "test: "), 1);
    assert_int_equal(out.failed, ENOSPC);
    output_print(&out, "more");
    assert_int_equal(out.used, 0);
    assert_false(output_flush(&out));
    close(out.fd);
}

/* Nothing written, nothing lost. */
static void test_output_full_but_unused(void **state) {
    (void)state;
    output_open(&out, open("/dev/full", O_WRONLY));
    assert_int_equal(output_end(&out, 0, "test: "), 0);
    close(out.fd);
}

/* A reader that went away has seen enough: 0, whatever the code. */
static void test_output_reader_gone(void **state) {
    (void)state;
    output_hold_streams();
    int reader = open_pipe();
    close(reader);
    output_print(&out, "nobody");
    assert_int_equal(output_end(&out, 1, "test: "), 0);
    close(out.fd);
}

static void *read_slowly(void *argument) {
    char buffer[4096];
    size_t total = 0;
    ssize_t n;
    while ((n = read(*(int *)argument, buffer, sizeof buffer)) > 0)
        total += (size_t)n;
    return (void *)total;
}

/* A pipe that somebody made non-blocking is waited for. */
static void test_output_non_blocking(void **state) {
    (void)state;
    int reader = open_pipe();
    pthread_t thread;
    void *total;
    char piece[4096] = {0};
    assert_int_equal(fcntl(out.fd, F_SETFL, O_NONBLOCK), 0);
    pthread_create(&thread, NULL, read_slowly, &reader);
    for (int i = 0; i < 500; i++)
        output_bytes(&out, piece, sizeof piece);
    assert_int_equal(output_end(&out, 0, "test: "), 0);
    close(out.fd);
    pthread_join(thread, &total);
    assert_int_equal((size_t)total, 500 * sizeof piece);
    close(reader);
}

/* On a terminal what strangers chose is escaped, what the user typed is not. */
static void test_output_terminal(void **state) {
    (void)state;
    int reader = open_pipe();
    char back[128] = "";
    out.terminal = true;
    output_bytes(&out, "a\x1b[2J\tb\n", 8);
    output_print(&out, "%s", "\r\xC2\x9B");
    output_raw(&out, "\x1b[1m", 4);
    assert_int_equal(output_end(&out, 0, "test: "), 0);
    assert_true(read(reader, back, sizeof back - 1) > 0);
    assert_string_equal(back, "a\\x1b[2J\tb\n\\x0d\\u009b\x1b[1m");
    close(out.fd);
    close(reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_arrives),         cmocka_unit_test(test_output_full),
        cmocka_unit_test(test_output_full_but_unused), cmocka_unit_test(test_output_reader_gone),
        cmocka_unit_test(test_output_non_blocking),    cmocka_unit_test(test_output_terminal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
