/*
 * The state of a log's appliers, asked of the brokers that have another replica of the group, for
 * one whose own appliers would have to read what is damaged, and what nobody has any more.
 *
 *   state_ask_begin -> pieces of it, one after the other, from the first broker that has it -> done
 *
 * Happy path: a broker gives the newest snapshot on its disk that reaches as far as it is asked
 * for, in pieces, so that heartbeats on the same connection wait for one of them at most; who asks
 * puts it together and compares its checksum. The appliers' state behind a committed entry is the
 * same on every replica, so it is the one that is lacking. Failures: a broker that does not answer,
 * has none that reaches so far, or gives what is no such state, or none that is wanted here, is
 * passed over; when all are, the ask ends with ERR_NOT_FOUND. One that will know enough when it
 * keeps its state again does so, for the next ask. One that is larger than STATE_MOST is not taken,
 * and the ask says so (`too_large`). Invariants: for each broker that asks one file is held open at
 * most, and not for longer than it asks for more of it; what comes takes twice the memory of what
 * has come at most, and STATE_MOST; pieces are asked for as fast as the shard's fetch_rate is, but
 * one in STATE_WAIT_MS, so that the giver still knows.
 *
 * A request is u8 format, u64 group, u64 the entry that it has to reach, u64 session (drawn for
 * each begin), u64 place in the file; its answer u8 format, u8 whether it is here, u64 the entry
 * that it describes, u32 the term of that, u32 length of all of the file (state_files.h), and
 * the bytes from that place on, STATE_PIECE_MOST at most. Little-endian.
 */
#ifndef BROKER_HEALING_STATE_EXCHANGE_H
#define BROKER_HEALING_STATE_EXCHANGE_H

#include "broker/cluster/broker_messages.h"
#include "raft-glue/raft_group.h"
#include "storage/segment/segment_format.h"

enum {
    STATE_PIECE_MOST = 64 << 10,
    STATE_MOST = 512 << 20,
    STATE_ASKED_MOST = 16,
    STATE_WAIT_MS = 10 * 1000
};

struct state_exchange;
struct state_exchange *state_exchange_new(struct env *env, struct shard *shard,
                                          struct broker_messages *messages);
void state_exchange_free(struct state_exchange *exchange); /* NULL does nothing */

/* The appliers' state behind `index`. */
struct state_given {
    log_index index;
    log_term term;
    struct slice state;
    int32_t node; /* that gave it */
};

/* One question; the caller's, until `done`. */
struct state_ask {
    /* The slice is the callee's; NULL with an error: ERR_NOT_FOUND, ERR_CANCELED. False: it cannot
     * be used, the brokers behind that one are asked. Never inside the calls below. */
    bool (*done)(struct state_ask *ask, int error, struct state_given *given);
    /* With its first piece: whether that one can be used at present; else the next is asked. */
    bool (*wants)(struct state_ask *ask, log_index index, log_term term);
    struct state_exchange *exchange; /* ours, all below; NULL: not under way */
    struct broker_call call;
    uint64_t group, session;
    log_index least;
    int32_t nodes[STATE_ASKED_MOST];
    size_t count, at; /* `at`: the one that is asked */
    log_index index;
    log_term term;
    uint8_t head[STATE_HEAD_SIZE];
    uint8_t *state; /* what has come behind the head; NULL: nothing */
    size_t room;    /* there */
    uint32_t got, total, crc;
    struct env_timer *turn; /* to ask for the next piece */
    uint32_t too_large;     /* of a state that was not taken because it is; 0: none was */
};
/* Asks those brokers in that order for a state that reaches to `least`. */
void state_ask_begin(struct state_exchange *exchange, struct state_ask *ask, uint64_t group,
                     log_index least, const int32_t *nodes, size_t count);
void state_ask_cancel(struct state_ask *ask); /* nothing if it is over */

#endif
