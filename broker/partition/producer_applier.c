/*
 * The producer state as an applier: which batches of idempotent producers have committed, which
 * transactions are open or were aborted, and the clock of the log by which producers are forgotten.
 */
#include "base/mutant.h"
#include "broker/partition/partition_internal.h"
#include "broker/producer/producer_clock.h"
#include "protocol/record/held_batch.h"

struct producer_marker producer_marker_of(const struct transaction_marker *marker,
                                          kafka_offset offset, int64_t timestamp) {
    return (struct producer_marker){.producer_id = marker->producer_id,
                                    .epoch = marker->producer_epoch,
                                    .coordinator_epoch = marker->coordinator_epoch,
                                    .commit = marker->commit,
                                    .offset = offset,
                                    .timestamp = timestamp};
}

static int apply_marker(struct partition *partition, const struct record_batch *batch) {
    struct transaction_marker marker;
    int error = transaction_marker_read(batch, &marker);
    if (error == ERR_NOT_FOUND) return ERR_NONE; /* it ends nothing */
    if (error != ERR_NONE) return error;
    struct producer_marker seen = producer_marker_of(&marker, batch->base_offset,
                                                     batch->max_timestamp);
    producer_state_commit_marker(partition->producers, &seen);
    return ERR_NONE;
}

struct producer_batch producer_batch_of(const struct record_batch *batch, kafka_offset offset,
                                        int64_t timestamp) {
    return (struct producer_batch){.producer_id = batch->producer_id,
                                   .epoch = batch->producer_epoch,
                                   .base_sequence = batch->base_sequence,
                                   .last_sequence = record_batch_last_sequence(batch),
                                   .base_offset = offset,
                                   .timestamp = timestamp,
                                   .transactional = record_batch_is_transactional(batch)};
}

static int apply(void *state, const struct record_batch *batch) {
    struct partition *partition = state;
    if (batch->producer_id < 0) return ERR_NONE;
    if (MUTANT(MUTANT_HELD_NOT_REMEMBERED) && record_batch_is_held(batch)) return ERR_NONE;
    if (record_batch_is_control(batch)) return apply_marker(partition, batch);
    struct producer_batch seen = producer_batch_of(batch, batch->base_offset, batch->max_timestamp);
    producer_state_commit(partition->producers, &seen);
    return ERR_NONE;
}

static int command(void *state, const uint8_t *bytes, size_t len, kafka_offset end_offset) {
    struct partition *partition = state;
    (void)end_offset;
    struct producer_clock clock;
    int error = producer_clock_decode(bytes, len, &clock);
    if (error != ERR_NONE) return error;
    producer_state_clock(partition->producers, clock.clock_ms, clock.expiration_ms);
    partition->clock_noted_ms = (int64_t)env_now_ms(partition->env);
    return ERR_NONE;
}

static void lost(void *state) {
    producer_state_drop_in_flight(((struct partition *)state)->producers);
}

static bool encode(void *state, void **walk, struct snapshot_bytes *into) {
    (void)into;
    if (*walk == NULL) *walk = producer_walk_new(((struct partition *)state)->producers);
    return producer_walk_step(*walk);
}

static void encode_rest(void *state, void *walk, struct snapshot_bytes *into) {
    (void)state;
    producer_walk_rest(walk, into);
}

static void encode_stop(void *state, void *walk) {
    (void)state;
    producer_walk_stop(walk);
}

static int restore(void *state, const uint8_t *bytes, size_t len, size_t *took) {
    return producer_state_decode(((struct partition *)state)->producers, bytes, len, took);
}

static void reset(void *state) {
    struct partition *partition = state;
    producer_state_free(partition->producers);
    struct producer_state_options options = {.max_producers = partition->max_producers,
                                             .seed = env_random_u64(partition->env)};
    partition->producers = producer_state_new(&options);
}

static const struct applier_type type = {.mark = 0x444f5250, /* "PROD" */
                                         .version = 3,
                                         .numbered_only = true,
                                         .apply = apply,
                                         .command_kind = PRODUCER_CLOCK_COMMAND,
                                         .command = command,
                                         .lost = lost,
                                         .encode = encode,
                                         .encode_rest = encode_rest,
                                         .encode_stop = encode_stop,
                                         .restore = restore,
                                         .reset = reset};

struct applier producer_applier(struct partition *partition) {
    reset(partition);
    return (struct applier){.type = &type, .state = partition};
}
