/*
 * Share groups in a cluster: three, of other limits, with a few members at every partition; and
 * what must be so of them.
 *
 * At every look each replica that has applied as much as another one knows the same of them,
 * whether it applied it, replayed it or was given it; and of the group in the order of keys what is
 * held of a key is one member's. In the end nothing is left: every record is
 * over for every group. Two of them have dead letters (letters.h); and beside them there are
 * records that are delivered later (delays.h).
 */
#ifndef SIM_QUEUES_QUEUES_H
#define SIM_QUEUES_QUEUES_H

#include "tests/sim/queues/queue_book.h"

struct queues;
struct queues *queues_new(struct cluster *cluster, struct env *env, int16_t replicas);
/* The topics that it needs are there. */
bool queues_are_made(const struct queues *queues);
struct queue_book *queues_book(struct queues *queues);
void queues_finish(struct queues *queues);
bool queues_are_done(struct queues *queues);
void queues_describe(struct queues *queues); /* prints what is not done */
/* When all is done: reads the logs of all but those of cluster_topic. */
void queues_judge(struct queues *queues);

#endif
