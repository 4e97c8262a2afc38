/* What the system knows of this process: memory, processor time, open files. Reads /proc, which
 * takes a moment: not for the event loop of a broker. */
#ifndef BROKER_OBSERVE_PROCESS_NUMBERS_H
#define BROKER_OBSERVE_PROCESS_NUMBERS_H

#include "base/env.h"
#include "broker/observe/snapshot.h"

/* `began_ms`: of env_wall_ms. What cannot be read is left out. */
void process_numbers(struct env *env, struct snapshot *snapshot, int64_t began_ms);

#endif
