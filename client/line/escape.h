/* Bytes that are hard to type: \n \t \r \0 \\ and \xNN in formats and separators. */
#ifndef CLIENT_LINE_ESCAPE_H
#define CLIENT_LINE_ESCAPE_H

#include <stddef.h>

/* What may follow a backslash, for sentences. */
#define ESCAPES "\\n \\t \\r \\0 \\\\ and \\xNN"

/* The byte that `text`, which begins with a backslash, stands for; how many characters say so, 0:
 * it is none of the above. */
size_t escape_read(const char *text, char *byte);

/* The whole text with its escapes read, which *len bytes are, and a zero behind them; mem_free it.
 * NULL: *wrong is the place of one that is none. */
char *escape_text(const char *text, size_t *len, const char **wrong);

#endif
