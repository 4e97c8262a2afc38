/*
 * What a coordinator stands on: the log of one partition, to which its leader writes decisions, and
 * from which every replica builds the same state.
 *
 * Happy path: the leader decides, writes the records of the decision as one batch, and nothing of
 * it is shown to anybody until they have committed: then every replica applies them (struct
 * coordinator_state), and on the leader `done` follows, which answers whoever waits.
 * Failures: a write ends with Kafka's error of section *errors* below; it may commit all the same
 * later, and is applied then like anything else. While this replica still leads such a write is
 * *in doubt* (coordinator_log_in_doubt): nothing must be decided from a state that it would change,
 * until `settled` says that there is none any more.
 * Invariants: a batch applies whole or not at all, in the order of the log; `apply` looks at
 * nothing but the records (no clock, no chance, no settings), so a replay from zero makes the same
 * state; between `lost` and the next `leading` no `done` says success.
 *
 * Tests stand in for it with tests/unit/broker/fixture_coordinator_log.h.
 */
#ifndef BROKER_COORDINATOR_COORDINATOR_LOG_H
#define BROKER_COORDINATOR_COORDINATOR_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "protocol/wire.h"
#include "storage/log_types.h"

/* ---- Records ---- */

/* Borrowed: as long as the call. */
struct coordinator_record {
    const uint8_t *key, *value;
    size_t key_len, value_len;
    bool tombstone; /* without a value: what the key names is gone */
    /* Of a record that `records` gives: where it stood. NULL: the state does not depend on it. */
    const struct coordinator_place *stood;
};

/* Where a record that is applied stands. In a snapshot only what `stood` said: offset and producer
 * id; else -1. */
struct coordinator_place {
    kafka_offset offset;
    int64_t timestamp_ms;
    int64_t producer_id; /* -1: none; else it is of that producer's open transaction */
    int16_t producer_epoch;
};

/* ---- The state ---- */

/* What the owner of a partition's state does; the same on all replicas but for the two of the
 * leader. */
struct coordinator_state {
    void (*apply)(void *state, const struct coordinator_record *record,
                  const struct coordinator_place *place);
    /* The transaction of a producer has ended: what it wrote holds, or never was. NULL: nothing is
     * written in transactions. */
    void (*ended)(void *state, int64_t producer_id, bool commit);
    /* This replica leads, and has applied all that has committed. */
    void (*leading)(void *state);
    /* It leads no more: whoever waits is answered NOT_COORDINATOR within the call, timers stop.
     * Writes under way have ended before, with NOT_COORDINATOR. */
    void (*lost)(void *state);
    /* All of it as records, which `apply` makes the state from again, in whatever order. In steps
     * of about `most` records, between which others may be applied: false until that was all.
     * `*walk` is NULL at first and at the end, and the state's between. What is there all the time
     * is given; what comes, changes or goes meanwhile may be. What is of open transactions is given
     * before anything that their ends may change. The sink copies. */
    bool (*records)(void *state, void **walk, size_t most,
                    void (*sink)(void *arg, const struct coordinator_record *record), void *arg);
    void (*records_stop)(void *state, void *walk); /* not to the end. NULL: one step does it */
    void (*free)(void *state);                     /* after `lost`, if it led */
    /* Nothing is in doubt any more: what was is applied. Not before `lost`. NULL: nothing to do. */
    void (*settled)(void *state);
    /* While it leads: clients wait for what another leader would begin anew. NULL: never. */
    bool (*unsettled)(const void *state);
};

/* ---- The log ---- */

struct coordinator_log;

/* A batch that is of the open transaction of a producer, or opens one. */
struct coordinator_transaction {
    int64_t producer_id;
    int16_t producer_epoch;
    /* Whose coordinator is asked whether the partition takes part in it, borrowed until `done`.
     * Null: nobody is asked (who tries it out by hand). */
    struct kp_string transactional_id;
    bool knows_abortable; /* the client: TRANSACTION_ABORTABLE (KIP-890) */
    bool adds;            /* by this the partition takes part in it (transaction.version 2) */
};

/* Lies in whoever waits; its owner's until `done`. */
struct coordinator_write {
    /* 0: committed, and applied here. Never within coordinator_log_write. Else NOT_COORDINATOR
     * (outcome unknown), COORDINATOR_NOT_AVAILABLE (too much is uncommitted, too few replicas are
     * in sync, or offsets.commit.timeout.ms is over; outcome unknown), RECORD_LIST_TOO_LARGE (not
     * written). Of a transaction, not written: INVALID_PRODUCER_EPOCH (a later one was heard),
     * INVALID_PRODUCER_ID_MAPPING (nobody was given the id, or it is not that of the transactional
     * one), TRANSACTION_ABORTABLE or INVALID_TXN_STATE (the partition is not in it),
     * CONCURRENT_TRANSACTIONS (the one before is still being ended). */
    void (*done)(struct coordinator_write *write, int16_t error);
    const struct coordinator_transaction *transaction; /* NULL: of none. Borrowed until `done` */
    struct coordinator_log *log;                       /* the log's, all below */
    void *inside;
};

/* Writes `records` as one batch, in this turn, behind what was written before. Copies them. */
void coordinator_log_write(struct coordinator_log *log, const struct coordinator_record *records,
                           size_t count, struct coordinator_write *write);
/* `done` will not be called; the records may commit all the same. Nothing if it is over. */
void coordinator_write_cancel(struct coordinator_write *write);
/* A write was late, its `done` said COORDINATOR_NOT_AVAILABLE (true within it already), and it has
 * not committed yet. */
bool coordinator_log_in_doubt(const struct coordinator_log *log);

/* Lies in whoever waits for the proof that this replica led when it asked. */
struct coordinator_confirm {
    /* 0, and all that was written before the question is applied, but for what is of transactions
     * and not committed; or NOT_COORDINATOR. May be called within coordinator_log_confirm. */
    void (*done)(struct coordinator_confirm *confirm, int16_t error);
    struct coordinator_log *log; /* the log's, all below */
    void *inside;
};
void coordinator_log_confirm(struct coordinator_log *log, struct coordinator_confirm *confirm);
void coordinator_confirm_cancel(struct coordinator_confirm *confirm); /* nothing if it is over */

/* Of a leader: the term in which it leads, as the coordinator epoch of Kafka's markers. */
int32_t coordinator_log_epoch(const struct coordinator_log *log);

/* ---- Who implements it ---- */

struct coordinator_log_type {
    void (*write)(struct coordinator_log *log, const struct coordinator_record *records,
                  size_t count, struct coordinator_write *write);
    void (*write_cancel)(struct coordinator_write *write);
    bool (*in_doubt)(const struct coordinator_log *log);
    void (*confirm)(struct coordinator_log *log, struct coordinator_confirm *confirm);
    void (*confirm_cancel)(struct coordinator_confirm *confirm);
    int32_t (*epoch)(const struct coordinator_log *log);
};

/* First member of what implements it. */
struct coordinator_log {
    const struct coordinator_log_type *type;
};

#endif
