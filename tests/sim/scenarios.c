/* The list of scenarios. */
#include "tests/sim/scenarios.h"

#include <stddef.h>

const struct scenario *const scenarios[] = {
    &scenario_journal,
    &scenario_voters,
    &scenario_cluster,
    &scenario_groups,
    &scenario_many,
    &scenario_moves,
    &scenario_changes,
    &scenario_transactions,
    &scenario_grow,
    &scenario_lost,
    &scenario_steady,
    &scenario_queues,
    NULL,
};
