/*
 * Answers that end a batch for good although nothing of it was appended: given when what they rest
 * on is confirmed.
 *
 *   partition_refusal_hold   -> a majority confirms that we lead   -> the verdict
 *                            -> it does not                        -> NOT_LEADER_OR_FOLLOWER
 *   partition_refusal_ask_id -> our table is as new as the metadata
 *                               leader's, and has no such id       -> UNKNOWN_PRODUCER_ID
 *                            -> it has it now, or nobody could be
 *                               asked                              -> NOT_ENOUGH_REPLICAS
 *
 * A leader that was deposed and does not know it lacks what its successor has appended: its memory
 * would tell a producer whose batches are safe that they are missing, and clients believe it and
 * give up, or begin anew. What has committed, on the other hand, is true whoever says it: a batch
 * that came again is answered at once. Ids are given out by the metadata group, which we may lag
 * behind.
 * Invariant: a verdict is in the partition's list until it is told or taken out.
 */
#include "base/container_of.h"
#include "broker/errors/error_map.h"
#include "broker/partition/partition_internal.h"
#include "protocol/kafka_error.h"

struct held_verdict {
    struct raft_group_read_index confirm; /* first */
    struct producer_ids_ask ask;
    struct partition_produce *produce;
    bool asks_id; /* `ask` is under way, else `confirm` */
    int64_t producer_id;
    int16_t code;
    struct error_text why;
};

static struct held_verdict *refusal_hold(struct partition *partition,
                                         struct partition_produce *produce) {
    struct held_verdict *held = mem_zalloc(sizeof *held);
    held->produce = produce;
    produce->held = held;
    produce->place = PLACE_HELD;
    produce_list_insert(&partition->held, produce, partition->held.last);
    return held;
}

/* Out of the list; what is under way is over or canceled. */
static void refusal_end(struct held_verdict *held) {
    produce_list_remove(&held->produce->partition->held, held->produce);
    held->produce->held = NULL;
    mem_free(held);
}

static void refusal_tell(struct held_verdict *held, int16_t code) {
    struct partition_produce *produce = held->produce;
    struct produce_refusal refusal = {.why = held->why};
    if (code != held->code) refusal.why.text[0] = '\0';
    refusal_end(held);
    produce->partition->judged(produce, code, &refusal);
}

static void refusal_confirmed(struct raft_group_read_index *confirm, int error) {
    struct held_verdict *held = (struct held_verdict *)confirm;
    refusal_tell(held, error == ERR_NONE ? held->code : error_map_group(error));
}

static void asked(struct producer_ids_ask *ask, bool known) {
    struct held_verdict *held = CONTAINER_OF(ask, struct held_verdict, ask);
    bool given = producer_ids_given(held->produce->partition->ids, held->producer_id);
    refusal_tell(held, known && !given ? held->code : KAFKA_NOT_ENOUGH_REPLICAS);
}

void partition_refusal_hold(struct partition *partition, struct partition_produce *produce,
                            int16_t code, const struct error_text *why) {
    struct held_verdict *held = refusal_hold(partition, produce);
    held->code = code;
    held->why = *why;
    held->confirm.done = refusal_confirmed;
    raft_group_read_index(partition->group, &held->confirm);
}

void partition_refusal_ask_id(struct partition *partition, struct partition_produce *produce,
                              int64_t producer_id) {
    struct held_verdict *held = refusal_hold(partition, produce);
    held->producer_id = producer_id;
    held->code = error_set(
        &held->why, KAFKA_UNKNOWN_PRODUCER_ID,
        "No producer was ever given the id %lld in this cluster; ask for one (InitProducerId).",
        (long long)producer_id);
    held->asks_id = true;
    held->ask.done = asked;
    producer_ids_ask(partition->ids, &held->ask);
}

void partition_refusal_cancel(struct partition_produce *produce) {
    struct held_verdict *held = produce->held;
    if (held->asks_id)
        producer_ids_ask_cancel(produce->partition->ids, &held->ask);
    else
        raft_group_read_index_cancel(produce->partition->group, &held->confirm);
    refusal_end(held);
}
