/* Words for a shell, sentences for people. */
#include "broker/console/changes/change_answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/secure/shell_word.h"
#include "protocol/kafka_error.h"

enum { SENTENCE = 1024, COMMAND_ROOM = 256, BAD_REQUEST = 400, CONFLICT = 409, BAD_GATEWAY = 502 };

bool change_is_dry(struct inquiry *inquiry) {
    const char *dry = inquiry_value(inquiry, "dry_run");
    return dry != NULL && strcmp(dry, "1") == 0;
}

bool change_dry_is_known(struct inquiry *inquiry) {
    const char *dry = inquiry_value(inquiry, "dry_run");
    if (dry == NULL || strcmp(dry, "1") == 0 || strcmp(dry, "0") == 0) return true;
    inquiry_refuse(inquiry, BAD_REQUEST, "dry_run",
                   "dry_run=%.50s is neither 1 (only say what would be done) nor 0 (do it).", dry);
    return false;
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
    size_t len = shell_word(word, NULL, 0);
    char *quoted = inquiry_alloc(command->inquiry, len + 1);
    if (quoted == NULL) return;
    shell_word(word, quoted, len + 1);
    add(command, " ", 1);
    add(command, quoted, len);
}

void change_name(struct change_command *command, const char *name) {
    if (*name == '-')
        command->last = name;
    else
        change_word(command, name);
}

void change_end(struct change_command *command) {
    struct inquiry *inquiry = command->inquiry;
    if (command->last != NULL) {
        change_plain(command, "--");
        change_word(command, command->last);
    }
    json_words(&inquiry->json, "command", command->text);
    json_end(&inquiry->json);
    inquiry_respond(inquiry);
}

/* ---- Failures, and the log ---- */

void change_try(struct inquiry *inquiry, const char *format, ...) {
    char text[SENTENCE], line[SENTENCE + 100];
    va_list arguments;
    if (inquiry->exchange == NULL || change_is_dry(inquiry)) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(line, sizeof line, "console, from %s: %s", http_exchange_peer(inquiry->exchange),
             text);
    inquiry->tried = kp_arena_string(&inquiry->arena, line, strlen(line)).data;
}

void change_log(struct inquiry *inquiry, const char *format, ...) {
    char text[SENTENCE];
    va_list arguments;
    inquiry->tried = NULL;
    if (inquiry->exchange == NULL) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_event(inquiry->asker->log, LOGGED_CONSOLE_CHANGE, "console, from %s: %s",
              http_exchange_peer(inquiry->exchange), text);
}

void change_refused(struct inquiry *inquiry, int16_t error, struct kp_string message) {
    inquiry->tried = NULL;
    if (message.len > 0)
        inquiry_refuse(inquiry, CONFLICT, kafka_error_name(error), "%.*s", (int)message.len,
                       message.data);
    else
        inquiry_refuse(inquiry, CONFLICT, kafka_error_name(error), "%s (%s)",
                       kafka_error_message(error), kafka_error_name(error));
}

const void *change_answered(struct inquiry *inquiry, enum kp_api_key key) {
    const void *answer = inquiry_answer(inquiry, key);
    const struct ask *ask = inquiry->asks;
    if (answer == NULL)
        inquiry_refuse(inquiry, BAD_GATEWAY, "broker",
                       "The broker that has to do it does not answer (%s); look whether it was "
                       "done before you try again.",
                       ask == NULL || ask->error == ERR_NONE ? "it is not reached"
                                                             : error_phrase(ask->error));
    return answer;
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
