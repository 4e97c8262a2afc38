/* drave consume -G: as a member of a group. */
#ifndef CLIENT_COMMANDS_CONSUME_GROUP_H
#define CLIENT_COMMANDS_CONSUME_GROUP_H

#include "client/line/command.h"

/* The call has -G; its format was checked. Returns an exit code. */
int consume_as_member(struct invocation *in);

#endif
