/*
 * Starting and ending brokers of a `drave dev` directory, with waiting until it is true.
 *
 * Happy path: a start returns when the brokers answer and a metadata leader is there; an end when
 * the processes are gone. Failures: what has not come about when the time is over is said, broker
 * by broker.
 */
#ifndef CLIENT_DEV_DEV_RUN_H
#define CLIENT_DEV_DEV_RUN_H

#include <signal.h>

#include "client/dev/dev_node.h"
#include "client/line/command.h"

/* The directory of the call: --dir, else ./drave-dev. */
const char *dev_directory(const struct invocation *in);

/* Starts each node that does not run. Those that it made have `child`. ERR_* with the sentence. */
int dev_run_start(struct dev_node *nodes, size_t count, struct error_text *why);

/*
 * Waits until each of `nodes` (a part of `all`) answers and topics can be created. ERR_LIMIT: they
 * have run for two seconds, but too few of `all` do to elect a metadata leader; `why` says which
 * start helps. `signals` (may be NULL): blocked signals that end the waiting. ERR_SYSTEM (a broker
 * ended: its last line), ERR_CANCELED, ERR_TIMEOUT.
 */
int dev_run_wait(const struct invocation *in, const struct dev_node *nodes, size_t count,
                 const struct dev_node *all, size_t all_count, const sigset_t *signals,
                 struct error_text *why);

/*
 * Sends `number` to each that runs and waits until all are gone. *ended: how many were there. What
 * has not ended in time is said, and is EXIT_REFUSED. `signals` (may be NULL): one of them while it
 * waits kills what is left.
 */
int dev_run_end(const struct invocation *in, struct dev_node *nodes, size_t count, int number,
                const sigset_t *signals, size_t *ended);

/* Whether a broker that was started here has ended; its last line becomes the sentence. */
bool dev_run_one_ended(const struct dev_node *nodes, size_t count, struct error_text *why);

#endif
