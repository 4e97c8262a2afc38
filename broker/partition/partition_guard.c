/*
 * Batches that wait for the coordinator of their transaction: into the guard of their producer, and
 * out of it with their turn, or with what the coordinator's answer means to a client (KIP-890).
 */
#include "base/container_of.h"
#include "broker/partition/partition_internal.h"
#include "protocol/kafka_error.h"

struct guarded_batch {
    struct guarded guarded; /* first */
    struct partition_produce *produce;
    struct produced_batch batch;
};

static struct partition_produce *guard_leave(struct guarded_batch *waiting) {
    struct partition_produce *produce = waiting->produce;
    produce->place = PLACE_NONE;
    produce->guarded = NULL;
    mem_free(waiting);
    return produce;
}

/* The code as clients of that version know it. What they repeat later is NOT_ENOUGH_REPLICAS for
 * all of them. */
static int16_t code_of(const struct produced_records *records, int16_t answer,
                       struct error_text *why) {
    switch (answer) {
    case KAFKA_NONE:
    case KAFKA_NOT_LEADER_OR_FOLLOWER:
    case KAFKA_UNKNOWN_TOPIC_OR_PARTITION: return answer;
    case KAFKA_PRODUCER_FENCED:
        return error_set(why, KAFKA_INVALID_PRODUCER_EPOCH,
                         "The transactional.id has another epoch by now: the transaction was ended "
                         "by somebody else, or its time was over.");
    case KAFKA_TRANSACTION_ABORTABLE:
        return error_set(why, records->knows_abortable ? answer : KAFKA_INVALID_TXN_STATE,
                         "The partition is not in the transaction that this batch is part of.");
    case KAFKA_INVALID_PRODUCER_ID_MAPPING:
        return error_set(why, answer, "The producer id is not that of the transactional.id.");
    case KAFKA_CONCURRENT_TRANSACTIONS:
        return error_set(why, records->adds_partition ? answer : KAFKA_NOT_ENOUGH_REPLICAS,
                         "The transaction before this one is still being ended.");
    default:
        return error_set(why, KAFKA_NOT_ENOUGH_REPLICAS,
                         "The coordinator of the transaction cannot be asked at present.");
    }
}

static void note_refusal(struct partition *partition, const struct record_batch *header) {
    struct producer_batch identity = producer_batch_of(header, -1, -1);
    producer_state_refuse(partition->producers, &identity, (int64_t)env_now_ms(partition->env));
}

void partition_guard_note_refusal(const struct partition_produce *produce) {
    note_refusal(produce->partition, &produce->guarded->batch.header);
}

static void on_told(struct guarded *guarded, int16_t answer) {
    struct guarded_batch *waiting = (struct guarded_batch *)guarded;
    struct produced_batch batch = waiting->batch;
    struct partition_produce *produce = guard_leave(waiting);
    struct partition *partition = produce->partition;
    struct produce_refusal refusal = {0};
    int16_t code = code_of(&produce->records, answer, &refusal.why);
    if (code != KAFKA_NONE) {
        note_refusal(partition, &batch.header);
        produced_batch_release(&batch);
    }
    partition->told(produce, &batch, code, &refusal);
}

void partition_guard_wait(struct partition *partition, struct partition_produce *produce,
                          struct produced_batch *batch) {
    struct guarded_batch *waiting = mem_zalloc(sizeof *waiting);
    waiting->produce = produce;
    waiting->batch = *batch;
    waiting->guarded = (struct guarded){.done = on_told,
                                        .producer_id = batch->header.producer_id,
                                        .epoch = batch->header.producer_epoch,
                                        .asks = record_batch_is_transactional(&batch->header),
                                        .adds = produce->records.adds_partition,
                                        .id = produce->records.transactional_id};
    produce->guarded = waiting;
    produce->place = PLACE_GUARDED;
    guards_wait(partition->guards, &waiting->guarded);
}

void partition_guard_cancel(struct partition_produce *produce) {
    struct guarded_batch *waiting = produce->guarded;
    guards_cancel(produce->partition->guards, &waiting->guarded);
    produced_batch_release(&waiting->batch);
    guard_leave(waiting);
}
