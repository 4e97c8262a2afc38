/*
 * Whether a batch that was checked may be appended: is there room, and is it its producer's turn?
 *
 * Happy path: there is room, and the verdict of the producer state (broker/producer/) is a good
 * one: nothing of this file is said. Failures, each with Kafka's code and a sentence: too few
 * replicas in sync, a disk without room, too much that no majority has, too many producers:
 * NOT_ENOUGH_REPLICAS or KAFKA_STORAGE_ERROR, to be sent again; a sequence or an epoch that is
 * wrong for good (KIP-98). Invariants: nothing is appended or put into a list here; what is refused
 * with a retriable error is noted in the producer state, so that no later batch of the producer
 * overtakes it.
 */
#include <inttypes.h>

#include "base/mutant.h"
#include "broker/partition/partition_internal.h"
#include "protocol/kafka_error.h"

enum {
    REFUSE_BYTES = 8 << 20,  /* wait for a majority: nothing more is appended */
    MARKERS_BYTES = 1 << 20, /* beyond that, for markers: records cannot keep them out */
    CROWDED_TOLD_MS = 60 * 1000,
};

/* ---- Room ---- */

int16_t partition_room_for(const struct partition *partition, uint64_t bytes,
                           struct error_text *why) {
    int32_t in_sync = partition_in_sync_count(partition),
            wanted = partition_in_sync_wanted(partition);
    if (in_sync < wanted)
        return error_set(why, KAFKA_NOT_ENOUGH_REPLICAS,
                         "%d of %zu replicas are in sync and min.insync.replicas is %d.", in_sync,
                         partition->member_count, partition->settings.min_insync_replicas);
    struct disk_space *disk = log_store_room(shard_store(partition->shard));
    if (!disk_space_for(disk, DISK_ROOM_LEADER, partition->queue.bytes + bytes))
        return error_set(why, KAFKA_STORAGE_ERROR, "%s", disk_space_sentence(disk));
    if (partition->queue.bytes >= REFUSE_BYTES)
        return error_set(why, KAFKA_NOT_ENOUGH_REPLICAS,
                         "Too much of %s-%d waits for a majority of its replicas already.",
                         partition->topic, partition->index);
    return KAFKA_NONE;
}

bool partition_room_for_marker(const struct partition *partition) {
    return partition->queue.bytes < REFUSE_BYTES + MARKERS_BYTES;
}

/* ---- The producer's turn ---- */

/* Of a verdict that ends the batch for good. */
static int16_t code_of(enum producer_verdict verdict, struct error_text *why,
                       const struct producer_batch *batch) {
    switch (verdict) {
    case PRODUCER_OUT_OF_ORDER:
        return error_set(why, KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER,
                         "Producer %lld (epoch %d) sent sequence %d out of order.",
                         (long long)batch->producer_id, batch->epoch, batch->base_sequence);
    case PRODUCER_UNKNOWN:
        return error_set(
            why, KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER,
            "Producer %lld (epoch %d) begins with sequence %d: what it sent before has not arrived.",
            (long long)batch->producer_id, batch->epoch, batch->base_sequence);
    case PRODUCER_IN_TRANSACTION:
        return error_set(
            why, KAFKA_INVALID_TXN_STATE,
            "Producer %lld (epoch %d) has a transaction open, and this batch is not part of it.",
            (long long)batch->producer_id, batch->epoch);
    case PRODUCER_FENCED:
        return error_set(why, KAFKA_INVALID_PRODUCER_EPOCH,
                         "Producer %lld has a later epoch than %d.", (long long)batch->producer_id,
                         batch->epoch);
    default:
        CHECK(false); /* check_sequence has taken the three others */
        return KAFKA_UNKNOWN_SERVER_ERROR;
    }
}

/* In a partition without any record a producer that does not begin with 0 has known another topic
 * of this name; it recovers from this error by a new epoch, but librdkafka 2.0.2 takes the other
 * for a bug of the broker and gives up. */
int16_t partition_refuse_sequence(struct partition *partition, enum producer_verdict verdict,
                                  const struct producer_batch *batch, struct error_text *why) {
    int16_t code = code_of(verdict, why, batch);
    partition->counts->out_of_order += code == KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER;
    return verdict == PRODUCER_UNKNOWN && partition->next_offset == 0 ? KAFKA_UNKNOWN_PRODUCER_ID
                                                                      : code;
}

int16_t partition_refuse_crowded(struct partition *partition, const struct producer_batch *batch,
                                 struct error_text *why) {
    int64_t now_ms = (int64_t)env_now_ms(partition->env);
    uint32_t most = partition->max_producers;
    producer_state_refuse(partition->producers, batch, now_ms);
    if (partition->crowded_told_ms == 0 || now_ms - partition->crowded_told_ms >= CROWDED_TOLD_MS) {
        partition->crowded_told_ms = now_ms;
        log_event(
            shard_log(partition->shard), LOGGED_PRODUCERS_FULL,
            "%s-%" PRId32 " remembers %" PRIu32
            " idempotent producers (partition.max.producers) and refuses new ones until some have sent nothing for "
            "%" PRId64
            " s (producer.id.expiration.ms): keep producers open instead of making one for a few records, or raise "
            "the one or lower the other setting on every broker",
            partition->topic, partition->index, most,
            partition->settings.producer_expiration_ms / 1000);
    }
    return error_set(why, KAFKA_NOT_ENOUGH_REPLICAS,
                     "%s-%d remembers %u idempotent producers already (partition.max.producers).",
                     partition->topic, partition->index, most);
}

bool partition_producer_is_stranger(const struct partition *partition,
                                    enum producer_verdict verdict, int64_t producer_id) {
    bool unknown = verdict == PRODUCER_NEW || verdict == PRODUCER_TOO_MANY ||
                   verdict == PRODUCER_UNKNOWN || verdict == PRODUCER_BEHIND_REFUSED;
    return unknown && partition->ids != NULL && !producer_ids_given(partition->ids, producer_id) &&
           !MUTANT(MUTANT_ANY_PRODUCER_ID);
}
