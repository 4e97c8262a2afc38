/* A produce without a client: nothing to check, no sequence, and it is over like any other. */
#include "broker/partition/partition_append.h"

#include "base/container_of.h"
#include "broker/partition/partition_internal.h"
#include "protocol/kafka_error.h"

static void on_produced(struct partition_produce *produce, const struct produce_refusal *refusal) {
    struct partition_append *append = CONTAINER_OF(produce, struct partition_append, produce);
    (void)refusal;
    append->done(append, produce->error);
}

static int16_t refuse(const struct partition *partition, const struct slice *batch) {
    bool electing;
    struct error_text why;
    int16_t code = partition_leadership(partition, -1, &electing);
    if (code == KAFKA_NONE && batch->len > (size_t)partition->settings.max_message_bytes)
        code = KAFKA_MESSAGE_TOO_LARGE;
    return code == KAFKA_NONE ? partition_room_for(partition, batch->len, &why) : code;
}

size_t partition_append_most(const struct partition *partition) {
    return (size_t)partition->settings.max_message_bytes;
}

/* NONE: it may be appended. Takes `batch` over. */
static int16_t prepare(struct partition *partition, struct slice *batch,
                       struct partition_append *append, struct produced_batch *produced) {
    int16_t code = refuse(partition, batch);
    if (code != KAFKA_NONE) {
        slice_unref(batch);
        return code;
    }
    *produced = (struct produced_batch){.bytes = *batch};
    int error = record_batch_parse(batch->data, batch->len, &produced->header, NULL);
    CHECK(error == ERR_NONE); /* the builder made it */
    produced->max_timestamp = produced->header.max_timestamp;
    append->produce = (struct partition_produce){
        .done = on_produced, .partition = partition, .came_us = env_now_us(partition->env)};
    return KAFKA_NONE;
}

int16_t partition_append(struct partition *partition, struct slice batch,
                         struct partition_append *append) {
    struct produced_batch produced;
    int16_t code = prepare(partition, &batch, append, &produced);
    if (code == KAFKA_NONE) partition_produce_append(partition, &append->produce, &produced);
    return code;
}

int16_t partition_append_in_transaction(struct partition *partition, struct slice batch,
                                        const struct append_transaction *transaction,
                                        struct partition_append *append) {
    struct produced_batch produced;
    int16_t code = prepare(partition, &batch, append, &produced);
    if (code != KAFKA_NONE) return code;
    append->produce.records = (struct produced_records){
        .len = (int32_t)batch.len,
        .transactional_id = transaction->id,
        .knows_abortable = transaction->knows_abortable,
        .adds_partition = transaction->adds};
    if (partition_produce_judge(partition, &append->produce, &produced) == PENDING)
        return KAFKA_NONE;
    CHECK(append->produce.error != KAFKA_NONE); /* without a sequence it is no retry */
    return append->produce.error;
}

bool partition_append_take_back(struct partition_append *append) {
    bool in_line = append->produce.place == PLACE_WAITING;
    if (in_line && partition_produce_is_taken(&append->produce)) return false;
    partition_produce_time_out(&append->produce);
    return true;
}

void partition_append_cancel(struct partition_append *append) {
    partition_produce_cancel(&append->produce);
}
