/*
 * One more entry behind the last one of a log, asked of whoever leads it.
 *
 * A segment is written again only where something follows it (log_refill.c), and behind the last
 * one of a log that nobody writes to nothing would. Happy path: the leader appends an entry that
 * says nothing, and answers; it comes as any other. Failures: one that does not lead, cannot take
 * an entry now, or does not answer: `done` says so, and it is asked again with the next round.
 * Invariant: where something follows already nothing is appended, so that many may ask.
 *
 * A request is u8 format, u64 group, u64 the last entry that is known; its answer u8 format, u8
 * whether something follows. Little-endian.
 */
#ifndef BROKER_HEALING_FURTHER_EXCHANGE_H
#define BROKER_HEALING_FURTHER_EXCHANGE_H

#include "broker/cluster/broker_messages.h"
#include "raft-glue/raft_group.h"

struct further_exchange;
struct further_exchange *further_exchange_new(struct shard *shard,
                                              struct broker_messages *messages);
void further_exchange_free(struct further_exchange *exchange); /* NULL does nothing */

/* One question; the caller's, until `done`. */
struct further_ask {
    /* Whether something follows; never inside the calls below. */
    void (*done)(struct further_ask *ask, bool follows);
    struct further_exchange *exchange; /* ours, all below; NULL: not under way */
    struct broker_call call;
};
void further_ask_begin(struct further_exchange *exchange, struct further_ask *ask, int32_t node,
                       uint64_t group, log_index last);
void further_ask_cancel(struct further_ask *ask); /* nothing if it is over */

#endif
