/* Options of drave produce that make no sense, alone or together. */
#ifndef CLIENT_STREAM_PRODUCE_OPTIONS_H
#define CLIENT_STREAM_PRODUCE_OPTIONS_H

#include "client/line/command.h"

/* Before anything is sent: EXIT_DONE, or EXIT_USAGE (said). */
int produce_options_check(const struct invocation *in);

#endif
