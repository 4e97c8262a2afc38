/* Words for a shell, sentences for people. */
#include "broker/console/changes/change_answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/kafka_error.h"

enum { SENTENCE = 1024, COMMAND_ROOM = 256, CONFLICT = 409, BAD_GATEWAY = 502 };

static const char PLAIN[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,=@+";

bool change_is_dry(struct inquiry *inquiry) {
    return inquiry_number(inquiry, "dry_run", 0, 0, 1) == 1;
}

void change_begin(struct inquiry *inquiry) {
    json_object(&inquiry->json, NULL);
    json_bool(&inquiry->json, "dry_run", change_is_dry(inquiry));
}

void change_says(struct inquiry *inquiry, const char *format, ...) {
    char text[SENTENCE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    json_words(&inquiry->json, NULL, text);
}

/* ---- The command ---- */

static void add(struct change_command *command, const char *text, size_t len) {
    if (command->len + len >= command->room) {
        size_t room = COMMAND_ROOM + 2 * command->room + len;
        char *more = inquiry_alloc(command->inquiry, room);
        if (more == NULL) return;
        if (command->len > 0) memcpy(more, command->text, command->len);
        command->text = more;
        command->room = room;
    }
    memcpy(command->text + command->len, text, len);
    command->len += len;
    command->text[command->len] = '\0';
}

void change_plain(struct change_command *command, const char *words) {
    if (command->len > 0) add(command, " ", 1);
    add(command, words, strlen(words));
}

struct change_command change_command(struct inquiry *inquiry, const char *words) {
    struct change_command command = {.inquiry = inquiry};
    change_plain(&command, words);
    return command;
}

void change_word(struct change_command *command, const char *word) {
    add(command, " ", 1);
    if (*word != '\0' && word[strspn(word, PLAIN)] == '\0') {
        add(command, word, strlen(word));
        return;
    }
    add(command, "'", 1);
    for (const char *at = word; *at != '\0';) {
        size_t piece = strcspn(at, "'");
        add(command, at, piece);
        at += piece;
        if (*at != '\'') continue;
        add(command, "'\\''", 4);
        at++;
    }
    add(command, "'", 1);
}

void change_end(const struct change_command *command) {
    struct inquiry *inquiry = command->inquiry;
    json_words(&inquiry->json, "command", command->text);
    json_end(&inquiry->json);
    inquiry_respond(inquiry);
}

/* ---- Failures, and the log ---- */

void change_log(struct inquiry *inquiry, const char *format, ...) {
    char text[SENTENCE];
    va_list arguments;
    if (inquiry->exchange == NULL) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_event(inquiry->asker->log, LOGGED_CONSOLE_CHANGE, "console, from %s: %s",
              http_exchange_peer(inquiry->exchange), text);
}

void change_refused(struct inquiry *inquiry, int16_t error, struct kp_string message) {
    if (message.len > 0)
        inquiry_refuse(inquiry, CONFLICT, kafka_error_name(error), "%.*s", (int)message.len,
                       message.data);
    else
        inquiry_refuse(inquiry, CONFLICT, kafka_error_name(error), "%s (%s)",
                       kafka_error_message(error), kafka_error_name(error));
}

bool change_answered(struct inquiry *inquiry, const struct ask *ask) {
    if (ask != NULL && ask->error == ERR_NONE) return true;
    inquiry_refuse(inquiry, BAD_GATEWAY, "broker",
                   "The broker that has to do it does not answer (%s); look whether it was done "
                   "before you try again.",
                   ask == NULL ? "it is not reached" : error_phrase(ask->error));
    return false;
}

/* ---- Lines ---- */

char *change_lines(struct inquiry *inquiry, const char *name) {
    return (char *)inquiry_long_value(inquiry, name);
}

char *change_line(char **rest) {
    while (*rest != NULL && **rest != '\0') {
        char *line = *rest;
        size_t len = strcspn(line, "\r\n");
        *rest = line[len] == '\0' ? line + len : line + len + 1;
        line[len] = '\0';
        if (len > 0) return line;
    }
    return NULL;
}
