/*
 * A producer of records that are delivered later, one batch of a few at a time, among ordinary
 * ones; of the ones that call off others, too. An idempotent one: what has no answer is sent again,
 * until it has one.
 */
#ifndef SIM_QUEUES_DELAY_SENDER_H
#define SIM_QUEUES_DELAY_SENDER_H

#include "tests/sim/queues/later_book.h"

struct delay_sender;
struct delay_sender *delay_sender_new(struct cluster *cluster, struct kafka_client *client,
                                      struct later_book *book);
/* Makes nothing new. */
void delay_sender_finish(struct delay_sender *sender);
bool delay_sender_is_done(const struct delay_sender *sender);

enum { DELAY_SOON_MS = 5000 }; /* so far ahead of the leader's clock times lie, but few */

#endif
