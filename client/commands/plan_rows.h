/* Which partitions a plan is about (--topic), and which offset each of them gets (--to). */
#ifndef CLIENT_COMMANDS_PLAN_ROWS_H
#define CLIENT_COMMANDS_PLAN_ROWS_H

#include "client/commands/group_plan.h"

/* Whether --topic names it; without the option all are meant. */
bool plan_is_meant(struct session *session, const struct invocation *in, const char *topic,
                   int32_t partition);
/* Rows for every partition that is meant, each with the offset at which it stands as `to`. An exit
 * code, said. */
int plan_choose(struct plan *plan, struct session *session, const struct invocation *in);
/* The offsets that --to says. An exit code, said. */
int plan_rows_to(struct plan *plan, const struct invocation *in, const char *to);

#endif
