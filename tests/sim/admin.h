/*
 * A simulated administrator: creates topics, deletes them, creates them again, all the time.
 *
 * What was answered is known, and must be so in the end on every broker; what got no answer, or a
 * doubtful one, may happen at any later time: that name is left alone from then on. An answer that
 * contradicts what is known fails the run.
 */
#ifndef SIM_ADMIN_H
#define SIM_ADMIN_H

#include "tests/sim/kafka_client.h"

struct admin;
struct admin *admin_new(struct kafka_client *client, int16_t replicas);
void admin_finish(struct admin *admin); /* begins nothing more */
bool admin_is_idle(const struct admin *admin);
/* Calls `each` for every name of which it is known whether it exists. */
void admin_each_known(const struct admin *admin,
                      void (*each)(void *arg, const char *name, bool exists), void *arg);

#endif
