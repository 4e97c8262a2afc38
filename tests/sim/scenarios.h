/* The scenarios, one file each. */
#ifndef SIM_SCENARIOS_H
#define SIM_SCENARIOS_H

#include "tests/sim/run.h"

extern const struct scenario scenario_journal;
extern const struct scenario scenario_voters;
extern const struct scenario scenario_cluster;
extern const struct scenario scenario_groups;
extern const struct scenario scenario_many;
extern const struct scenario scenario_moves;
extern const struct scenario scenario_changes;
extern const struct scenario scenario_grow;
extern const struct scenario scenario_lost;
extern const struct scenario scenario_steady;
extern const struct scenario scenario_transactions;
extern const struct scenario scenario_queues;

#endif
