/*
 * Whether a plan for going on without a majority is true, and what it means for what is known.
 *
 * Each group of it must go on with the newest log of all that are left. What that log has stays;
 * what was acknowledged, and is not in it, may only be at or behind the offset that the plan names,
 * and is forgotten: by the history, and of the ledger.
 */
#ifndef SIM_LOSS_PLAN_CHECK_H
#define SIM_LOSS_PLAN_CHECK_H

#include "client/recover/recover_judgement.h"
#include "tests/sim/cluster.h"

/* Outside of all processes: time passes while logs are read, and none of those that are left may
 * die meanwhile. `lost`: places, as bits. False: what was seen has changed, the plan is out of
 * date. */
bool plan_check(struct cluster *cluster, const struct recover_judgement *plan, uint32_t lost);

#endif
