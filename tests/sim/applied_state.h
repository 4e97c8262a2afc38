/*
 * What a replica knows by what it has applied, for comparing replicas.
 *
 * The records of a coordinator come in the order in which its tables were filled, which is another
 * on a replica that was restored from a snapshot: they are compared as a set.
 */
#ifndef TESTS_SIM_APPLIED_STATE_H
#define TESTS_SIM_APPLIED_STATE_H

#include <stdbool.h>

#include "base/buffer.h"

/* Of partition_applied_state. */
bool applied_states_equal(const struct slice *one, const struct slice *other);

#endif
