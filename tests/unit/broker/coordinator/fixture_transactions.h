/*
 * A transaction coordinator for tests: its log, a virtual clock, markers that are written when the
 * test says so, producer ids likewise.
 *
 * Happy path: transactions_open, ask, commit what waits (transactions_run does it all, but for
 * markers), look at the answers. Failures: those that the log of fixture_coordinator_log.h can
 * make. Invariants, checked at each record that commits and at the end: each state may follow the
 * one before; nothing is completed without its markers; the state equals a replay of the log and a
 * snapshot.
 */
#ifndef TESTS_UNIT_BROKER_COORDINATOR_FIXTURE_TRANSACTIONS_H
#define TESTS_UNIT_BROKER_COORDINATOR_FIXTURE_TRANSACTIONS_H

#include "base/budget.h"
#include "base/log.h"
#include "broker/coordinator/transaction/transaction_call.h"
#include "broker/coordinator/transaction/transaction_coordinator.h"
#include "broker/markers/marker_sender.h"
#include "broker/metadata/asking/producer_ids.h"
#include "tests/unit/broker/coordinator/fixture_group_clock.h"
#include "tests/unit/broker/fixture_coordinator_log.h"

enum { ORDERS_MOST = 256, ASKED_MOST = 4096 };

/* A call and its answer. */
struct asked {
    struct transaction_call call; /* first */
    struct transaction_partitions partitions;
    char id[32];
    bool told, cancelled;
};

struct transactions {
    struct group_clock clock;
    struct log lines;
    struct broker_settings settings;
    struct budget memory;
    struct transaction_counts counts;
    struct fake_log log;
    struct transaction_coordinator *coordinator;
    struct marker_order *orders[ORDERS_MOST]; /* under way */
    size_t order_count, orders_done;
    size_t invited;                   /* partitions */
    struct producer_id_wait *id_wait; /* at most one at a time waits */
    struct producer_id_wait *id_waits[ORDERS_MOST];
    size_t id_wait_count;
    bool ids_wait; /* ids are given by transactions_give_ids, not at once */
    int64_t next_id;
    int16_t version;       /* transaction.version */
    uint64_t connected_us; /* of what is asked */
    struct asked *asked[ASKED_MOST];
    size_t asked_count;
};

void transactions_open(struct transactions *f);
void transactions_close(struct transactions *f); /* and checks */
/* Commits all that waits, and tells all that is answered, until nothing moves. */
void transactions_run(struct transactions *f);
/* The markers of the oldest order are through, or not. */
void transactions_mark(struct transactions *f, size_t order, int16_t error);
void transactions_give_ids(struct transactions *f, int16_t error);
/* Producer 1000 of "a" has begun a transaction in t-0. */
void transactions_begin(struct transactions *f);
/* State = replay = snapshot. */
void transactions_compare(struct transactions *f);

/* ---- Asking ---- */

struct asked *ask_init(struct transactions *f, const char *id, int64_t producer_id, int16_t epoch);
struct asked *ask_add(struct transactions *f, const char *id, int64_t producer_id, int16_t epoch,
                      const char *topic, int32_t partition, bool verifies);
struct asked *ask_end(struct transactions *f, const char *id, int64_t producer_id, int16_t epoch,
                      bool commit, bool raises);
/* It was told, with that error. */
void assert_told(const struct asked *asked, int16_t error);
const struct transaction_state *state_now(struct transactions *f, const char *id);
void assert_status(struct transactions *f, const char *id, enum transaction_status status);

#endif
