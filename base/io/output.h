/*
 * What a program writes: its results on standard output, sentences on standard error, a file of its
 * own. The only way to either.
 *
 * Happy path: text is gathered and written in big pieces; output_end says whether all of it
 * arrived. Failures are sticky: after the first one nothing is written any more, and the program
 * ends with 1 and a sentence, so that no result that is not complete counts as done. A reader that
 * went away (`| head -1`) has seen enough: that ends quietly with 0. Invariant: on a terminal,
 * bytes from strangers (base/printable.h) never steer it; newlines and tabs stay.
 */
#ifndef BASE_IO_OUTPUT_H
#define BASE_IO_OUTPUT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum { OUTPUT_BUFFER = 64 << 10 };

struct output {
    int fd;
    int failed; /* errno of the first write that failed; 0: none */
    bool terminal;
    bool (*stop)(void); /* may be NULL; true when a signal asked to end: a write that a signal broke
                           off is then given up */
    size_t used;
    char buffer[OUTPUT_BUFFER];
};

/* At the beginning of a program: what the caller closed of 0, 1 and 2 is taken by something that
 * refuses to be read (0), refuses to be written (1) or swallows (2), so that no file or socket gets
 * their numbers. SIGPIPE is ignored: EPIPE tells the same. */
void output_hold_streams(void);

void output_open(struct output *out, int fd);

/* Data, perhaps from strangers. */
void output_bytes(struct output *out, const void *data, size_t len);
void output_print(struct output *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void output_print_list(struct output *out, const char *format, va_list arguments);
/* The user's own bytes (a format that they typed): the terminal gets them as they are. */
void output_raw(struct output *out, const void *data, size_t len);

/* False when something could not be written, now or before. */
bool output_flush(struct output *out);

/* Flushes and returns the exit code: `code`; 0 if the reader went away; 1, with a sentence of
 * `program` on stderr, if not all was written. */
int output_end(struct output *out, int code, const char *program);

/* At once and whole, past any buffer; 0 or the errno. */
int output_write(int fd, const char *data, size_t len);
/* One line on standard error: `prefix`, then the sentence, escaped. Returns 0 or the errno. */
int output_sentence(const char *prefix, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int output_sentence_list(const char *prefix, const char *format, va_list arguments);

#endif
