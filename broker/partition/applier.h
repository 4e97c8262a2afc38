/*
 * What the committed part of a partition is given to: state that every replica builds from the same
 * batches.
 *
 *            restore                                     leading          lost
 *   reset -----------> apply, apply, ... (a follower) ----------> leading -----> apply, apply, ...
 *
 * Happy path: a partition that is opened restores its appliers from the newest snapshot, and gives
 * them each batch that has committed since, in the order of the log, each once. On a replica that
 * begins to lead, `leading` comes when all that has committed is applied.
 * Failures: a snapshot that an applier cannot read is no snapshot at all: everything is applied
 * again from the beginning of the log. Bytes that an applier cannot read end the replica (its
 * leader sent an entry with a right checksum around something that makes no sense).
 * Invariants: `apply` depends on the batches alone, so that equal logs give equal states; waiters
 * of partition_append have ended when `lost` comes.
 *
 * Every partition has the producer state (producer_applier.c) and the start of its log
 * (log_start_applier.c); a partition of a coordinator's topic has that of its coordinator as well,
 * which comes with struct partition_spec and is the partition's from partition_open on.
 */
#ifndef BROKER_PARTITION_APPLIER_H
#define BROKER_PARTITION_APPLIER_H

#include "base/buffer.h"
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
    /* The state as bytes, and back, over an empty one; after an error it may hold anything until
     * `reset`, which makes it empty. */
    struct slice (*encode)(const void *state);
    int (*restore)(void *state, uint32_t version, const uint8_t *bytes, size_t len);
    void (*reset)(void *state);
    void (*free)(void *state);
    /* NULL: nothing to do; but encode, restore, reset are there. */
};

struct applier {
    const struct applier_type *type; /* NULL: none */
    void *state;
};

#endif
