/*
 * Which leads are to go to their preferred replicas: the plan, nothing else.
 *
 * The preferred replica of a partition is the first of its list: placement spreads these evenly, so
 * leads that are all there are spread evenly, too. As in Kafka, a broker is out of balance when
 * more than a percentage of the partitions that prefer it are led elsewhere; then all of these that
 * it can take at once are planned. Happy path: begin, add every partition in any order, plan. Pure.
 * Failures: none. Invariants: nothing is planned that the caller says is not ready; a partition is
 * planned once at most.
 */
#ifndef BROKER_BALANCE_LEADER_PLAN_H
#define BROKER_BALANCE_LEADER_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LEADER_MOVES_MAX = 1000 /* of one plan; the next one has the rest */ };

struct leader_plan_partition {
    uint64_t group;
    int32_t preferred; /* broker */
    int32_t leader;    /* broker; negative: nobody known */
    bool ready; /* the preferred replica is in sync with the leader, and its broker has been alive
                   for a while */
};

struct leader_move {
    uint64_t group;
    int32_t from, to;
};

struct leader_plan;

struct leader_plan *leader_plan_begin(void);
void leader_plan_free(struct leader_plan *balance); /* NULL does nothing */
void leader_plan_add(struct leader_plan *balance, const struct leader_plan_partition *partition);
/* Into `moves` (LEADER_MOVES_MAX); returns how many. Those of different brokers alternate, so that
 * none gets all at once. */
size_t leader_plan_plan(struct leader_plan *balance, uint32_t percentage,
                        struct leader_move *moves);

#endif
