/*
 * Who works in transactions in a cluster: a few transactional ids, two processes of each, of which
 * one or both work at a time; and what must be so of their coordinators.
 *
 * Processes are killed, do nothing for longer than a transaction may last, and take over from one
 * another while the other one still works, which is then a zombie. When all is well again no
 * transaction holds the last stable offset up for longer than its timeout and some failovers. In
 * the end every id is at rest, and every replica of a coordinator knows what a replay of its log
 * from zero says.
 */
#ifndef SIM_TRANSACTIONS_CREW_H
#define SIM_TRANSACTIONS_CREW_H

#include "tests/sim/cluster.h"

struct crew;

/* In the client process of the cluster. */
struct crew *crew_new(struct cluster *cluster, struct env *env,
                      void (*acknowledged)(void *arg, int32_t partition, int64_t offset,
                                           unsigned producer, uint64_t number));
/* For consumers of what is committed; transaction_book.h says when. */
void crew_told(struct crew *crew, int32_t partition,
               const struct kp_fetch_response_partition *answer);
void crew_read(struct crew *crew, int32_t partition, int64_t offset, unsigned producer,
               uint64_t number);
/* Nobody is killed any more; all end when they are through. */
void crew_finish(struct crew *crew);
/* They have, no transaction is open anywhere, and the log of the coordinators was read. */
bool crew_is_done(const struct crew *crew);
/* All was read once more behind that. */
void crew_judge(struct crew *crew);

#endif
