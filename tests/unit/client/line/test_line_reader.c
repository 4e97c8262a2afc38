/* Lines come whole whatever the pieces, and what is too long costs no memory. */
#include <string.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "client/line/line_reader.h"
#include "tests/unit/unit.h"

static int idle_calls;

static bool idle(void *arg) {
    (void)arg;
    return ++idle_calls < 3;
}

static struct line_reader *reader_of(const char *text, size_t len, size_t max) {
    char path[] = "/tmp/drave-lines-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, text, len), len);
    lseek(fd, 0, SEEK_SET);
    return line_reader_new(fd, max, idle, NULL);
}

static void expect(struct line_reader *reader, enum line_result result, const char *text,
                   size_t len) {
    char *line;
    size_t size;
    struct error_text why;
    assert_int_equal(line_reader_next(reader, &line, &size, &why), result);
    if (result == LINE_WHOLE || result == LINE_TOO_LONG) assert_int_equal(size, len);
    if (result == LINE_WHOLE) assert_memory_equal(line, text, len);
}

/* Empty lines, bytes of every kind, a last line without newline, and one that is just as long as
 * the limit. */
static void test_line_reader_lines(void **state) {
    (void)state;
    static const char text[] = "one\n\n\0\xFF\r\n12345\n123456\nlast";
    struct line_reader *reader = reader_of(text, sizeof text - 1, 5);
    expect(reader, LINE_WHOLE, "one", 3);
    expect(reader, LINE_WHOLE, "", 0);
    expect(reader, LINE_WHOLE, "\0\xFF\r", 3);
    expect(reader, LINE_WHOLE, "12345", 5);
    expect(reader, LINE_TOO_LONG, NULL, 6);
    expect(reader, LINE_WHOLE, "last", 4);
    expect(reader, LINE_END, NULL, 0);
    expect(reader, LINE_END, NULL, 0);
    line_reader_free(reader);
    reader = reader_of("", 0, 5);
    expect(reader, LINE_END, NULL, 0);
    line_reader_free(reader);
    reader = reader_of("1234567", 7, 5);
    expect(reader, LINE_TOO_LONG, NULL, 7);
    expect(reader, LINE_END, NULL, 0);
    line_reader_free(reader);
}

/* Random pieces against an array: every line comes as it was written. */
static void test_line_reader_pieces(void **state) {
    (void)state;
    enum { SIZE = 3 << 20 };
    char *text = malloc(SIZE);
    srandom(7);
    for (size_t i = 0; i < SIZE; i++)
        text[i] = random() % 40000 == 0 || random() % 3000 == 0 ? '\n'
                                                                : (char)('a' + random() % 26);
    struct line_reader *reader = reader_of(text, SIZE, 20000);
    for (size_t at = 0; at < SIZE;) {
        char *newline = memchr(text + at, '\n', SIZE - at);
        size_t len = newline ? (size_t)(newline - text) - at : SIZE - at;
        expect(reader, len > 20000 ? LINE_TOO_LONG : LINE_WHOLE, text + at, len);
        at += len + 1;
    }
    expect(reader, LINE_END, NULL, 0);
    line_reader_free(reader);
    free(text);
}

/* Another delimiter, of several bytes: also where a piece of what is read ends within it, and
 * behind what is too long. */
static void test_line_reader_delimiter(void **state) {
    (void)state;
    enum { SIZE = 1 << 20, MAX = 2000 };
    char *text = malloc(SIZE);
    srandom(11);
    for (size_t i = 0; i < SIZE; i++)
        text[i] = random() % 3000 == 0 ? ';' : ";|x"[random() % 3];
    struct line_reader *reader = reader_of(text, SIZE, MAX);
    line_reader_delimiter(reader, ";||;|x", 6);
    for (size_t at = 0; at < SIZE;) {
        char *end = memmem(text + at, SIZE - at, ";||;|x", 6);
        size_t len = end ? (size_t)(end - text) - at : SIZE - at;
        expect(reader, len > MAX ? LINE_TOO_LONG : LINE_WHOLE, text + at, len);
        at += len + 6;
    }
    expect(reader, LINE_END, NULL, 0);
    line_reader_free(reader);
    free(text);
    enum { EMPTY = 30000, LEN = 6 };
    char *delimiters = malloc(EMPTY * LEN); /* wherever a piece ends, it cuts one of them */
    for (size_t i = 0; i < EMPTY; i++)
        memcpy(delimiters + i * LEN, ";||;|x", LEN);
    reader = reader_of(delimiters, EMPTY * LEN, MAX);
    line_reader_delimiter(reader, ";||;|x", LEN);
    for (size_t i = 0; i < EMPTY; i++)
        expect(reader, LINE_WHOLE, "", 0);
    expect(reader, LINE_END, NULL, 0);
    line_reader_free(reader);
    free(delimiters);
    reader = reader_of("a::b:::c:", 9, 5);
    line_reader_delimiter(reader, "::", 2);
    expect(reader, LINE_WHOLE, "a", 1);
    expect(reader, LINE_WHOLE, "b", 1);
    expect(reader, LINE_WHOLE, ":c:", 3);
    expect(reader, LINE_END, NULL, 0);
    line_reader_free(reader);
}

/* 300 MiB without a newline, and then a line: it is counted, not kept. */
static void test_line_reader_huge_line(void **state) {
    (void)state;
    char path[] = "/tmp/drave-lines-XXXXXX";
    const off_t huge = 300 << 20;
    int fd = mkstemp(path);
    unlink(path);
    assert_int_equal(ftruncate(fd, huge), 0); /* a hole: NUL bytes */
    assert_int_equal(pwrite(fd, "\nnext\n", 6, huge), 6);
    struct line_reader *reader = line_reader_new(fd, 1 << 20, idle, NULL);
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    expect(reader, LINE_TOO_LONG, NULL, (size_t)huge);
    expect(reader, LINE_WHOLE, "next", 4);
    getrusage(RUSAGE_SELF, &after);
    assert_true(after.ru_maxrss - before.ru_maxrss < 16 << 10);
    line_reader_free(reader);
    close(fd);
}

/* While nothing comes, the caller is asked; what cannot be read is said. */
static void test_line_reader_idle_and_failure(void **state) {
    (void)state;
    int ends[2];
    char *line;
    size_t len;
    struct error_text why;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "a\nb", 3), 3);
    struct line_reader *reader = line_reader_new(ends[0], 5, idle, NULL);
    expect(reader, LINE_WHOLE, "a", 1);
    idle_calls = 0;
    expect(reader, LINE_STOPPED, NULL, 0);
    assert_int_equal(idle_calls, 3);
    close(ends[1]);
    expect(reader, LINE_WHOLE, "b", 1);
    line_reader_free(reader);
    close(ends[0]);
    reader = line_reader_new(open("/tmp", O_RDONLY), 5, idle, NULL);
    assert_int_equal(line_reader_next(reader, &line, &len, &why), LINE_FAILED);
    assert_non_null(strstr(why.text, "cannot be read"));
    line_reader_free(reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_reader_lines), cmocka_unit_test(test_line_reader_pieces),
        cmocka_unit_test(test_line_reader_delimiter), cmocka_unit_test(test_line_reader_huge_line),
        cmocka_unit_test(test_line_reader_idle_and_failure)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
