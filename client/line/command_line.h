/*
 * What was typed: which command of the table is meant, its options wherever they stand, and its
 * words.
 *
 * Options may stand before, between and behind the words: each command of the table reads the whole
 * line with its own options, and the one whose name the words begin with is meant. As with
 * getopt_long: -p3, -p 3, -en 3, --name=value, --name value, a unique beginning of a long name,
 * "--" ends options. Failures are sentences, with the nearest name.
 */
#ifndef CLIENT_LINE_COMMAND_LINE_H
#define CLIENT_LINE_COMMAND_LINE_H

#include "base/error.h"
#include "client/line/command.h"

/* -b, --json, --timeout, --help: options of every command. */
extern const struct command_option every_command[];
extern const size_t every_command_count;

enum command_line_result {
    COMMAND_LINE_RUN,   /* `in` is complete */
    COMMAND_LINE_HELP,  /* of in->command; NULL: of the words that it has (a group such as "topic"),
                           or of drave as a whole */
    COMMAND_LINE_ALONE, /* the same, because nothing but a name was typed that needs more: wrong
                           usage */
    COMMAND_LINE_VERSION, /* --version */
    COMMAND_LINE_WRONG    /* `why` has the sentence */
};

/* `in` holds what the options do not say (bootstrap, timeout). Its texts point into argv; its words
 * are mem_free's. */
enum command_line_result command_line_parse(int argc, char **argv, struct invocation *in,
                                            struct error_text *why);

#endif
