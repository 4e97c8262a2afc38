/* Sentences, tables and JSON: client/talk.h. Tables by libsmartcols, JSON by jansson. */
#include "client/talk.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

enum { PATIENCE_MS = 2000, PATIENCE_AGAIN_MS = 5000 };

static void say_text(const char *prefix, const char *format, va_list arguments) {
    char text[2048];
    vsnprintf(text, sizeof(text), format, arguments);
    for (char *at = text; *at; at++) { /* a name from outside does not steer the terminal */
        if (((unsigned char)*at < ' ' && *at != '\n') || *at == 127) {
            *at = '?';
        }
    }
    fprintf(stderr, "%s%s\n", prefix, text);
}

void say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say_text("drave: ", format, arguments);
    va_end(arguments);
}

void say_plain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say_text("", format, arguments);
    va_end(arguments);
}

bool stderr_is_terminal(void) {
    return isatty(STDERR_FILENO) != 0;
}

void print_json(json_t *value) {
    json_dumpf(value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
    putchar('\n');
    json_decref(value);
}

struct table {
    struct libscols_table *lines;
    unsigned columns;
};

struct table *table_new(const char *const *columns, unsigned count) {
    struct table *table = mem_zalloc(sizeof(*table));
    scols_init_debug(0);
    table->lines = scols_new_table();
    table->columns = count;
    for (unsigned i = 0; i < count; i++) {
        scols_table_new_column(table->lines, columns[i], 0, 0);
    }
    return table;
}

void table_row(struct table *table, const char *const *cells) {
    struct libscols_line *line = scols_table_new_line(table->lines, NULL);
    for (unsigned i = 0; i < table->columns; i++) {
        scols_line_set_data(line, i, cells[i] ? cells[i] : "-");
    }
}

void table_print(struct table *table) {
    scols_table_set_stream(table->lines, stdout);
    scols_print_table(table->lines);
    scols_unref_table(table->lines);
    mem_free(table);
}

uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void pause_ms(uint64_t ms) {
    nanosleep(&(struct timespec){(time_t)(ms / 1000), (long)(ms % 1000 * 1000000)}, NULL);
}

void patience_begin(struct patience *patience) {
    patience->next_ms = now_ms() + PATIENCE_MS;
}

void patience_say(struct patience *patience, const char *format, ...) {
    uint64_t now = now_ms();
    if (now < patience->next_ms) {
        return;
    }
    patience->next_ms = now + PATIENCE_AGAIN_MS;
    va_list arguments;
    va_start(arguments, format);
    say_text("drave: waiting for ", format, arguments);
    va_end(arguments);
}

int talk_close(int code) {
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return code;
    }
    if (errno == EPIPE || errno == 0) {
        return 0; /* whoever read our output has seen enough */
    }
    say("could not write the output: %s; what was printed is not complete", error_phrase(error_from_errno(errno)));
    return 1;
}
