/*
 * What every change has: whether it is only to be said what would happen, the command line that
 * does the same, and the line of the log.
 *
 * Happy path: change_is_dry; the route writes members of inquiry->json, and sentences with
 * change_says inside an array "plan"; a command is begun, gets words, and ends the answer.
 * Failures: none; a word that does not fit in the memory of the inquiry refuses it. Invariant: a
 * command can be given to a shell as it stands, or pasted into a terminal: each word is quoted
 * as base/secure/shell_word.h says.
 */
#ifndef BROKER_CONSOLE_CHANGES_CHANGE_ANSWER_H
#define BROKER_CONSOLE_CHANGES_CHANGE_ANSWER_H

#include "broker/console/asking/inquiry.h"

struct change_command {
    struct inquiry *inquiry;
    char *text; /* terminated */
    size_t len, room;
    const char *last; /* behind all others; NULL: nothing */
};

/* ?dry_run=1 in the form. What else it may say is refused before anything is asked
 * (change_dry_is_known): a wish that is not understood is not done. */
bool change_is_dry(struct inquiry *inquiry);
/* False: refused. */
bool change_dry_is_known(struct inquiry *inquiry);
/* The member "dry_run", behind the beginning of the answer. */
void change_begin(struct inquiry *inquiry);
/* One sentence of what will be or was done. */
void change_says(struct inquiry *inquiry, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Of these words, which are not quoted. */
struct change_command change_command(struct inquiry *inquiry, const char *words);
void change_plain(struct change_command *command, const char *words);
void change_word(struct change_command *command, const char *word);
/* A word that is no value of an option: one that looks like an option stands behind "--", at the
 * end. One of them for a command. */
void change_name(struct change_command *command, const char *name);
/* The member "command", and the end of the answer. */
void change_end(struct change_command *command);

/* Before a broker is asked to do it, unless it is dry: what is tried. Where nobody hears how that
 * ended (no answer, or the browser has gone), this is the line of the log. */
void change_try(struct inquiry *inquiry, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A line of the log: who, and what. */
void change_log(struct inquiry *inquiry, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What a broker has refused; `message` may be null. */
void change_refused(struct inquiry *inquiry, int16_t error, struct kp_string message);
/* The answer to the question that was asked last. NULL: a broker did not give it, and it was
 * refused. */
const void *change_answered(struct inquiry *inquiry, enum kp_api_key key);

/* One line after the other of a value of the form, without its end; NULL: there are no more.
 * Changes *rest. */
char *change_line(char **rest);
/* The same value, to be taken apart. NULL: there is none, or too little memory. */
char *change_lines(struct inquiry *inquiry, const char *name);

#endif
