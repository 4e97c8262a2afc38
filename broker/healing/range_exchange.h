/*
 * What another broker has of a range of entries of a log, all at one moment, for a segment that has
 * to be written again (storage/log/log_refill.c).
 *
 *   begin -> came (some entries) -> more -> came -> ... -> came (through)
 *      \-> failed: that broker cannot give all of it (any more); another one may
 *
 * Happy path: the first question makes the giver hold the segments that have the range; what they
 * hold comes as one stream of entries, header and body as they are stored, in pieces that keep
 * heartbeats waiting for one of them at most. Failures: no answer, damage there, bytes that are no
 * entries of the group. Invariants: a giver knows all of the range to be committed; for each broker
 * that asks one range is held at most, and not for longer than it asks for more; nothing is
 * allocated by a length that is beyond that of an entry.
 *
 * A request is u8 format, u64 group, u64 first index, u64 last, u64 session (drawn for each begin),
 * u64 place in the stream; its answer u8 format, u8 what (0: nothing from here, 1: more follows, 2:
 * the last), and the bytes, RANGE_PIECE_MOST at most. Little-endian.
 */
#ifndef BROKER_HEALING_RANGE_EXCHANGE_H
#define BROKER_HEALING_RANGE_EXCHANGE_H

#include "broker/cluster/broker_messages.h"
#include "raft-glue/raft_group.h"

enum { RANGE_PIECE_MOST = 64 << 10 };

struct range_exchange;
struct range_exchange *range_exchange_new(struct env *env, struct shard *shard,
                                          struct broker_messages *messages);
void range_exchange_free(struct range_exchange *exchange); /* NULL does nothing */

/* One question; the caller's. Neither event comes within the calls below. */
struct range_ask {
    /* One entry at least, or `through`; they are the ask's. range_ask_more goes on. */
    void (*came)(struct range_ask *ask, struct entry *const *entries, size_t count, bool through);
    void (*failed)(struct range_ask *ask);
    struct range_exchange *exchange; /* ours, all below; NULL: none is under way */
    struct broker_call call;
    int32_t node;
    uint64_t group, session, at; /* `at`: bytes of the stream that have come */
    log_index first, last;
    uint8_t *bytes; /* that are not given out yet */
    size_t len, room;
    unsigned patience; /* answers without a byte that are borne yet */
};
void range_ask_begin(struct range_exchange *exchange, struct range_ask *ask, int32_t node,
                     uint64_t group, log_index first, log_index last);
void range_ask_more(struct range_ask *ask);
void range_ask_cancel(struct range_ask *ask); /* nothing if none is under way */

#endif
