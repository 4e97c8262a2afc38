/*
 * -w of commands that show something: shown again whenever it changes.
 *
 * Happy path: the command runs every WATCH_PAUSE_MS, and what it prints is shown when it is not
 * what was shown last: on a terminal in its place, else behind it, with --json one line each time.
 * Failures: the first run's ends the program; later ones are said, and it goes on, for brokers come
 * back. Ctrl-C, SIGTERM or a reader that went away end it with EXIT_DONE.
 */
#ifndef CLIENT_LINE_WATCH_H
#define CLIENT_LINE_WATCH_H

#include "client/line/command.h"

enum { WATCH_PAUSE_MS = 1000 };

/* Of a command that has OPTION_WATCH; returns an exit code. */
int watch_run(struct invocation *in);

#endif
