/*
 * What the user sees besides data: sentences on stderr, tables and JSON on stdout.
 *
 * Invariants: stdout carries data only; a reader that went away (`| head -1`) ends the program quietly with 0; nothing
 * waits longer than 2 s without saying for what.
 */
#ifndef CLIENT_TALK_H
#define CLIENT_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

/* "drave: ..." on stderr. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same without the name in front. */
void say_plain(const char *format, ...) __attribute__((format(printf, 1, 2)));

bool stderr_is_terminal(void);

/* One JSON value and a newline on stdout; takes the reference. */
void print_json(json_t *value);

/* A table on stdout: add rows of as many cells as columns (NULL: "-"), then print. */
struct table;
struct table *table_new(const char *const *columns, unsigned count);
void table_row(struct table *table, const char *const *cells);
void table_print(struct table *table); /* and free */

/* Says "waiting for ..." once two seconds have passed since patience_begin, and then every five. Call it from any loop that waits. */
struct patience {
    uint64_t next_ms;
};
void patience_begin(struct patience *patience);
void patience_say(struct patience *patience, const char *format, ...) __attribute__((format(printf, 2, 3)));

uint64_t now_ms(void); /* monotonic */
void pause_ms(uint64_t ms);

/* Flushes stdout; returns the exit code of the program: `code`, 0 if the reader went away, 1 if stdout could not be written. */
int talk_close(int code);

#endif
