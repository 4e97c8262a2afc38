/*
 * Markers between brokers: to whoever leads the partitions, and from there the answer, or this
 * broker itself by the same calls.
 *
 * A request, big-endian: i8 format, i32 count (1 to MARKERS_A_CALL), for each i64 Raft group, i32
 * term of its leader, i64 producer id, i16 epoch, i32 epoch of the coordinator, i8 bits: 1 commit,
 * 2 raises the epoch. Its answer: i8 format, i32 count (the same), for each i16 code.
 *
 * Happy path: marker_exchange_ask sends a list to a broker, where it goes to the taker, and `done`
 * comes with the codes. Failures: ERR_CONNECTION, ERR_TIMEOUT (after MARKER_CALL_MS): markers may
 * have been appended all the same; ERR_MALFORMED: an answer that makes no sense. A request that
 * makes none is not answered. Invariants: what a peer asks for is held only while the taker has
 * room for it; an ask ends once, never within the call.
 */
#ifndef BROKER_MARKERS_MARKER_EXCHANGE_H
#define BROKER_MARKERS_MARKER_EXCHANGE_H

#include "broker/cluster/broker_messages.h"
#include "broker/markers/marker_taker.h"

enum { MARKER_CALL_MS = 3000 };

struct marker_exchange_options {
    struct env *env;
    struct log *log;
    int32_t node; /* this broker */
    struct partition_set *partitions;
    struct broker_messages *messages;
};

struct marker_exchange;
struct marker_exchange *marker_exchange_new(const struct marker_exchange_options *options);
/* Before the partitions are freed. `done` is not called for what is left. NULL does nothing. */
void marker_exchange_free(struct marker_exchange *exchange);

/* Lies in whoever asks. */
struct marker_call {
    /* ERR_NONE: as many codes as there were asks. */
    void (*done)(struct marker_call *call, int error, const int16_t *codes);
    struct marker_exchange *exchange; /* ours, all below; NULL: not under way */
    struct broker_call call;
    struct marker_take take;
    size_t count;
};
/* `asks` is copied. */
void marker_exchange_ask(struct marker_exchange *exchange, struct marker_call *call, int32_t node,
                         const struct marker_ask *asks, size_t count);
void marker_call_cancel(struct marker_call *call); /* nothing if it is over */

/* The two as the sender wants them: where markers go. */
struct marker_road {
    void (*ask)(void *arg, struct marker_call *call, int32_t node, const struct marker_ask *asks,
                size_t count);
    void (*cancel)(struct marker_call *call);
    void *arg;
};
struct marker_road marker_exchange_road(struct marker_exchange *exchange);

#endif
