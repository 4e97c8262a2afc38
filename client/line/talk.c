/* Sentences, tables by libsmartcols, and JSON by jansson. */
#include "client/line/talk.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/io/output.h"
#include "base/mem.h"
#include "client/line/json_text.h"

enum { PATIENCE_MS = 2000, PATIENCE_AGAIN_MS = 5000 };

static const char NAME[] = "drave: ";

/* The two streams of the program, which it has once. */
static struct output out = {.fd = STDOUT_FILENO};
static int talk_failed; /* errno of the first sentence that could not be written */

/* Text that is gathered. */
struct gathered {
    char *text;
    size_t len, room;
};

/* What talk_hold gathers. */
static struct {
    bool on;
    struct gathered printed, said;
} held;

static char *room_for(struct gathered *gathered, size_t more) {
    if (gathered->len + more > gathered->room) {
        gathered->room = 2 * (gathered->len + more);
        gathered->text = mem_realloc(gathered->text, gathered->room);
    }
    return gathered->text + gathered->len;
}

static void gather_bytes(struct gathered *gathered, const void *data, size_t len) {
    if (len > 0) {
        memcpy(room_for(gathered, len), data, len);
        gathered->len += len;
    }
}

static void gather_text(struct gathered *gathered, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    size_t len = (size_t)vsnprintf(NULL, 0, format, again);
    va_end(again);
    vsnprintf(room_for(gathered, len + 1), len + 1, format, arguments);
    gathered->len += len;
}

void talk_hold(void) {
    held.on = true;
}

void talk_held(struct held_talk *talk) {
    *talk = (struct held_talk){held.printed.text, held.said.text, held.printed.len, held.said.len};
    memset(&held, 0, sizeof(held));
}

static void say_list(const char *prefix, const char *format, va_list arguments) {
    output_flush(&out); /* in the order in which it happened */
    int failed = output_sentence_list(prefix, format, arguments);
    talk_failed = talk_failed ? talk_failed : failed;
}

static void say_or_hold(const char *prefix, const char *format, va_list arguments) {
    if (!held.on) {
        say_list(prefix, format, arguments);
        return;
    }
    gather_bytes(&held.said, prefix, strlen(prefix));
    gather_text(&held.said, format, arguments);
    gather_bytes(&held.said, "\n", 1);
}

void say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say_or_hold(NAME, format, arguments);
    va_end(arguments);
}

void say_plain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say_or_hold("", format, arguments);
    va_end(arguments);
}

void say_prompt(const char *text) {
    int failed = output_write(STDERR_FILENO, text, strlen(text));
    talk_failed = talk_failed ? talk_failed : failed;
}

bool stderr_is_terminal(void) {
    return isatty(STDERR_FILENO) != 0;
}

bool stdout_is_terminal(void) {
    return out.terminal;
}

void print_text(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (held.on) {
        gather_text(&held.printed, format, arguments);
    } else {
        output_print_list(&out, format, arguments);
    }
    va_end(arguments);
}

void print_bytes(const void *data, size_t len) {
    if (held.on) {
        gather_bytes(&held.printed, data, len);
    } else {
        output_bytes(&out, data, len);
    }
}

void print_raw(const void *data, size_t len) {
    if (held.on) {
        gather_bytes(&held.printed, data, len);
    } else {
        output_raw(&out, data, len);
    }
}

bool print_flush(void) {
    return output_flush(&out);
}

bool print_broken(void) {
    return out.failed != 0;
}

static void take_json(void *unused, const char *text, size_t len) {
    (void)unused;
    print_bytes(text, len);
}

void print_json(json_t *value) {
    json_text(value, take_json, NULL);
    print_bytes("\n", 1);
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
    char *text = NULL;
    if (scols_print_table_to_string(table->lines, &text) == 0 && text) {
        size_t len = strlen(text);
        print_bytes(text, len);
        print_bytes("\n", len > 0 && text[len - 1] != '\n');
    }
    free(text);
    scols_unref_table(table->lines);
    mem_free(table);
}

void say_held(const struct held_talk *talk) {
    const char *end = talk->said + talk->said_len;
    for (const char *line = talk->said; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        size_t len = newline ? (size_t)(newline - line) : (size_t)(end - line);
        say_plain("%.*s", (int)len, line);
        line += len + 1;
    }
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
    say_list("drave: waiting for ", format, arguments);
    va_end(arguments);
}

void talk_open(bool (*stop)(void)) {
    output_hold_streams();
    output_open(&out, STDOUT_FILENO);
    out.stop = stop;
}

int talk_close(int code) {
    code = output_end(&out, code, NAME);
    return code == 0 && talk_failed && talk_failed != EPIPE ? 1 : code;
}
