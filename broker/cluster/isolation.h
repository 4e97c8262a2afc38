/*
 * Whether this broker may be cut off while the others serve: then its clients do well to go to
 * them.
 *
 * Happy path: a majority of the brokers is heard all the time (pings come twice a second), and
 * nothing happens. Isolated is who has heard no majority for isolated.clients.ms, has no lead left,
 * and does not know that there is nobody to go to: brokers whose processes are known to be dead
 * serve nobody, and the others must be a majority to serve anybody. So a cluster of one or two
 * brokers never is. Failures: where the machines of a majority are gone without a trace they look
 * as if they were only cut off; clients are told then what is down, and sent on in vain. Invariant:
 * time in which this process itself stood still does not count.
 */
#ifndef BROKER_CLUSTER_ISOLATION_H
#define BROKER_CLUSTER_ISOLATION_H

#include "broker/cluster/leader_table.h"
#include "broker/config/broker_settings.h"
#include "raft-glue/peer/peers.h"

struct isolation;

/* `changed` comes from a timer, for each change, once isolation_set_brokers has said who there is.
 * All that is given stays as long as it. */
struct isolation *isolation_new(struct env *env, struct log *log,
                                const struct broker_settings *settings, const struct peers *peers,
                                const struct leader_table *leaders,
                                void (*changed)(void *arg, bool isolated), void *arg);
/* Who belongs to the cluster, this broker included; copied. NULL isolation: nothing. */
void isolation_set_brokers(struct isolation *isolation, const int32_t *nodes, size_t count);
void isolation_free(struct isolation *isolation);

#endif
