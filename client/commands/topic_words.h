/*
 * The topics that the words of a call mean: names, globs and ^regular expressions
 * (client/records/topic_pattern.h); with -r regular expressions alone.
 *
 * Names stay as they were typed, whether they are there or not; patterns become the topics that are
 * there. Failures: a pattern that is none (EXIT_USAGE), one that no topic matches, a cluster that
 * cannot be asked: said.
 */
#ifndef CLIENT_COMMANDS_TOPIC_WORDS_H
#define CLIENT_COMMANDS_TOPIC_WORDS_H

#include "client/line/command.h"

/* Runs a command with the topics that are meant as its words, each once, in the order in which they
 * were typed. What a pattern means is shown before it is changed, and goes on with --yes,
 * --dry-run, or when the person at the terminal says so; else nothing is run (EXIT_REFUSED).
 * `deed`: "deleted"; NULL: nothing is changed, nobody is asked. Returns the exit code. */
int topic_words_run(struct invocation *in, const char *deed, int (*run)(struct invocation *in));

#endif
