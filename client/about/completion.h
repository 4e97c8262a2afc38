/*
 * Completion for bash, zsh and fish. The scripts are thin: at each press of the key they ask `drave
 * completion words -- WORD...`, which answers from the table of commands and, for names of topics
 * and places in the metadata, from the cluster that the line names.
 *
 * Happy path: one candidate a line, perhaps with a tab and what it means. Nothing is said and
 * nothing is waited for longer than a second: a cluster that does not answer has no names. No
 * candidates: the shell offers files.
 */
#ifndef CLIENT_ABOUT_COMPLETION_H
#define CLIENT_ABOUT_COMPLETION_H

#include "client/line/command.h"

/* The script of a shell; NULL: there is none. */
const char *completion_script(const char *shell);

/* `words` are the line without "drave"; the last one, perhaps empty, is to be completed. `in` has
 * the bootstrap list to fall back on. */
void completion_words(const struct invocation *in, char **words, int count);

#endif
