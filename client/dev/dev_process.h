/*
 * The process of a `drave dev` broker: found by what it holds, never by a number alone.
 *
 * A broker is a child of this program, or the process that has the lock file of its data directory
 * open and locked, whoever started it; before it has come that far, the one of draved.pid if it was
 * started with this broker's draved.conf. A stale draved.pid, a number that the system gave to
 * another process since, or a number of another container is neither. Once found it is held by a
 * pidfd: a signal reaches it or nobody.
 */
#ifndef CLIENT_DEV_DEV_PROCESS_H
#define CLIENT_DEV_DEV_PROCESS_H

#include "client/dev/dev_node.h"

struct dev_process {
    pid_t pid; /* 0: the broker does not run */
    int fd;    /* a pidfd; -1 without a process */
};

/* ERR_DENIED with a sentence: somebody holds the data directory whom this user cannot see. Close it
 * when done. */
int dev_process_find(const struct dev_node *node, struct dev_process *process,
                     struct error_text *why);
void dev_process_close(struct dev_process *process);

/* ERR_DENIED with a sentence: the process belongs to another user. One that has just ended is no
 * error. */
int dev_process_signal(const struct dev_node *node, const struct dev_process *process, int number,
                       struct error_text *why);

/* Waits up to `ms`; true once the process is gone, with all that it held. */
bool dev_process_ended(const struct dev_process *process, int ms);

/* Whether it is stopped by SIGSTOP. */
bool dev_process_paused(const struct dev_process *process);

#endif
