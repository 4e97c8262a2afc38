/* What --help prints, from the table of commands. */
#ifndef CLIENT_HELP_H
#define CLIENT_HELP_H

#include "client/command.h"

void help_print_command(const struct command *command);
void help_print_all(void);

#endif
