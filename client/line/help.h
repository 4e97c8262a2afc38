/* What --help prints, from the table of commands. */
#ifndef CLIENT_LINE_HELP_H
#define CLIENT_LINE_HELP_H

#include "client/line/command.h"

void help_print_command(const struct command *command);
void help_print_all(void);
/* The commands that begin with this word ("topic"); false: there are none. */
bool help_print_group(const char *first);
/* Either, by its name: "topic create", "topic"; false: there is no such. */
bool help_print_named(const char *name);

#endif
