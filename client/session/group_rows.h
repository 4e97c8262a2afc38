/* Groups of the cluster, as drave group list and drave share list show them. */
#ifndef CLIENT_SESSION_GROUP_ROWS_H
#define CLIENT_SESSION_GROUP_ROWS_H

#include "client/line/command.h"

/* Those of a type (NULL: all), and of the states of --state; `none` is said when there are none. An
 * exit code, said. */
int group_rows_show(struct invocation *in, const char *type, const char *none);

#endif
