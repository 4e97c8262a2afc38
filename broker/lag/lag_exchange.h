/*
 * What other brokers know of partitions that have no replica here: where they start and end, and
 * since when the record at a commit has been there.
 *
 * Happy path: lag_exchange_find, whenever somebody looks at the lag of a group, notes what is
 * wanted and gives the last answer; every LAG_ASK_MS each leader of something wanted is asked, with
 * one message. Failures: no answer, or none yet: it is not known. Invariants: LAG_WANTED_MOST
 * partitions of groups are wanted at most, LAG_ASKED_MOST of them asked of a broker at a time; what
 * nobody has looked at for LAG_FORGET_MS is forgotten, and when nothing is wanted nobody is asked.
 */
#ifndef BROKER_LAG_LAG_EXCHANGE_H
#define BROKER_LAG_LAG_EXCHANGE_H

#include "broker/cluster/broker_messages.h"
#include "broker/cluster/leader_table.h"
#include "broker/partition_set/partition_set.h"

enum {
    LAG_ASK_MS = 2000,
    LAG_FORGET_MS = 60 * 1000,
    LAG_WANTED_MOST = 10000,
    LAG_ASKED_MOST = 2000,
};

struct lag_exchange_options {
    struct env *env;
    int32_t node;
    const struct leader_table *leaders;
    struct partition_set *partitions; /* for those who ask us */
    struct broker_messages *messages;
};

struct lag_exchange;
struct lag_exchange *lag_exchange_new(const struct lag_exchange_options *options);
void lag_exchange_free(struct lag_exchange *exchange); /* NULL does nothing */

struct lag_answer {
    int64_t committed;          /* for which it was asked */
    int64_t start, end, age_ms; /* log start, high watermark; -1: there is no record yet */
    bool at_least;              /* it is older than that */
};
/* `partition`: its Raft group; `who`: the same number each time for the same consumer group. NULL:
 * not known. Valid until the next turn. */
const struct lag_answer *lag_exchange_find(struct lag_exchange *exchange, uint64_t partition,
                                           uint64_t who, int64_t committed);

#endif
