/* A produce without a client, as those of partition_append.c, with verdicts of its own. */
#include "broker/partition/partition_marker.h"

#include "base/container_of.h"
#include "base/mutant.h"
#include "broker/partition/partition_internal.h"
#include "protocol/kafka_error.h"

static void marker_over(struct partition_produce *produce, const struct produce_refusal *refusal) {
    struct partition_marker *marker = CONTAINER_OF(produce, struct partition_marker, produce);
    (void)refusal;
    marker->done(marker, produce->error);
}

/* NONE: it waits. */
static int16_t append(struct partition *partition, const struct transaction_marker *end,
                      struct partition_marker *marker) {
    if (!partition_room_for_marker(partition)) return KAFKA_NOT_ENOUGH_REPLICAS;
    struct produced_batch batch = {
        .bytes = transaction_marker_batch(end, env_wall_ms(partition->env))};
    int error = record_batch_parse(batch.bytes.data, batch.bytes.len, &batch.header, NULL);
    CHECK(error == ERR_NONE); /* the builder made it */
    batch.max_timestamp = batch.header.max_timestamp;
    marker->produce.came_us = env_now_us(partition->env);
    partition_produce_append(partition, &marker->produce, &batch);
    return KAFKA_NONE;
}

static bool is_stranger(const struct partition *partition, int64_t producer_id) {
    return !producer_state_knows(partition->producers, producer_id) && partition->ids != NULL &&
           !producer_ids_given(partition->ids, producer_id);
}

/* NONE: it waits. */
static int16_t begin(struct partition *partition, const struct transaction_marker *end,
                     bool raises_epoch, struct partition_marker *marker) {
    struct producer_marker asked = producer_marker_of(end, -1, -1);
    asked.raises_epoch = raises_epoch;
    static const struct error_text nothing_to_say;
    kafka_offset offset = -1;
    switch (producer_state_check_marker(partition->producers, &asked, &offset)) {
    case MARKER_APPEND: return append(partition, end, marker);
    case MARKER_IN_FLIGHT:
        partition_produce_join(&marker->produce, offset, offset + 1);
        return KAFKA_NONE;
    case MARKER_DONE:
        partition_refusal_hold(partition, &marker->produce, KAFKA_NONE, &nothing_to_say);
        return KAFKA_NONE;
    case MARKER_BEHIND:
    case MARKER_TOO_MANY: return KAFKA_NOT_ENOUGH_REPLICAS;
    case MARKER_OLD_EPOCH: return KAFKA_INVALID_PRODUCER_EPOCH;
    case MARKER_OLD_COORDINATOR: return KAFKA_TRANSACTION_COORDINATOR_FENCED;
    }
    CHECK(false); /* all verdicts are above */
    return KAFKA_UNKNOWN_SERVER_ERROR;
}

enum completion partition_end_transaction(struct partition *partition,
                                          const struct transaction_marker *end,
                                          int32_t leader_epoch, bool raises_epoch,
                                          struct partition_marker *marker, int16_t *error) {
    bool electing;
    if (MUTANT(MUTANT_MARKER_TERM_IGNORED)) leader_epoch = -1;
    marker->produce = (struct partition_produce){.done = marker_over, .partition = partition};
    *error = partition_leadership(partition, leader_epoch, &electing);
    /* as Kafka, whose builder of markers throws */
    if (*error == KAFKA_NONE && (end->producer_id < 0 || end->producer_epoch < 0))
        *error = KAFKA_UNKNOWN_SERVER_ERROR;
    if (*error != KAFKA_NONE) return DONE;
    guards_marker(partition->guards, end->producer_id, end->producer_epoch, raises_epoch);
    producer_state_uninvite(partition->producers, end->producer_id);
    if (is_stranger(partition, end->producer_id))
        partition_refusal_ask_id(partition, &marker->produce, end->producer_id);
    else
        *error = begin(partition, end, raises_epoch, marker);
    return *error == KAFKA_NONE ? PENDING : DONE;
}

void partition_invite(struct partition *partition, const struct producer_invitation *invitation,
                      int32_t leader_epoch) {
    bool electing;
    if (partition_leadership(partition, leader_epoch, &electing) == KAFKA_NONE)
        producer_state_invite(partition->producers, invitation);
}

void partition_marker_time_out(struct partition_marker *marker) {
    partition_produce_time_out(&marker->produce);
}

void partition_marker_cancel(struct partition_marker *marker) {
    partition_produce_cancel(&marker->produce);
}
