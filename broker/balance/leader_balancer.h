/*
 * Leads spread again by themselves: after a broker is back, or whatever else put them where they
 * were not placed.
 *
 * Happy path: every leader.imbalance.check.interval.seconds the metadata leader, and nobody else,
 * looks at all partitions (leader_plan.h plans) and asks the present leaders to hand over,
 * MOVES_AT_ONCE at a time. Failures: what cannot be moved now is left to the next check. A broker
 * that has just come back gets nothing before it was well at two checks, so that one that comes and
 * goes is not given leads each time. Invariants: only one broker plans; a lead goes only to a
 * replica that its leader calls in sync, on a broker that is alive; no turn of the loop looks at
 * more than SLICE partitions.
 */
#ifndef BROKER_BALANCE_LEADER_BALANCER_H
#define BROKER_BALANCE_LEADER_BALANCER_H

#include "broker/balance/leader_ask.h"
#include "broker/config/broker_settings.h"
#include "broker/metadata/metadata_group.h"

struct leader_balancer;

struct leader_balancer *leader_balancer_new(struct env *env, struct log *log,
                                            const struct broker_settings *settings,
                                            const struct metadata *metadata,
                                            const struct metadata_group *group,
                                            const struct leader_table *leaders,
                                            const struct peers *peers, struct leader_asks *asks);
void leader_balancer_free(struct leader_balancer *balancer); /* NULL does nothing */

#endif
