/* Heap memory and assertions: what they promise, and how a process ends that they end. */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "tests/unit/unit.h"

/* Size 0 gives a pointer that can be freed; zeroed memory is zero; strings are copied up to the
 * length given. */
static void test_mem_promises(void **state) {
    (void)state;
    void *nothing = mem_alloc(0);
    assert_non_null(nothing);
    mem_free(nothing);
    mem_free(NULL);
    unsigned char *zeros = mem_zalloc(100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(zeros[i], 0);
    zeros = mem_realloc(zeros, 1000);
    mem_free(zeros);
    char *name = mem_strndup("partition", 4), *whole = mem_strndup("ab", 10),
         *copy = mem_strdup(""), *text = mem_text("a\0b", 3);
    assert_memory_equal(text, "a\0b", 4);
    mem_free(text);
    assert_string_equal(name, "part");
    assert_string_equal(whole, "ab");
    assert_string_equal(copy, "");
    mem_free(name);
    mem_free(whole);
    mem_free(copy);
}

/* Aligned memory is aligned, for every power of two. */
static void test_mem_aligned(void **state) {
    (void)state;
    for (size_t alignment = 1; alignment <= 65536; alignment *= 2) {
        void *memory = mem_aligned(alignment, 100);
        assert_int_equal((uintptr_t)memory % alignment, 0);
        memset(memory, 1, 100);
        mem_free(memory);
    }
}

/* Runs `act` in a child whose stderr is `text`; returns its wait status. */
static int in_child(void (*act)(void), char *text, size_t size) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL); /* not cmocka's, which would go on with the tests */
        dup2(ends[1], STDERR_FILENO);
        act();
        _exit(0);
    }
    close(ends[1]);
    ssize_t len = read(ends[0], text, size - 1);
    text[len > 0 ? len : 0] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void ask_for_too_much(void) {
    mem_alloc(SIZE_MAX / 4);
}

static void break_check(void) {
    int votes = 1;
    CHECK(votes == 2);
}

/* No memory: a sentence and exit code 1, never NULL. */
static void test_mem_none_left(void **state) {
    (void)state;
    char text[4096];
    int status = in_child(ask_for_too_much, text, sizeof text);
#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__) /* they end the process themselves */
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_non_null(strstr(text, "out of memory"));
#endif
    assert_int_not_equal(status, 0);
}

/* A failed check names condition, file and line, and aborts. */
static void test_check_failed(void **state) {
    (void)state;
    char text[1000];
    int status = in_child(break_check, text, sizeof text);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(text, "votes == 2"));
    assert_non_null(strstr(text, "test_mem.c:"));
}

/* An array grows when it is full, keeps what it has, and stays where it is otherwise. */
static void test_mem_grow(void **state) {
    (void)state;
    int *array = NULL;
    size_t capacity = 0;
    for (size_t count = 0; count < 100; count++) {
        int *before = array;
        size_t had = capacity;
        array = mem_grow(array, count, &capacity, sizeof *array);
        assert_true(capacity > count);
        if (count < had) assert_true(array == before && capacity == had);
        array[count] = (int)count;
    }
    for (int i = 0; i < 100; i++)
        assert_int_equal(array[i], i);
    mem_free(array);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mem_promises),  cmocka_unit_test(test_mem_aligned),
        cmocka_unit_test(test_mem_none_left), cmocka_unit_test(test_check_failed),
        cmocka_unit_test(test_mem_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
