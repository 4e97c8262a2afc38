/* The table of moves, and the state as a record of Kafka's. */
#include "broker/coordinator/transaction/transaction_state.h"

#include "base/check.h"
#include "base/error.h"
#include "base/mem.h"
#include "protocol/coordinator_records/transaction_record.h"

/* Of a value's arrays: they are at most about four times what they were in a record. */
enum { ARENA_LIMIT = 64 << 20 };

struct transaction_state transaction_state_copy(const struct transaction_state *state) {
    struct transaction_state copy = *state;
    copy.partitions = transaction_partitions_copy(&state->partitions);
    return copy;
}

void transaction_state_close(struct transaction_state *state) {
    transaction_partitions_close(&state->partitions);
}

const char *transaction_status_name(enum transaction_status status) {
    static const char *const names[] = {[TRANSACTION_EMPTY] = "Empty",
                                        [TRANSACTION_ONGOING] = "Ongoing",
                                        [TRANSACTION_PREPARE_COMMIT] = "PrepareCommit",
                                        [TRANSACTION_PREPARE_ABORT] = "PrepareAbort",
                                        [TRANSACTION_COMPLETE_COMMIT] = "CompleteCommit",
                                        [TRANSACTION_COMPLETE_ABORT] = "CompleteAbort",
                                        [TRANSACTION_DEAD] = "Dead",
                                        [TRANSACTION_PREPARE_EPOCH_FENCE] = "PrepareEpochFence"};
    return names[status];
}

bool transaction_is_prepared(enum transaction_status status) {
    return status == TRANSACTION_PREPARE_COMMIT || status == TRANSACTION_PREPARE_ABORT;
}

bool transaction_is_over(enum transaction_status status) {
    return status == TRANSACTION_EMPTY || status == TRANSACTION_COMPLETE_COMMIT ||
           status == TRANSACTION_COMPLETE_ABORT;
}

bool transaction_may_move(enum transaction_status from, enum transaction_status to) {
    switch (to) {
    case TRANSACTION_EMPTY: return transaction_is_over(from);
    case TRANSACTION_ONGOING: return from == TRANSACTION_ONGOING || transaction_is_over(from);
    case TRANSACTION_PREPARE_COMMIT: return from == TRANSACTION_ONGOING;
    case TRANSACTION_PREPARE_ABORT: return from == TRANSACTION_ONGOING || transaction_is_over(from);
    case TRANSACTION_COMPLETE_COMMIT: return from == TRANSACTION_PREPARE_COMMIT;
    case TRANSACTION_COMPLETE_ABORT: return from == TRANSACTION_PREPARE_ABORT;
    default: return false; /* never in the log */
    }
}

/* ---- Records ---- */

void transaction_key_write(struct kp_string id, struct kp_writer *writer) {
    struct kp_transaction_key key = {.transactional_id = id};
    kp_record_key_encode(&kp_transaction_record_type, &key, writer);
}

int transaction_key_read(const void *key, size_t len, struct kp_string *id) {
    struct kp_transaction_key decoded;
    if (!kp_is_transaction_key(key, len)) return ERR_VERSION;
    int error = kp_record_key_decode(&kp_transaction_record_type, key, len, &decoded);
    if (error == ERR_NONE) *id = decoded.transactional_id;
    return error;
}

void transaction_state_write(const struct transaction_state *state, struct kp_writer *writer) {
    struct kp_transaction_value value;
    size_t count = state->partitions.count;
    struct kp_transaction_partitions *topics = mem_alloc((count + 1) * sizeof *topics);
    for (size_t i = 0; i < count; i++) {
        const struct transaction_topic *topic = &state->partitions.topics[i];
        topics[i] = (struct kp_transaction_partitions){
            .topic = topic->name,
            .partitions = {.items = topic->partitions, .count = (int32_t)topic->count}};
    }
    kp_set_fallbacks(&kp_transaction_value_schema, &value);
    value.producer_id = state->producer_id;
    value.previous_producer_id = state->previous_id;
    value.next_producer_id = state->next_id;
    value.producer_epoch = state->epoch;
    value.last_producer_epoch = state->last_epoch;
    value.client_transaction_version = state->client_version;
    value.timeout_ms = state->timeout_ms;
    value.status = (int8_t)state->status;
    value.topics.items = topics;
    value.topics.count = state->status == TRANSACTION_EMPTY ? -1 : (int32_t)count;
    value.last_update_ms = state->update_ms;
    value.start_ms = state->start_ms;
    kp_record_value_encode(&kp_transaction_record_type, kp_transaction_record_type.written, &value,
                           writer);
    mem_free(topics);
}

int transaction_state_read(const void *bytes, size_t len, struct transaction_state *state) {
    struct kp_transaction_value value;
    struct kp_arena arena;
    kp_arena_init(&arena, ARENA_LIMIT);
    int error = kp_record_value_decode(&kp_transaction_record_type, bytes, len, &arena, &value,
                                       NULL);
    if (error == ERR_NONE && (value.status < 0 || value.status >= TRANSACTION_DEAD))
        error = ERR_MALFORMED;
    if (error == ERR_NONE) {
        *state = (struct transaction_state){.status = (enum transaction_status)value.status,
                                            .producer_id = value.producer_id,
                                            .previous_id = value.previous_producer_id,
                                            .next_id = value.next_producer_id,
                                            .epoch = value.producer_epoch,
                                            .last_epoch = value.last_producer_epoch,
                                            .client_version = value.client_transaction_version,
                                            .timeout_ms = value.timeout_ms,
                                            .update_ms = value.last_update_ms,
                                            .start_ms = value.start_ms};
        for (int32_t i = 0; i < value.topics.count; i++)
            transaction_partitions_add(&state->partitions, value.topics.items[i].topic,
                                       value.topics.items[i].partitions.items,
                                       (size_t)value.topics.items[i].partitions.count);
        transaction_partitions_settle(&state->partitions);
    }
    kp_arena_close(&arena);
    return error;
}
