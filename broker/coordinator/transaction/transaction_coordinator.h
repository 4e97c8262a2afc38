/*
 * The transaction coordinator: the state of one partition of __transaction_state, and what
 * producers ask of their transactional ids.
 *
 * Happy path: every replica has one, to which the records of the partition are applied. On the
 * leader, handlers hand calls to it (transaction_call.h); it decides, writes, and brings the ends
 * of transactions to their partitions (broker/markers/marker_sender.h).
 * Failures: on a replica that does not lead, NOT_COORDINATOR. Records that are not of an id are
 * passed over.
 * Invariant: `records` and a replay of the log make equal states.
 *
 * Specification: KIP-98, KIP-360, KIP-664, KIP-890.
 */
#ifndef BROKER_COORDINATOR_TRANSACTION_TRANSACTION_COORDINATOR_H
#define BROKER_COORDINATOR_TRANSACTION_TRANSACTION_COORDINATOR_H

#include "base/env.h"
#include "broker/config/broker_settings.h"
#include "broker/coordinator/coordinator_log.h"
#include "broker/coordinator/transaction/transaction_state.h"

struct budget;
struct log;
struct marker_order;
struct producer_id_wait;
struct producer_invitation;
struct transaction_call;
struct transaction_partitions;

struct transaction_coordinator;

/* Decisions of those that lead, since the broker began. */
struct transaction_counts {
    uint64_t committed, aborted;
    uint64_t timed_out; /* aborted as well, because its time was over */
};

/* Its functions for whoever owns the log; `state` is the struct transaction_coordinator. */
extern const struct coordinator_state transaction_coordinator_state;

/* All of it stays. */
struct transaction_coordinator_options {
    struct env *env;
    struct log *lines;
    const struct broker_settings *settings;
    struct budget *memory; /* of all transactional ids of the broker */
    struct transaction_counts *counts;
    /* As marker_order_begin and marker_order_cancel. */
    void (*mark)(void *arg, struct marker_order *order);
    void (*mark_cancel)(void *arg, struct marker_order *order);
    /* Those partitions take part: their leaders are told before the producer is. */
    void (*invite)(void *arg, const struct producer_invitation *invitation,
                   const struct transaction_partitions *partitions);
    /* As producer_ids_take and producer_ids_take_cancel. */
    void (*take_id)(void *arg, struct producer_id_wait *wait);
    void (*take_id_cancel)(void *arg, struct producer_id_wait *wait);
    /* transaction.version, at which the cluster is. */
    int16_t (*version)(void *arg);
    void *arg;
};
struct transaction_coordinator *transaction_coordinator_new(
    const struct transaction_coordinator_options *options, struct coordinator_log *log);

/* Of a leader; else it is NOT_COORDINATOR. */
void transaction_coordinator_call(struct transaction_coordinator *coordinator,
                                  struct transaction_call *call);

/* ---- Looking at it ---- */

/* Of the newest record that is applied; NULL: the id is not known. As long as the turn. */
const struct transaction_state *transaction_coordinator_look(
    const struct transaction_coordinator *coordinator, struct kp_string id);
struct transactions_open {
    size_t ids;             /* all that have a record */
    size_t ongoing, ending; /* those whose transaction goes on, or waits for its markers */
    int64_t oldest_ms;      /* when the one that was begun first was; INT64_MAX: none is open */
};
/* Adds its own. */
void transaction_coordinator_count(const struct transaction_coordinator *coordinator,
                                   struct transactions_open *into);

/* A walk over all ids in several turns; those that are there all the time are met once. It ends
 * with the coordinator: then there are no more. */
struct transaction_walk;
struct transaction_walk *transaction_walk_new(struct transaction_coordinator *coordinator);
/* NULL: that was all. The id is borrowed, as the state. */
const struct transaction_state *transaction_walk_next(struct transaction_walk *walk,
                                                      struct kp_string *id);
void transaction_walk_free(struct transaction_walk *walk); /* NULL does nothing */

#endif
