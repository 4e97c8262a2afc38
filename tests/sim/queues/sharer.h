/*
 * A member of a share group: it fetches from one partition, and says what became of what it holds;
 * with connections of its own.
 *
 * It is slow at times, hangs for longer than its locks last, breaks its connection, opens its
 * session anew, and says things about records that it does not hold. When it is to finish it does
 * none of that, and accepts all that it gets.
 */
#ifndef SIM_QUEUES_SHARER_H
#define SIM_QUEUES_SHARER_H

#include "tests/sim/queues/queue_book.h"

struct sharer;
struct sharer *sharer_new(struct cluster *cluster, struct queue_book *book, unsigned group,
                          int32_t partition, unsigned number);
void sharer_finish(struct sharer *sharer);

#endif
