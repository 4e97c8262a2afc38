/*
 * The producer state as an applier: which batches of idempotent producers have committed, and the
 * clock of the log by which producers are forgotten.
 */
#include "broker/partition/partition_internal.h"
#include "broker/producer/producer_clock.h"

static int apply(void *state, const struct record_batch *batch) {
    struct partition *partition = state;
    if (batch->producer_id < 0) return ERR_NONE;
    struct producer_batch seen = {.producer_id = batch->producer_id,
                                  .epoch = batch->producer_epoch,
                                  .base_sequence = batch->base_sequence,
                                  .last_sequence = record_batch_last_sequence(batch),
                                  .base_offset = batch->base_offset,
                                  .timestamp = batch->max_timestamp};
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

static struct slice encode(const void *state) {
    return producer_state_encode(((const struct partition *)state)->producers);
}

/* It has a version in its bytes. */
static int restore(void *state, uint32_t version, const uint8_t *bytes, size_t len) {
    (void)version;
    return producer_state_decode(((struct partition *)state)->producers, bytes, len);
}

static void reset(void *state) {
    struct partition *partition = state;
    producer_state_free(partition->producers);
    struct producer_state_options options = {.max_producers = partition->max_producers,
                                             .seed = env_random_u64(partition->env)};
    partition->producers = producer_state_new(&options);
}

static const struct applier_type type = {.mark = 0x444f5250, /* "PROD" */
                                         .version = 1,
                                         .numbered_only = true,
                                         .apply = apply,
                                         .command_kind = PRODUCER_CLOCK_COMMAND,
                                         .command = command,
                                         .lost = lost,
                                         .encode = encode,
                                         .restore = restore,
                                         .reset = reset};

struct applier producer_applier(struct partition *partition) {
    reset(partition);
    return (struct applier){.type = &type, .state = partition};
}
