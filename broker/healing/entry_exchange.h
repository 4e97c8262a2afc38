/*
 * Single entries of logs, asked of the brokers that have another replica of the group.
 *
 *   entry_ask_begin -> pieces of it, one after the other, from the first broker that has it -> done
 *
 * Happy path: a broker gives an entry that it knows to be committed and can read, in pieces, so
 * that heartbeats on the same connection wait for one of them at most; who asks puts it together
 * and compares its checksums. Failures: a broker that does not answer, has it not, has another
 * term there, or gives what is no such entry is passed over; when all are, the ask ends with
 * ERR_NOT_FOUND. Invariants: committed entries of one index are the same everywhere, so what is
 * given is the one that is lacking; for each broker that asks one entry is kept at most, and not
 * for longer than it asks for more of it; nothing is allocated by a length that is beyond that of
 * an entry.
 *
 * A request is u8 format, u64 group, u64 index, u32 term (0: whatever it has), u32 from where on;
 * its answer u8 format, u8 whether it is here, u32 length of all of it (header and body, as they
 * are stored), and the bytes, ENTRY_PIECE_MOST at most. Little-endian.
 */
#ifndef BROKER_HEALING_ENTRY_EXCHANGE_H
#define BROKER_HEALING_ENTRY_EXCHANGE_H

#include "broker/cluster/broker_messages.h"
#include "raft-glue/raft_group.h"

enum { ENTRY_PIECE_MOST = 64 << 10, ENTRY_ASKED_MOST = 16 };

struct entry_exchange;
struct entry_exchange *entry_exchange_new(struct env *env, struct shard *shard,
                                          struct broker_messages *messages);
void entry_exchange_free(struct entry_exchange *exchange); /* NULL does nothing */

/* One question; the caller's, until `done`. */
struct entry_ask {
    /* The entry is the callee's, `node` gave it; NULL with an error: ERR_NOT_FOUND, ERR_CANCELED.
     * False: it is not what is lacking, the brokers behind that one are asked. Never inside the
     * calls below. */
    bool (*done)(struct entry_ask *ask, int error, struct entry *entry, int32_t node);
    struct entry_exchange *exchange; /* ours, all below; NULL: not under way */
    struct broker_call call;
    uint64_t group;
    log_index index;
    log_term term;
    int32_t nodes[ENTRY_ASKED_MOST];
    size_t count, at; /* `at`: the one that is asked */
    uint8_t header[ENTRY_HEADER_SIZE];
    struct buffer *body; /* NULL: its length is not known yet */
    uint32_t got, total;
};
/* Asks those brokers in that order. Term 0: not known. */
void entry_ask_begin(struct entry_exchange *exchange, struct entry_ask *ask, uint64_t group,
                     log_index index, log_term term, const int32_t *nodes, size_t count);
void entry_ask_cancel(struct entry_ask *ask); /* nothing if it is over */

#endif
