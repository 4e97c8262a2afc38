/* Gathering text, writing it whole, and remembering the first write that failed. */
#include "base/io/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/printable.h"

enum { SENTENCE_MAX = 4096, EXIT_DONE = 0, EXIT_REFUSED = 1 };

void output_hold_streams(void) {
    signal(SIGPIPE, SIG_IGN);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        /* The lowest free number is `fd`, because those below are held. */
        if (fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
        int held = open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_WRONLY);
        if (held < 0) return; /* a machine without /dev/null: nothing to be said to anyone */
    }
}

void output_open(struct output *out, int fd) {
    *out = (struct output){.fd = fd, .terminal = isatty(fd) == 1};
}

/* All of it, whatever the size of the steps; 0 or the errno. */
static int write_all(int fd, const char *data, size_t len, bool (*stop)(void)) {
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n >= 0) {
            data += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN) { /* somebody who shares it made it non-blocking */
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            if (poll(&wait, 1, -1) < 0 && errno != EINTR) return errno;
            if (stop != NULL && stop()) return EINTR;
        } else if (errno != EINTR || (stop != NULL && stop())) {
            return errno;
        }
    }
    return 0;
}

int output_write(int fd, const char *data, size_t len) {
    return write_all(fd, data, len, NULL);
}

bool output_flush(struct output *out) {
    if (out->failed == 0 && out->used > 0)
        out->failed = write_all(out->fd, out->buffer, out->used, out->stop);
    out->used = 0;
    return out->failed == 0;
}

void output_raw(struct output *out, const void *data, size_t len) {
    const char *at = data;
    while (len > 0 && out->failed == 0) {
        size_t room = sizeof out->buffer - out->used, part = len < room ? len : room;
        memcpy(out->buffer + out->used, at, part);
        out->used += part;
        at += part;
        len -= part;
        if (out->used == sizeof out->buffer) output_flush(out);
    }
}

void output_bytes(struct output *out, const void *data, size_t len) {
    const char *text = data;
    if (!out->terminal) {
        output_raw(out, data, len);
        return;
    }
    for (size_t at = 0; at < len && out->failed == 0;) {
        char escape[PRINTABLE_ESCAPE];
        size_t bytes = printable_step(text + at, len - at, escape);
        if (escape[0] && text[at] != '\n' && text[at] != '\t')
            output_raw(out, escape, strlen(escape));
        else
            output_raw(out, text + at, bytes);
        at += bytes;
    }
}

void output_print_list(struct output *out, const char *format, va_list arguments) {
    char some[SENTENCE_MAX], *all = NULL;
    va_list again;
    va_copy(again, arguments);
    int len = vsnprintf(some, sizeof some, format, arguments);
    CHECK(len >= 0);
    if ((size_t)len >= sizeof some) {
        all = mem_alloc((size_t)len + 1);
        vsnprintf(all, (size_t)len + 1, format, again);
    }
    va_end(again);
    output_bytes(out, all ? all : some, (size_t)len);
    mem_free(all);
}

void output_print(struct output *out, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    output_print_list(out, format, arguments);
    va_end(arguments);
}

int output_end(struct output *out, int code, const char *program) {
    if (output_flush(out)) return code;
    if (out->failed == EPIPE) return EXIT_DONE; /* whoever read our output has seen enough */
    /* A signal ended it; the program has said how far it came. */
    if (out->failed == EINTR) return code;
    const char *what = out->failed == EBADF ? "standard output is closed"
                                            : error_phrase(error_from_errno(out->failed));
    output_sentence(program,
                    "the output could not be written: %s. What was printed is not complete", what);
    return EXIT_REFUSED;
}

int output_sentence_list(const char *prefix, const char *format, va_list arguments) {
    char raw[SENTENCE_MAX], line[SENTENCE_MAX + 2];
    size_t used = strnlen(prefix, sizeof line / 2);
    memcpy(line, prefix, used);
    vsnprintf(raw, sizeof raw, format, arguments);
    used += printable_copy(raw, strlen(raw), line + used, sizeof line - used - 1);
    line[used++] = '\n';
    return output_write(STDERR_FILENO, line, used);
}

int output_sentence(const char *prefix, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int failed = output_sentence_list(prefix, format, arguments);
    va_end(arguments);
    return failed;
}
