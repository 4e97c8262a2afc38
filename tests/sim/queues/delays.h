/*
 * A topic of which records are delivered later, beside those of share groups: one partition, one
 * that sends (delay_sender.h), one that reads (delay_reader.h), and what must be so (later_book.h).
 *
 * In a third of the runs the clocks of brokers are set, by seconds, all the time.
 * At every look each replica that has applied as much as another one knows the same of what is
 * pending. In the end the clocks of all brokers are put ahead, so that all is due but what lies
 * months away.
 */
#ifndef SIM_QUEUES_DELAYS_H
#define SIM_QUEUES_DELAYS_H

#include "tests/sim/cluster.h"

struct delays;
struct delays *delays_new(struct cluster *cluster, struct env *env, int16_t replicas);
bool delays_are_made(const struct delays *delays); /* the topic is there */
void delays_look(struct delays *delays);           /* outside of all processes, often */
void delays_finish(struct delays *delays);
/* All was sent, delivered and read, and is on every replica. */
bool delays_are_done(struct delays *delays);
void delays_describe(struct delays *delays); /* prints where everybody stands */
/* When they are: reads the logs of all. */
void delays_judge(struct delays *delays);

#endif
