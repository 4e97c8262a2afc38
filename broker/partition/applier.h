/*
 * What the committed part of a partition is given to: state that every replica builds from the same
 * batches.
 *
 *            restore                                     leading          lost
 *   reset -----------> apply, apply, ... (a follower) ----------> leading -----> apply, apply, ...
 *
 * Happy path: a partition that is opened restores its appliers from the newest snapshot, and gives
 * them each batch that has committed since, in the order of the log, each once. On a replica that
 * begins to lead, `leading` comes when all that has committed is applied. A replica that lacks the
 * beginning of the log is given its leader's state in mid-life: reset, then restore, while it
 * follows. Failures: a snapshot that an applier cannot read is no snapshot at all: everything is
 * applied again from the beginning of the log. Bytes that an applier cannot read end the replica
 * (its leader sent an entry with a right checksum around something that makes no sense).
 * Invariants: `apply` depends on the batches alone, so that equal logs give equal states; waiters
 * of partition_append have ended when `lost` comes.
 *
 * Every partition has the producer state (producer_applier.c) and the start of its log
 * (log_start_applier.c), the marks of its tombstones (partition_tombstones.c), and the groups that
 * share it (partition_shares.c); a partition of a
 * coordinator's topic has that of its coordinator as well, which comes with struct partition_spec
 * and is the partition's from partition_open on.
 */
#ifndef BROKER_PARTITION_APPLIER_H
#define BROKER_PARTITION_APPLIER_H

#include "broker/snapshot/snapshot_bytes.h"
#include "protocol/record/record_batch.h"
#include "storage/log_types.h"

struct partition;

/* A command begins with u8 format, u8 kind. */
enum { APPLIER_COMMAND_FORMAT = 1 };

struct applier_type {
    uint32_t mark;    /* names it in a snapshot */
    uint32_t version; /* of its bytes there */
    /* Only batches of idempotent producers, and whatever shares an entry with them, are of
     * interest. */
    bool numbered_only;
    /* ERR_NONE, or why the batch cannot be what it should. */
    int (*apply)(void *state, const struct record_batch *batch);
    /* A command of this kind, which a leader wrote between the batches, behind end_offset. One
     * applier of a partition has it. */
    uint8_t command_kind;
    int (*command)(void *state, const uint8_t *bytes, size_t len, kafka_offset end_offset);
    /* Behind restore, before the first batch. The partition stays until `free`. */
    void (*opened)(void *state, struct partition *partition);
    void (*leading)(void *state);
    void (*lost)(void *state);
    /* Another replica leads, which this one perhaps was to become. */
    void (*passed_over)(void *state);
    /* Of a leader: clients wait for what another one would begin anew. */
    bool (*unsettled)(const void *state);
    /* The state as bytes, a step at a time, each of far less than a turn of the loop may have: adds
     * to `into`, which stays, until it returns true. `*walk` is NULL at first, then the applier's.
     * What is applied between two steps is in the bytes as well: together they make the state of
     * the moment in which it returns true. */
    bool (*encode)(void *state, void **walk, struct snapshot_bytes *into);
    /* Of one that takes several steps, but for one of a partition: its walk stays when it has
     * returned true, and here, at once, comes what has changed since. */
    void (*encode_rest)(void *state, void *walk, struct snapshot_bytes *into);
    /* It is called no more, before it returned true, or before encode_rest; `walk` is not NULL. */
    void (*encode_stop)(void *state, void *walk);
    /* And back, from bytes of this version or an older one, over an empty state; also in steps: it
     * is called again with what is behind the `*took` bytes, which may be none. After an error the
     * state may hold anything until `reset`, which makes it empty. */
    int (*restore)(void *state, const uint8_t *bytes, size_t len, size_t *took);
    void (*reset)(void *state);
    void (*free)(void *state);
    /* NULL: nothing to do; but encode, restore, reset are there, and encode_stop where encode takes
     * several steps, and encode_rest as well but in one of a partition. */
};

struct applier {
    const struct applier_type *type; /* NULL: none */
    void *state;
};

#endif
