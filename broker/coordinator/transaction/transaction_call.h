/*
 * What producers ask of a coordinator: calls that lie in whoever asks, and are answered later.
 *
 * Happy path: fill what goes in and `done`, hand it to the coordinator (transaction_coordinator.h);
 * the call waits for what is under way of its id, is judged, what it changes is written, and `done`
 * follows with what came out. Failures: an error of Kafka's: those of its judge
 * (transaction_rules.h); CONCURRENT_TRANSACTIONS, when what is under way takes longer than its
 * patience, or too many wait; NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE (nothing can be written,
 * or the memory for ids is spent), COORDINATOR_LOAD_IN_PROGRESS (there is no producer id),
 * UNKNOWN_SERVER_ERROR (the transaction is too large for a record), INVALID_REQUEST (so is the id);
 * of an end by a client that keeps its epoch NETWORK_EXCEPTION: its producer is on a later
 * connection by now, so this one was held up on its way, and may mean the transaction before. The
 * asker closes the connection (KAFKA-17754).
 * Invariants: `done` comes exactly once, never within the call, unless transaction_call_cancel said
 * that it will not; what goes in is borrowed until then.
 */
#ifndef BROKER_COORDINATOR_TRANSACTION_TRANSACTION_CALL_H
#define BROKER_COORDINATOR_TRANSACTION_TRANSACTION_CALL_H

#include "broker/coordinator/coordinator_log.h"
#include "broker/coordinator/group/group_timers.h"
#include "broker/coordinator/transaction/transaction_rules.h"

/* How long a call waits for a transaction that is being ended: answers leave a connection in the
 * order of the requests, and clients do other things over it. */
enum { TRANSACTION_PATIENCE_MS = 200, TRANSACTION_INIT_PATIENCE_MS = 1000 };
/* Calls of one id that wait at a time. */
enum { TRANSACTION_WAITING_MOST = 64 };

enum transaction_call_kind { TRANSACTION_INIT, TRANSACTION_ADD, TRANSACTION_END };

struct transaction;
struct transaction_table;

struct transaction_call {
    enum transaction_call_kind kind;
    struct kp_string id; /* not empty */
    union {
        struct transaction_init_ask init;
        struct transaction_add_ask add;
        struct transaction_end_ask end;
    };
    uint64_t connected_us; /* when the connection came on which it was asked; 0: no client's */
    void (*done)(struct transaction_call *call);
    /* Out. */
    int16_t error;
    int64_t producer_id; /* without error; INIT and END: who the producer is from now on */
    int16_t epoch;
    /* The coordinator's, all below; zero. */
    enum {
        TRANSACTION_CALL_IDLE,
        TRANSACTION_CALL_WAITS,
        TRANSACTION_CALL_RUNS,
        TRANSACTION_CALL_CONFIRMS,
        TRANSACTION_CALL_ANSWERED
    } stage;
    struct transaction_table *table;
    struct transaction *row; /* where it waits */
    struct group_timer late;
    bool is_late;
    struct coordinator_confirm confirm;
    struct transaction_call *next, *prev;
};

/* The asker wants it no more. True: `done` will not be called. False: it is being decided, and
 * `done` comes as always. */
bool transaction_call_cancel(struct transaction_call *call);

#endif
