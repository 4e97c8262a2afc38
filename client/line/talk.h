/*
 * What the user sees: sentences on stderr (say), data on stdout (print), over base/io/output.h,
 * which checks every write.
 *
 * Invariants: stdout carries data only; a reader that went away (`| head -1`) ends the program
 * quietly with 0; nothing waits longer than 2 s without saying for what.
 */
#ifndef CLIENT_LINE_TALK_H
#define CLIENT_LINE_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* "drave: ..." on stderr. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same without the name in front. */
void say_plain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The beginning of a line, on which the person goes on. */
void say_prompt(const char *text);

bool stderr_is_terminal(void);

/* Text with what others chose in it (names, values): a terminal gets it escaped. */
void print_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
void print_bytes(const void *data, size_t len);
/* Bytes that the user typed themselves: never escaped. */
void print_raw(const void *data, size_t len);
/* One JSON value and a newline; takes the reference. Numbers are the shortest that read back as the
 * same value. */
void print_json(json_t *value);
bool stdout_is_terminal(void);
/* For what comes over time. False: it cannot be written any more, and a loop that prints ends. */
bool print_flush(void);
bool print_broken(void);

/* A table on stdout: add rows of as many cells as columns (NULL: "-"), then print. */
struct table;
struct table *table_new(const char *const *columns, unsigned count);
void table_row(struct table *table, const char *const *cells);
void table_print(struct table *table); /* and free */

/* Says "waiting for ..." once two seconds have passed since patience_begin, and then every five.
 * Call it from any loop that waits. */
struct patience {
    uint64_t next_ms;
};
void patience_begin(struct patience *patience);
void patience_say(struct patience *patience, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What is printed and said from here on is gathered, until talk_held gives it; only what somebody
 * waits for (patience_say) is said at once. Texts are the caller's (mem_free), NULL for none. */
struct held_talk {
    char *printed, *said; /* not terminated; of the second, lines */
    size_t printed_len, said_len;
};
void talk_hold(void);
void talk_held(struct held_talk *talk);
void say_held(const struct held_talk *talk); /* what was said, line by line */

uint64_t now_ms(void); /* monotonic */
void pause_ms(uint64_t ms);

/* At the beginning of the program; `stop`: whether a signal asked to end. */
void talk_open(bool (*stop)(void));
/* Flushes stdout; returns the exit code of the program: `code`, 0 if the reader went away, 1 if
 * something could not be written. */
int talk_close(int code);

#endif
