/*
 * Lines of a stream, or what another delimiter parts, in memory that is bounded whatever comes.
 *
 * Happy path: whole lines without their newline, the last one also without a newline behind it.
 * Failures: a line that is longer than the limit is passed over, and its length told; a stream that
 * cannot be read is an error with a sentence. Invariant: it never holds more than the limit and one
 * piece of READ bytes. While nothing comes it calls `idle` ten times a second.
 */
#ifndef CLIENT_LINE_LINE_READER_H
#define CLIENT_LINE_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum line_result {
    LINE_WHOLE,
    LINE_TOO_LONG, /* *len is its length; *line is NULL */
    LINE_END,      /* nothing more comes */
    LINE_STOPPED,  /* idle() said so */
    LINE_FAILED    /* `why` has the sentence */
};

struct line_reader;

/* `idle` (not NULL) returns false to end the waiting. */
struct line_reader *line_reader_new(int fd, size_t max, bool (*idle)(void *arg), void *arg);
void line_reader_free(struct line_reader *reader);
/* What ends a line instead of a newline: `len` bytes, at least one, which must outlive the reader.
 */
void line_reader_delimiter(struct line_reader *reader, const char *text, size_t len);

/* The line lives until the next call. */
enum line_result line_reader_next(struct line_reader *reader, char **line, size_t *len,
                                  struct error_text *why);

#endif
