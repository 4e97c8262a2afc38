/*
 * Where the log of a group begins on other brokers, asked for one that cannot be opened
 * (storage/heal/later_start.h).
 *
 *   place_ask_begin -> the place of the first broker, of the second, ... -> done
 *
 * Happy path: a broker says behind which entry its log of the group begins, and what it knows of
 * that entry: the same `start` has. Failures: one that does not answer, has no such log, one that
 * begins with its first entry, or says what can be no place, is passed over, and so is one whose
 * place is not taken; when all are, the ask ends with ERR_NOT_FOUND. Invariant: what is gone
 * anywhere had committed.
 *
 * A request is u8 format, u64 group; its answer u8 format, u8 whether there is a place, u64 index,
 * u32 term, i64 offset behind it, u64 index of the configuration in force, and its bytes.
 * Little-endian.
 */
#ifndef BROKER_HEALING_PLACE_EXCHANGE_H
#define BROKER_HEALING_PLACE_EXCHANGE_H

#include "broker/cluster/broker_messages.h"
#include "raft-glue/raft_group.h"
#include "storage/segment/start_file.h"

enum { PLACES_ASKED_MOST = 16 };

struct place_exchange;
struct place_exchange *place_exchange_new(struct shard *shard, struct broker_messages *messages);
void place_exchange_free(struct place_exchange *exchange); /* NULL does nothing */

/* One question; the caller's, until `done`. */
struct place_ask {
    /* The place is the callee's, without files; NULL with an error: ERR_NOT_FOUND, ERR_CANCELED.
     * False: it is not taken (nor its bytes), the brokers behind that one are asked. Never inside
     * the calls below. */
    bool (*done)(struct place_ask *ask, int error, struct start_file *place, int32_t node);
    struct place_exchange *exchange; /* ours, all below; NULL: not under way */
    struct broker_call call;
    uint64_t group;
    int32_t nodes[PLACES_ASKED_MOST];
    size_t count, at; /* `at`: the one that is asked */
};
void place_ask_begin(struct place_exchange *exchange, struct place_ask *ask, uint64_t group,
                     const int32_t *nodes, size_t count);
void place_ask_cancel(struct place_ask *ask); /* nothing if it is over */

#endif
