/*
 * Joins a broker with the port for those who watch it (http.listen), which has a thread of its own;
 * for draved alone, not for the simulator.
 *
 * Happy path: the thread is started before the broker, so that it can be seen while it recovers;
 * each time that it wants numbers the broker's loop is woken and takes a snapshot. Failures: a port
 * that is taken or a host that does not resolve. Invariant: the two threads share the handover and
 * two wakes, nothing else.
 */
#ifndef BROKER_OBSERVATION_H
#define BROKER_OBSERVATION_H

#include "base/env_uv/env_uv.h"
#include "base/log.h"
#include "broker/broker.h"

struct observation;

/* On `env`, the broker's, which begins to turn later. The thread's lines are as those of `log`.
 * Errors as http_port_open; `why` has the
 * sentence. */
int observation_start(struct env *env, int log_fd, const struct log *log,
                      const struct broker_settings *settings, struct observation **observation,
                      struct error_text *why);
int observation_port(const struct observation *observation);
/* From here on it is watched; NULL: no more. */
void observation_of(struct observation *observation, struct broker *broker);
/* Before env_uv_free. False: something was left. NULL does nothing. */
bool observation_stop(struct observation *observation);

#endif
