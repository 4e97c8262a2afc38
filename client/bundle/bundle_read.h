/*
 * --from FILE of what lists or shows something: what the same command printed when the bundle was
 * made (client/bundle/debug_bundle.c), in place of asking a cluster.
 *
 * Failures, each with a sentence: no such file, no bundle, a bundle that is cut (EXIT_REFUSED); a
 * call, that is a command with its words and flags, that the bundle does not hold (EXIT_REFUSED,
 * with those that it holds). Bounds: BUNDLE_READ_MOST bytes are unpacked at most.
 */
#ifndef CLIENT_BUNDLE_BUNDLE_READ_H
#define CLIENT_BUNDLE_BUNDLE_READ_H

#include "client/line/command.h"

enum { BUNDLE_READ_MOST = 512 << 20 };

/* Prints it, and returns the exit code that the command had then. */
int bundle_show(const struct invocation *in);

#endif
