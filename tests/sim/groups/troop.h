/*
 * The consumer groups of a cluster: their members, each a process on a machine of its own, which
 * crash, pause, leave and come back, and are cut off from brokers.
 *
 * A run has a few groups, of both protocols, each with a few seats; a seat is a static member, or a
 * dynamic one that has a new identity whenever it comes back. From troop_calm on nothing happens to
 * them any more, some dynamic ones stay away for good, and each group must be with all partitions
 * within its timeouts. In the end every record was processed by every group, and the log of the
 * groups says all that anybody was told.
 */
#ifndef SIM_GROUPS_TROOP_H
#define SIM_GROUPS_TROOP_H

#include "tests/sim/cluster.h"

struct troop;

/* In the client process of the cluster, whose topic has `replicas`. */
struct troop *troop_new(struct cluster *cluster, struct env *env, int16_t replicas);
void troop_calm(struct troop *troop);
/* Every partition is held by somebody in every group. False: `why` (100 bytes) says who lacks what.
 */
bool troop_is_assigned(const struct troop *troop, char *why);
/* And every record was processed and its offset committed. */
bool troop_is_done(const struct troop *troop);
/* The log of the groups was read to its end. */
bool troop_log_is_read(const struct troop *troop);
/* Judges what can be judged in the end. */
void troop_finish(struct troop *troop);

/* How long a group may take behind troop_calm, when the cluster is well. */
enum { TROOP_ASSIGNED_MS = 15000 };
/* Of all members, also the time for a rebalance: below JoinGroup v1 they are one. */
enum { TROOP_SESSION_MS = 3000 };

#endif
