/*
 * Who reads a topic of which records are delivered later, from offset 0 on, for ever. All that it
 * reads goes into the book; what is hidden from it are batches of nobody, which it passes over. No
 * answer is empty where there is something.
 */
#ifndef SIM_QUEUES_DELAY_READER_H
#define SIM_QUEUES_DELAY_READER_H

#include "tests/sim/queues/later_book.h"

struct delay_reader;
struct delay_reader *delay_reader_new(struct cluster *cluster, struct kafka_client *client,
                                      struct later_book *book);
int64_t delay_reader_position(const struct delay_reader *reader);

#endif
