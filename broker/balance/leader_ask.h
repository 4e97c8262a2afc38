/*
 * Asking whoever leads a partition to hand it to another broker, until that one leads or it is
 * clear that it will not.
 *
 * Happy path: the leader that this broker's table names is asked (by message, or here:
 * leader_transfer.h), and when it leads no more the table is awaited to name the target. Failures:
 * a leader that changes, a busy one, a broken link: asked again until the time is over. Invariant:
 * `done` is called once, never inside the call that begins.
 */
#ifndef BROKER_BALANCE_LEADER_ASK_H
#define BROKER_BALANCE_LEADER_ASK_H

#include "broker/balance/leader_transfer.h"
#include "broker/cluster/leader_table.h"
#include "storage/log_types.h"

enum leader_ask_outcome {
    ASK_DONE,       /* the target leads, and did not before */
    ASK_NOT_NEEDED, /* it led already */
    ASK_NOT_READY,  /* the target is not connected to the leader, lags behind, or did not take over
                     */
    ASK_TIMED_OUT,  /* nobody leads at present, or no answer: what becomes of it is not known */
};

struct leader_asks;

struct leader_asks *leader_asks_new(struct env *env, int32_t node, struct leader_table *leaders,
                                    struct leader_transfers *transfers,
                                    struct broker_messages *messages);
/* What waits ends with ASK_TIMED_OUT within this call, and so does what is begun inside it. NULL
 * does nothing. */
void leader_asks_free(struct leader_asks *asks);

struct leader_ask {
    void (*done)(struct leader_ask *ask, enum leader_ask_outcome outcome);
    struct leader_asks *asks; /* ours, all below; NULL: it does not wait */
    uint64_t group, deadline_ms;
    int32_t target;
    enum { ASK_WAITING, ASK_CALLING, ASK_HANDING_OVER, ASK_ANNOUNCING, ASK_ENDED } state;
    bool asked; /* so if the target leads, that is because of it */
    log_term term;
    enum leader_ask_outcome outcome;
    struct broker_call call;
    struct leader_handover handover;
    struct leader_wait wait;
    struct leader_ask *next, *prev;
};
void leader_ask_begin(struct leader_asks *asks, struct leader_ask *ask, uint64_t group,
                      int32_t target, uint32_t timeout_ms);
/* `done` is not called; it may happen all the same. Nothing if it does not wait. */
void leader_ask_cancel(struct leader_ask *ask);

#endif
